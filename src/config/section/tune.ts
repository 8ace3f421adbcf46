/** Keywords of the `global` section: performance tuning (3.2). */
import { ConfigError } from '../../base/config-error.ts';
import { parseSize } from '../../base/value/size.ts';
import type { GlobalConfig, TuneConfig } from '../../model/config.ts';
import type { KeywordLine, KeywordRow } from './keyword.ts';
import { durationMs, integer, integerIn, refuseExtra, tightError } from './words.ts';

/** The largest unsigned integer of 32 bits, in which HAProxy keeps these sizes. */
const SIZE_MAX = 0xffffffff;

type NumberField = Exclude<keyof TuneConfig, 'sharesListeners'>;

/** A size with an optional suffix; `least` is the smallest that makes sense. */
function setSize(field: NumberField, least = 0) {
  return (global: GlobalConfig, line: KeywordLine): void => {
    const [name, word] = line.words;
    if (word === undefined) throw new ConfigError(`'${name}' expects an integer argument.`);
    const value = parseSize(word, name!);
    if (value < least) {
      throw new ConfigError(`'${name}' expects a value of at least ${least} bytes.`);
    }
    if (value > SIZE_MAX) {
      throw new ConfigError(`'${name}' expects a value of at most ${SIZE_MAX} bytes.`);
    }
    refuseExtra(line.words, 1);
    global.tune[field] = value;
  };
}

function setNumber(field: NumberField, least: number, most: number) {
  return (global: GlobalConfig, line: KeywordLine): void => {
    const value = integerIn(line.words[0]!, line.words[1], least, most);
    refuseExtra(line.words, 1);
    global.tune[field] = value;
  };
}

/** 64 requests with two buffers each still fit into a worker's arena. */
const BUFSIZE_MAX = 4 << 20;

/** Round up to the next multiple of 16 (3.2 "tune.bufsize", 64-bit machines). */
function parseBufsize(global: GlobalConfig, line: KeywordLine): void {
  // 256 bytes hold the shortest messages that the proxy itself generates.
  setSize('bufsize', 256)(global, line);
  if (global.tune.bufsize > BUFSIZE_MAX) {
    throw new ConfigError(`'tune.bufsize' expects a value of at most ${BUFSIZE_MAX} bytes.`);
  }
  global.tune.bufsize = Math.ceil(global.tune.bufsize / 16) * 16;
}

function parseSpreadChecks(global: GlobalConfig, line: KeywordLine): void {
  if (line.words[1] === undefined) {
    throw tightError("'spread-checks' expects an integer argument (0..50).");
  }
  const value = integer(line.words[1]);
  if (value === null || value < 0 || value > 50) {
    throw tightError("'spread-checks' needs a positive value in range 0..50.");
  }
  refuseExtra(line.words, 1);
  global.spreadChecksPercent = value;
}

function parseMaxSpreadChecks(global: GlobalConfig, line: KeywordLine): void {
  const word = line.words[1];
  if (word === undefined) {
    throw tightError("'max-spread-checks' expects an integer argument (0..50).");
  }
  try {
    global.maxSpreadChecksMs = durationMs(word, 'ms', line);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    const bad = /[^0-9]/.exec(word)?.[0] ?? '';
    throw tightError(
      `unsupported character '${bad}' in 'max-spread-checks' (wants an integer delay).`,
    );
  }
  refuseExtra(line.words, 1);
}

const COUNT_MAX = 2147483647;

/** Bytes go through a pipe of the kernel or through the buffer; there is no third way to forbid. */
function disableSplicing(global: GlobalConfig, line: KeywordLine): void {
  refuseExtra(line.words, 0);
  global.noSplice = true;
}

function parseShards(global: GlobalConfig, line: KeywordLine): void {
  const word = line.words[1] ?? '';
  if (!['by-process', 'by-group', 'by-thread'].includes(word)) {
    throw new ConfigError(
      `'${line.words[0]}' expects either 'by-process', 'by-group', or 'by-thread' but got '${word}'.`,
    );
  }
  refuseExtra(line.words, 1);
  global.tune.sharesListeners = word !== 'by-thread';
}

const STICK_COUNTERS_MAX = 100;

function setStickCounters(global: GlobalConfig, line: KeywordLine): void {
  const word = line.words[1] ?? '';
  const value = word === '' ? 0 : integer(word);
  if (value === null) {
    throw new ConfigError(`tune.stick-counters: '${word}' is an invalid number`);
  }
  if (value < 0 || value > STICK_COUNTERS_MAX) {
    const fault = value < 0 ? 'be negative' : `exceed ${STICK_COUNTERS_MAX}`;
    throw new ConfigError(
      `tune.stick-counters: the number of stick-counters may not ${fault} (was ${value})`,
    );
  }
  refuseExtra(line.words, 1);
  global.tune.stickCounters = value;
}

export const tuneKeywords = [
  {
    name: 'max-spread-checks',
    args: '<delay in milliseconds>',
    doc: 'Longest delay between the first and the last check at start-up.',
    parse: parseMaxSpreadChecks,
  },
  {
    name: 'maxpipes',
    args: '<number>',
    doc: 'Most pipes for kernel splicing.',
    parse: setNumber('maxpipes', 0, COUNT_MAX),
  },
  {
    name: 'spread-checks',
    args: '<0..50, in percent>',
    doc: 'Randomness of the interval between checks.',
    parse: parseSpreadChecks,
  },
  { name: 'tune.bufsize', args: '<size>', doc: 'Size of a buffer.', parse: parseBufsize },
  ...['tune.disable-fast-forward', 'tune.disable-zero-copy-forwarding'].map((name) => ({
    name,
    args: '',
    doc: 'No kernel splicing.',
    parse: disableSplicing,
  })),
  {
    name: 'tune.http.cookielen',
    args: '<number>',
    doc: 'Longest captured cookie.',
    parse: setNumber('httpCookielen', 0, 65535),
  },
  {
    name: 'tune.http.logurilen',
    args: '<number>',
    doc: 'Longest request target in logs.',
    parse: setNumber('httpLogurilen', 1, 1048576),
  },
  {
    name: 'tune.http.maxhdr',
    args: '<number>',
    doc: 'Most header fields of a message.',
    parse: setNumber('httpMaxhdr', 1, 32767),
  },
  {
    name: 'tune.maxaccept',
    args: '<number>',
    doc: 'Most connections accepted in a row; -1 is no limit.',
    parse: setNumber('maxaccept', -1, COUNT_MAX),
  },
  {
    name: 'tune.maxpollevents',
    args: '<number>',
    doc: 'Most events of one call of the poller.',
    parse: setNumber('maxpollevents', 1, 1000000),
  },
  {
    name: 'tune.maxrewrite',
    args: '<number>',
    doc: 'Space of a buffer reserved for rewriting.',
    parse: setSize('maxrewrite'),
  },
  {
    name: 'tune.listener.default-shards',
    args: '{ by-process | by-thread | by-group }',
    doc: 'A socket per worker and bind line (by-thread), or one that all workers share.',
    parse: parseShards,
  },
  {
    name: 'tune.notsent-lowat.client',
    args: '<size>',
    doc: 'Unsent bytes below which a client connection is writable.',
    parse: setSize('notsentLowatClient'),
  },
  {
    name: 'tune.notsent-lowat.server',
    args: '<size>',
    doc: 'Unsent bytes below which a server connection is writable.',
    parse: setSize('notsentLowatServer'),
  },
  {
    name: 'tune.pipesize',
    args: '<size>',
    doc: 'Size of the pipes of kernel splicing.',
    parse: setSize('pipesize'),
  },
  {
    name: 'tune.rcvbuf.client',
    args: '<size>',
    doc: 'Kernel receive buffer of client connections.',
    parse: setSize('rcvbufClient'),
  },
  {
    name: 'tune.rcvbuf.server',
    args: '<size>',
    doc: 'Kernel receive buffer of server connections.',
    parse: setSize('rcvbufServer'),
  },
  {
    name: 'tune.sndbuf.client',
    args: '<size>',
    doc: 'Kernel send buffer of client connections.',
    parse: setSize('sndbufClient'),
  },
  {
    name: 'tune.sndbuf.server',
    args: '<size>',
    doc: 'Kernel send buffer of server connections.',
    parse: setSize('sndbufServer'),
  },
  ...(
    [
      ['global', 'varsGlobalMax', 'all scopes'],
      ['proc', 'varsProcMax', 'the process, sessions and streams'],
      ['reqres', 'varsReqresMax', 'a request or a response'],
      ['sess', 'varsSessMax', 'a session and its streams'],
      ['txn', 'varsTxnMax', 'a stream, its request and response'],
    ] as const
  ).map(([scope, field, what]) => ({
    name: `tune.vars.${scope}-max-size`,
    args: '<size>',
    doc: `Most bytes of the variables of ${what}; 0 is no limit.`,
    parse: setSize(field),
  })),
  {
    name: 'tune.stick-counters',
    args: '<number>',
    doc: 'Entries of stick tables that a session, or a request, may track.',
    parse: setStickCounters,
  },
] as const satisfies readonly KeywordRow<GlobalConfig>[] as readonly KeywordRow<GlobalConfig>[];
