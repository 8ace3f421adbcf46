/**
 * The configuration language under nonsense (configuration.txt 2): whatever the text, the parser
 * ends, and what it has to say are diagnostics, never an exception.
 */
import { test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConditionContext } from '../../src/config/conditions.ts';
import { Diagnostics } from '../../src/config/diagnostics.ts';
import { Environment } from '../../src/config/environment.ts';
import { parseConfiguration } from '../../src/config/parser.ts';
import { formatFinding } from '../../src/config/print.ts';
import { keywords } from '../../src/config/registry.ts';
import { root } from '../harness/proxy.ts';
import { mutate } from './mutation.ts';
import { type Random, repeat, seedOf, timeoutMs } from './random.ts';
import { realisticTexts } from './realistic.ts';

/** Longest time that any small text may take, in ms. */
const PARSE_MS = 2000;

/** Names that resolve and names that do not, without asking anybody. */
const resolveHost = (host: string) => (host.length % 2 === 0 ? [127, 0, 0, 1] : null);

const accounts = { user: () => 990, group: () => 991 };

/** @returns the findings, as printed */
function parse(text: string): string[] {
  const env = new Environment({ PATH: '/bin', EMPTY: '' });
  const diagnostics = new Diagnostics();
  const from = performance.now();
  const sources = [{ file: 'fuzz.cfg', text }];
  try {
    const conditionContext = createConditionContext(env);
    parseConfiguration({ sources, env, diagnostics, conditionContext, accounts, resolveHost });
    for (const finding of diagnostics.list) formatFinding(finding);
    checkPlaces(diagnostics, text);
  } catch (error) {
    throw new Error(`${(error as Error).stack}\nof ${JSON.stringify(text)}`, { cause: error });
  }
  const ms = performance.now() - from;
  if (ms > PARSE_MS) throw new Error(`${ms} ms for ${JSON.stringify(text)}`);
  return diagnostics.list.map((finding) => formatFinding(finding));
}

/** Findings about the whole configuration name a section or a server, all others their line. */
const WHOLE =
  /^(proxy|Proxy|userlist|http-errors|uri auth|frontend|backend|cookie will be|Layer 7|defaults|http|unique-id|log format|missing timeouts|'|\[fuzz\.cfg:)/;

/** Every finding has its file and a line of it, and a text. */
function checkPlaces(diagnostics: Diagnostics, text: string): void {
  const last = text.split('\n').length;
  for (const { origin, message } of diagnostics.list) {
    if (message === '') throw new Error('a finding without text');
    if (/'undefined'|\[object |\bNaN\b/.test(message) && !/undefined|NaN/.test(text)) {
      throw new Error(`a finding about nothing: ${message}`);
    }
    const good =
      origin === null
        ? WHOLE.test(message)
        : origin.file === 'fuzz.cfg' && origin.line >= 1 && origin.line <= last;
    if (!good) throw new Error(`no place: ${message} ${JSON.stringify(origin)}`);
  }
}

const names = (rows: readonly object[]) =>
  rows.map((row) => ('name' in row ? String(row.name) : '')).filter((name) => name !== '');

const byKind = Object.values(keywords as Record<string, readonly object[]>).map(names);

const arguments_ = [
  ...['PATH', 'NONE-x', 'EMPTY[*]'].flatMap((name) => [`$\{${name}}`, `"$\{${name}}"`]),
  ...['0', '1', '-1', '10s', '5ms', '1m', '99999999999', '2147483648', '0x10', '1.5', '10k', '3h2'],
  ...[
    '127.0.0.1',
    '127.0.0.1:80',
    '*:0',
    ':80-90',
    '::1',
    '[::1]:80',
    'fd@3',
    'unix@/x',
    'ipv4@',
    '/tmp/x',
  ],
  ...[
    'if',
    'unless',
    'or',
    '||',
    '!',
    '{',
    '}',
    '{ path /a }',
    '{ path',
    'TRUE',
    'FALSE',
    'a',
    'local',
    'acl1',
  ],
  ...[
    'path',
    'hdr(host)',
    'hdr(host',
    'src',
    'url_param(a)',
    'path,lower',
    'str(a),',
    'int(1),add(1',
    '-m',
    'beg',
    'reg',
    '-i',
    '-f',
    '--',
  ],
  ...[
    '%[path]',
    '%[path',
    '%{+Q}o %t',
    '%ci:%cp',
    '%%',
    '%',
    '%[',
    '"%[str(\\"a\\")]"',
    '%{',
    '%HM %ST',
  ],
  ...[
    'http',
    'tcp',
    'log',
    'global',
    'on',
    'off',
    'none',
    'default',
    'deny',
    'allow',
    'redirect',
    'location',
  ],
  ...[
    'set-header',
    'add-header',
    'return',
    'status',
    '200',
    'content-type',
    'string',
    'lf-string',
    'errorfile',
  ],
  ...[
    'check',
    'inter',
    'maxconn',
    'weight',
    'backup',
    'cookie',
    'insert',
    'indirect',
    'rewrite',
    'prefix',
  ],
  ...['"', "'", '\\', '\\x41', '\\x', '#', '$', '${', '\0', '\xff'],
  ...['(', ')', ',', '[a-z', '(a+)+$', '^/x(.*)', '\\1', '^[^\\ :]*:'],
];

const sections = [
  'global',
  'defaults',
  'frontend f',
  'backend b',
  'listen l',
  'ring r',
  'defaults d',
  'frontend f2 from d',
  'listen l 127.0.0.1:0',
  'peers p',
  'resolvers r',
  'frontend',
  'backend b from nothing',
  'cache c',
  'frontend x *:5000',
];
const conditionals = [
  '.if 1',
  '.if defined(PATH)',
  '.if streq("a",a)',
  '.if (',
  '.elif !0',
  '.else',
  '.endif',
  '.notice a',
  '.alert b',
  '.if version_atleast(2.4) && 0',
  '.diag',
  '.warning "',
  '.if feature(',
  '.foo',
];

function soupLine(random: Random): string {
  if (random.oneIn(9)) return random.pick(sections);
  if (random.oneIn(20)) return random.pick(conditionals);
  const prefix = random.oneIn(12) ? random.pick(['no ', 'default ', 'no no ']) : '';
  const pool = random.pick(byKind);
  const keyword =
    pool.length > 0 && !random.oneIn(15) ? random.pick(pool) : random.pick(arguments_);
  let line = `${prefix}${keyword}`;
  for (let n = random.below(7); n > 0; n--) {
    line += `${random.oneIn(30) ? '\t ' : ' '}${random.pick(arguments_)}`;
  }
  return line;
}

const rules = [
  'http-request',
  'http-response',
  'http-after-response',
  'tcp-request connection',
  'tcp-request content',
  'use_backend',
  'acl a',
  'redirect',
  'server s',
  'bind',
  'option',
  'log',
  'stats',
  'capture request header',
  'balance',
  'cookie',
  'errorfile',
  'timeout',
  'unique-id-format',
  'log-format',
  'http-reuse',
];

function ruleLine(random: Random): string {
  const actions = [
    'set-header A',
    'deny',
    'return',
    'redirect location',
    'replace-path',
    'set-path',
    'capture',
    'del-header',
    'tarpit',
    'set-uri',
    'replace-header A',
    'allow',
    'reject',
    '',
  ];
  let line = `${random.pick(rules)} ${random.pick(actions)}`;
  for (let n = random.below(6); n > 0; n--) line += ` ${random.pick(arguments_)}`;
  return line;
}

test(
  'a soup of keywords and words is refused in words (2.1)',
  () => {
    repeat(seedOf(300), 4000, (random) => {
      const lines = [random.pick(sections)];
      for (let n = random.below(14); n > 0; n--) {
        lines.push(random.oneIn(2) ? soupLine(random) : ruleLine(random));
      }
      parse(`${lines.join(random.oneIn(10) ? '\r\n' : '\n')}${random.oneIn(10) ? '' : '\n'}`);
    });
  },
  timeoutMs,
);

/** Valid texts: the examples, and what the parser's own tests hold between back-quotes. */
function validTexts(): string[] {
  const examples = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.cfg'));
  const texts = examples.map((file) => readFileSync(join(root, 'examples', file), 'latin1'));
  for (const file of readdirSync(join(root, 'src', 'config'))) {
    if (!/\.(test|fixture)\.ts$/.test(file)) continue;
    const source = readFileSync(join(root, 'src', 'config', file), 'latin1');
    for (const [, text] of source.matchAll(/`([^`$]*\n[^`$]*)`/g)) texts.push(text!);
  }
  return texts;
}

test(
  'a damaged configuration gives diagnostics and nothing else (2.1)',
  () => {
    const texts = validTexts();
    const words = [...arguments_, ...byKind.flat(), '\n', ' ', '\n\n', '\\\n'];
    repeat(seedOf(301), 4000, (random) => {
      let text = mutate(random, random.pick(texts), words);
      if (random.oneIn(3)) text = mutate(random, text, words);
      if (random.oneIn(6)) text += random.pick(texts);
      parse(text);
    });
  },
  timeoutMs,
);

test(
  'random bytes and deep nesting are no configuration (2.1)',
  () => {
    repeat(seedOf(302), 300, (random) => parse(random.bytes(random.size(2000))));
    for (const text of ['(', '{ ', '!', '"', '.if (\n', '[', '%[', 'a,', '\\', '${']) {
      for (const lead of [
        '',
        'global\n',
        'frontend f\n http-request deny if ',
        'listen l\n acl a ',
        '.if ',
        'defaults\n log-format "',
      ]) {
        parse(`${lead}${text.repeat(20_000)}\n`);
      }
    }
  },
  timeoutMs,
);

test(
  'every line of a realistic configuration that is damaged alone is named with its place (2.1)',
  () => {
    for (const text of realisticTexts) {
      const lines = text.split('\n');
      const before = parse(text).filter((finding) => /not supported yet|unknown/.test(finding));
      // What is not supported is said once per line, so the texts themselves show no nonsense.
      for (const finding of before) {
        if (!/ is not supported yet by sluice/.test(finding)) throw new Error(finding);
      }
      for (const [at, line] of lines.entries()) {
        if (line === '' || isUnread(lines, at)) continue;
        const damaged = lines.with(at, line.replace(/\S+/, 'q$&q')).join('\n');
        const place = `[fuzz.cfg:${at + 1}]`;
        if (!parse(damaged).some((finding) => finding.includes(place))) {
          throw new Error(`nothing is said about line ${at + 1} of:\n${damaged}`);
        }
      }
    }
  },
  timeoutMs,
);

test(
  'realistic configurations, cut and mixed, give diagnostics with places (2.1)',
  () => {
    const words = [...arguments_, ...byKind.flat(), '\n', ' ', '\n\n'];
    repeat(seedOf(303), 2500, (random) => {
      let text = random.pick(realisticTexts);
      if (random.oneIn(3)) text = splice(random, text, random.pick(realisticTexts));
      parse(random.oneIn(4) ? text : mutate(random, text, words));
    });
  },
  timeoutMs,
);

/** Whether a line is in a conditional block or in a section that sluice does not look into. */
function isUnread(lines: readonly string[], at: number): boolean {
  const before = lines.slice(0, at);
  const opened = lines.slice(0, at + 1).findLastIndex((line) => line.startsWith('.if'));
  if (opened > before.findLastIndex((line) => line.startsWith('.endif'))) return true;
  const section = before.findLast((line) => /^[a-z]/.test(line)) ?? '';
  return /^(userlist|peers|resolvers|cache|mailers)/.test(section);
}

/** Lines of one text among those of another. */
function splice(random: Random, text: string, other: string): string {
  const lines = text.split('\n');
  const more = other.split('\n');
  const from = random.below(more.length);
  lines.splice(random.below(lines.length), random.below(3), ...more.slice(from, from + 12));
  return lines.join('\n');
}
