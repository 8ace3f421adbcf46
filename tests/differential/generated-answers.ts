/**
 * Answers of back ends made by a grammar and by mutation from a fixed seed: every run makes the same
 * ones. Differences are named for a kind of answer, by its traits, instead of for each one.
 */
import { type Case, get, head } from './case.ts';

/** A part of an answer: its name and its text. */
type Part = [name: string, text: string];

const requests: [name: string, send: string][] = [
  ['GET', get()],
  ['HEAD', head('HEAD / HTTP/1.1', 'Host: h')],
  ['CONNECT', head('CONNECT h:443 HTTP/1.1', 'Host: h:443')],
  ['upgrade', get('Connection: upgrade', 'Upgrade: frob')],
  ['1.0', head('GET / HTTP/1.0', 'Host: h')],
  ['1.0 keep-alive', head('GET / HTTP/1.0', 'Host: h', 'Connection: keep-alive')],
];

const versions: Part[] = [
  ['1.1', 'HTTP/1.1'],
  ['1.0', 'HTTP/1.0'],
  ['1.2', 'HTTP/1.2'],
  ['0.9', 'HTTP/0.9'],
  ['2.0', 'HTTP/2.0'],
  ['1.', 'HTTP/1.'],
  ['01.1', 'HTTP/01.1'],
  ['lower case', 'http/1.1'],
  ['RTSP', 'RTSP/1.0'],
];

const statuses: Part[] = [
  ['200', ' 200 OK'],
  ['no phrase', ' 200'],
  ['empty phrase', ' 200 '],
  ['unknown, no phrase', ' 299'],
  ['404, no phrase', ' 404 '],
  ['500, no phrase', ' 500'],
  ['599', ' 599 Odd'],
  ['999', ' 999 Odd'],
  ['204', ' 204 None'],
  ['205', ' 205 Reset'],
  ['304', ' 304 Same'],
  ['two digits', ' 20 OK'],
  ['four digits', ' 2000 OK'],
  ['zero', ' 000 OK'],
  ['below 100', ' 099 OK'],
  ['a sign', ' +200 OK'],
  ['a letter', ' 2x0 OK'],
  ['a comma behind it', ' 200, OK'],
  ['two spaces', '  200 OK'],
  ['a tab', '\t200 OK'],
  ['two spaces behind it', ' 200  OK'],
  ['a tab behind it', ' 200\tOK'],
  ['a NUL in the phrase', ' 200 O\0K'],
  ['DEL in the phrase', ' 200 O\x7fK'],
  ['a bell in the phrase', ' 200 O\x07K'],
  ['a CR in the phrase', ' 200 O\rK'],
  ['UTF-8', ' 200 caf\xc3\xa9'],
];

/** Values of Content-Length and Transfer-Encoding; null leaves the field out. */
const lengthValues: (string | null)[] = [
  null,
  '2',
  '02',
  '0',
  '7',
  '2, 2',
  '2,3',
  '',
  '-2',
  '+2',
  '2 2',
  '0x2',
];
const codingValues: (string | null)[] = [
  null,
  'chunked',
  'CHUNKED',
  'identity',
  'gzip, chunked',
  'chunked, chunked',
  'chunked,',
  'xchunked',
  '',
];

const chunkForms: Part[] = [
  ['one', '2\r\nok\r\n0\r\n\r\n'],
  ['two', '1\r\no\r\n1\r\nk\r\n0\r\n\r\n'],
  ['none', '0\r\n\r\n'],
  ['leading zeroes', '0002\r\nok\r\n0000\r\n\r\n'],
  ['many leading zeroes', `${'0'.repeat(30)}2\r\nok\r\n0\r\n\r\n`],
  ['capital hex', 'A\r\n0123456789\r\n0\r\n\r\n'],
  ['0x', '0x2\r\nok\r\n0\r\n\r\n'],
  ['a sign', '+2\r\nok\r\n0\r\n\r\n'],
  ['a minus', '-2\r\nok\r\n0\r\n\r\n'],
  ['no digits', '\r\nok\r\n0\r\n\r\n'],
  ['an extension', '2;a\r\nok\r\n0\r\n\r\n'],
  ['an extension with a value', '2;a="b;c"\r\nok\r\n0;d\r\n\r\n'],
  ['a space and an extension', '2 ;a\r\nok\r\n0\r\n\r\n'],
  ['a tab behind the size', '2\t\r\nok\r\n0\r\n\r\n'],
  ['a space in front', ' 2\r\nok\r\n0\r\n\r\n'],
  ['a letter behind the size', '2g\r\nok\r\n0\r\n\r\n'],
  ['a comma behind the size', '2,\r\nok\r\n0\r\n\r\n'],
  ['LF behind the size', '2\nok\r\n0\r\n\r\n'],
  ['LF behind the data', '2\r\nok\n0\r\n\r\n'],
  ['LF at the end', '2\r\nok\r\n0\n\n'],
  ['LF in the extension', '2;a\nb\r\nok\r\n0\r\n\r\n'],
  ['CR behind the size', '2\rok\r\n0\r\n\r\n'],
  ['CR in the extension', '2;a\rb\r\nok\r\n0\r\n\r\n'],
  ['NUL in the extension', '2;a\0\r\nok\r\n0\r\n\r\n'],
  ['too much data', '2\r\nokay\r\n0\r\n\r\n'],
  ['too little data', '3\r\nok\r\n0\r\n\r\n'],
  ['a size of 2^32', '100000002\r\nok\r\n0\r\n\r\n'],
  ['a size of 2^52', '10000000000002\r\nok\r\n0\r\n\r\n'],
  ['a size of 2^63', '8000000000000002\r\nok\r\n0\r\n\r\n'],
  ['a size of 2^64', '10000000000000002\r\nok\r\n0\r\n\r\n'],
  ['the end in the size', '2'],
  ['the end in the data', '2\r\no'],
  ['the end behind the data', '2\r\nok'],
  ['the end in the CRLF', '2\r\nok\r'],
  ['no last chunk', '2\r\nok\r\n'],
  ['half a last chunk', '2\r\nok\r\n0'],
  ['no empty line', '2\r\nok\r\n0\r\n'],
  ['more behind it', '2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
];

const trailers: Part[] = [
  ['one', 'X-T: 1\r\n'],
  ['two', 'X-T: 1\r\nX-U: 2\r\n'],
  ['no blank', 'X-T:1\r\n'],
  ['blanks around', 'X-T: \t1 \t\r\n'],
  ['an empty value', 'X-T:\r\n'],
  ['a space before the colon', 'X-T : 1\r\n'],
  ['no colon', 'X-T\r\n'],
  ['no name', ': 1\r\n'],
  ['a folded one', 'X-T: 1\r\n 2\r\n'],
  ['a fold first', ' X-T: 1\r\n'],
  ['LF', 'X-T: 1\n'],
  ['a NUL', 'X-T: a\0b\r\n'],
  ['a CR', 'X-T: a\rb\r\n'],
  ['a control byte', 'X-T: a\x01b\r\n'],
  ['a byte over 127', 'X-T: a\xe9b\r\n'],
  ['Content-Length', 'Content-Length: 5\r\n'],
  ['Transfer-Encoding', 'Transfer-Encoding: chunked\r\n'],
  ['Connection', 'Connection: close\r\n'],
  ['Host', 'Host: x\r\n'],
  ['the end in it', 'X-T: 1'],
];

const okay = head('HTTP/1.1 200 OK', 'Content-Length: 2');
const final = `${okay}ok`;
const interims: Part[] = [
  ['100', head('HTTP/1.1 100 Continue')],
  ['100 without a phrase', head('HTTP/1.1 100')],
  ['102', head('HTTP/1.1 102 Processing', 'X-A: 1')],
  ['103 twice', head('HTTP/1.1 103 Early Hints', 'Link: </a>').repeat(2)],
  ['twenty of them', head('HTTP/1.1 103 Early Hints', 'Link: </a>').repeat(20)],
  ['forty of them', head('HTTP/1.1 103 Early Hints').repeat(40)],
  ['199', head('HTTP/1.1 199 Odd')],
  ['of HTTP/1.0', head('HTTP/1.0 100 Continue')],
  ['a length', head('HTTP/1.1 100 Continue', 'Content-Length: 2')],
  ['a coding', head('HTTP/1.1 103 Early Hints', 'Transfer-Encoding: chunked')],
  ['both', head('HTTP/1.1 103 X', 'Content-Length: 2', 'Transfer-Encoding: chunked')],
  ['a bad length', head('HTTP/1.1 103 Early Hints', 'Content-Length: x')],
  ['two lengths', head('HTTP/1.1 103 X', 'Content-Length: 2', 'Content-Length: 3')],
  ['close', head('HTTP/1.1 100 Continue', 'Connection: close')],
  ['a bad field', head('HTTP/1.1 103 Early Hints', 'X A: 1')],
  ['a fold', head('HTTP/1.1 103 Early Hints', 'X-A: 1', ' 2')],
  ['Upgrade', head('HTTP/1.1 103 Early Hints', 'Upgrade: frob')],
  ['LF', 'HTTP/1.1 100 Continue\n\n'],
  ['half of one', 'HTTP/1.1 100 Cont'],
  ['101', head('HTTP/1.1 101 Fine', 'Connection: upgrade', 'Upgrade: frob')],
  ['101 without both', head('HTTP/1.1 101 Fine')],
  ['101 without Upgrade', head('HTTP/1.1 101 Fine', 'Connection: upgrade')],
  ['101 without Connection', head('HTTP/1.1 101 Fine', 'Upgrade: frob')],
  [
    '101 with a length',
    head('HTTP/1.1 101 Fine', 'Connection: upgrade', 'Upgrade: frob', 'Content-Length: 2'),
  ],
  [
    '100 then 101',
    head('HTTP/1.1 100 Continue') +
      head('HTTP/1.1 101 Fine', 'Connection: upgrade', 'Upgrade: frob'),
  ],
];

/** Deterministic numbers below a bound (mulberry32). */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function* fromGrammar(): Generator<Case> {
  const make = (name: string, send: string, answer: string): Case => ({
    name: `answer: ${name}`,
    send,
    answer,
    after: 'close',
  });
  for (const [version, word] of versions) {
    for (const [status, text] of statuses) {
      if (version !== '1.1' && version !== '1.0' && status !== '200' && status !== 'no phrase')
        continue;
      const answer = `${word}${text}\r\nContent-Length: 2\r\n\r\nok`;
      yield make(`${version}, ${status}`, get(), answer);
    }
  }
  for (const [kind, send] of requests) {
    for (const length of lengthValues) {
      for (const coding of codingValues) {
        const odd = [length, coding].filter(
          (value) => value !== null && !/^(2|0|chunked)$/.test(value),
        );
        if (odd.length === 2) continue;
        if (odd.length === 1 && kind === '1.0 keep-alive') continue;
        const fields = [
          ...(length === null ? [] : [`Content-Length: ${length}`]),
          ...(coding === null ? [] : [`Transfer-Encoding: ${coding}`]),
        ];
        const body = coding === null ? 'ok' : '2\r\nok\r\n0\r\n\r\n';
        const name = `${kind}, length ${length ?? '-'}, coding ${coding ?? '-'}`;
        yield make(name, send, head('HTTP/1.1 200 OK', ...fields) + body);
        if (odd.length > 0 || kind === 'CONNECT') continue;
        const old = head('HTTP/1.0 200 OK', ...fields) + body;
        yield make(`${name}, HTTP/1.0`, send, old);
        for (const status of ['204 None', '304 Same']) {
          const silent = head(`HTTP/1.1 ${status}`, ...fields) + (kind === 'GET' ? body : '');
          yield make(`${name}, ${status.slice(0, 3)}`, send, silent);
        }
      }
    }
    for (const [name, text] of interims) {
      yield make(`${kind}, interim ${name}`, send, text + final);
    }
    const isOld = kind.startsWith('1.0');
    if (kind !== 'GET' && !isOld) continue;
    const chunkedHead = head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked');
    for (const [name, text] of chunkForms) {
      yield make(`${kind}, chunks ${name}`, send, chunkedHead + text);
    }
    if (isOld) continue;
    for (const [name, text] of trailers) {
      const answer = `${chunkedHead}2\r\nok\r\n0\r\n${text}\r\n`;
      yield make(`${kind}, trailer ${name}`, send, answer);
    }
  }
}

const seedAnswers = [
  final,
  `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'X-A: b')}2\r\nok\r\n0\r\nX-T: 1\r\n\r\n`,
  `${head('HTTP/1.1 100 Continue') + okay}ok`,
  `${head('HTTP/1.1 404 Not Found', 'Server: s', 'Content-Length: 2', 'Connection: close')}ok`,
];

/** Bytes that parsers disagree about. */
const splinters = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ',',
  ';',
  '0',
  '1',
  'a',
  '\x7f',
  '\xff',
  '\x0b',
];

/** One step of damage. */
function mutate(text: string, random: (below: number) => number): string {
  const at = random(text.length);
  const splinter = splinters[random(splinters.length)]!;
  switch (random(4)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + splinter + text.slice(at);
    case 2:
      return text.slice(0, at) + splinter + text.slice(at + 1);
    default: {
      const lines = text.split('\r\n');
      const line = random(lines.length);
      lines.splice(random(lines.length), 0, lines[line]!);
      return lines.join('\r\n');
    }
  }
}

function* fromMutation(seed: number, count: number): Generator<Case> {
  const random = createRandom(seed);
  for (let i = 0; i < count; i++) {
    const which = random(seedAnswers.length);
    const answer = mutate(seedAnswers[which]!, random);
    yield {
      name: `answer: mutation ${i} of ${which}`,
      send: get(),
      answer,
      after: 'close',
    };
  }
}

const SEED = 20_251;
const MUTATIONS = 260;

/** All of them, without repetition. */
export function generateAnswers(): Case[] {
  const seen = new Set<string>();
  const answers: Case[] = [];
  for (const made of [...fromGrammar(), ...fromMutation(SEED, MUTATIONS)]) {
    const key = `${made.send}\0\0${made.answer}`;
    if (seen.has(key)) continue;
    seen.add(key);
    answers.push(made);
  }
  return answers;
}

/** Traits of answers about which the programs may differ, and the reasons in docs/differences.md. */
export const reasons: readonly [trait: (send: string, answer: string) => boolean, title: string][] =
  [
    [(_, answer) => /(^|[^\r])\n/.test(answer), 'Bare line feeds are refused'],
    [(_, answer) => /\r\n[ \t]/.test(answer), 'Folded fields are refused'],
    [(_, answer) => answer.includes('\0'), 'NUL is refused'],
    [
      (_, answer) => /HTTP\/1\.\d(?! \d|$)|HTTP\/1\.\d \d{3}\t/.test(answer),
      'White space in the start line is one space',
    ],
    [
      (_, answer) => /HTTP\/1\.\d (?![1-9]\d\d[ \r\n])/.test(answer),
      'Statuses have three digits and begin at 100',
    ],
    [(_, answer) => !answer.includes('HTTP/1.'), 'Versions other than HTTP/1 are refused'],
    [(_, answer) => /^\r\n|\r\n\r\n\r\nHTTP/.test(answer), 'An answer begins with its status line'],
    [
      (_, answer) => /HTTP\/1\.0.*Transfer-Encoding/s.test(answer),
      'Transfer-Encoding in HTTP/1.0 is faulty',
    ],
    [
      (send, answer) => send.includes('HTTP/1.0') && answer.includes('Transfer-Encoding'),
      'No chunks for clients of HTTP/1.0',
    ],
    [
      (send, answer) => send.includes('HTTP/1.0') && startsInterim(answer),
      'No interim answers for clients of HTTP/1.0',
    ],
    [
      (_, answer) => /HTTP\/1\.\d 101/.test(answer) && !answer.includes('Upgrade:'),
      'A 101 names its protocol',
    ],
    [(_, answer) => startsInterim(answer), 'An interim answer is passed on at once'],
    [(_, answer) => /Transfer-Encoding.*X-T/s.test(answer), 'A trailer is written as it came'],
    [
      (_, answer) => /\r\n0\r\n(Content-Length|Transfer-Encoding|Connection|Host):/.test(answer),
      'A trailer neither frames nor routes',
    ],
  ];

function startsInterim(answer: string): boolean {
  return /^HTTP\/1\.\d 1\d\d/.test(answer) && !answer.startsWith('HTTP/1.1 101');
}

/** The titles that explain a difference for this answer. */
export function reasonsFor(made: Case): string[] {
  const send = String(made.send);
  const answer = String(made.answer);
  return reasons.filter(([holds]) => holds(send, answer)).map(([, title]) => title);
}
