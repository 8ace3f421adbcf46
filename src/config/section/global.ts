/** Keywords of the `global` section: process management and security (3.1), debugging (3.3). */
import { ConfigError } from '../../base/config-error.ts';
import { type GlobalConfig, SPREAD_ENDLESS } from '../../model/config.ts';
import { parseCaseAdjust, parseCaseAdjustFile } from './case-adjust.ts';
import { parseCpuMap } from './cpu-map.ts';
import { type KeywordLine, type KeywordRow, Sign } from './keyword.ts';
import { parseLogTarget } from './log.ts';
import { parseStats, parseUnixBind } from './stats-socket.ts';
import { parseStatusCodes } from './status-codes.ts';
import { delayMs, integer, refuseExtra, requireInteger, tightError } from './words.ts';

type FlagField =
  | 'busyPolling'
  | 'daemon'
  | 'forkWanted'
  | 'noReusePort'
  | 'noSplice'
  | 'quiet'
  | 'strictLimits'
  | 'zeroWarning';

function setFlag(field: FlagField) {
  return (global: GlobalConfig, line: KeywordLine): void => {
    refuseExtra(line.words, 0);
    global[field] = line.sign === Sign.Set;
  };
}

function text(line: KeywordLine, missing: string): string {
  const word = line.words[1];
  if (word === undefined || word === '') throw new ConfigError(missing);
  refuseExtra(line.words, 1);
  return word;
}

type CountField =
  | 'fdHardLimit'
  | 'maxconn'
  | 'maxconnrate'
  | 'maxsessrate'
  | 'threadHardLimit'
  | 'ulimitN';

function setCount(field: CountField) {
  return (global: GlobalConfig, line: KeywordLine): void => {
    const name = line.words[0]!;
    const value = requireInteger(line.words[1], `'${name}' expects an integer argument.`);
    if (value < 0) throw new ConfigError(`'${name}' expects a positive integer argument.`);
    refuseExtra(line.words, 1);
    global[field] = value;
  };
}

/** `user`, `group`, `uid`, `gid`. */
function setIdentity(kind: 'user' | 'group', byName: boolean) {
  const field = kind === 'user' ? 'uid' : 'gid';
  return (global: GlobalConfig, line: KeywordLine): void => {
    const name = line.words[0]!;
    const word = text(
      line,
      byName
        ? `'${name}' expects a name as an argument.`
        : `'${name}' expects an integer argument.`,
    );
    if (!byName) {
      const id = integer(word);
      if (id === null || id < 0) {
        throw new ConfigError(
          `${name}: string '${word}' is not a number. You might want to use the '${kind}' ` +
            `parameter to use a system ${kind} name.`,
        );
      }
      global[field] = id;
      return;
    }
    const { accounts } = line.state;
    const id = kind === 'user' ? accounts.user(word) : accounts.group(word);
    if (id === null) throw new ConfigError(`cannot find ${kind} id for '${word}'`);
    global[field] = id;
  };
}

function parseNbthread(global: GlobalConfig, line: KeywordLine): void {
  const word = line.words[1] ?? '';
  const value = integer(word);
  if (value === null) {
    throw new ConfigError(`'nbthread' passed a missing or unparsable integer value in '${word}'`);
  }
  if (value < 1 || value > 64) {
    throw new ConfigError(`'nbthread' value must be between 1 and 64 (was ${value})`);
  }
  refuseExtra(line.words, 1);
  global.nbthread = value;
}

/** 1.3 to 2.4 had several processes; one is what there is, so `nbproc 1` says nothing. */
function parseNbproc(_global: GlobalConfig, line: KeywordLine): void {
  if (line.words[1] === '1') {
    line.state.diagnostics.warning(
      line.origin,
      'nbproc is not supported any more since HAProxy 2.5. Remove the line: there is one process.',
    );
    return;
  }
  throw new ConfigError(
    'nbproc is not supported any more since HAProxy 2.5. Threads will automatically be used ' +
      "on multi-processor machines if available; 'nbthread' sets their number.",
  );
}

function parseLog(_global: GlobalConfig, line: KeywordLine): void {
  if (line.sign !== Sign.Set) {
    if (line.words.length > 1) throw new ConfigError("log : 'no log' does not expect arguments");
    line.state.globalLogs.length = 0;
    return;
  }
  if (line.words[1] === 'global') {
    throw new ConfigError("log : 'global' is not supported for a global syslog server");
  }
  line.state.globalLogs.push(parseLogTarget(line.words.slice(1), line.origin, line.state.env));
}

function parseLogSendHostname(global: GlobalConfig, line: KeywordLine): void {
  refuseExtra(line.words, 1);
  global.logSendHostname = line.words[1] ?? '';
}

function parseExternalCheck(global: GlobalConfig, line: KeywordLine): void {
  const word = line.words[1];
  if (word !== undefined && word !== 'preserve-env') {
    throw new ConfigError(
      `'external-check' only supports 'preserve-env' as an argument, found '${word}'.`,
    );
  }
  refuseExtra(line.words, 1);
  global.externalCheck = word ?? 'clean';
}

function parseNode(global: GlobalConfig, line: KeywordLine): void {
  const word = line.words[1] ?? '';
  if (!/^[A-Za-z0-9._-]+$/.test(word)) {
    throw tightError(
      "'node' requires valid node name - non-empty string with digits(0-9), letters(A-Z, a-z), " +
        'dot(.), hyphen(-) or underscode(_).',
    );
  }
  refuseExtra(line.words, 1);
  global.node = word;
}

/** The times of a soft stop (3.1): `grace`, `hard-stop-after`, `close-spread-time`. */
function stopTime(line: KeywordLine): number {
  const [keyword, word] = line.words;
  if (word === undefined) throw new ConfigError(`'${keyword}' expects <time> as argument.`);
  refuseExtra(line.words, 1);
  return delayMs(word, keyword!, line);
}

function parseCloseSpread(global: GlobalConfig, line: KeywordLine): void {
  const endless = line.words[1] === 'infinite';
  if (endless) refuseExtra(line.words, 1);
  global.closeSpreadMs = endless ? SPREAD_ENDLESS : stopTime(line);
}

/** `setenv`, `presetenv`, `unsetenv`, `resetenv` (3.1): they work from the next line on. */
function parseEnvironment(_global: GlobalConfig, line: KeywordLine): void {
  const [keyword, ...words] = line.words;
  const env = line.state.env;
  if (keyword === 'resetenv') {
    env.reset(words);
    return;
  }
  if (keyword === 'unsetenv') {
    if (words.length === 0) {
      throw tightError("'unsetenv' expects at least one variable name.");
    }
    for (const name of words) env.unset(name);
    return;
  }
  const [name, value] = words;
  if (name === undefined || value === undefined) {
    throw tightError(`'${keyword}' expects a name and a value.`);
  }
  refuseExtra(line.words, 2);
  if (keyword === 'setenv') env.set(name, value);
  else env.preset(name, value);
}

function parseDefaultPath(_global: GlobalConfig, line: KeywordLine): void {
  const [, mode, path] = line.words;
  if (mode === 'current' || mode === 'config' || mode === 'parent') {
    refuseExtra(line.words, 1);
    line.state.defaultPath = mode;
  } else if (mode === 'origin') {
    if (path === undefined) {
      throw new ConfigError("'default-path origin' expects a directory as an argument.");
    }
    refuseExtra(line.words, 2);
    line.state.defaultPath = mode;
    line.state.defaultPathOrigin = path;
  } else {
    throw new ConfigError(
      `unsupported default-path mode '${mode ?? ''}' for 'default-path', supported modes ` +
        "include 'current', 'config', 'parent', and 'origin'.",
    );
  }
}

/** `-de` says the same: nothing can take the place of epoll. */
function refuseNoEpoll(): void {
  throw new ConfigError("'noepoll' : epoll is the only poller of sluice");
}

function parseThreadHardLimit(global: GlobalConfig, line: KeywordLine): void {
  setCount('threadHardLimit')(global, line);
  if (global.threadHardLimit === 0) {
    throw new ConfigError("'thread-hard-limit' value must be at least 1 (was 0)");
  }
}

export const globalKeywords = [
  {
    name: 'chroot',
    args: '<jail dir>',
    doc: 'Directory to lock the process into after start-up.',
    parse: (global, line) => {
      global.chroot = text(line, "'chroot' expects a directory as an argument.");
    },
  },
  {
    name: 'cpu-map',
    args: '[auto:]<thread-group>[/<thread-set>] <cpu-set>[,...] [...]',
    doc: 'CPUs that threads run on.',
    parse: parseCpuMap,
  },
  {
    name: 'daemon',
    args: '',
    doc: 'Go to the background.',
    parse: setFlag('daemon'),
  },
  {
    name: 'default-path',
    args: '{ current | config | parent | origin <path> }',
    doc: 'Where relative file names start.',
    parse: parseDefaultPath,
  },
  {
    name: 'description',
    args: '<text>',
    doc: 'Text for people.',
    parse: (global, line) => {
      if (line.words.length < 2) {
        throw tightError("'description' expects a string argument.");
      }
      global.description = line.words.slice(1).join(' ');
    },
  },
  {
    name: 'external-check',
    args: '[ preserve-env ]',
    doc: 'Allow checks by programs, with an environment of their own or that of the process.',
    parse: parseExternalCheck,
  },
  {
    name: 'fd-hard-limit',
    args: '<number>',
    doc: 'Most descriptors that an automatic maxconn counts on.',
    parse: setCount('fdHardLimit'),
  },
  { name: 'gid', args: '<number>', doc: 'Group id to take.', parse: setIdentity('group', false) },
  {
    name: 'group',
    args: '<group name>',
    doc: 'Group to take.',
    parse: setIdentity('group', true),
  },
  {
    name: 'h1-case-adjust',
    args: '<from> <to>',
    doc: 'Spelling of a field name for applications that need it.',
    parse: parseCaseAdjust,
  },
  {
    name: 'h1-case-adjust-file',
    args: '<hdrs-file>',
    doc: 'File with spellings of field names.',
    parse: parseCaseAdjustFile,
  },
  {
    name: 'close-spread-time',
    args: '<time>',
    doc: 'Time over which a soft stop spreads the closing of connections.',
    parse: parseCloseSpread,
  },
  {
    name: 'grace',
    args: '<time>',
    doc: 'Pause between SIGUSR1 and the soft stop.',
    parse: (global, line) => {
      global.graceMs = stopTime(line);
    },
  },
  {
    name: 'hard-stop-after',
    args: '<time>',
    doc: 'Longest time that a soft stop takes.',
    parse: (global, line) => {
      global.hardStopAfterMs = stopTime(line);
    },
  },
  {
    name: 'http-err-codes',
    args: '[+-]<range>[,...] [...]',
    doc: 'Statuses that count as errors of the client in stick tables.',
    parse: parseStatusCodes('httpErrCodes'),
  },
  {
    name: 'http-fail-codes',
    args: '[+-]<range>[,...] [...]',
    doc: 'Statuses that count as failures of the server in stick tables.',
    parse: parseStatusCodes('httpFailCodes'),
  },
  {
    name: 'insecure-fork-wanted',
    args: '',
    doc: 'Allow the process to start others.',
    parse: setFlag('forkWanted'),
  },
  {
    name: 'localpeer',
    args: '<name>',
    doc: 'Name of this instance among peers; sets HAPROXY_LOCALPEER.',
    parse: (_global, line) => {
      line.state.env.set(
        'HAPROXY_LOCALPEER',
        text(line, "'localpeer' expects a name as an argument."),
      );
    },
  },
  {
    name: 'log',
    args: '<target> [len <length>] [format <format>] [sample <ranges>:<size>] <facility> [max level [min level]]',
    doc: 'Where the logs of "log global" go.',
    negatable: true,
    parse: parseLog,
  },
  {
    name: 'log-send-hostname',
    args: '[<string>]',
    doc: 'Host name field of the syslog header.',
    parse: parseLogSendHostname,
  },
  {
    name: 'log-tag',
    args: '<string>',
    doc: 'Tag field of the syslog header.',
    parse: (global, line) => {
      global.logTag = text(line, "'log-tag' expects a tag for use in syslog.");
    },
  },
  { name: 'nbthread', args: '<number>', doc: 'Number of workers.', parse: parseNbthread },
  { name: 'node', args: '<name>', doc: 'Name of this node in statistics.', parse: parseNode },
  {
    name: 'pidfile',
    args: '<pidfile>',
    doc: 'File for the process id.',
    parse: (global, line) => {
      global.pidfile = text(line, "'pidfile' expects a file name as an argument.");
    },
  },
  ...['presetenv', 'resetenv', 'setenv'].map((name) => ({
    name,
    args: name === 'resetenv' ? '[<name> ...]' : '<name> <value>',
    doc: 'Environment variables for the lines that follow.',
    parse: parseEnvironment,
  })),
  {
    name: 'stats',
    args: '{ socket <address> [param*] | timeout <timeout> | maxconn <connections> }',
    doc: 'Listener of the Runtime API.',
    parse: parseStats,
  },
  {
    name: 'strict-limits',
    args: '',
    doc: 'Fail at start-up when a system limit cannot be raised.',
    negatable: true,
    parse: setFlag('strictLimits'),
  },
  {
    name: 'thread-hard-limit',
    args: '<number>',
    doc: 'Most workers, whatever nbthread or the CPUs say.',
    parse: parseThreadHardLimit,
  },
  { name: 'uid', args: '<number>', doc: 'User id to take.', parse: setIdentity('user', false) },
  {
    name: 'ulimit-n',
    args: '<number>',
    doc: 'Most file descriptors.',
    parse: setCount('ulimitN'),
  },
  {
    name: 'unix-bind',
    args: '[ prefix <prefix> ] [ mode <mode> ] [ user <user> ] [ uid <uid> ] [ group <group> ] [ gid <gid> ]',
    doc: 'Settings of the unix sockets of bind lines.',
    parse: parseUnixBind,
  },
  {
    name: 'unsetenv',
    args: '[<name> ...]',
    doc: 'Environment variables to remove.',
    parse: parseEnvironment,
  },
  { name: 'user', args: '<user name>', doc: 'User to take.', parse: setIdentity('user', true) },
  {
    name: 'maxconn',
    args: '<number>',
    doc: 'Most concurrent connections of the process.',
    parse: setCount('maxconn'),
  },
  {
    name: 'maxconnrate',
    args: '<number>',
    doc: 'Most connections per second of the process.',
    parse: setCount('maxconnrate'),
  },
  {
    name: 'maxsessrate',
    args: '<number>',
    doc: 'Most sessions per second of the process.',
    parse: setCount('maxsessrate'),
  },
  {
    name: 'busy-polling',
    args: '',
    doc: 'Workers never sleep.',
    negatable: true,
    parse: setFlag('busyPolling'),
  },
  {
    name: 'noreuseport',
    args: '',
    doc: 'One socket per bind line, without SO_REUSEPORT.',
    parse: setFlag('noReusePort'),
  },
  { name: 'nosplice', args: '', doc: 'No kernel splicing.', parse: setFlag('noSplice') },
  { name: 'quiet', args: '', doc: 'No messages at start-up.', parse: setFlag('quiet') },
  {
    name: 'zero-warning',
    args: '',
    doc: 'Refuse to start after a warning.',
    parse: setFlag('zeroWarning'),
  },
] as const satisfies readonly KeywordRow<GlobalConfig>[] as readonly KeywordRow<GlobalConfig>[];

/** Spellings of older versions. Not listed by `-dK`. */
export const obsoleteGlobalKeywords: readonly KeywordRow<GlobalConfig>[] = [
  {
    name: 'nbproc',
    args: '<number>',
    doc: 'Number of processes until HAProxy 2.4.',
    parse: parseNbproc,
  },
  {
    name: 'noepoll',
    args: '',
    doc: 'Refused: epoll is the only poller.',
    parse: refuseNoEpoll,
  },
  {
    name: 'nosepoll',
    args: '',
    doc: 'Speculative epoll of HAProxy 1.4.',
    parse: (_global, line) => refuseExtra(line.words, 0),
  },
  {
    name: 'tune.chksize',
    args: '<number>',
    doc: 'Buffer of health checks until HAProxy 2.4.',
    parse: () => {
      throw new ConfigError(
        "option 'tune.chksize' is not supported any more (tune.bufsize is used instead).",
      );
    },
  },
];
