/** Upgrade and the fields of one hop: RFC 9110 7.6.1, 7.8 and 10.1.4, RFC 6455 4, RFC 9113 3.1. */
import { type Case, chunkedPost, get, head, post, type Step } from '../case.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const handshake = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];

const requests: [string, ...string[]][] = [
  ['h2c alone', 'Connection: Upgrade', 'Upgrade: h2c'],
  ['h2c in capitals', 'Connection: Upgrade', 'Upgrade: H2C'],
  ['h2', 'Connection: Upgrade', 'Upgrade: h2'],
  ['h2c with a version is another word', 'Connection: Upgrade', 'Upgrade: h2c/1'],
  ['h2c first in a list', 'Connection: Upgrade', 'Upgrade: h2c, frob'],
  ['h2c last in a list', 'Connection: Upgrade', 'Upgrade: frob, h2c'],
  ['h2c inside a list', 'Connection: Upgrade', 'Upgrade: frob, h2c, grob'],
  ['h2c in a field of its own', 'Connection: Upgrade', 'Upgrade: frob', 'Upgrade: h2c'],
  ['h2c and h2', 'Connection: Upgrade', 'Upgrade: h2c,h2'],
  [
    'h2c beside a key',
    'Connection: Upgrade',
    'Upgrade: h2c, websocket',
    `Sec-WebSocket-Key: ${key}`,
  ],
  ['h2c without Connection', 'Upgrade: h2c'],
  ['HTTP2-Settings', 'HTTP2-Settings: AAMA'],
  ['HTTP2-Settings and its name', 'Connection: HTTP2-Settings', 'HTTP2-Settings: AAMA'],
  ['a list that stays', 'Connection: Upgrade', 'Upgrade: frob/1 , grob'],
  ['an empty Upgrade', 'Connection: Upgrade', 'Upgrade:'],
  ['Connection without Upgrade among others', 'Connection: keep-alive, Upgrade, x-a', 'X-A: 1'],
  ['Upgrade among other words', 'Connection: x-a, upgrade, close', 'Upgrade: frob', 'X-A: 1'],
  ['words that go and a comma', 'Connection: x-a,close,x-b,', 'X-A: 1', 'X-B: 1'],
  ['words with blanks around them', 'Connection: x-a ,close , x-b', 'X-A: 1', 'X-B: 1'],
  ['TE of a coding', 'TE: gzip'],
  ['TE of a coding and trailers', 'TE: gzip, trailers'],
  ['TE of trailers and a coding', 'TE: trailers, gzip;q=0.5'],
  ['TE of trailers with a weight', 'TE: trailers;q=0.5'],
  ['TE twice', 'TE: gzip', 'X-A: 1', 'TE: trailers'],
  ['TE of trailers twice', 'TE: trailers', 'TE: trailers'],
  ['TE of trailers in capitals', 'TE: TRAILERS'],
  ['TE that is empty', 'TE:'],
  ['TE that Connection names', 'Connection: TE', 'TE: gzip'],
];

const keys: [string, string][] = [
  ['empty', ''],
  ['one letter', 'x'],
  ['three bytes', 'AAAA'],
  ['no padding', key.slice(0, 22)],
  ['half of the padding', key.slice(0, 23)],
  ['fifteen bytes', 'dGhlIHNhbXBsZSBub25j'],
  ['seventeen bytes', 'dGhlIHNhbXBsZSBub25jZQA='],
  ['more after it', `${key}AAAA`],
  ['no base64', '!!!!IHNhbXBsZSBub25jZQ=='],
  ['bits that do not count', 'dGhlIHNhbXBsZSBub25jZR=='],
];

const answers: [string, string[], string[]][] = [
  ['no field', ['frob'], []],
  ['no Upgrade', ['frob'], ['Connection: upgrade']],
  ['no Connection', ['frob'], ['Upgrade: frob']],
  ['another Connection', ['frob'], ['Connection: keep-alive', 'Upgrade: frob']],
  ['both', ['frob'], ['Connection: upgrade', 'Upgrade: frob']],
  ['h2c', ['frob'], ['Connection: upgrade', 'Upgrade: h2c']],
  ['h2c after h2c was asked', ['h2c'], ['Connection: upgrade', 'Upgrade: h2c']],
];

const switching = head('HTTP/1.1 101 Go', 'Connection: upgrade', 'Upgrade: frob');
const asks = ['Connection: upgrade', 'Upgrade: frob'];
const early = (rest: string): Step[] => [{ wait: '101 Go' }, rest, { wait: 'pong' }, 'end'];
const tunnel: Step[] = [switching, { wait: 'ping' }, 'pong', 'end'];

export const upgradeCases: Case[] = [
  ...requests.map(
    ([what, ...fields]): Case => ({ name: `upgrade: ${what}`, send: get(...fields) }),
  ),
  ...keys.map(
    ([what, value]): Case => ({
      name: `upgrade: a websocket key, ${what}`,
      send: get(...handshake, `Sec-WebSocket-Key: ${value}`),
    }),
  ),
  {
    name: 'upgrade: two websocket keys',
    send: get(...handshake, `Sec-WebSocket-Key: ${key}`, `Sec-WebSocket-Key: ${key}`),
  },
  {
    name: 'upgrade: a bad websocket key in HTTP/1.0',
    send: head('GET / HTTP/1.0', ...handshake, 'Sec-WebSocket-Key: x'),
  },
  {
    name: 'upgrade: a bad websocket key, violations accepted',
    variant: 'unsafe',
    send: get(...handshake, 'Sec-WebSocket-Key: x'),
  },
  {
    name: 'upgrade: no websocket key, violations accepted',
    variant: 'unsafe',
    send: get(...handshake),
  },
  ...answers.map(
    ([what, [asked], fields]): Case => ({
      name: `upgrade: 101 with ${what}`,
      send: get('Connection: upgrade', `Upgrade: ${asked}`),
      answer: {
        steps: [{ wait: '\r\n\r\n' }, head('HTTP/1.1 101 Switching', ...fields), 'close'],
      },
    }),
  ),
  {
    name: 'upgrade: with a body to another protocol',
    send: post('abc', ...asks, 'Content-Length: 3'),
  },
  {
    name: 'upgrade: with chunks to another protocol',
    send: chunkedPost('3\r\nabc\r\n0\r\n\r\n', ...asks),
  },
  {
    name: 'upgrade: with a body to h2c',
    send: post('abc', 'Connection: upgrade', 'Upgrade: h2c', 'Content-Length: 3'),
  },
  {
    name: 'upgrade: with a body, then a tunnel',
    send: [post('abc', ...asks, 'Content-Length: 3'), ...early('ping')],
    answer: { steps: [{ wait: 'abc' }, ...tunnel] },
  },
  {
    name: 'upgrade: 101 before the whole body',
    send: [post('abc', ...asks, 'Content-Length: 6'), ...early('defping')],
    answer: { steps: [{ wait: 'abc' }, ...tunnel] },
  },
  {
    name: 'upgrade: 101 before the last chunk',
    send: [chunkedPost('3\r\nabc\r\n', ...asks), ...early('0\r\n\r\nping')],
    answer: { steps: [{ wait: 'abc' }, ...tunnel] },
  },
  {
    name: 'upgrade: with a body, then another request',
    send: post('abc', ...asks, 'Content-Length: 3') + get('X-Second: 1'),
    replies: 2,
    methods: ['POST', 'GET'],
  },
];
