/**
 * Values of the configuration side by side with the `haproxy` of the machine: what it makes of
 * variables in addresses, and of delays, sizes and integers that are drawn from a fixed seed.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Random } from '../../tests/fuzz/random.ts';
import { HaproxyChecker, haproxy } from './ask-haproxy.ts';
import { parseText } from './fixture.ts';

const variables = {
  A: '127.0.0.1',
  PORT: '1234',
  D: '/tmp',
  E: '',
  Q: '$A',
  X: 'a:b',
  PATH: '/bin',
};

let checker: HaproxyChecker;

beforeAll(() => {
  checker = new HaproxyChecker(variables);
});

afterAll(() => checker.close());

/** HAProxy's errors about the lines of a text, without severity. */
function errorsOfHaproxy(text: string): string[] {
  const { findings } = checker.ask(text);
  return findings.flatMap((found) => /^ALERT (parsing \[.*)$/.exec(found)?.[1] ?? []);
}

describe.skipIf(haproxy === null)('variables in addresses, outside of quotes', () => {
  // A descriptor is a number: the error about another text shows what was made of it.
  const texts = [
    'fd@$A',
    'fd@${A}x',
    'fd@x$A$PORT',
    'fd@$$A',
    'fd@${A',
    'fd@${A-1}z',
    'fd@${NOPE-1}z',
    'fd@$.FILE',
    'fd@\\$A',
    "'fd@$A'",
    "'fd@\\$A'",
    'fd@$NOPE',
    'fd@x${E}',
    'fd@${Q}',
    'fd@${}x',
    'fd@${A[*]}',
    'fd@$1A',
    'fd@$-',
    'fd@a$',
    '$X:80',
    '$NOPE',
    '127.0.0.1:9000,${NOPE}',
    '127.0.0.1:x$A',
    '$A:99999',
    '$A',
  ];

  test('bind makes the same of them', () => {
    const text = `listen x\n mode tcp\n${texts.map((one) => ` bind ${one}\n`).join('')}`;
    expect(parseText(text, variables).errors).toEqual(errorsOfHaproxy(text));
  });

  test('every keyword with an address expands them', () => {
    const text = `global
 log $A:$PORT local0
 stats socket $D/sluice-stats
 stats socket $A:$PORT
defaults
 mode tcp
 timeout connect 1s
 timeout client 1s
 timeout server 1s
 log ring@r local0
listen l
 bind $A:8080,\${A}:\${PORT}-1235
 bind unix@$D/sluice-bind
 log $D/log local0
 server a \${A}:\${PORT} check addr $A source $A
 server b $A:+$PORT
 server c unix@$D/s
ring r
 timeout connect 1s
 timeout server 1s
 server s $A:$PORT
`;
    expect(checker.ask(text).exitCode).toBe(0);
    const { config, errors } = parseText(text, variables);
    expect(errors).toEqual([]);
    const [proxy] = config.proxies;
    const host = { bytes: [127, 0, 0, 1] };
    expect(config.global.logs).toMatchObject([{ target: { address: { ...host, port: 1234 } } }]);
    expect(config.global.statsSockets.map((one) => one.address)).toMatchObject([
      { path: '/tmp/sluice-stats' },
      { ...host, port: 1234 },
    ]);
    expect(proxy!.binds.map((bind) => bind.address)).toMatchObject([
      { ...host, port: 8080, text: '$A:8080' },
      { ...host, port: 1234 },
      { ...host, port: 1235 },
      { path: '/tmp/sluice-bind' },
    ]);
    expect(proxy!.logs).toMatchObject([
      { target: { kind: 'ring', ring: 'r' } },
      { target: { path: '/tmp/log' } },
    ]);
    expect(proxy!.servers).toMatchObject([
      { address: { ...host, port: 1234 }, check: { address: host }, sourceAddress: host },
      { address: { ...host, port: 1234 }, portOffset: true },
      { address: { path: '/tmp/s' } },
    ]);
    expect(config.rings[0]!.servers).toMatchObject([{ address: { ...host, port: 1234 } }]);
  });
});

/** What a line came to; warnings and errors with the text that follows. */
type Outcome = 'accepted' | 'warned' | 'refused';

const SEED = 20;
const WORDS = 200;
/** HAProxy gives up at its fiftieth error. */
const LINES_PER_FILE = 45;

/** Words that look like numbers with units, more or less. */
function numberWords(): string[] {
  const random = new Random(SEED);
  const numbers = [
    '0',
    '1',
    '5',
    '15',
    '010',
    '250',
    '4096',
    '16384',
    '65536',
    '2147483',
    ...limits,
  ];
  const signs = ['', '', '', '', '', '+', '-', '0x', '.', ':'];
  const units = ['', '', '', 'us', 'ms', 's', 'm', 'h', 'd', 'k', 'K', 'M', 'g', 'kb', 'min', 'S'];
  const tails = ['', '', '', '', 'x', '[', ']', '.5', '5', 's', ',', '%', '-', '\\ ', '\xe9', '_'];
  const words = new Set<string>();
  while (words.size < WORDS) {
    const word = [signs, numbers, units, tails].map((part) => random.pick(part)).join('');
    words.add(random.oneIn(12) ? word.slice(1) : word);
  }
  return [...words].filter((word) => word !== '');
}

const limits = ['2147483647', '2147483648', '4294967296', '99999999999'];

function chunks<T>(list: readonly T[], size: number): T[][] {
  const count = Math.ceil(list.length / size);
  return Array.from({ length: count }, (_, i) => list.slice(i * size, (i + 1) * size));
}

/** The outcome of each of `count` lines that begin at `from`. */
function outcomes(findings: readonly string[], from: number, words: readonly string[]): Outcome[] {
  return words.map((word, i) => {
    const about = findings.filter((found) => {
      const place = /\[t\.cfg:(\d+)\]/.exec(found)?.[1];
      if (place !== undefined) return Number(place) === from + i;
      // HAProxy gives no place to what follows a unit, nor to the second finding about a server.
      return found.includes(`'${written(word)}'`) || new RegExp(` of server s${i}\\b`).test(found);
    });
    if (about.some((found) => found.startsWith('ALERT'))) return 'refused';
    return about.length > 0 ? 'warned' : 'accepted';
  });
}

/** A word as it is read. */
function written(word: string): string {
  return word.replace('\\ ', ' ');
}

function sluiceFindings(text: string): string[] {
  const { errors, warnings } = parseText(text, variables);
  return [...errors.map((found) => `ALERT ${found}`), ...warnings.map((w) => `WARNING ${w}`)];
}

/** Both programs on `head` and then a line for each word; the lines are given as `line` makes them. */
function compareWords(
  head: string,
  line: (word: string, index: number) => string,
  words: readonly string[],
  compare: (word: string, ours: Outcome, theirs: Outcome) => boolean,
): string[] {
  const from = head.split('\n').length;
  const differences: string[] = [];
  for (const part of chunks(words, LINES_PER_FILE)) {
    const text = head + part.map((word, i) => `${line(word, i)}\n`).join('');
    const theirs = outcomes(checker.ask(text).findings, from, part);
    const ours = outcomes(sluiceFindings(text), from, part);
    part.forEach((word, i) => {
      if (!compare(word, ours[i]!, theirs[i]!)) {
        differences.push(`${line(word, i).trim()}: ${ours[i]}, haproxy ${theirs[i]}`);
      }
    });
  }
  return differences;
}

const same = (_: string, ours: Outcome, theirs: Outcome) => ours === theirs;

describe.skipIf(haproxy === null)(`words drawn from seed ${SEED}`, () => {
  const words = numberWords();
  const backend = 'defaults\n mode http\nbackend b\n';
  const frontend = 'defaults\n mode http\nfrontend f\n';

  test('as delays (2.5)', () => {
    const server = (rest: string) => (word: string, i: number) =>
      ` server s${i} 127.0.0.1:1 ${rest} ${word}`;
    expect(compareWords(backend, (word) => ` timeout queue ${word}`, words, same)).toEqual([]);
    expect(compareWords(frontend, (word) => ` clitcpka-idle ${word}`, words, same)).toEqual([]);
    for (const rest of ['check inter', 'check downinter', 'pool-purge-delay', 'tcp-ut']) {
      expect(compareWords(backend, server(rest), words, same)).toEqual([]);
    }
    for (const keyword of ['hard-stop-after', 'max-spread-checks', 'stats timeout']) {
      expect(compareWords('global\n', (word) => ` ${keyword} ${word}`, words, same)).toEqual([]);
    }
    expect(compareWords('ring r\n', (word) => ` timeout connect ${word}`, words, same)).toEqual([]);
  });

  test('a small delay without a unit and a timeout that is set twice are warned of (4.2)', () => {
    const text = `defaults
 timeout client 5
 timeout client 6
 timeout check 99
 timeout connect 100
 timeout server 2s
 timeout http-request 99ms
defaults d
 timeout tarpit 005
 timeout client 1s
frontend f from d
 timeout client 1s
 timeout client 1s
 timeout client 2s
 timeout client 2s
 timeout client 1s
 timeout client 3s
 timeout connect 5
 timeout connect 6
listen l
 timeout client 5
 timeout client 7
 timeout queue 5us
 timeout queue 0
 timeout queue 0
 timeout queue 8
backend b
 timeout server 50
 timeout server 3s
 timeout client 5
 timeout tunnel 1us5
`;
    const theirs = checker.ask(text).findings;
    const ours = parseText(text, variables).warnings;
    const place = /^parsing \[.*\] : (?=unexpected)/;
    expect(ours.map((w) => w.replace(place, '')).filter((w) => !w.includes("no 'bind'"))).toEqual(
      theirs.map((w) => w.replace('WARNING ', '')).filter((w) => !w.includes("no 'bind'")),
    );
  });

  test('the errors of delays have the same text (2.5)', () => {
    for (const part of chunks(words, LINES_PER_FILE)) {
      const text = `defaults\n${part.map((word) => ` timeout client ${word}\n`).join('')}`;
      expect(parseText(text, variables).errors).toEqual(errorsOfHaproxy(text));
    }
  });

  test('as sizes (2.6)', () => {
    // Sluice bounds the size of its buffers.
    const bounded = words.filter((word) => {
      const [, digits, unit] = /^([0-9]+)([kmg]?)$/i.exec(word) ?? [];
      const bytes = Number(digits) * 1024 ** ' kmg'.indexOf(unit?.toLowerCase() || ' ');
      return digits === undefined || (bytes >= 256 && bytes <= 4 << 20);
    });
    const line = (word: string) => ` tune.bufsize ${word}`;
    expect(compareWords('global\n', line, bounded, same)).toEqual([]);
    expect(compareWords('global\n', (word) => ` tune.pipesize ${word}`, words, same)).toEqual([]);
    // HAProxy refuses a ring that it cannot allocate.
    const small = words.filter((word) => !/^[0-9]{8,}[kmg]/i.test(word));
    expect(compareWords('ring r\n', (word) => ` size ${word}`, small, same)).toEqual([]);
  });

  /** Sluice warns of what HAProxy drops, and refuses what is no number or does not fit one. */
  const stricter = (word: string, ours: Outcome, theirs: Outcome) => {
    const digits = /^[+-]?[0-9]+/.exec(word)?.[0];
    if (digits === undefined || Number(digits) < 0 || Number(digits) > 2147483647) {
      return ours === 'refused';
    }
    return ours === theirs || (theirs === 'accepted' && ours === 'warned' && digits !== word);
  };

  test('as counts', () => {
    const count = (head: string, line: (word: string, i: number) => string) =>
      expect(compareWords(head, line, words, stricter)).toEqual([]);
    count(frontend, (word) => ` maxconn ${word}`);
    count(frontend, (word) => ` backlog ${word}`);
    count(backend, (word) => ` fullconn ${word}`);
    count(backend, (word) => ` retries ${word}`);
    count(frontend, (word, i) => ` bind 127.0.0.1:${1000 + i} maxconn ${word}`);
    for (const option of ['maxconn', 'minconn', 'maxqueue', 'check rise']) {
      count(backend, (word, i) => ` server s${i} 127.0.0.1:1 ${option} ${word}`);
    }
  });
});
