/** Transfer-Encoding of requests and chunked bodies: RFC 9112 6.1, 7.1 and 11.2. */
import { type Case, chunkedPost, get, head, post, reply } from '../case.ts';

const body = '3\r\nabc\r\n0\r\n\r\n';

const codings: [string, string][] = [
  ['chunked', 'chunked'],
  ['capital letters', 'CHUNKED'],
  ['mixed case', 'ChunKed'],
  ['white space around', '  chunked  '],
  ['a tab before', '\tchunked'],
  ['chunked twice', 'chunked, chunked'],
  ['gzip then chunked', 'gzip, chunked'],
  ['chunked then gzip', 'chunked, gzip'],
  ['gzip alone', 'gzip'],
  ['identity', 'identity'],
  ['identity then chunked', 'identity, chunked'],
  ['chunked then identity', 'chunked, identity'],
  ['an unknown name ending in chunked', 'xchunked'],
  ['a name that starts with chunked', 'chunkedx'],
  ['chunked with a parameter', 'chunked;q=1'],
  ['a comma in front', ',chunked'],
  ['a comma at the end', 'chunked,'],
  ['a comma between', 'gzip,,chunked'],
  ['quotes', '"chunked"'],
  ['nothing', ''],
  ['a vertical tab before', '\x0bchunked'],
  ['a NUL at the end', 'chunked\x00'],
  ['a space inside', 'chun ked'],
];

const chunks: [string, string][] = [
  ['one chunk', '3\r\nabc\r\n0\r\n\r\n'],
  ['several chunks', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'],
  ['no data', '0\r\n\r\n'],
  ['capital hexadecimal', 'A\r\n0123456789\r\n0\r\n\r\n'],
  ['small hexadecimal', 'a\r\n0123456789\r\n0\r\n\r\n'],
  ['zeroes in front', '0003\r\nabc\r\n0\r\n\r\n'],
  ['many zeroes in front', `${'0'.repeat(40)}3\r\nabc\r\n0\r\n\r\n`],
  ['a last chunk of several zeroes', '3\r\nabc\r\n000\r\n\r\n'],
  ['an extension', '3;name=value\r\nabc\r\n0\r\n\r\n'],
  ['an extension without value', '3;name\r\nabc\r\n0\r\n\r\n'],
  ['a quoted extension', '3;name="a;b"\r\nabc\r\n0\r\n\r\n'],
  ['an extension on the last chunk', '3\r\nabc\r\n0;last\r\n\r\n'],
  ['a space before an extension', '3 ;name=value\r\nabc\r\n0\r\n\r\n'],
  ['a space after the size', '3 \r\nabc\r\n0\r\n\r\n'],
  ['a tab after the size', '3\t\r\nabc\r\n0\r\n\r\n'],
  ['a space before the size', ' 3\r\nabc\r\n0\r\n\r\n'],
  ['no size', '\r\nabc\r\n0\r\n\r\n'],
  ['a minus sign', '-3\r\nabc\r\n0\r\n\r\n'],
  ['a plus sign', '+3\r\nabc\r\n0\r\n\r\n'],
  ['a prefix 0x', '0x3\r\nabc\r\n0\r\n\r\n'],
  ['a letter that is no digit', 'g\r\nabc\r\n0\r\n\r\n'],
  ['a digit then a letter', '3g\r\nabc\r\n0\r\n\r\n'],
  ['a size of 2^32 plus 3', '100000003\r\nabc\r\n0\r\n\r\n'],
  ['a size of 2^64 plus 3', '10000000000000003\r\nabc\r\n0\r\n\r\n'],
  ['a size of sixteen F', 'ffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
  ['a bare LF after the size', '3\nabc\r\n0\r\n\r\n'],
  ['a bare LF after the data', '3\r\nabc\n0\r\n\r\n'],
  ['a bare LF after the last size', '3\r\nabc\r\n0\n\r\n'],
  ['a bare LF at the very end', '3\r\nabc\r\n0\r\n\n'],
  ['a bare CR after the size', '3\rabc\r\n0\r\n\r\n'],
  ['a bare CR in an extension', '3;a\rb\r\nabc\r\n0\r\n\r\n'],
  ['a bare LF in an extension', '3;a\nabc\r\n0\r\n\r\n'],
  ['a NUL in an extension', '3;a\x00b\r\nabc\r\n0\r\n\r\n'],
  ['too many data bytes', '3\r\nabcd\r\n0\r\n\r\n'],
  ['too few data bytes', '3\r\nab\r\n0\r\n\r\n'],
  ['two CR after the size', '3\r\r\nabc\r\n0\r\n\r\n'],
  ['a trailer', '3\r\nabc\r\n0\r\nX-Trailer: yes\r\n\r\n'],
  ['two trailers', '3\r\nabc\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n'],
  ['an empty trailer value', '3\r\nabc\r\n0\r\nX-A:\r\n\r\n'],
  ['a trailer without colon', '3\r\nabc\r\n0\r\nbad\r\n\r\n'],
  ['a trailer with a space before the colon', '3\r\nabc\r\n0\r\nX-A : 1\r\n\r\n'],
  ['a folded trailer', '3\r\nabc\r\n0\r\nX-A: 1\r\n 2\r\n\r\n'],
  ['a Content-Length trailer', '3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n'],
  ['a Transfer-Encoding trailer', '3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ...['Host', 'Connection', 'TE', 'Trailer', 'Upgrade', 'Keep-Alive', 'Expect'].map(
    (name): [string, string] => [`a ${name} trailer`, `3\r\nabc\r\n0\r\n${name}: a\r\n\r\n`],
  ),
  ['a Cookie trailer', '3\r\nabc\r\n0\r\nCookie: a\r\n\r\n'],
  ['a second colon in a trailer', '3\r\nabc\r\n0\r\nX-A:B: 1\r\n\r\n'],
  ['a NUL in a trailer', '3\r\nabc\r\n0\r\nX-A: a\x00b\r\n\r\n'],
  ['a bare LF after a trailer', '3\r\nabc\r\n0\r\nX-A: 1\n\r\n'],
];

export const codingCases: Case[] = [
  ...codings.map(
    ([what, value]): Case => ({
      name: `coding: ${what}`,
      send: post(body, `Transfer-Encoding: ${value}`),
    }),
  ),
  {
    name: 'coding: capital letters in the answer',
    send: get(),
    answer: reply('2\r\nok\r\n0\r\n\r\n', 'Transfer-Encoding: CHUNKED'),
  },
  {
    name: 'coding: a comma at the end in the answer',
    send: get(),
    answer: reply('2\r\nok\r\n0\r\n\r\n', 'Transfer-Encoding: chunked,'),
  },
  ...['Content-Length', 'Transfer-Encoding', 'Host', 'Connection', 'X-A'].map(
    (name): Case => ({
      name: `chunks: a ${name} trailer in the answer`,
      send: get(),
      answer: reply(`2\r\nok\r\n0\r\n${name}: 1\r\n\r\n`, 'Transfer-Encoding: chunked'),
    }),
  ),
  {
    name: 'coding: two fields, both chunked',
    send: post(body, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  },
  {
    name: 'coding: two fields, gzip then chunked',
    send: post(body, 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'),
  },
  {
    name: 'coding: two fields, chunked then identity',
    send: post(body, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'),
  },
  {
    name: 'coding: in HTTP/1.0',
    send: head('POST / HTTP/1.0', 'Host: h', 'Transfer-Encoding: chunked') + body,
  },
  {
    name: 'coding: in HTTP/1.0 with a length',
    send:
      head('POST / HTTP/1.0', 'Host: h', 'Transfer-Encoding: chunked', 'Content-Length: 3') + body,
  },
  {
    name: 'coding: on GET',
    send: get('Transfer-Encoding: chunked') + body,
  },
  {
    name: 'coding: on HEAD',
    send: head('HEAD / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked') + body,
  },
  {
    name: 'coding: a space before the colon',
    send: post(body, 'Transfer-Encoding : chunked'),
  },
  {
    name: 'coding: an underscore in the name is another field',
    send: post('', 'Transfer_Encoding: chunked', 'Content-Length: 0'),
  },
  ...chunks.map(
    ([what, bytes]): Case => ({
      name: `chunks: ${what}`,
      send: chunkedPost(bytes),
    }),
  ),
  {
    name: 'chunks: the end in the middle of a chunk',
    send: [chunkedPost('5\r\nab'), { seen: '\r\n\r\n' }, 'end'],
  },
  {
    name: 'chunks: the end before the last chunk',
    send: [chunkedPost('3\r\nabc\r\n'), { seen: '\r\n\r\n' }, 'end'],
  },
  {
    name: 'chunks: silence before the last chunk',
    send: chunkedPost('3\r\nabc\r\n'),
  },
  {
    name: 'chunks: a second request after the body',
    send: chunkedPost('3\r\nabc\r\n0\r\n\r\n') + get('X-Second: 1'),
    replies: 2,
    methods: ['POST', 'GET'],
  },
  {
    name: 'chunks: a second request after trailers',
    send: chunkedPost('3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n') + get('X-Second: 1'),
    replies: 2,
    methods: ['POST', 'GET'],
  },
  {
    name: 'chunks: a body of many chunks',
    send: chunkedPost(`${'1\r\nx\r\n'.repeat(400)}0\r\n\r\n`),
  },
  {
    name: 'chunks: a body larger than a buffer',
    send: chunkedPost(`c350\r\n${'y'.repeat(50000)}\r\n0\r\n\r\n`),
  },
  {
    name: 'chunks: a bad size after a first good chunk in another segment',
    send: [chunkedPost('3\r\nabc\r\n'), { seen: 'abc' }, 'zz\r\n', { replies: 1 }],
  },
];
