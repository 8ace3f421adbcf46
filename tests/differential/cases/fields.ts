/** Fields of requests: RFC 9112 5, RFC 9110 5. */
import { type Case, get, head } from '../case.ts';

const fields: [string, string][] = [
  ['an empty value', 'X-A:'],
  ['a value of spaces', 'X-A:    '],
  ['no space after the colon', 'X-A:1'],
  ['spaces and tabs around the value', 'X-A: \t 1 \t '],
  ['spaces inside the value', 'X-A: a   b\tc'],
  ['a space before the colon', 'X-A : 1'],
  ['a tab before the colon', 'X-A\t: 1'],
  ['a space inside the name', 'X A: 1'],
  ['a space before the name', ' X-A: 1'],
  ['a tab before the name', '\tX-A: 1'],
  ['no colon', 'X-A'],
  ['an empty name', ': 1'],
  ['only a colon', ':'],
  ['every token character in the name', "X!#$%&'*+-.^_`|~9: 1"],
  ['a bracket in the name', 'X(A: 1'],
  ['a slash in the name', 'X/A: 1'],
  ['an at sign in the name', 'X@A: 1'],
  ['a quote in the name', 'X"A: 1'],
  ['a NUL in the name', 'X\x00A: 1'],
  ['a control byte in the name', 'X\x01A: 1'],
  ['a byte over 127 in the name', 'X\xe9A: 1'],
  ['a bare CR in the name', 'X\rA: 1'],
  ['a NUL in the value', 'X-A: a\x00b'],
  ['a control byte in the value', 'X-A: a\x01b'],
  ['a DEL in the value', 'X-A: a\x7fb'],
  ['a byte over 127 in the value', 'X-A: a\xe9b'],
  ['a vertical tab in the value', 'X-A: a\x0bb'],
  ['a bare CR in the value', 'X-A: a\rb'],
  ['a bare CR at the end of the value', 'X-A: a\r'],
  ['a bare LF in the value', 'X-A: a\nX-B: b'],
  ['a folded value', 'X-A: a\r\n b'],
  ['a value folded with a tab', 'X-A: a\r\n\tb'],
  ['a fold that is empty', 'X-A: a\r\n '],
  ['a fold with more spaces', 'X-A: a\r\n     b   c'],
  ['capitals in the name', 'X-CaPiTaL: 1'],
  ['one name twice', 'X-A: 1\r\nX-A: 2'],
  ['a colon in the value', 'X-A: a:b:c'],
  ['a quoted value', 'X-A: "a, b"'],
  ['a one-letter name', 'X: 1'],
  ['a name of 200 bytes', `${'N'.repeat(200)}: 1`],
  ['a value of 6000 bytes', `X-A: ${'v'.repeat(6000)}`],
  ['a value that fills the buffer', `X-A: ${'v'.repeat(20000)}`],
  ['sixty fields', Array.from({ length: 60 }, (_, i) => `X-${i}: ${i}`).join('\r\n')],
  [
    'one hundred and fifty fields',
    Array.from({ length: 150 }, (_, i) => `X-${i}: ${i}`).join('\r\n'),
  ],
  ['cookies in two fields', 'Cookie: a=1\r\nCookie: b=2'],
  ['an empty cookie', 'Cookie:'],
];

const unsafe: [string, string][] = [
  ['a space before the colon', 'X-A : 1'],
  ['a space inside the name', 'X A: 1'],
  ['a bracket in the name', 'X(A: 1'],
  ['a byte over 127 in the name', 'X\xe9A: 1'],
  ['a bare CR in the name', 'X\rA: 1'],
  ['a NUL in the value', 'X-A: a\x00b'],
  ['a control byte in the value', 'X-A: a\x01b'],
  ['a byte over 127 in the value', 'X-A: a\xe9b'],
  ['an empty name', ': 1'],
];

export const fieldCases: Case[] = [
  ...fields.map(([what, line]): Case => ({ name: `field: ${what}`, send: get(line) })),
  ...unsafe.map(
    ([what, line]): Case => ({
      name: `field: ${what}, violations accepted`,
      variant: 'unsafe',
      send: get(line),
    }),
  ),
  {
    name: 'field: the first line is folded',
    send: 'GET / HTTP/1.1\r\n X: 1\r\nHost: h\r\n\r\n',
  },
  {
    name: 'field: bare LF at the end of one line',
    send: 'GET / HTTP/1.1\r\nHost: h\nX-A: 1\r\n\r\n',
  },
  {
    name: 'field: bare LF as the empty line',
    send: 'GET / HTTP/1.1\r\nHost: h\r\n\n',
  },
  {
    name: 'field: CR CR LF as the empty line',
    send: 'GET / HTTP/1.1\r\nHost: h\r\n\r\r\n',
  },
  {
    name: 'field: exactly one hundred',
    send: head('GET / HTTP/1.1', 'Host: h', ...Array.from({ length: 99 }, (_, i) => `X-${i}: 1`)),
  },
  {
    name: 'field: one hundred and one',
    send: head('GET / HTTP/1.1', 'Host: h', ...Array.from({ length: 100 }, (_, i) => `X-${i}: 1`)),
  },
  {
    name: 'field: one hundred and two',
    send: head('GET / HTTP/1.1', 'Host: h', ...Array.from({ length: 101 }, (_, i) => `X-${i}: 1`)),
  },
  {
    name: 'field: X-Forwarded-For is added after the one that came',
    variant: 'forwarded',
    send: get('X-Forwarded-For: 10.0.0.1'),
  },
  {
    name: 'field: X-Forwarded-For and X-Original-To are added',
    variant: 'forwarded',
    send: get(),
  },
];
