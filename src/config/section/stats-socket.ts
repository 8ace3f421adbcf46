/** `stats` and `unix-bind` of the global section (3.1). */
import { ConfigError } from '../../base/config-error.ts';
import type { GlobalConfig } from '../../model/config.ts';
import { parseBindWords } from './bind.ts';
import type { KeywordLine } from './keyword.ts';
import { delayProblem, durationMs, integer, refuseExtra } from './words.ts';

/** `unix-bind` (3.1): the same options as a bind line, for all unix sockets that follow. */
export function parseUnixBind(_global: GlobalConfig, line: KeywordLine): void {
  const { unixBind, accounts } = line.state;
  for (let at = 1; at < line.words.length; at += 2) {
    const word = line.words[at]!;
    const value = line.words[at + 1] ?? '';
    if (word === 'prefix') unixBind.prefix = value;
    else if (word === 'mode' && /^[0-7]{1,5}$/.test(value)) {
      unixBind.mode = Number.parseInt(value, 8);
    } else if (word === 'uid' && integer(value) !== null) unixBind.uid = Number(value);
    else if (word === 'gid' && integer(value) !== null) unixBind.gid = Number(value);
    else if (word === 'user') unixBind.uid = account('user', value, accounts.user(value));
    else if (word === 'group') unixBind.gid = account('group', value, accounts.group(value));
    else if (['mode', 'uid', 'gid'].includes(word)) {
      throw new ConfigError(`'unix-bind' : '${word}' expects a number (got '${value}').`);
    } else {
      throw new ConfigError(
        "'unix-bind' only supports the 'prefix', 'mode', 'uid', 'gid', 'user' and 'group' options.",
      );
    }
  }
}

function account(kind: string, name: string, id: number | null): number {
  if (id === null) throw new ConfigError(`'unix-bind' : cannot find ${kind} id for '${name}'`);
  return id;
}

/** `stats socket` (3.1): a listener for the Runtime API with the options of bind lines. */
function parseStatsSocket(global: GlobalConfig, line: KeywordLine): void {
  const address = line.words[2];
  if (address === undefined) {
    throw new ConfigError(
      "'stats socket' in global section expects an address or a path to a UNIX socket",
    );
  }
  const subject = { address: "'stats socket'", options: "'stats socket'" };
  const parsed = parseBindWords(line.words.slice(2), subject, line.origin, line.state);
  for (const bind of parsed.binds) {
    if (bind.ssl) throw new ConfigError("'stats socket' : 'ssl' is not supported yet by sluice");
    global.statsSockets.push({
      ...line.origin,
      address: bind.address,
      level: parsed.level ?? 'operator',
      mode: bind.mode,
      uid: bind.uid,
      gid: bind.gid,
      backlog: bind.backlog,
      maxconn: bind.maxconn,
      exposesListeners: bind.exposesListeners,
    });
  }
}

function parseStatsTimeout(global: GlobalConfig, line: KeywordLine): void {
  const word = line.words[2] ?? '';
  let delay: number;
  try {
    delay = durationMs(word, 'ms', line);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    throw new ConfigError(`'stats timeout' : ${delayProblem(word, problem)}`);
  }
  if (delay === 0) throw new ConfigError("'stats timeout' expects a positive value");
  refuseExtra(line.words, 1, 2);
  global.statsTimeoutMs = delay;
}

function parseStatsMaxconn(global: GlobalConfig, line: KeywordLine): void {
  const count = integer(line.words[2]);
  if (count === null || count <= 0) {
    throw new ConfigError("'stats maxconn' expects a positive value");
  }
  refuseExtra(line.words, 1, 2);
  global.statsMaxconn = count;
}

function parseStatsProcess(_global: GlobalConfig, line: KeywordLine): void {
  line.state.diagnostics.warning(
    line.origin,
    "'stats bind-process' has no effect: there is one process.",
  );
}

const statsKeywords: readonly { name: string; parse: typeof parseStatsSocket }[] = [
  { name: 'socket', parse: parseStatsSocket },
  { name: 'timeout', parse: parseStatsTimeout },
  { name: 'maxconn', parse: parseStatsMaxconn },
  { name: 'bind-process', parse: parseStatsProcess },
];

export function parseStats(global: GlobalConfig, line: KeywordLine): void {
  const what = line.words[1] ?? '';
  const row = statsKeywords.find((candidate) => candidate.name === what);
  if (row !== undefined) {
    row.parse(global, line);
    return;
  }
  if (what === 'calculate-max-counters') {
    // 3.1: `on`, the default, is what is.
    if ((line.words[2] ?? 'on') === 'on') return refuseExtra(line.words, 1, 2);
    throw new ConfigError("'stats calculate-max-counters off' is not supported yet by sluice");
  }
  throw new ConfigError(
    `'stats' only supports 'socket', 'maxconn', 'bind-process' and 'timeout' (got '${what}')`,
  );
}
