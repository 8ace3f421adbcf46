/**
 * Heads that come in pieces: what can never become a request is refused when its first wrong byte
 * comes, not when a timer fires (RFC 9112 2.2). The first piece comes together with a whole request,
 * so that its answer tells when the proxy has read it.
 */
import { type Case, get } from '../case.ts';

const pieces: [string, string, string][] = [
  ['a NUL in the method', 'GE', 'T\x00'],
  ['a control byte in the target', 'GET /a', 'b\x01'],
  ['a byte over 127 in the target', 'GET /a', '\xe9'],
  ['two blanks in the target', 'GET /a', ' b c'],
  ['letters after the version', 'GET / HTTP/1.', '1x'],
  ['a digit after the version', 'GET / HTTP/1.1', '0'],
  ['a CR that is not followed by LF', 'GET / HTTP/1.1\r', 'x'],
  ['a fold', 'GET / HTTP/1.1\r\n', ' a'],
  ['no name', 'GET / HTTP/1.1\r\n', ':'],
  ['a blank in a name', 'GET / HTTP/1.1\r\nHo', ' st'],
  ['a bracket in a name', 'GET / HTTP/1.1\r\nHo', '(st'],
  ['a NUL in a value', 'GET / HTTP/1.1\r\nHost: h', 'i\x00'],
  ['a CR in a value', 'GET / HTTP/1.1\r\nHost: h', 'i\rj'],
  ['a CR at the end that is not followed by LF', 'GET / HTTP/1.1\r\nHost: h\r\n', '\rx'],
  ['an empty line, then a blank', '\r\n', ' '],
  ['nothing wrong yet', 'GET / HTTP/1.1\r\nHo', 'st: h'],
  ['nothing wrong yet in the version', 'GET / HT', 'TP/1'],
];

export const pieceCases: Case[] = [
  ...pieces.map(
    ([what, first, second]): Case => ({
      name: `pieces: ${what}`,
      send: [get() + first, { replies: 1 }, second, { replies: 2 }],
      methods: ['GET', 'GET'],
    }),
  ),
  ...pieces.map(
    ([what, first, second]): Case => ({
      name: `pieces: ${what}, violations accepted`,
      variant: 'unsafe',
      send: [get() + first, { replies: 1 }, second, { replies: 2 }],
      methods: ['GET', 'GET'],
    }),
  ),
  {
    name: 'pieces: a head byte by byte',
    send: [...get('X-A: b'), { replies: 1 }],
    methods: ['GET'],
  },
];
