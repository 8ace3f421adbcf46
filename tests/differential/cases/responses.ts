/** What back ends answer: RFC 9112 4, 6 and 7, RFC 9110 15. */
import { type Case, get, head, okay, reply } from '../case.ts';

const starts: [string, string][] = [
  ['no reason', 'HTTP/1.1 200'],
  ['an empty reason', 'HTTP/1.1 200 '],
  ['a long reason', `HTTP/1.1 200 ${'r'.repeat(300)}`],
  ['a reason with bytes over 127', 'HTTP/1.1 200 caf\xe9'],
  ['a reason with a NUL', 'HTTP/1.1 200 O\x00K'],
  ['a reason with a tab', 'HTTP/1.1 200 O\tK'],
  ['status 000', 'HTTP/1.1 000 Zero'],
  ['status 099', 'HTTP/1.1 099 Small'],
  ['status 299', 'HTTP/1.1 299 Unknown'],
  ['status 599', 'HTTP/1.1 599 Unknown'],
  ['status 600', 'HTTP/1.1 600 Large'],
  ['status 999', 'HTTP/1.1 999 Large'],
  ['status of two digits', 'HTTP/1.1 20 OK'],
  ['status of four digits', 'HTTP/1.1 2000 OK'],
  ['status of letters', 'HTTP/1.1 abc OK'],
  ['no status', 'HTTP/1.1'],
  ['two spaces before the status', 'HTTP/1.1  200 OK'],
  ['a tab before the status', 'HTTP/1.1\t200 OK'],
  ['HTTP/1.0', 'HTTP/1.0 200 OK'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK'],
  ['HTTP/0.9', 'HTTP/0.9 200 OK'],
  ['HTTP/1.10', 'HTTP/1.10 200 OK'],
  ['lower-case http', 'http/1.1 200 OK'],
  ['another protocol', 'ICY 200 OK'],
  ['a request instead of an answer', 'GET / HTTP/1.1'],
  ['nonsense', 'hello'],
  ['a space in front', ' HTTP/1.1 200 OK'],
];

const fields: [string, string][] = [
  ['a space before the colon', 'X-A : 1'],
  ['a space inside the name', 'X A: 1'],
  ['no colon', 'X-A'],
  ['an empty name', ': 1'],
  ['a folded value', 'X-A: a\r\n b'],
  ['a NUL in the value', 'X-A: a\x00b'],
  ['a NUL in the name', 'X\x00A: 1'],
  ['a control byte in the value', 'X-A: a\x01b'],
  ['a byte over 127 in the value', 'X-A: a\xe9b'],
  ['a bare CR in the value', 'X-A: a\rb'],
  ['a bare LF after the value', 'X-A: a\nX-B: b'],
  ['capitals', 'X-CaPiTaL: 1'],
  ['an empty value', 'X-A:'],
  ['white space around the value', 'X-A:  \t1\t '],
  [
    'one hundred and fifty of them',
    Array.from({ length: 150 }, (_, i) => `X-${i}: 1`).join('\r\n'),
  ],
  ['a value that fills the buffer', `X-A: ${'v'.repeat(20000)}`],
  ['two Set-Cookie', 'Set-Cookie: a=1\r\nSet-Cookie: b=2'],
  ['Connection: close', 'Connection: close'],
  ['Connection: keep-alive', 'Connection: keep-alive'],
  ['Connection with a named field', 'Connection: x-hop\r\nX-Hop: 1'],
  ['Keep-Alive', 'Keep-Alive: timeout=5'],
  ['Proxy-Connection', 'Proxy-Connection: keep-alive'],
  ['Upgrade', 'Upgrade: h2c'],
  ['Server and Date', 'Server: s\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT'],
];

const lengths: [string, string, string][] = [
  ['a plus sign', '+2', 'ok'],
  ['a minus sign', '-2', 'ok'],
  ['letters', 'two', 'ok'],
  ['nothing', '', 'ok'],
  ['the same value twice', '2, 2', 'ok'],
  ['different values', '2, 3', 'ok'],
  ['more than 2^64', '18446744073709551618', 'ok'],
  ['shorter than the body', '1', 'ok'],
  ['zero with a body', '0', 'ok'],
];

const chunks: [string, string][] = [
  ['one chunk', '2\r\nok\r\n0\r\n\r\n'],
  ['an extension', '2;a=b\r\nok\r\n0\r\n\r\n'],
  ['a trailer', '2\r\nok\r\n0\r\nX-T: 1\r\n\r\n'],
  ['a bad size', 'zz\r\nok\r\n0\r\n\r\n'],
  ['a bad size after data', '2\r\nok\r\nzz\r\n'],
  ['a size of 2^64 plus 2', '10000000000000002\r\nok\r\n0\r\n\r\n'],
  ['no CRLF after data', '2\r\nokay\r\n0\r\n\r\n'],
  ['a bare LF after the size', '2\nok\r\n0\r\n\r\n'],
  ['a space before the size', ' 2\r\nok\r\n0\r\n\r\n'],
  ['a space after the size', '2 \r\nok\r\n0\r\n\r\n'],
  ['a folded trailer', '2\r\nok\r\n0\r\nX-T: 1\r\n 2\r\n\r\n'],
  ['an empty trailer value', '2\r\nok\r\n0\r\nX-T:\r\n\r\n'],
  ['bytes after the end', '2\r\nok\r\n0\r\n\r\nmore'],
];

const codings: [string, string][] = [
  ['chunked twice', 'chunked, chunked'],
  ['gzip then chunked', 'gzip, chunked'],
  ['gzip alone', 'gzip'],
  ['identity', 'identity'],
  ['chunked then gzip', 'chunked, gzip'],
  ['an unknown name', 'xchunked'],
];

const bodyless: [string, string][] = [
  ['204 with a length', head('HTTP/1.1 204 None', 'Content-Length: 2')],
  ['204 without anything', head('HTTP/1.1 204 None')],
  ['204 with a coding', head('HTTP/1.1 204 None', 'Transfer-Encoding: chunked')],
  ['304 with a length', head('HTTP/1.1 304 Same', 'Content-Length: 2')],
  ['304 without anything', head('HTTP/1.1 304 Same')],
  ['205 with length zero', head('HTTP/1.1 205 Reset', 'Content-Length: 0')],
];

const interim: Case[] = [
  {
    name: 'interim: 100 that was not asked for',
    send: get(),
    answer: head('HTTP/1.1 100 Continue') + okay,
  },
  {
    name: 'interim: 103 with fields',
    send: get(),
    answer: head('HTTP/1.1 103 Early Hints', 'Link: </a>') + okay,
  },
  {
    name: 'interim: 102 and 103',
    send: get(),
    answer: head('HTTP/1.1 102 Processing') + head('HTTP/1.1 103 Early Hints', 'X: 1') + okay,
  },
  {
    name: 'interim: 103 for a client of HTTP/1.0',
    send: head('GET / HTTP/1.0'),
    answer: head('HTTP/1.1 103 Early Hints', 'Link: </a>') + okay,
  },
  {
    name: 'interim: 199',
    send: get(),
    answer: head('HTTP/1.1 199 Odd') + okay,
  },
  {
    name: 'interim: 100 with a length',
    send: get(),
    answer: head('HTTP/1.1 100 Continue', 'Content-Length: 2') + okay,
  },
  {
    name: 'interim: 103 and then a broken answer',
    send: get(),
    answer: `${head('HTTP/1.1 103 Early Hints') + head('HTTP/1.1 200 OK', 'X A: 1')}ok`,
  },
  {
    name: 'interim: 100 and then the end',
    send: get(),
    answer: head('HTTP/1.1 100 Continue'),
    after: 'close',
  },
];

const cut: Case[] = [
  { name: 'cut: the end before any byte', send: get(), answer: '', after: 'close' },
  { name: 'cut: a reset before any byte', send: get(), answer: '', after: 'reset' },
  {
    name: 'cut: the end inside the head',
    send: get(),
    answer: 'HTTP/1.1 200 OK\r\nX-',
    after: 'close',
  },
  {
    name: 'cut: a reset inside the head',
    send: get(),
    answer: 'HTTP/1.1 200 OK\r\nX-',
    after: 'reset',
  },
  {
    name: 'cut: the end inside the body',
    send: get(),
    answer: reply('ok', 'Content-Length: 9'),
    after: 'close',
  },
  {
    name: 'cut: the end inside a chunk',
    send: get(),
    answer: reply('9\r\nok', 'Transfer-Encoding: chunked'),
    after: 'close',
  },
  {
    name: 'cut: the end before the last chunk',
    send: get(),
    answer: reply('2\r\nok\r\n', 'Transfer-Encoding: chunked'),
    after: 'close',
  },
  { name: 'cut: silence', send: get(), answer: '' },
  { name: 'cut: silence inside the head', send: get(), answer: 'HTTP/1.1 200 OK\r\n' },
  { name: 'cut: silence inside the body', send: get(), answer: reply('ok', 'Content-Length: 9') },
];

export const responseCases: Case[] = [
  ...starts.map(
    ([what, line]): Case => ({
      name: `status: ${what}`,
      send: get(),
      answer: `${head(line, 'Content-Length: 2')}ok`,
    }),
  ),
  ...fields.map(
    ([what, line]): Case => ({
      name: `response field: ${what}`,
      send: get(),
      answer: reply('ok', 'Content-Length: 2', line),
    }),
  ),
  ...lengths.map(
    ([what, value, body]): Case => ({
      name: `response length: ${what}`,
      send: get(),
      answer: reply(body, `Content-Length: ${value}`),
      after: 'close',
    }),
  ),
  ...chunks.map(
    ([what, body]): Case => ({
      name: `response chunks: ${what}`,
      send: get(),
      answer: reply(body, 'Transfer-Encoding: chunked'),
      after: 'close',
    }),
  ),
  ...codings.map(
    ([what, value]): Case => ({
      name: `response coding: ${what}`,
      send: get(),
      answer: reply('2\r\nok\r\n0\r\n\r\n', `Transfer-Encoding: ${value}`),
      after: 'close',
    }),
  ),
  ...bodyless.map(([what, answer]): Case => ({ name: `bodyless: ${what}`, send: get(), answer })),
  {
    name: 'response length: with a coding',
    send: get(),
    answer: reply('2\r\nok\r\n0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
  },
  {
    name: 'response length: two fields with different values',
    send: get(),
    answer: reply('ok', 'Content-Length: 2', 'Content-Length: 3'),
    after: 'close',
  },
  {
    name: 'response chunks: to a client of HTTP/1.0',
    send: head('GET / HTTP/1.0'),
    answer: reply('2\r\nok\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'),
  },
  {
    name: 'response chunks: to a client of HTTP/1.0 with keep-alive',
    send: head('GET / HTTP/1.0', 'Connection: keep-alive'),
    answer: reply('2\r\nok\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'),
  },
  {
    name: 'response chunks: from a server of HTTP/1.0',
    send: get(),
    answer: `${head('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked')}2\r\nok\r\n0\r\n\r\n`,
    after: 'close',
  },
  {
    name: 'response: HEAD with a length',
    send: head('HEAD / HTTP/1.1', 'Host: h'),
    answer: head('HTTP/1.1 200 OK', 'Content-Length: 9'),
  },
  {
    name: 'response: HEAD with a coding',
    send: head('HEAD / HTTP/1.1', 'Host: h'),
    answer: head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'),
  },
  {
    name: 'response: HEAD without a length',
    send: head('HEAD / HTTP/1.1', 'Host: h'),
    answer: head('HTTP/1.1 200 OK'),
  },
  {
    name: 'response: no length on a kept connection ends with it',
    send: get(),
    answer: reply('ok'),
    after: 'close',
  },
  {
    name: 'response: no length in HTTP/1.0',
    send: head('GET / HTTP/1.0'),
    answer: `${head('HTTP/1.0 200 OK')}ok`,
    after: 'close',
  },
  {
    name: 'response: it comes before the end of the request body',
    send: head('POST / HTTP/1.1', 'Host: h', 'Content-Length: 100'),
    answer: { steps: [{ wait: '\r\n\r\n' }, okay, 'close'] },
  },
  {
    name: 'response: a bare LF at the end of each line',
    send: get(),
    answer: 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
    after: 'close',
  },
  {
    name: 'response: an empty line in front',
    send: get(),
    answer: `\r\n${okay}`,
    after: 'close',
  },
  {
    name: 'response: a body larger than a buffer',
    send: get(),
    answer: reply('z'.repeat(100_000), 'Content-Length: 100000'),
  },
  ...interim,
  ...cut,
];
