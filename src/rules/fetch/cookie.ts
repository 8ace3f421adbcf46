/**
 * Cookies as samples (configuration.txt 7.3.6; RFC 6265 4.2 and 5.2).
 *
 *   Cookie:      name=value; name=value, name="quoted; value"     any number per field
 *   Set-Cookie:  name=value; attribute; attribute                 one per comma-separated part
 *
 * A pair without `=` is no cookie. Blanks around names and values do not count. The walk's position
 * has the same form as that of header values.
 *
 * @dataplane
 */
import { Col, type HttpMessage, ROW, sameBytes } from '../../http/message.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { readLeadingInt, readValue } from '../integer.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { scratchMax, takeScratch, trimScratch } from '../scratch.ts';
import {
  FieldName,
  findRow,
  insideAt,
  isBlank,
  partEnd,
  positionAfter,
  rowAt,
} from './field-walk.ts';
import { messageOf, type Side } from './header.ts';

const EQUALS = 0x3d;
const SEMICOLON = 0x3b;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const cookieField = new FieldName('cookie');
const setCookieField = new FieldName('set-cookie');

let nameOff = 0;
let nameLen = 0;
let valueOff = 0;
let valueLen = 0;
let nextPosition = 0;

/** End of a value or attribute: its `;` or `,`, quoted strings kept whole. */
function pairEnd(from: number, end: number): number {
  let quoted = false;
  for (let at = from; at < end; at++) {
    const byte = mem[at]!;
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted && byte === BACKSLASH) at++;
    else if (!quoted && (byte === SEMICOLON || byte === COMMA)) return at;
  }
  return end;
}

/**
 * Reads the first cookie at or after `from`.
 * @returns the end of its pair, or -1 when there is none before `end`.
 */
function readCookie(from: number, end: number): number {
  let start = from;
  while (start < end) {
    while (start < end && isBlank(mem[start]!)) start++;
    let at = start;
    while (at < end && !isSeparator(mem[at]!)) at++;
    if (at < end && mem[at] === EQUALS) {
      const until = pairEnd(at + 1, end);
      setPair(start, at, until);
      return until;
    }
    start = at + 1;
  }
  return -1;
}

function isSeparator(byte: number): boolean {
  return byte === EQUALS || byte === SEMICOLON || byte === COMMA;
}

function setPair(start: number, equals: number, until: number): void {
  let end = equals;
  while (end > start && isBlank(mem[end - 1]!)) end--;
  nameOff = start;
  nameLen = end - start;
  let value = equals + 1;
  let last = until;
  while (value < last && isBlank(mem[value]!)) value++;
  while (last > value && isBlank(mem[last - 1]!)) last--;
  valueOff = value;
  valueLen = last - value;
}

/** Finds the cookie at or after `position`; `name` of length 0 takes any. */
function nextCookie(
  msg: HttpMessage,
  response: boolean,
  wanted: number,
  wantedLen: number,
  position: number,
): boolean {
  let row = rowAt(position);
  let inside = insideAt(position);
  const field = response ? setCookieField : cookieField;
  for (;;) {
    if (inside === 0) row = findRow(msg, field, row);
    if (row < 0) return false;
    const off = msg.rows[row * ROW + Col.ValOff]!;
    const end = off + msg.rows[row * ROW + Col.ValLen]!;
    let at = off + inside;
    while (at < end) {
      const until = readCookie(at, end);
      if (until < 0) break;
      at = (response ? partEnd(until, end) : until) + 1;
      if (wantedLen === 0 || (nameLen === wantedLen && sameBytes(nameOff, wanted, wantedLen))) {
        nextPosition = positionAfter(msg, row, at - off, at < end);
        return true;
      }
    }
    row++;
    inside = 0;
  }
}

function countCookies(msg: HttpMessage, response: boolean, name: number, len: number): number {
  let count = 0;
  let position = 0;
  while (nextCookie(msg, response, name, len, position)) {
    count++;
    position = nextPosition;
    if (position === 0) break;
  }
  return count;
}

// With a name the last cookie of that name, without one the first of all.
function findCookie(msg: HttpMessage, response: boolean, name: number, len: number): boolean {
  if (!nextCookie(msg, response, name, len, 0)) return false;
  if (len === 0) return true;
  let off = valueOff;
  let size = valueLen;
  while (nextPosition !== 0 && nextCookie(msg, response, name, len, nextPosition)) {
    off = valueOff;
    size = valueLen;
  }
  valueOff = off;
  valueLen = size;
  return true;
}

function compileCookie(args: readonly ArgConfig[], every: boolean, side: Side): Fetch {
  const name = Buffer.from(String(args[0] ?? ''), 'latin1');
  const off = reserveBytes(name);
  const len = name.length;
  const response = side === 'response';
  if (!every) {
    return (ctx, sample) => {
      const msg = messageOf(ctx, response);
      if (msg === null || !findCookie(msg, response, off, len)) return false;
      sample.setStr(valueOff, valueLen);
      return true;
    };
  }
  return (ctx, sample) => {
    const msg = messageOf(ctx, response);
    if (msg === null || !nextCookie(msg, response, off, len, sample.iter)) return false;
    sample.setStr(valueOff, valueLen);
    sample.iter = nextPosition;
    sample.more = nextPosition !== 0;
    return true;
  };
}

function compileCount(args: readonly ArgConfig[], side: Side): Fetch {
  const name = Buffer.from(String(args[0] ?? ''), 'latin1');
  const off = reserveBytes(name);
  const len = name.length;
  const response = side === 'response';
  return (ctx, sample) => {
    const msg = messageOf(ctx, response);
    if (msg === null) return false;
    sample.setInt(countCookies(msg, response, off, len));
    return true;
  };
}

function compileInteger(args: readonly ArgConfig[], every: boolean, side: Side): Fetch {
  const text = compileCookie(args, every, side);
  return (ctx, sample) => {
    if (!text(ctx, sample)) return false;
    if (sample.len === 0) return false;
    readLeadingInt(sample.off, sample.len);
    sample.setInt(readValue);
    return true;
  };
}

function compileNames(args: readonly ArgConfig[], side: Side): Fetch {
  const delimiter = Buffer.from(String(args[0] ?? '') || ',', 'latin1')[0]!;
  const response = side === 'response';
  return (ctx, sample) => joinNames(ctx, sample, response, delimiter);
}

function joinNames(
  ctx: RuleContext,
  sample: Sample,
  response: boolean,
  delimiter: number,
): boolean {
  const msg = messageOf(ctx, response);
  if (msg === null) return false;
  const max = scratchMax();
  const start = takeScratch(max);
  let at = start;
  let position = 0;
  while (nextCookie(msg, response, 0, 0, position)) {
    if (at + nameLen + 1 - start > max) return false;
    if (at > start) mem[at++] = delimiter;
    mem.copyWithin(at, nameOff, nameOff + nameLen);
    at += nameLen;
    position = nextPosition;
    if (position === 0) break;
  }
  trimScratch(at);
  sample.setStr(start, at - start);
  return true;
}

/** The rows of one side; `names` are those of the value, the count, the integer and the names. */
function createRows(names: readonly string[], side: Side): FetchRow[] {
  const columns = side === 'request' ? valid.request : valid.responseHead;
  const of = side === 'request' ? 'the request' : 'the response';
  const rows: FetchRow[] = [
    {
      name: names[0]!,
      args: '[string]',
      out: 'str',
      valid: columns,
      doc: `value of a cookie of ${of}`,
      compile: (args, every) => compileCookie(args, every, side),
    },
    {
      name: names[1]!,
      args: '[string]',
      out: 'sint',
      valid: columns,
      doc: `number of cookies of ${of}`,
      compile: (args) => compileCount(args, side),
    },
    {
      name: names[2]!,
      args: '[string]',
      out: 'sint',
      valid: columns,
      doc: `value of a cookie of ${of} as integer`,
      compile: (args, every) => compileInteger(args, every, side),
    },
  ];
  if (names[3] === undefined) return rows;
  rows.push({
    name: names[3],
    args: '[string]',
    out: 'str',
    valid: columns,
    doc: `the names of all cookies of ${of}, joined`,
    compile: (args) => compileNames(args, side),
  });
  return rows;
}

// Named ACLs serve requests and responses: which one it is shows when the rule runs.
function compileDirected(args: readonly ArgConfig[], every: boolean): Fetch {
  const request = compileCookie(args, every, 'request');
  const response = compileCookie(args, every, 'response');
  return (ctx, sample) => (ctx.response !== null ? response(ctx, sample) : request(ctx, sample));
}

export const cookieFetches: readonly FetchRow[] = [
  {
    name: 'cookie',
    args: '[string]',
    out: 'str',
    valid: valid.head,
    doc: 'req.cook in rules of requests, res.cook in rules of responses',
    compile: compileDirected,
  },
  ...createRows(['cook', 'cook_cnt', 'cook_val'], 'request'),
  ...createRows(['req.cook', 'req.cook_cnt', 'req.cook_val', 'req.cook_names'], 'request'),
  ...createRows(['res.cook', 'res.cook_cnt', 'res.cook_val', 'res.cook_names'], 'response'),
  ...createRows(['scook', 'scook_cnt', 'scook_val'], 'response'),
];
