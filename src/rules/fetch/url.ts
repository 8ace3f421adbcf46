/**
 * The request target and its parts as samples (configuration.txt 7.3.6).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import { FieldId } from '../../http/field.ts';
import { Col, type HttpMessage, ROW } from '../../http/message.ts';
import {
  authorityEnd,
  authorityStart,
  hostStart,
  pathEnd,
  pathStart,
  queryMark,
  schemeLength,
} from '../../http/uri.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { readAddress, readIpv4 } from '../inet.ts';
import { readInt, readValue } from '../integer.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';

function fetchUrl(ctx: RuleContext, sample: Sample): boolean {
  const req = ctx.request;
  if (req === null || req.isResponse) return false;
  sample.setStr(req.uriOff, req.uriLen);
  return true;
}

function setPath(req: HttpMessage, sample: Sample, withQuery: boolean): boolean {
  const end = req.uriOff + req.uriLen;
  const start = pathStart(req.uriOff, req.uriLen);
  if (start === end) return false;
  const until = withQuery ? end : pathEnd(start, req.uriOff, req.uriLen);
  sample.setStr(start, until - start);
  return true;
}

function fetchPath(ctx: RuleContext, sample: Sample): boolean {
  return ctx.request !== null && setPath(ctx.request, sample, false);
}

function fetchPathQuery(ctx: RuleContext, sample: Sample): boolean {
  return ctx.request !== null && setPath(ctx.request, sample, true);
}

function fetchQuery(ctx: RuleContext, sample: Sample): boolean {
  const req = ctx.request;
  if (req === null) return false;
  const end = req.uriOff + req.uriLen;
  const mark = queryMark(req.uriOff, req.uriLen);
  if (mark === end) return false;
  sample.setStr(mark + 1, end - mark - 1);
  return true;
}

function fetchQueryWithMark(ctx: RuleContext, sample: Sample): boolean {
  if (!fetchQuery(ctx, sample)) return false;
  if (sample.len > 0) sample.setStr(sample.off - 1, sample.len + 1);
  return true;
}

function compileQuery(args: readonly ArgConfig[]): Fetch {
  return args[0] === 'with_qm' ? fetchQueryWithMark : fetchQuery;
}

function checkQuery(args: ArgConfig[]): void {
  const option = args[0] ?? '';
  if (option !== '' && option !== 'with_qm') {
    throw new ConfigError(`'${option}' is not a known option, only 'with_qm' is supported`);
  }
}

/** Appends the path to the first Host field in scratch. */
function setBase(req: HttpMessage, sample: Sample, withQuery: boolean): boolean {
  const hasPath = setPath(req, sample, withQuery);
  const host = req.find(FieldId.Host, 0, 4, 0);
  if (host < 0) return hasPath;
  const pathOff = sample.off;
  const pathLen = hasPath ? sample.len : 0;
  const hostOff = req.rows[host * ROW + Col.ValOff]!;
  const hostLen = req.rows[host * ROW + Col.ValLen]!;
  const off = takeScratch(hostLen + pathLen);
  if (off === 0) return false;
  mem.copyWithin(off, hostOff, hostOff + hostLen);
  mem.copyWithin(off + hostLen, pathOff, pathOff + pathLen);
  sample.setStr(off, hostLen + pathLen);
  return true;
}

export function fetchBase(ctx: RuleContext, sample: Sample): boolean {
  return ctx.request !== null && setBase(ctx.request, sample, false);
}

export function fetchBaseQuery(ctx: RuleContext, sample: Sample): boolean {
  return ctx.request !== null && setBase(ctx.request, sample, true);
}

let hostOff = 0;
let hostEnd = 0;
let portOff = 0;
let portEnd = 0;

/** Splits the authority of an absolute target. */
function splitAuthority(req: HttpMessage): boolean {
  if (schemeLength(req.uriOff, req.uriLen) === 0) return false;
  const start = authorityStart(req.uriOff, req.uriLen);
  portEnd = authorityEnd(start, req.uriOff, req.uriLen);
  hostOff = hostStart(start, portEnd);
  let at = portEnd;
  while (at > hostOff && mem[at - 1]! >= 0x30 && mem[at - 1]! <= 0x39) at--;
  const colon = at > hostOff && mem[at - 1] === 0x3a;
  portOff = colon ? at : portEnd;
  hostEnd = colon ? at - 1 : portEnd;
  return hostEnd > hostOff;
}

function fetchUrlIp(ctx: RuleContext, sample: Sample): boolean {
  const req = ctx.request;
  if (req === null || !splitAuthority(req) || !readIpv4(hostOff, hostEnd - hostOff)) return false;
  sample.type = SampleType.Ipv4;
  sample.num = readAddress;
  return true;
}

const DEFAULT_PORT = 80;

function fetchUrlPort(ctx: RuleContext, sample: Sample): boolean {
  const req = ctx.request;
  if (req === null || !splitAuthority(req)) return false;
  const given = readInt(portOff, portEnd - portOff);
  sample.setInt(given ? readValue : DEFAULT_PORT);
  return true;
}

const common = { args: '', valid: valid.request } as const;

export const urlFetches = [
  {
    ...common,
    name: 'base',
    out: 'str',
    doc: 'first Host header and path',
    compile: () => fetchBase,
  },
  {
    ...common,
    name: 'baseq',
    out: 'str',
    doc: 'first Host header, path and query',
    compile: () => fetchBaseQuery,
  },
  { ...common, name: 'path', out: 'str', doc: 'path of the request', compile: () => fetchPath },
  {
    ...common,
    name: 'pathq',
    out: 'str',
    doc: 'path and query of the request',
    compile: () => fetchPathQuery,
  },
  {
    ...common,
    name: 'query',
    args: '[string]',
    out: 'str',
    doc: 'query string without the question mark; with_qm: with it',
    check: checkQuery,
    compile: compileQuery,
  },
  { ...common, name: 'url', out: 'str', doc: 'request target as sent', compile: () => fetchUrl },
  {
    ...common,
    name: 'url_ip',
    out: 'ipv4',
    doc: 'IPv4 address in the URL',
    compile: () => fetchUrlIp,
  },
  {
    ...common,
    name: 'url_port',
    out: 'sint',
    doc: 'port in the URL, 80 when it names none',
    compile: () => fetchUrlPort,
  },
] as const satisfies readonly FetchRow[];
