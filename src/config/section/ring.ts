/** The `ring` section (12.5): an event buffer that log lines go to, and servers that read it. */
import { ConfigError } from '../../base/config-error.ts';
import { isKnownServerOption } from '../../base/known-keywords.ts';
import { parseAddress, type Variables } from '../../base/value/address.ts';
import { parseSize } from '../../base/value/size.ts';
import type { Origin, RingConfig } from '../../model/config.ts';
import type { KeywordLine, KeywordRow } from './keyword.ts';
import { logFormatName } from './log.ts';
import type { RingDraft } from './state.ts';
import { badNameCharacter, delayMs, prefixed, refuseExtra } from './words.ts';

export function newRing(name: string, origin: Origin, bufsize: number): RingDraft {
  const config: RingConfig = {
    ...origin,
    name,
    description: null,
    // Without a format of its own a ring stores the text alone.
    format: 'raw',
    maxlen: bufsize,
    size: bufsize,
    timeoutConnectMs: -1,
    timeoutServerMs: -1,
    servers: [],
  };
  return { config, formatGiven: false, maxlenGiven: false };
}

function parseServer(ring: RingDraft, line: KeywordLine): void {
  const [, name, text, ...options] = line.words;
  if (name === undefined || text === undefined) {
    throw new ConfigError("'server' expects <name> and <addr>[:<port>] as arguments.");
  }
  const bad = badNameCharacter(name);
  if (bad !== null) {
    throw new ConfigError(`character '${bad}' is not permitted in server name '${name}'.`);
  }
  const subject = `'server ${ring.config.name}/${name}'`;
  if (ring.config.servers.some((server) => server.name === name)) {
    throw new ConfigError(`${subject} : another server of this ring has the same name.`);
  }
  const address = prefixed(`${subject} : `, () => ringAddress(text, line.state.env));
  const server: RingConfig['servers'][0] = { name, address, logProto: 'legacy' };
  for (let at = 0; at < options.length; at += 2) {
    const word = options[at]!;
    const value = options[at + 1] ?? '';
    if (word === 'log-proto' && (value === 'legacy' || value === 'octet-count')) {
      server.logProto = value;
    } else if (word === 'log-proto') {
      throw new ConfigError(`${subject} : 'log-proto' : unknown type '${value}'.`);
    } else if (isKnownServerOption(word)) {
      throw new ConfigError(`${subject} : '${word}' is not supported yet by sluice in a ring`);
    } else {
      throw new ConfigError(`${subject} : unknown keyword '${word}'.`);
    }
  }
  ring.config.servers.push(server);
}

function ringAddress(text: string, variables: Variables): RingConfig['servers'][0]['address'] {
  const found = parseAddress(text, { port: 'optional', range: false }, variables);
  const { portOffset: _, ...address } = found[0]!;
  if (found.length !== 1 || address.family === 'fd') {
    throw new ConfigError(`an address is required in '${text}'`);
  }
  return address;
}

function parseRingSize(ring: RingDraft, line: KeywordLine, field: 'size' | 'maxlen'): void {
  const word = line.words[1] ?? '';
  let value = 0;
  try {
    value = parseSize(word, field);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
  }
  if (value === 0) throw new ConfigError(`invalid size '${word}' for new sink buffer.`);
  refuseExtra(line.words, 1);
  ring.config[field] = value;
  if (field === 'maxlen') ring.maxlenGiven = true;
}

function parseRingTimeout(ring: RingDraft, line: KeywordLine): void {
  const [, what, word] = line.words;
  if (what !== 'connect' && what !== 'server') {
    throw new ConfigError(`'timeout' supports 'connect' and 'server' (got '${what ?? ''}')`);
  }
  if (word === undefined) {
    throw new ConfigError(`'timeout ${what}' expects <time> as argument.`);
  }
  const delay = delayMs(word, `timeout ${what}`, line);
  refuseExtra(line.words, 1, 2);
  if (what === 'connect') ring.config.timeoutConnectMs = delay;
  else ring.config.timeoutServerMs = delay;
}

export const ringKeywords = [
  {
    name: 'description',
    args: '<text>',
    doc: 'Text for people.',
    waitsFor: 'show events',
    parse: (ring, line) => {
      if (line.words.length < 2) throw new ConfigError('missing ring description text.');
      ring.config.description = line.words.slice(1).join(' ');
    },
  },
  {
    name: 'format',
    args: '<format>',
    doc: 'Format of the events.',
    parse: (ring, line) => {
      const format = logFormatName(line.words[1] ?? '');
      if (format === null) throw new ConfigError(`unknown format '${line.words[1] ?? ''}'.`);
      refuseExtra(line.words, 1);
      ring.config.format = format;
      ring.formatGiven = true;
    },
  },
  {
    name: 'maxlen',
    args: '<length>',
    doc: 'Longest event.',
    parse: (ring, line) => parseRingSize(ring, line, 'maxlen'),
  },
  {
    name: 'server',
    args: '<name> <address> [log-proto { legacy | octet-count }]',
    doc: 'TCP server that the events are sent to.',
    parse: parseServer,
  },
  {
    name: 'size',
    args: '<size>',
    doc: 'Size of the ring.',
    parse: (ring, line) => parseRingSize(ring, line, 'size'),
  },
  {
    name: 'timeout',
    args: '{ connect | server } <timeout>',
    doc: 'Limits of time of the servers.',
    parse: parseRingTimeout,
  },
] as const satisfies readonly KeywordRow<RingDraft>[] as readonly KeywordRow<RingDraft>[];
