/**
 * How proxy sections start: the grammar of the section line and the settings taken from a
 * `defaults` section (4).
 */
import { ConfigError } from '../../base/config-error.ts';
import { type Origin, RuleStage } from '../../model/config.ts';
import { defaultProxy } from '../../model/defaults.ts';
import { appendBinds, parseBindWords } from './bind.ts';
import { inheritChecks, newCheckDraft } from './check-draft.ts';
import type { ProxyDraft, ProxySection } from './draft.ts';
import { Where } from './keyword.ts';
import { defaultServerSettings } from './server.ts';
import type { ParserState } from './state.ts';
import { badNameCharacter, sectionName, tightError } from './words.ts';

/** A section without initial settings from another one. */
export function newDraft(section: ProxySection, name: string, origin: Origin): ProxyDraft {
  return {
    section,
    name,
    origin,
    config: { ...defaultProxy(name, origin), kind: section === 'defaults' ? 'listen' : section },
    acls: new Map(),
    inheritedRules: [],
    redirects: [],
    blocks: [],
    ownStats: false,
    monitorUri: null,
    monitorFails: [],
    errors: [],
    logSources: [],
    logFormat: null,
    errorLogFormat: null,
    logFormatSd: null,
    uniqueIdFormat: null,
    defaultServer: defaultServerSettings(origin),
    checks: newCheckDraft(),
    seen: {},
    idGiven: false,
    bindIdGiven: [],
    serverIdGiven: [],
    tracks: [],
    usedExplicitly: false,
    usedImplicitly: false,
    usedBy: 0,
    parent: null,
  };
}

/** All rules of a section in the order of their evaluation: by stage, inherited ones first. */
export function orderedRules(draft: ProxyDraft): ProxyDraft['inheritedRules'] {
  const all = [...draft.inheritedRules, ...draft.blocks, ...draft.config.rules, ...draft.redirects];
  return all.sort((a, b) => (a.stage ?? RuleStage.Rules) - (b.stage ?? RuleStage.Rules));
}

/** Copies the settings of a `defaults` section into a new one; ACLs stay behind (4.2 "acl"). */
function inherit(draft: ProxyDraft, parent: ProxyDraft): void {
  const { config } = structuredClone({ config: parent.config });
  Object.assign(draft.config, config, {
    ...draft.origin,
    name: draft.name,
    kind: draft.config.kind,
    rules: [],
  });
  draft.inheritedRules = orderedRules(parent);
  draft.monitorUri = parent.monitorUri;
  draft.errors = [...parent.errors];
  draft.logSources = [...parent.logSources];
  draft.logFormat = parent.logFormat;
  draft.errorLogFormat = parent.errorLogFormat;
  draft.logFormatSd = parent.logFormatSd;
  draft.uniqueIdFormat = parent.uniqueIdFormat;
  draft.defaultServer = structuredClone(parent.defaultServer);
  draft.checks = inheritChecks(parent.checks);
  draft.seen = { ...parent.seen };
  draft.parent = parent;
}

/** What a section line says: `<keyword> [<name>] [from <defaults>] [old address words]`. */
interface SectionLine {
  name: string | null;
  from: string | null;
  rest: string[];
}

function readSectionLine(section: ProxySection, words: readonly string[]): SectionLine {
  const found: SectionLine = { name: null, from: null, rest: [] };
  let at = 1;
  // An anonymous `defaults from x` has no name.
  const anonymous = section === 'defaults' && words[1] === 'from' && words.length === 3;
  if (!anonymous && words[1] !== undefined) found.name = words[at++]!;
  if (words[at] === 'from' && words[at + 1] !== undefined) {
    found.from = words[at + 1]!;
    at += 2;
  }
  found.rest = words.slice(at);
  return found;
}

/**
 * Opens a proxy section. Problems of the line are recorded, and the lines that follow are still
 * parsed, so that their errors are reported too; a section without a proper name does not become
 * part of the configuration.
 */
export function openSection(
  section: ProxySection,
  words: readonly string[],
  origin: Origin,
  state: ParserState,
): ProxyDraft {
  const line = readSectionLine(section, words);
  const draft = newDraft(section, line.name ?? '', origin);
  try {
    checkName(draft, line, state);
  } catch (problem) {
    recordError(problem, origin, state);
    state.sectionLost = true;
    return draft;
  }
  if (section === 'defaults') state.defaults.push(draft);
  else {
    state.proxies.push(draft);
    state.named(draft.name).push(draft);
  }
  try {
    const parent = findParent(draft, line.from, state);
    if (parent !== null) {
      inherit(draft, parent);
      noteUse(draft, parent, line.from !== null, state);
    }
    parseOldAddress(draft, line.rest, words, state);
  } catch (problem) {
    recordError(problem, origin, state);
  }
  return draft;
}

function recordError(problem: unknown, origin: Origin, state: ParserState): void {
  if (!(problem instanceof ConfigError)) throw problem;
  state.diagnostics.error(origin, problem.message);
}

function checkName(draft: ProxyDraft, line: SectionLine, state: ParserState): void {
  const { section, name } = draft;
  if (section === 'defaults') return;
  if (line.name === null || name === '') {
    throw new ConfigError(`'${section}' expects an <id> argument`);
  }
  const bad = badNameCharacter(name);
  if (bad !== null) {
    throw new ConfigError(`character '${bad}' is not permitted in '${section}' name '${name}'.`);
  }
  checkSameName(draft, state);
}

/**
 * Two sections of a kind cannot share a name. A frontend and a backend may, for rules that choose a
 * backend find the right one; HAProxy refuses it from version 3.3 on.
 */
function checkSameName(draft: ProxyDraft, state: ParserState): void {
  const named = state.named(draft.name);
  const clash = named.find((proxy) => (sidesOf(proxy) & sidesOf(draft)) !== 0);
  const other =
    clash ?? named[0] ?? state.defaults.find((candidate) => candidate.name === draft.name);
  if (other === undefined) return;
  const { section, name } = draft;
  const text =
    `${sectionName(draft)} '${name}' has the same name as ${sectionName(other)} '${name}' ` +
    `declared at ${other.origin.file}:${other.origin.line}.`;
  const free = freeName(`${name}_${section === 'listen' ? 'proxy' : section}`, state);
  if (clash !== undefined) throw new ConfigError(`${text} Rename one of them, e.g. to '${free}'.`);
  state.diagnostics.warning(
    draft.origin,
    `${text} This is dangerous and will not be supported anymore in version 3.3. Rename one of ` +
      `them, e.g. to '${free}'.`,
  );
}

function sidesOf(draft: ProxyDraft): number {
  if (draft.section === 'frontend') return Where.Frontend;
  return draft.section === 'backend' ? Where.Backend : Where.Frontend | Where.Backend;
}

/** The first of `name`, `name2`, `name3` that no proxy has. */
function freeName(name: string, state: ParserState): string {
  let free = name;
  for (let n = 2; state.named(free).length > 0; n++) free = `${name}${n}`;
  return free;
}

/** The `defaults` section that initial settings come from: the named one or the latest. */
function findParent(draft: ProxyDraft, from: string | null, state: ParserState): ProxyDraft | null {
  if (from === null) {
    // 4: a `defaults` section without `from` starts with the documented values.
    if (draft.section === 'defaults') return null;
    return state.defaults.at(-1) ?? null;
  }
  const found = state.defaults.filter(
    (candidate) => candidate.name === from && candidate !== draft,
  );
  if (found.length === 0) {
    throw new ConfigError(
      `defaults section '${from}' not found for ${sectionName(draft)} '${draft.name}'.`,
    );
  }
  const bad = badNameCharacter(from);
  if (bad !== null) {
    throw new ConfigError(`character '${bad}' is not permitted in 'defaults' name '${from}'.`);
  }
  if (found.length > 1) {
    const latest = found.slice(-2).reverse();
    const places = latest.map(({ origin }) => `${origin.file}:${origin.line}`);
    throw new ConfigError(
      `ambiguous defaults section name '${from}' referenced by ${sectionName(draft)} ` +
        `'${draft.name}' exists at least at ${places.join(' and ')}.`,
    );
  }
  return found[0]!;
}

/** Checks of section 4 on who shares a `defaults` section. */
function noteUse(
  draft: ProxyDraft,
  parent: ProxyDraft,
  explicit: boolean,
  state: ParserState,
): void {
  const place = `${parent.origin.file}:${parent.origin.line}`;
  if (explicit) parent.usedExplicitly = true;
  else parent.usedImplicitly = true;
  if (parent.usedExplicitly && parent.usedImplicitly && parent.name !== '') {
    state.diagnostics.warning(
      draft.origin,
      `defaults section '${parent.name}' (declared at ${place}) is explicitly referenced by ` +
        "another proxy and implicitly used here. To avoid any ambiguity don't mix both usage. " +
        'Add a last defaults section not explicitly used or always use explicit references.',
    );
  }
  if (draft.inheritedRules.length === 0) return;
  if (draft.section === 'defaults') {
    throw tightError(
      'a defaults section cannot inherit from a defaults section defining TCP/HTTP rules ' +
        `(defaults section at ${place}).`,
    );
  }
  if (draft.section !== 'backend') parent.usedBy |= Where.Frontend;
  if (draft.section !== 'frontend') parent.usedBy |= Where.Backend;
  if (parent.usedBy === (Where.Frontend | Where.Backend)) {
    throw tightError(
      'frontends and backends cannot inherit from the same defaults section if it defines ' +
        `TCP/HTTP rules (defaults section at ${place}).`,
    );
  }
}

/** Until HAProxy 1.9 `frontend` and `listen` took their addresses on the section line. */
function parseOldAddress(
  draft: ProxyDraft,
  rest: readonly string[],
  words: readonly string[],
  state: ParserState,
): void {
  const address = rest[0];
  if (address === undefined) return;
  if (draft.section === 'backend' || draft.section === 'defaults') {
    state.diagnostics.warning(
      draft.origin,
      `'${draft.section}' ignores the unexpected argument '${address}'.`,
    );
    return;
  }
  const place = `'${draft.section} ${draft.name}' : only an address may follow the name`;
  const parsed = parseBindWords(
    rest,
    { address: place, options: `'${words.join(' ')}'` },
    draft.origin,
    state,
  );
  appendBinds(draft.config.binds, parsed);
  for (const _ of parsed.binds) draft.bindIdGiven.push(parsed.idGiven);
  state.diagnostics.warning(
    draft.origin,
    `please use the 'bind' keyword for listening addresses: ` +
      `'${draft.section} ${draft.name}' followed by 'bind ${rest.join(' ')}'.`,
  );
}
