/**
 * The statistics page as HTML (configuration.txt 4.2 `stats`): the process, then a table per proxy with
 * all that `show stat` knows. It is made piece by piece; see service.ts.
 */
import { formatAddress } from '../../base/value/address.ts';
import type { ProxyConfig, StatsConfig } from '../../model/config.ts';
import { type InfoSource, infoValues } from '../info.ts';
import type { Subject } from '../subject.ts';
import { columns, detailsOf, valueOf } from './column.ts';
import { type PageQuery, targetOf } from './query.ts';
import { style } from './style.ts';
import { bytesText, durationText, escapeHtml, numberText } from './text.ts';

/** Everything that a page is made from. */
export interface PageFacts {
  stats: StatsConfig;
  query: PageQuery;
  info: InfoSource;
  nowMs: number;
  /** Whether it may change the state of servers. */
  admin: boolean;
  /** Actions of the form: value and text. */
  actions: readonly (readonly [value: string, text: string])[];
}

/** What has become of an action, by `st`. */
const outcomes: Readonly<Record<string, readonly [good: boolean, text: string]>> = {
  DONE: [true, 'The action was carried out on all chosen servers.'],
  PART: [false, 'The action was carried out on some of the chosen servers; others are not known.'],
  NONE: [false, 'Nothing was changed: no server was chosen, or it has no use for the action.'],
  ERRP: [
    false,
    'Nothing was changed: the action is unknown or not supported, or the backend or the servers are ' +
      'unknown.',
  ],
  EXCD: [false, 'Nothing was changed: the request is too large. Choose fewer servers at a time.'],
  DENY: [
    false,
    'Nothing was changed: this page may not do that, or another site has asked for it.',
  ],
};

export function pageHead(facts: PageFacts): string {
  const { stats, query } = facts;
  const { global } = facts.info.config;
  const node = stats.showsNode ? (stats.node ?? global.node) : null;
  const description = stats.showsDescription ? (stats.description ?? global.description) : null;
  const title = `Statistics${node === null ? '' : ` of ${node}`}`;
  const version = stats.showsVersion
    ? `sluice ${facts.info.ownVersion}, as HAProxy ${facts.info.version}`
    : 'sluice';
  return (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width,initial-scale=1">' +
    `<title>${escapeHtml(title)}</title><link rel="icon" href="data:,">` +
    `<style>${style}</style></head>\n<body><header><h1>${escapeHtml(title)}</h1>` +
    `<p>${escapeHtml(version)}${description === null ? '' : ` &middot; ${escapeHtml(description)}`}` +
    `</p></header>\n${outcome(facts)}${processFacts(facts)}${links(facts)}` +
    `${legend()}${scopeForm(stats, query)}<main>\n`
  );
}

function outcome({ stats, query }: PageFacts): string {
  const found = Object.hasOwn(outcomes, query.state) ? outcomes[query.state] : undefined;
  if (found === undefined) return '';
  const [good, text] = found;
  const back = escapeHtml(targetOf(stats.uri, { ...query, state: '' }));
  return `<p class="note${good ? ' good' : ''}" role="status">${text} <a href="${back}">OK</a></p>\n`;
}

function processFacts({ info, nowMs }: PageFacts): string {
  const values = infoValues({ source: info, nowMs, float: false });
  const of = (name: string) => values.get(name) ?? '';
  const number = (name: string) => numberText(of(name));
  const memory = Number(of('Memmax_bytes'));
  const facts: [string, string][] = [
    ['Process', `${of('Pid')}, ${of('Nbthread')} workers`],
    ['Uptime', String(of('Uptime'))],
    ['Warnings', number('TotalWarnings')],
    ['Memory limit', memory === 0 ? 'none' : bytesText(memory)],
    ['Open files limit', number('Ulimit-n')],
    ['Sockets at most', number('Maxsock')],
    ['Connections at most', `${number('Maxconn')}, reached ${number('MaxconnReached')} times`],
    ['Connections now', number('CurrConns')],
    ['Connections per second', number('ConnRate')],
    ['Sent per second', bytesText(Number(of('BytesOutRate')))],
    ['Pipes', `${number('PipesUsed')} used, ${number('PipesFree')} free of ${number('Maxpipes')}`],
    ['Tasks', `${number('Run_queue')} of ${number('Tasks')}, ${number('Niced_tasks')} niced`],
    ['Idle', `${of('Idle_pct')} %`],
  ];
  const list = facts.map(([name, text]) => `<div><dt>${name}</dt><dd>${text}</dd></div>`);
  return `<div class="facts"><dl>${list.join('')}</dl></div>\n`;
}

function links({ stats, query }: PageFacts): string {
  const link = (wish: Partial<PageQuery>, text: string) => {
    const target = targetOf(stats.uri, { ...query, state: '', ...wish });
    return `<a href="${escapeHtml(target)}">${text}</a>`;
  };
  const refresh = query.noRefresh
    ? link({ noRefresh: false }, 'Refresh every few seconds')
    : link({ noRefresh: true }, 'Stop refreshing');
  return (
    `<nav>${link({}, 'Refresh now')}${stats.refreshSeconds > 0 ? refresh : ''}` +
    (query.up ? link({ up: false }, 'Show all servers') : link({ up: true }, 'Hide servers down')) +
    (query.noMaintenance
      ? link({ noMaintenance: false }, 'Show maintenance')
      : link({ noMaintenance: true }, 'Hide maintenance')) +
    link({ format: 'csv', noRefresh: true }, 'CSV') +
    link({ format: 'json', noRefresh: true }, 'JSON') +
    link({ format: 'json-schema' }, 'JSON schema') +
    link({ format: 'typed', noRefresh: true }, 'Typed') +
    '</nav>\n'
  );
}

function legend(): string {
  return (
    '<p class="soft">UP 1/3 and DOWN 1/2: on the way to the other state. DRAIN: serves what it has ' +
    'and gets nothing new. MAINT: in maintenance. (backup) servers work when no other one can.</p>\n'
  );
}

/** A form of this method replaces the query, so a prefix with one cannot have it. */
function scopeForm(stats: StatsConfig, query: PageQuery): string {
  if (stats.uri.includes('?')) return '';
  return (
    `<form method="get" action="${escapeHtml(stats.uri)}"><label>Proxies with ` +
    `<input name="scope" maxlength="20" size="12" value="${escapeHtml(query.scope)}"></label> ` +
    '<button>Show</button></form>\n'
  );
}

/** Name, mode and table head of a proxy. @param form whether its servers can be chosen */
export function sectionHead(proxy: ProxyConfig, facts: PageFacts, form: boolean): string {
  const name = escapeHtml(proxy.name);
  const legends = facts.stats.showsLegends
    ? ` <span class="soft">${proxy.kind}, mode ${proxy.mode}, id ${proxy.id}` +
      `${proxy.kind === 'frontend' ? '' : `, ${escapeHtml(proxy.balance.algorithm)}`}</span>`
    : '';
  const text =
    proxy.description === null ? '' : ` <span class="soft">${escapeHtml(proxy.description)}</span>`;
  return (
    `<section id="${name}">${form ? '<form method="post">' : ''}` +
    `<h2><a href="#${name}">${name}</a></h2>${legends}${text}<div class="wide"><table>` +
    `<thead>${tableHead()}</thead><tbody>\n`
  );
}

function tableHead(): string {
  const groups: { name: string; count: number }[] = [];
  for (const { group } of columns) {
    if (groups.at(-1)?.name === group) groups.at(-1)!.count++;
    else groups.push({ name: group, count: 1 });
  }
  const first = groups.map(({ name, count }) => `<th colspan="${count}">${name}</th>`).join('');
  const second = columns.map(({ label }) => `<th>${label}</th>`).join('');
  return `<tr><th></th>${first}<th></th></tr><tr><th></th>${second}<th></th></tr>`;
}

export function row(subject: Subject, facts: PageFacts, form: boolean): string {
  const cells = columns.map((column) => `<td>${column.html(subject)}</td>`).join('');
  const details = detailsOf(subject, facts.stats.showsModules);
  const list = details
    .map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`)
    .join('');
  const more = list === '' ? '' : `<details><summary>more</summary><dl>${list}</dl></details>`;
  const name = rowName(subject, facts, form);
  return `<tr class="${rowClass(subject)}"><th scope="row">${name}</th>${cells}<td>${more}</td></tr>\n`;
}

function rowName(subject: Subject, facts: PageFacts, form: boolean): string {
  const name = escapeHtml(String(valueOf(subject, 'svname')));
  const { server } = subject;
  const box = form && server !== null ? `<input type="checkbox" name="s" value="${name}"> ` : '';
  const text = `${name}${server?.backup === true ? ' (backup)' : ''}`;
  const label = box === '' ? text : `<label>${box}${text}</label>`;
  return facts.stats.showsLegends ? `${label}${legendOf(subject)}` : label;
}

/** `stats show-legends`: number, address and cookie. */
function legendOf(subject: Subject): string {
  const { server, bind } = subject;
  const member = server ?? bind;
  if (member === null) return '';
  const cookie = server?.cookie ? `, cookie ${escapeHtml(server.cookie)}` : '';
  const address = escapeHtml(formatAddress(member.address));
  return `<br><span class="soft">${address}, id ${member.id}${cookie}</span>`;
}

function rowClass(subject: Subject): string {
  const text = String(valueOf(subject, 'status'));
  const kind = subject.kind === 'server' || subject.kind === 'listener' ? '' : ' sum';
  if (text.startsWith('MAINT') || text.startsWith('DRAIN')) return `off${kind}`;
  if (/^(UP|DOWN) \d/.test(text)) return `going${kind}`;
  if (text === 'UP' || text === 'OPEN') return `up${kind}`;
  return text === 'no check' ? 'off' : `down${kind}`;
}

/** The end of a proxy: what to do with the chosen servers. */
export function sectionEnd(proxy: ProxyConfig, facts: PageFacts, form: boolean): string {
  const options = facts.actions
    .map(([value, text]) => `<option value="${value}">${text}</option>`)
    .join('');
  const controls = form
    ? '<fieldset><label>With the chosen servers: <select name="action"><option value=""></option>' +
      `${options}</select></label> <input type="hidden" name="b" value="#${proxy.id}">` +
      '<button>Apply</button></fieldset></form>'
    : '';
  return `</tbody></table></div>${controls}</section>\n`;
}

export function pageEnd(nowMs: number, startMs: number): string {
  const age = durationText(Math.floor((nowMs - startMs) / 1000));
  return `</main><footer>${new Date(nowMs).toUTCString()}, up for ${age}</footer></body></html>\n`;
}
