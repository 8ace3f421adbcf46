/** Persistence, hop-by-hop fields, pipelining, Expect and Upgrade: RFC 9112 9, RFC 9110 7.6, 7.8, 10.1.1. */
import { type Case, chunkedPost, get, head, okay, post, reply, type Variant } from '../case.ts';

const connections: [string, string][] = [
  ['close', 'Connection: close'],
  ['keep-alive', 'Connection: keep-alive'],
  ['capitals', 'Connection: CLOSE'],
  ['close and keep-alive', 'Connection: close, keep-alive'],
  ['keep-alive and close', 'Connection: keep-alive, close'],
  ['two fields', 'Connection: keep-alive\r\nConnection: close'],
  ['a named field', 'Connection: x-hop\r\nX-Hop: 1'],
  ['a named field and close', 'Connection: close, x-hop\r\nX-Hop: 1'],
  ['the name Host', 'Connection: host'],
  ['the name Content-Length', 'Connection: content-length'],
  ['nothing', 'Connection:'],
  ['an unknown word', 'Connection: frob'],
  ['close with a comma', 'Connection: ,close,'],
  ['TE', 'Connection: TE\r\nTE: trailers'],
  ['TE without Connection', 'TE: trailers'],
  ['Keep-Alive', 'Connection: keep-alive\r\nKeep-Alive: timeout=5'],
  ['Keep-Alive alone', 'Keep-Alive: timeout=5'],
  ['Proxy-Connection', 'Proxy-Connection: keep-alive'],
  ['Proxy-Connection close', 'Proxy-Connection: close'],
  ['Trailer', 'Trailer: x-a'],
  ['upgrade without Upgrade', 'Connection: upgrade'],
  ['Upgrade without upgrade', 'Upgrade: websocket'],
  [
    'Upgrade to h2c',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
  ],
];

const modes: Variant[] = ['plain', 'server-close', 'close', 'pretend'];

const websocket = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const switching = head(
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
);

const expects: Case[] = [
  {
    name: 'expect: 100-continue, the back end continues',
    send: [
      post('', 'Expect: 100-continue', 'Content-Length: 3'),
      { wait: '100 Continue\r\n\r\n' },
      'abc',
      { replies: 1 },
    ],
    answer: {
      steps: [{ wait: '\r\n\r\n' }, head('HTTP/1.1 100 Continue'), { wait: 'abc' }, okay],
    },
  },
  {
    name: 'expect: 100-continue, the back end refuses',
    send: post('', 'Expect: 100-continue', 'Content-Length: 3'),
    answer: {
      steps: [{ wait: '\r\n\r\n' }, head('HTTP/1.1 417 No', 'Content-Length: 0'), 'close'],
    },
  },
  {
    name: 'expect: 100-continue, the body comes without waiting',
    send: post('abc', 'Expect: 100-continue', 'Content-Length: 3'),
    answer: { steps: [{ wait: 'abc' }, head('HTTP/1.1 100 Continue') + okay] },
  },
  {
    name: 'expect: 100-continue with a chunked body',
    send: [
      chunkedPost('', 'Expect: 100-continue'),
      { wait: '100 Continue\r\n\r\n' },
      '3\r\nabc\r\n0\r\n\r\n',
      { replies: 1 },
    ],
    answer: {
      steps: [{ wait: '\r\n\r\n' }, head('HTTP/1.1 100 Continue'), { wait: '0\r\n\r\n' }, okay],
    },
  },
  {
    name: 'expect: 100-continue when the whole body is buffered first',
    variant: 'buffered',
    send: [
      post('', 'Expect: 100-continue', 'Content-Length: 3'),
      { wait: '100 Continue\r\n\r\n' },
      'abc',
      { replies: 1 },
    ],
  },
  {
    name: 'expect: 100-continue in HTTP/1.0',
    send: `${head('POST / HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 3')}abc`,
  },
  { name: 'expect: something else', send: get('Expect: frob') },
  { name: 'expect: 100-continue without a body', send: get('Expect: 100-continue') },
];

const upgrades: Case[] = [
  {
    name: 'upgrade: a websocket handshake opens a tunnel',
    send: [get(...websocket), { wait: '\r\n\r\n' }, 'ping', { wait: 'pong' }, 'end'],
    answer: { steps: [{ wait: '\r\n\r\n' }, switching, { wait: 'ping' }, 'pong', 'end'] },
  },
  {
    name: 'upgrade: bytes of the tunnel come with the 101',
    send: [get(...websocket), { wait: 'hello' }, 'end'],
    answer: { steps: [{ wait: '\r\n\r\n' }, `${switching}hello`, 'end'] },
  },
  { name: 'upgrade: the back end ignores it', send: get(...websocket) },
  {
    name: 'upgrade: the back end refuses it',
    send: get(...websocket),
    answer: head(
      'HTTP/1.1 426 Upgrade Required',
      'Upgrade: other',
      'Connection: Upgrade',
      'Content-Length: 0',
    ),
  },
  {
    name: 'upgrade: 101 that was not asked for',
    send: get(),
    answer: { steps: [{ wait: '\r\n\r\n' }, switching, 'close'] },
  },
  {
    name: 'upgrade: a websocket without its key',
    send: get('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'),
    answer: { steps: [{ wait: '\r\n\r\n' }, switching, 'close'] },
  },
  {
    name: 'upgrade: an answer without Sec-WebSocket-Accept',
    send: get(...websocket),
    answer: {
      steps: [
        { wait: '\r\n\r\n' },
        head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'),
        'close',
      ],
    },
  },
  {
    name: 'upgrade: to another protocol',
    send: [
      get('Connection: upgrade', 'Upgrade: frob'),
      { wait: '\r\n\r\n' },
      'x',
      { wait: 'y' },
      'end',
    ],
    answer: {
      steps: [
        { wait: '\r\n\r\n' },
        head('HTTP/1.1 101 Fine', 'Connection: upgrade', 'Upgrade: frob'),
        { wait: 'x' },
        'y',
        'end',
      ],
    },
  },
  {
    name: 'upgrade: with a body',
    send: post('abc', ...websocket, 'Content-Length: 3'),
  },
  {
    name: 'upgrade: in HTTP/1.0',
    send: head('GET / HTTP/1.0', 'Host: h', ...websocket),
    answer: { steps: [{ wait: '\r\n\r\n' }, switching, 'close'] },
  },
];

const pipelines: Case[] = [
  {
    name: 'pipeline: two GET in one segment',
    send: get('X-N: 1') + get('X-N: 2'),
    replies: 2,
    methods: ['GET', 'GET'],
    answer: [reply('one', 'Content-Length: 3'), reply('two', 'Content-Length: 3')],
  },
  {
    name: 'pipeline: three with bodies',
    send: post('a', 'Content-Length: 1') + post('b', 'Content-Length: 1') + get(),
    replies: 3,
    methods: ['POST', 'POST', 'GET'],
  },
  {
    name: 'pipeline: the second is bad',
    send: `${get()}BAD\x00LINE\r\n\r\n`,
    replies: 2,
    methods: ['GET', 'GET'],
  },
  {
    name: 'pipeline: nothing after Connection: close',
    send: get('Connection: close') + get(),
    replies: 2,
    methods: ['GET', 'GET'],
  },
  {
    name: 'pipeline: empty lines between',
    send: `${get()}\r\n\r\n${get()}`,
    replies: 2,
    methods: ['GET', 'GET'],
  },
  {
    name: 'pipeline: HEAD then GET',
    send: head('HEAD / HTTP/1.1', 'Host: h') + get(),
    replies: 2,
    methods: ['HEAD', 'GET'],
    answer: [head('HTTP/1.1 200 OK', 'Content-Length: 5'), okay],
  },
  {
    name: 'pipeline: the first answer closes',
    send: get() + get(),
    replies: 2,
    methods: ['GET', 'GET'],
    answer: reply('ok', 'Content-Length: 2', 'Connection: close'),
    after: 'close',
  },
  {
    name: 'pipeline: split in the middle of the second head',
    send: [`${get()}GET / HT`, { replies: 1 }, 'TP/1.1\r\nHost: h\r\n\r\n', { replies: 2 }],
    methods: ['GET', 'GET'],
  },
  {
    name: 'pipeline: HTTP/1.0 without keep-alive, then another',
    send: head('GET / HTTP/1.0') + head('GET / HTTP/1.0'),
    replies: 2,
    methods: ['GET', 'GET'],
  },
  {
    name: 'pipeline: HTTP/1.0 with keep-alive twice',
    send: head('GET / HTTP/1.0', 'Connection: keep-alive').repeat(2),
    replies: 2,
    methods: ['GET', 'GET'],
  },
  {
    name: 'pipeline: HTTP/1.0 keep-alive and an answer without length',
    send: head('GET / HTTP/1.0', 'Connection: keep-alive').repeat(2),
    replies: 2,
    methods: ['GET', 'GET'],
    answer: reply('until the end'),
    after: 'close',
  },
  {
    name: 'pipeline: HTTP/1.1 then HTTP/1.0',
    send: get() + head('GET / HTTP/1.0'),
    replies: 2,
    methods: ['GET', 'GET'],
  },
];

export const connectionCases: Case[] = [
  ...connections.map(([what, lines]): Case => ({ name: `connection: ${what}`, send: get(lines) })),
  ...modes.flatMap((variant): Case[] => [
    { name: `mode ${variant}: HTTP/1.1`, variant, send: get() },
    { name: `mode ${variant}: HTTP/1.1 close`, variant, send: get('Connection: close') },
    { name: `mode ${variant}: HTTP/1.0`, variant, send: head('GET / HTTP/1.0') },
    {
      name: `mode ${variant}: HTTP/1.0 keep-alive`,
      variant,
      send: head('GET / HTTP/1.0', 'Connection: keep-alive'),
    },
    {
      name: `mode ${variant}: two requests`,
      variant,
      send: get().repeat(2),
      replies: 2,
      methods: ['GET', 'GET'],
    },
    {
      name: `mode ${variant}: the back end says close`,
      variant,
      send: get(),
      answer: reply('ok', 'Content-Length: 2', 'Connection: close'),
      after: 'close',
    },
    {
      name: `mode ${variant}: the back end speaks HTTP/1.0`,
      variant,
      send: get(),
      answer: `${head('HTTP/1.0 200 OK', 'Content-Length: 2')}ok`,
      after: 'close',
    },
    {
      name: `mode ${variant}: no length until the end`,
      variant,
      send: get(),
      answer: reply('until the end'),
      after: 'close',
    },
  ]),
  ...expects,
  ...upgrades,
  ...pipelines,
];
