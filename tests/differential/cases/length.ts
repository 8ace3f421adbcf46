/** Content-Length of requests: RFC 9112 6.2 and 6.3, RFC 9110 8.6. */
import { type Case, chunkedPost, get, head, post, reply } from '../case.ts';

const values: [string, string][] = [
  ['a plain number', '3'],
  ['leading zeroes', '003'],
  ['white space around', '  3  '],
  ['a tab before', '\t3'],
  ['a plus sign', '+3'],
  ['a minus sign', '-3'],
  ['hexadecimal', '0x3'],
  ['letters', 'abc'],
  ['digits then letters', '3abc'],
  ['digits, a space, digits', '3 3'],
  ['nothing', ''],
  ['the same value twice in one list', '3, 3'],
  ['the same value twice without a space', '3,3'],
  ['different values in one list', '3, 4'],
  ['an empty element in front', ', 3'],
  ['an empty element at the end', '3,'],
  ['a decimal point', '3.0'],
  ['an exponent', '3e0'],
  ['an underscore', '3_0'],
  ['a quoted number', '"3"'],
  ['a semicolon', '3;a=b'],
  ['more than 2^64', '18446744073709551619'],
  ['more than 2^63', '9223372036854775811'],
  ['a hundred digits', '9'.repeat(100)],
];

export const lengthCases: Case[] = [
  ...values.map(
    ([what, value]): Case => ({
      name: `length: ${what}`,
      send: post('abc', `Content-Length: ${value}`),
    }),
  ),
  { name: 'length: zero with zeroes in front', send: post('', 'Content-Length: 000') },
  {
    name: 'length: a list with zeroes in front',
    send: post('abc', 'Content-Length: 03, 3'),
  },
  {
    name: 'length: zeroes in front in the answer',
    send: get(),
    answer: reply('ok', 'Content-Length: 002'),
  },
  {
    name: 'length: twice with zeroes in front in the answer',
    send: get(),
    answer: reply('ok', 'Content-Length: 002', 'X-A: 1', 'Content-Length: 2'),
  },
  {
    name: 'length: two fields with one value',
    send: post('abc', 'Content-Length: 3', 'Content-Length: 3'),
  },
  {
    name: 'length: two fields with different values',
    send: post('abcd', 'Content-Length: 3', 'Content-Length: 4'),
  },
  {
    name: 'length: two fields, one with zeroes in front',
    send: post('abc', 'Content-Length: 3', 'Content-Length: 03'),
  },
  {
    name: 'length: two fields, the second not a number',
    send: post('abc', 'Content-Length: 3', 'Content-Length: x'),
  },
  {
    name: 'length: three fields with one value',
    send: post('abc', 'Content-Length: 3', 'content-length: 3', 'CONTENT-LENGTH: 3'),
  },
  {
    name: 'length: with a transfer coding after it',
    send: chunkedPost('3\r\nabc\r\n0\r\n\r\n', 'Content-Length: 3'),
  },
  {
    name: 'length: with a transfer coding before it',
    send: post('3\r\nabc\r\n0\r\n\r\n', 'Content-Length: 3', 'Transfer-Encoding: chunked'),
  },
  {
    name: 'length: a coding and a length, then a second request',
    send: `${chunkedPost('0\r\n\r\n', 'Content-Length: 5')}${get()}`,
    replies: 2,
    methods: ['POST', 'GET'],
  },
  {
    name: 'length: a body on GET',
    send: `${get('Content-Length: 3')}abc`,
  },
  {
    name: 'length: a body on HEAD',
    send: `${head('HEAD / HTTP/1.1', 'Host: h', 'Content-Length: 3')}abc`,
  },
  {
    name: 'length: a body on DELETE',
    send: `${head('DELETE / HTTP/1.1', 'Host: h', 'Content-Length: 3')}abc`,
  },
  {
    name: 'length: zero on POST',
    send: post('', 'Content-Length: 0'),
  },
  {
    name: 'length: zero on GET',
    send: get('Content-Length: 0'),
  },
  {
    name: 'length: none on POST',
    send: post(''),
  },
  {
    name: 'length: a body shorter than announced and the end',
    send: [post('ab', 'Content-Length: 3'), { seen: 'ab' }, 'end'],
  },
  {
    name: 'length: a body shorter than announced and silence',
    send: post('ab', 'Content-Length: 3'),
  },
  {
    name: 'length: a body longer than announced is the next request',
    send: `${post('abcd', 'Content-Length: 3')}`,
    replies: 2,
  },
  {
    name: 'length: in HTTP/1.0',
    send: `${head('POST / HTTP/1.0', 'Content-Length: 3')}abc`,
  },
  {
    name: 'length: none on POST in HTTP/1.0',
    send: head('POST / HTTP/1.0'),
  },
  {
    name: 'length: conflicting on GET in HTTP/1.0',
    send: head('GET / HTTP/1.0', 'Content-Length: 0', 'Content-Length: 1'),
  },
];
