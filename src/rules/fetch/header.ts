/**
 * Header fields as samples: `req.hdr` and its family (configuration.txt 7.3.6).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import { Col, type HttpMessage, ROW } from '../../http/message.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { readAddress, readIpv4, readIpv6 } from '../inet.ts';
import { readLeadingInt, readValue } from '../integer.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { scratchMax, takeScratch, trimScratch } from '../scratch.ts';
import {
  countValues,
  FieldName,
  findValue,
  nextPosition,
  nextValue,
  valueLen,
  valueOff,
} from './field-walk.ts';

/** Which message a fetch looks at. */
export type Side = 'request' | 'response';

export function messageOf(ctx: RuleContext, response: boolean): HttpMessage | null {
  return response ? ctx.response : ctx.request;
}

function checkOccurrence(args: ArgConfig[]): void {
  const occurrence = args[1];
  if (typeof occurrence !== 'number') return;
  if (occurrence < -10) throw new ConfigError('header occurrence must be >= -10');
}

/** The text of a value; see `FetchRow.compile` for `every`. */
function compileText(
  args: readonly ArgConfig[],
  every: boolean,
  side: Side,
  split: boolean,
): Fetch {
  const name = new FieldName(String(args[0] ?? ''));
  const given = Number(args[1] ?? 0);
  const response = side === 'response';
  if (given === 0 && every) {
    return (ctx, sample) => {
      const msg = messageOf(ctx, response);
      if (msg === null || !nextValue(msg, name, split, sample.iter)) return false;
      sample.setStr(valueOff, valueLen);
      sample.iter = nextPosition;
      sample.more = nextPosition !== 0;
      return true;
    };
  }
  const occurrence = given === 0 ? -1 : given;
  return (ctx, sample) => {
    const msg = messageOf(ctx, response);
    if (msg === null || !findValue(msg, name, split, occurrence)) return false;
    sample.setStr(valueOff, valueLen);
    return true;
  };
}

function compileCount(args: readonly ArgConfig[], side: Side, split: boolean): Fetch {
  const name = new FieldName(String(args[0] ?? ''));
  const response = side === 'response';
  return (ctx, sample) => {
    const msg = messageOf(ctx, response);
    if (msg === null) return false;
    sample.setInt(countValues(msg, name, split));
    return true;
  };
}

function compileInteger(args: readonly ArgConfig[], every: boolean, side: Side): Fetch {
  const text = compileText(args, every, side, true);
  return (ctx, sample) => {
    if (!text(ctx, sample)) return false;
    readLeadingInt(sample.off, sample.len);
    sample.setInt(readValue);
    return true;
  };
}

// While iterating, values that are no address are skipped.
function compileAddress(args: readonly ArgConfig[], every: boolean, side: Side): Fetch {
  const text = compileText(args, every, side, true);
  return (ctx, sample) => {
    while (text(ctx, sample)) {
      if (toHeaderAddress(sample)) return true;
      if (!sample.more) return false;
      sample.more = false;
    }
    return false;
  };
}

// An IPv4 address, an IPv4 address with a port, or an IPv6 address.
function toHeaderAddress(sample: Sample): boolean {
  const off = sample.off;
  const len = portStart(off, sample.len);
  if (readIpv4(off, len)) {
    sample.type = SampleType.Ipv4;
    sample.num = readAddress;
    return true;
  }
  const bytes = takeScratch(16);
  if (!readIpv6(off, sample.len, bytes)) return false;
  sample.type = SampleType.Ipv6;
  sample.off = bytes;
  sample.len = 16;
  return true;
}

/** Length without `:port`; the whole length when that is no port or not the only colon. */
function portStart(off: number, len: number): number {
  let colon = 0;
  while (colon < len && mem[off + colon] !== 0x3a) colon++;
  if (len - colon < 2 || len - colon > 6) return len;
  let port = 0;
  for (let i = colon + 1; i < len; i++) {
    const digit = mem[off + i]! - 0x30;
    if (digit < 0 || digit > 9) return len;
    port = port * 10 + digit;
  }
  return port <= 65535 ? colon : len;
}

function compileNames(args: readonly ArgConfig[], side: Side): Fetch {
  const delimiter = Buffer.from(String(args[0] ?? '') || ',', 'latin1')[0]!;
  const response = side === 'response';
  return (ctx, sample) => {
    const msg = messageOf(ctx, response);
    return msg !== null && joinNames(msg, delimiter, sample);
  };
}

function joinNames(msg: HttpMessage, delimiter: number, sample: Sample): boolean {
  const max = scratchMax();
  const start = takeScratch(max);
  let at = start;
  for (let i = 0; i < msg.count; i++) {
    const len = msg.rows[i * ROW + Col.NameLen]!;
    if (len === 0) continue;
    if (at + len + 1 - start > max) return false;
    if (at > start) mem[at++] = delimiter;
    const off = msg.rows[i * ROW + Col.NameOff]!;
    mem.copyWithin(at, off, off + len);
    at += len;
  }
  trimScratch(at);
  sample.setStr(start, at - start);
  return true;
}

function compileFields(side: Side): Fetch {
  const response = side === 'response';
  return (ctx, sample) => {
    const msg = messageOf(ctx, response);
    return msg !== null && joinFields(msg, sample);
  };
}

// Each field as `name: value` CRLF, then the empty line that lets a reader notice truncation.
function joinFields(msg: HttpMessage, sample: Sample): boolean {
  const max = scratchMax();
  const start = takeScratch(max);
  const rows = msg.rows;
  let at = start;
  for (let r = 0; r < msg.count * ROW; r += ROW) {
    const nameLen = rows[r + Col.NameLen]!;
    if (nameLen === 0) continue;
    const valLen = rows[r + Col.ValLen]!;
    if (at + nameLen + valLen + 6 - start > max) return false;
    at = putBytes(at, rows[r + Col.NameOff]!, nameLen);
    mem[at++] = 0x3a;
    mem[at++] = 0x20;
    at = putBytes(at, rows[r + Col.ValOff]!, valLen);
    mem[at++] = 0x0d;
    mem[at++] = 0x0a;
  }
  mem[at++] = 0x0d;
  mem[at++] = 0x0a;
  trimScratch(at);
  sample.setStr(start, at - start);
  sample.type = SampleType.Bin;
  return true;
}

function putBytes(at: number, off: number, len: number): number {
  mem.copyWithin(at, off, off + len);
  return at + len;
}

/** The six value fetches of one side, named `<prefix>hdr`, `<prefix>fhdr` and so on. */
function createRows(prefix: string, side: Side, columns: string): FetchRow[] {
  const row = (
    name: string,
    args: string,
    out: FetchRow['out'],
    doc: string,
    compile: FetchRow['compile'],
  ): FetchRow => ({
    name: prefix + name,
    args,
    out,
    valid: columns,
    doc,
    compile,
    ...(args === '[string,integer]' ? { check: checkOccurrence } : {}),
  });
  const of = side === 'request' ? 'the request' : 'the response';
  return [
    row('hdr', '[string,integer]', 'str', `a comma-separated header value of ${of}`, (args, all) =>
      compileText(args, all, side, true),
    ),
    row('hdr_cnt', '[string]', 'sint', `number of comma-separated header values of ${of}`, (args) =>
      compileCount(args, side, true),
    ),
    row(
      'hdr_ip',
      '[string,integer]',
      'addr',
      `a header value of ${of} as an address`,
      (args, all) => compileAddress(args, all, side),
    ),
    row('hdr_val', '[string,integer]', 'sint', `a header value of ${of} as integer`, (args, all) =>
      compileInteger(args, all, side),
    ),
  ];
}

function createFullRows(prefix: string, side: Side, columns: string): FetchRow[] {
  const of = side === 'request' ? 'the request' : 'the response';
  const common = { valid: columns };
  return [
    {
      ...common,
      name: `${prefix}fhdr`,
      args: '[string,integer]',
      out: 'str',
      doc: `a whole header field of ${of}, commas included`,
      check: checkOccurrence,
      compile: (args, all) => compileText(args, all, side, false),
    },
    {
      ...common,
      name: `${prefix}fhdr_cnt`,
      args: '[string]',
      out: 'sint',
      doc: `number of header fields of ${of}`,
      compile: (args) => compileCount(args, side, false),
    },
    {
      ...common,
      name: `${prefix}hdr_names`,
      args: '[string]',
      out: 'str',
      doc: `the header names of ${of}, joined`,
      compile: (args) => compileNames(args, side),
    },
    {
      ...common,
      name: `${prefix}hdrs`,
      args: '',
      out: 'bin',
      doc: `all header fields of ${of} with the empty line after them`,
      compile: () => compileFields(side),
    },
  ];
}

function createDirectedRow(): FetchRow {
  const request = createRows('', 'request', valid.head)[0]!;
  return { ...request, doc: 'req.hdr in rules of requests, res.hdr in rules of responses' };
}

export const headerFetches: readonly FetchRow[] = [
  createDirectedRow(),
  ...createRows('', 'request', valid.request).slice(1),
  ...createRows('req.', 'request', valid.request),
  ...createFullRows('req.', 'request', valid.request),
  ...createRows('res.', 'response', valid.responseHead),
  ...createFullRows('res.', 'response', valid.responseHead),
  ...createRows('s', 'response', valid.responseHead),
];
