/**
 * `log` lines of the global and proxy sections (3.1 and 4.2 "log", 8.1 for the level names).
 *
 * One parser serves both: the proxies additionally know `log global` and `no log`, which stay
 * symbolic until the end of the configuration because a later `global` section may add targets.
 */
import { ConfigError } from '../../base/config-error.ts';
import { expandVariables, parseAddress, type Variables } from '../../base/value/address.ts';
import { logFacilities, logFormats, logLevels } from '../../log/level.ts';
import type { LogFormatName, LogTargetConfig, Origin } from '../../model/config.ts';
import type { LogSource } from './draft.ts';
import { integer, prefixed } from './words.ts';

/** The standard syslog port (4.2 "log"). */
const SYSLOG_PORT = 514;
const LENGTH_MIN = 80;
const LENGTH_MAX = 65535;

export function logFormatName(word: string): LogFormatName | null {
  return logFormats.find((format) => format === word) ?? null;
}

/**
 * Parses the words after `log`.
 *
 * @param variables what `$NAME` in the address stands for
 * @throws ConfigError with the text that follows the location, "log : " included
 */
export function parseLogTarget(
  words: readonly string[],
  origin: Origin,
  variables: Variables,
): LogSource {
  return prefixed('log : ', () => parseTarget(words, origin, variables));
}

function parseTarget(words: readonly string[], origin: Origin, variables: Variables): LogSource {
  const text = words[0];
  if (text === undefined || words.length < 2) {
    throw new ConfigError('expects <address> and <facility> as arguments');
  }
  const target: LogTargetConfig = {
    ...origin,
    target: parseLogAddress(text, variables),
    format: 'local',
    facility: 0,
    levelMax: 7,
    levelMin: 0,
    length: 1024,
    sample: null,
  };
  const source: LogSource = { target, formatGiven: false };
  const rest = parseLogParameters(words, source, target);
  parseSeverity(words, rest, target);
  return source;
}

/** `len`, `format` and `sample`, in this order (4.2 "log"); returns the index of the facility. */
function parseLogParameters(
  words: readonly string[],
  source: LogSource,
  target: LogTargetConfig,
): number {
  let at = 1;
  if (words[at] === 'len') {
    const length = integer(words[at + 1]);
    if (length === null || length < LENGTH_MIN || length > LENGTH_MAX) {
      throw new ConfigError(
        `invalid log length '${words[at + 1] ?? ''}', must be between ${LENGTH_MIN} and ${LENGTH_MAX}`,
      );
    }
    target.length = length;
    at += 2;
  }
  if (words[at] === 'format') {
    const format = logFormatName(words[at + 1] ?? '');
    if (format === null) throw new ConfigError(`unknown log format '${words[at + 1] ?? ''}'`);
    target.format = format;
    source.formatGiven = true;
    at += 2;
  }
  if (words[at] === 'sample') {
    target.sample = parseSample(words[at + 1] ?? '');
    at += 2;
  }
  if (words[at] === 'profile') throw new ConfigError("'profile' is not supported yet by sluice");
  return at;
}

function parseSeverity(words: readonly string[], at: number, target: LogTargetConfig): void {
  const facility = logFacilities.indexOf(words[at]);
  if (facility < 0) throw new ConfigError(`unknown log facility '${words[at] ?? ''}'`);
  target.facility = facility;
  const most = words[at + 1];
  if (most === undefined) return;
  target.levelMax = logLevels.indexOf(most);
  if (target.levelMax < 0) throw new ConfigError(`unknown optional log level '${most}'`);
  const least = words[at + 2];
  if (least === undefined) return;
  target.levelMin = logLevels.indexOf(least);
  if (target.levelMin < 0) throw new ConfigError(`unknown optional minimum log level '${least}'`);
  if (words[at + 3] !== undefined) {
    throw new ConfigError(`cannot handle unexpected argument '${words[at + 3]}'.`);
  }
}

function parseLogAddress(text: string, variables: Variables): LogTargetConfig['target'] {
  if (text === 'stdout') return { kind: 'fd', fd: 1 };
  if (text === 'stderr') return { kind: 'fd', fd: 2 };
  if (text.startsWith('ring@')) {
    const ring = text.slice('ring@'.length);
    if (ring === '') throw new ConfigError("missing ring name in 'ring@'");
    return { kind: 'ring', ring };
  }
  const stream = /^(?:backend|tcp[46]?|uxst|stream\+\w+)@/.exec(expandVariables(text, variables));
  if (stream !== null) {
    throw new ConfigError(`target '${stream[0]}' is not supported yet by sluice in '${text}'`);
  }
  const found = parseAddress(text, { port: 'optional', range: false, datagram: true }, variables);
  const address = found[0];
  if (address === undefined || found.length !== 1) {
    throw new ConfigError(`expects one address in '${text}'`);
  }
  switch (address.family) {
    case 'fd':
      return { kind: 'fd', fd: address.fd };
    case 'unix':
      return { kind: 'unix', path: address.path };
    case 'abns':
      // Linux's name space of abstract sockets: a path that begins with NUL.
      return { kind: 'unix', path: `\0${address.path}` };
    default: {
      const { portOffset: _, ...plain } = address;
      return {
        kind: 'udp',
        address: { ...plain, port: plain.port === 0 ? SYSLOG_PORT : plain.port },
      };
    }
  }
}

/** `<ranges>:<sample_size>`, ranges `low[-high]` separated by commas, numbered from 1. */
function parseSample(text: string): NonNullable<LogTargetConfig['sample']> {
  const colon = text.lastIndexOf(':');
  if (colon < 0) throw new ConfigError('Missing sample size');
  const size = integer(text.slice(colon + 1));
  if (size === null || size <= 0) throw new ConfigError('sample size cannot be null or negative');
  const ranges = text
    .slice(0, colon)
    .split(',')
    .map((word) => parseRange(word))
    .sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < ranges.length; i++) {
    if (ranges[i]![0] <= ranges[i - 1]![1]) throw new ConfigError('ranges are overlapping');
  }
  const high = ranges.at(-1)?.[1] ?? 0;
  if (size < high) {
    throw new ConfigError(
      `sample size ${size} should be greater or equal to ${high} the maximum of the high ranges limits`,
    );
  }
  return { ranges, size };
}

function parseRange(word: string): [number, number] {
  const match = /^([0-9]{1,9})(?:-([0-9]{1,9}))?$/.exec(word);
  if (match === null) throw new ConfigError(`invalid range '${word}'`);
  const low = Number(match[1]);
  const high = match[2] === undefined ? low : Number(match[2]);
  if (low < 1 || high < low) throw new ConfigError(`invalid range '${word}'`);
  return [low, high];
}
