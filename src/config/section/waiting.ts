/**
 * Keywords of the global section whose feature does not exist yet (configuration.txt 3.1, 3.2, 3.4).
 * A line of them changes nothing without what it belongs to, so it is accepted: its value is checked
 * and kept in the model under the keyword's name, where the feature finds it when it comes. What
 * would need the feature at once (`bind ... ssl`, `lua-load`) stays refused by name.
 */
import { ConfigError } from '../../base/config-error.ts';
import { parseSize } from '../../base/value/size.ts';
import type { GlobalConfig, WaitingValue } from '../../model/config.ts';
import type { KeywordLine, KeywordRow } from './keyword.ts';
import { delayMs, integerIn, refuseExtra, type WordPlace } from './words.ts';

/** Reads the arguments of a line; throws ConfigError. */
type Reader = (words: readonly string[], at: WordPlace) => WaitingValue;

/** Keyword, argument grammar, reader of the value, one line of documentation. */
type WaitingRow = readonly [name: string, args: string, read: Reader, doc: string];

const COUNT_MAX = 2147483647;

/** A word alone. */
export const flag: Reader = (words) => {
  refuseExtra(words, 0);
  return true;
};

/** One argument as it stands. */
export const text: Reader = (words) => {
  const [name, value] = words;
  if (value === undefined || value === '') throw new ConfigError(`'${name}' expects an argument.`);
  refuseExtra(words, 1);
  return value;
};

/** One or more words as they stand. */
export const list: Reader = (words) => {
  if (words.length < 2) throw new ConfigError(`'${words[0]}' expects an argument.`);
  return words.slice(1);
};

/** One of some words. */
export function oneOf(...choices: string[]): Reader {
  return (words) => {
    const [name, value = ''] = words;
    if (!choices.includes(value)) {
      const known = choices.map((word) => `'${word}'`).join(', ');
      throw new ConfigError(`'${name}' expects one of ${known} but got '${value}'.`);
    }
    refuseExtra(words, 1);
    return value;
  };
}

export const onOff: Reader = (words, at) => oneOf('on', 'off')(words, at) === 'on';

export function count(least = 0, most = COUNT_MAX): Reader {
  return (words) => {
    const value = integerIn(words[0]!, words[1], least, most);
    refuseExtra(words, 1);
    return value;
  };
}

/** Bytes, with the suffixes of 2.6. */
export function size(least = 0): Reader {
  return (words) => {
    const [name, word] = words;
    if (word === undefined) throw new ConfigError(`'${name}' expects a size as an argument.`);
    const value = parseSize(word, name!);
    if (value < least)
      throw new ConfigError(`'${name}' expects a size of at least ${least} bytes.`);
    refuseExtra(words, 1);
    return value;
  };
}

/** Milliseconds; `unit` is that of a bare number. */
export function delay(unit: 'ms' | 's' = 'ms', least = 0, most = COUNT_MAX): Reader {
  return (words, at) => {
    const [name, word] = words;
    if (word === undefined) throw new ConfigError(`'${name}' expects <time> as argument.`);
    const value = delayMs(word, name!, at, unit);
    if (value < least || value > most) {
      throw new ConfigError(`'${name}' expects a time between ${least} and ${most} ms.`);
    }
    refuseExtra(words, 1);
    return value;
  };
}

/** @param feature what must exist before the keywords have an effect */
export function waiting(feature: string, rows: readonly WaitingRow[]): KeywordRow<GlobalConfig>[] {
  return rows.map(([name, args, read, doc]) => ({
    name,
    args,
    doc,
    waitsFor: feature,
    parse: (global: GlobalConfig, line: KeywordLine) => {
      global.waiting[name] = read(line.words, line);
    },
  }));
}

const on = '{ on | off }';
const number = '<number>';

const http2 = waiting('HTTP/2', [
  ['h2-workaround-bogus-websocket-clients', '', flag, 'No websockets over HTTP/2.'],
  ['tune.h2.be.glitches-threshold', number, count(), 'Glitches that end a server connection.'],
  ['tune.h2.be.initial-window-size', number, count(), 'Initial window of server connections.'],
  ['tune.h2.be.max-concurrent-streams', number, count(), 'Streams of a server connection.'],
  ['tune.h2.be.max-frames-at-once', number, count(), 'Frames of a server handled in a row.'],
  ['tune.h2.be.rxbuf', '<size>', size(), 'Receive buffer of a server connection.'],
  ['tune.h2.fe.glitches-threshold', number, count(), 'Glitches that end a client connection.'],
  ['tune.h2.fe.initial-window-size', number, count(), 'Initial window of client connections.'],
  [
    'tune.h2.fe.max-concurrent-streams',
    '<number> [ rq-load { <number> | auto | ignore } ] [ min <number> ]',
    concurrentStreams,
    'Streams of a client connection.',
  ],
  ['tune.h2.fe.max-frames-at-once', number, count(), 'Frames of a client handled in a row.'],
  ['tune.h2.fe.max-rst-at-once', number, count(), 'Resets of a client handled in a row.'],
  ['tune.h2.fe.max-total-streams', number, count(), 'Streams after which a client is closed.'],
  ['tune.h2.fe.rxbuf', '<size>', size(), 'Receive buffer of a client connection.'],
  ['tune.h2.header-table-size', number, count(4096, 65536), 'Size of the HPACK table.'],
  ['tune.h2.initial-window-size', number, count(), 'Initial window of both sides.'],
  [
    'tune.h2.log-errors',
    '{ none | connection | stream }',
    oneOf('none', 'connection', 'stream'),
    'Protocol errors to log.',
  ],
  ['tune.h2.max-concurrent-streams', number, count(), 'Streams of a connection.'],
  ['tune.h2.max-frame-size', number, count(16384, 16777215), 'Largest frame.'],
  ['tune.h2.zero-copy-fwd-send', on, onOff, 'Forwarding without a copy.'],
  ['tune.streams-elasticity', number, count(), 'Fewer streams per connection under load.'],
]);

/** 3.2: the number, then optional `rq-load` and `min` with their values. */
function concurrentStreams(words: readonly string[]): WaitingValue {
  const name = words[0]!;
  const values = [String(integerIn(name, words[1], 0, COUNT_MAX))];
  for (let at = 2; at < words.length; at += 2) {
    const [word, value] = [words[at]!, words[at + 1]];
    if (word !== 'rq-load' && word !== 'min') {
      throw new ConfigError(`'${name}' cannot handle unexpected argument '${word}'.`);
    }
    const named = word === 'rq-load' && (value === 'auto' || value === 'ignore');
    values.push(word, named ? value : String(integerIn(`${name} ${word}`, value, 1, COUNT_MAX)));
  }
  return values;
}

/** The same set exists for both sides. */
function quicSide(side: 'be' | 'fe'): WaitingRow[] {
  const prefix = `tune.quic.${side}`;
  const who = side === 'be' ? 'server' : 'client';
  return [
    [`${prefix}.cc.cubic-min-losses`, number, count(1), `Losses that shrink the window, ${who}.`],
    [`${prefix}.cc.hystart`, on, onOff, `HyStart++ slow start, ${who} side.`],
    [`${prefix}.cc.max-frame-loss`, number, count(1), `Losses of a frame that close, ${who} side.`],
    [`${prefix}.cc.max-win-size`, '<size>', size(), `Largest congestion window, ${who} side.`],
    [`${prefix}.cc.reorder-ratio`, '<0..100>', count(0, 100), `Reordering tolerated, ${who} side.`],
    [`${prefix}.max-idle-timeout`, '<timeout>', delay(), `Idle timeout to announce, ${who} side.`],
    [`${prefix}.sec.glitches-threshold`, number, count(), `Glitches that close, ${who} side.`],
    [`${prefix}.stream.data-ratio`, '<0..100>', count(0, 100), `Share of a stream, ${who} side.`],
    [`${prefix}.stream.max-concurrent`, number, count(), `Streams of a ${who} connection.`],
    [`${prefix}.stream.rxbuf`, '<size>', size(), `Receive buffer of streams, ${who} side.`],
    [`${prefix}.tx.pacing`, on, onOff, `Pacing of packets, ${who} side.`],
    [`${prefix}.tx.udp-gso`, on, onOff, `Segmentation by the kernel, ${who} side.`],
  ];
}

const http3 = waiting('HTTP/3', [
  ['cluster-secret', '<secret>', text, 'Secret of QUIC tokens that a cluster shares.'],
  ['harden.reject-privileged-ports.quic', on, onOff, 'No QUIC from source ports below 1024.'],
  ['limited-quic', '', flag, 'QUIC with a TLS library without its interface.'],
  ...quicSide('be'),
  ...quicSide('fe'),
  ['tune.quic.fe.sec.retry-threshold', number, count(), 'Open handshakes that ask for Retry.'],
  [
    'tune.quic.fe.sock-per-conn',
    '{ default-on | force-off }',
    oneOf('default-on', 'force-off'),
    'A socket per connection.',
  ],
  ['tune.quic.fe.stream.max-total', number, count(), 'Streams after which a client is closed.'],
  ['tune.quic.listen', on, onOff, 'Whether QUIC bind lines are opened.'],
  ['tune.quic.mem.tx-max', '<size>', size(), 'Memory for sending.'],
  ['tune.quic.zero-copy-fwd-send', on, onOff, 'Forwarding without a copy.'],
  // The names until HAProxy 3.2.
  ['tune.quic.cc-hystart', on, onOff, 'HyStart++ slow start.'],
  ['tune.quic.cc.cubic.min-losses', number, count(1), 'Losses that shrink the window.'],
  ['tune.quic.disable-tx-pacing', '', flag, 'No pacing of packets.'],
  ['tune.quic.disable-udp-gso', '', flag, 'No segmentation by the kernel.'],
  ['tune.quic.frontend.conn-tx-buffers.limit', number, count(1), 'Send buffers of a connection.'],
  [
    'tune.quic.frontend.default-max-window-size',
    '<size>',
    size(10240),
    'Largest congestion window.',
  ],
  ['tune.quic.frontend.glitches-threshold', number, count(1), 'Glitches that close a client.'],
  ['tune.quic.frontend.max-data-size', '<size>', size(), 'Receive buffer of a connection.'],
  ['tune.quic.frontend.max-idle-timeout', '<timeout>', delay(), 'Idle timeout to announce.'],
  ['tune.quic.frontend.max-streams-bidi', number, count(1), 'Streams of a client connection.'],
  ['tune.quic.frontend.max-tx-mem', '<size>', size(1), 'Memory for sending.'],
  ['tune.quic.frontend.stream-data-ratio', '<1..100>', count(1, 100), 'Share of a stream.'],
  ['tune.quic.max-frame-loss', number, count(1), 'Losses of a frame that close.'],
  ['tune.quic.reorder-ratio', '<0..100>', count(0, 100), 'Reordering that is tolerated.'],
  ['tune.quic.retry-threshold', number, count(1), 'Open handshakes that ask for Retry.'],
  [
    'tune.quic.socket-owner',
    '{ listener | connection }',
    oneOf('listener', 'connection'),
    'Who owns the socket.',
  ],
]);

const lua = waiting('Lua', [
  ['lua-prepend-path', '<string> [<type>]', luaPath, 'Where Lua looks for modules.'],
  [
    'tune.lua.bool-sample-conversion',
    '{ normal | pre-3.1-bug }',
    oneOf('normal', 'pre-3.1-bug'),
    'How booleans reach Lua.',
  ],
  ['tune.lua.burst-timeout', '<timeout>', delay(), 'Longest run without a pause.'],
  ['tune.lua.forced-yield', number, count(), 'Instructions between two pauses.'],
  ['tune.lua.log.loggers', on, onOff, 'Messages of scripts go to the logs.'],
  [
    'tune.lua.log.stderr',
    '{ on | auto | off }',
    oneOf('on', 'auto', 'off'),
    'Messages of scripts go to stderr.',
  ],
  ['tune.lua.maxmem', number, count(), 'Memory of scripts in MB.'],
  ['tune.lua.openlibs', '[ all | none | <lib>[,<lib>...] ]', list, 'Standard libraries to load.'],
  ['tune.lua.service-timeout', '<timeout>', delay(), 'Longest run of a service.'],
  ['tune.lua.session-timeout', '<timeout>', delay(), 'Longest run of an action.'],
  ['tune.lua.task-timeout', '<timeout>', delay(), 'Longest run of a task.'],
  ['tune.events.max-events-at-once', number, count(1, 10000), 'Events of a subscriber in a row.'],
]);

function luaPath(words: readonly string[]): WaitingValue {
  const [name, path, type = 'path'] = words;
  if (path === undefined)
    throw new ConfigError(`'${name}' expects to receive a <path> as argument`);
  if (type !== 'path' && type !== 'cpath') {
    throw new ConfigError(`'${name}' expects <type> to either be 'path' or 'cpath'`);
  }
  refuseExtra(words, 2);
  return [path, type];
}

const compression = waiting('compression', [
  ['maxcompcpuusage', '<0..100>', count(0, 100), 'CPU usage above which less is compressed.'],
  ['maxcomprate', number, count(), 'Most kB/s to compress.'],
  ['maxzlibmem', number, count(), 'Memory of the compressor in MB.'],
  ['tune.comp.maxlevel', '<1..9>', count(1, 9), 'Highest level of compression.'],
  ['tune.zlib.memlevel', '<1..9>', count(1, 9), 'Memory level of zlib.'],
  ['tune.zlib.windowsize', '<8..15>', count(8, 15), 'Window size of zlib.'],
]);

const others = [
  ...waiting('ACME', [
    ['acme.scheduler', '{ auto | off }', oneOf('auto', 'off'), 'Who renews certificates.'],
  ]),
  ...waiting('the HTTP client', [
    ['httpclient.resolvers.disabled', on, onOff, 'No DNS for the HTTP client.'],
    ['httpclient.resolvers.id', '<section>', text, 'Resolvers of the HTTP client.'],
    ['httpclient.resolvers.prefer', '{ ipv4 | ipv6 }', oneOf('ipv4', 'ipv6'), 'Preferred family.'],
    ['httpclient.retries', number, count(), 'Retries of the HTTP client.'],
    ['httpclient.ssl.ca-file', '<cafile>', text, 'Authorities that the HTTP client trusts.'],
    [
      'httpclient.ssl.verify',
      '{ none | required }',
      oneOf('none', 'required'),
      'Whether it verifies servers.',
    ],
    ['httpclient.timeout.connect', '<timeout>', delay(), 'Time to connect of the HTTP client.'],
  ]),
  ...waiting('master-worker', [
    ['mworker-max-reloads', number, count(), 'Reloads that an old worker outlives.'],
  ]),
  ...waiting('anonymised output', [
    ['anonkey', '<key>', count(0, 4294967295), 'Key that hides names in dumps.'],
  ]),
  ...waiting('the PROXY protocol', [
    ['pp2-never-send-local', '', flag, 'Checks never use the LOCAL command.'],
  ]),
  ...waiting('peers', [
    ['tune.peers.max-updates-at-once', number, count(1), 'Updates of a peer in a row.'],
  ]),
  ...waiting('checks that set variables', [
    ['tune.vars.check-max-size', '<size>', size(), 'Most bytes of the variables of a check.'],
  ]),
  ...waiting('small and large buffers', [
    ['tune.bufsize.large', '<size>', size(1), 'Size of a large buffer.'],
    ['tune.bufsize.small', '<size>', size(1), 'Size of a small buffer.'],
  ]),
  ...waiting('payloads of commands', [
    ['tune.cli.max-payload-size', '<size>', size(1), 'Largest payload of a command.'],
  ]),
  ...waiting('servers and backends added at run time', [
    ['tune.defaults.purge', '[{ all | none | <element[,...]> }]', purge, 'Defaults to forget.'],
  ]),
  ...waiting('glitch counters', [
    [
      'tune.glitches.kill.cpu-usage',
      '<0..100>',
      count(0, 100),
      'CPU usage from which glitches kill.',
    ],
    ['tune.h1.be.glitches-threshold', number, count(), 'Glitches that end a server connection.'],
    ['tune.h1.fe.glitches-threshold', number, count(), 'Glitches that end a client connection.'],
  ]),
  ...waiting('a cache of pattern lookups', [
    ['tune.pattern.cache-size', number, count(), 'Entries of the pattern cache.'],
  ]),
  ...waiting('per-thread memory caches', [
    ['tune.memory.hot-size', number, count(1), 'Bytes that a thread keeps.'],
  ]),
  ...waiting('a run queue of tasks', [
    ['tune.runqueue-depth', number, count(), 'Tasks of a turn.'],
    ['tune.sched.low-latency', on, onOff, 'Small tasks first.'],
  ]),
  ...waiting('sockets without connections', [
    ['tune.rcvbuf.backend', '<size>', size(1), 'Receive buffer of datagram sockets to servers.'],
    ['tune.rcvbuf.frontend', '<size>', size(1), 'Receive buffer of datagram sockets.'],
    ['tune.sndbuf.backend', '<size>', size(1), 'Send buffer of datagram sockets to servers.'],
    ['tune.sndbuf.frontend', '<size>', size(1), 'Send buffer of datagram sockets.'],
  ]),
  ...waiting('several thread groups', [
    [
      'tune.takeover-other-tg-connections',
      '{ none | restricted | full }',
      oneOf('none', 'restricted', 'full'),
      'Idle connections of other groups.',
    ],
  ]),
  ...waiting('profiling', [
    ['profiling.memory', on, onOff, 'Count allocations for show profiling.'],
    [
      'profiling.tasks',
      '{ auto | on | off | lock | no-lock | memory | no-memory }*',
      profiling,
      'Measure tasks for show profiling.',
    ],
  ]),
  ...waiting('a watchdog', [
    [
      'warn-blocked-traffic-after',
      '<time>',
      delay('ms', 1, 1000),
      'Delay that warns of a blocked thread.',
    ],
  ]),
];

function purge(words: readonly string[]): WaitingValue {
  const elements = (words[1] ?? 'proxies').split(',');
  const alone = elements.length === 1 && ['all', 'none'].includes(elements[0]!);
  if (!alone && !elements.every((word) => word === 'proxies' || word === 'servers')) {
    throw new ConfigError(
      `'${words[0]}' expects 'all', 'none', or a list of 'proxies' and 'servers'.`,
    );
  }
  refuseExtra(words, 1);
  return elements;
}

const profilingWords = ['auto', 'on', 'off', 'lock', 'no-lock', 'memory', 'no-memory'];

function profiling(words: readonly string[]): WaitingValue {
  const chosen = words.slice(1);
  const wrong = chosen.length === 0 ? '' : chosen.find((word) => !profilingWords.includes(word));
  if (wrong !== undefined) {
    throw new ConfigError(
      `'${words[0]}' expects either 'on', 'auto', or 'off' but got '${wrong}'.`,
    );
  }
  return chosen;
}

export const waitingKeywords: readonly KeywordRow<GlobalConfig>[] = [
  ...http2,
  ...http3,
  ...lua,
  ...compression,
  ...others,
];
