/**
 * The request line, the status line and the place of a message in its connection as samples
 * (configuration.txt 7.3.6).
 *
 * @dataplane
 */
import { Method } from '../../http/method.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';

const version10 = reserveBytes('1.0');
const version11 = reserveBytes('1.1');
const version20 = reserveBytes('2.0');
const version30 = reserveBytes('3.0');

function setVersion(sample: Sample, version: number): boolean {
  switch (version) {
    case 10:
      sample.setStr(version10, 3);
      return true;
    case 11:
      sample.setStr(version11, 3);
      return true;
    case 20:
      sample.setStr(version20, 3);
      return true;
    case 30:
      sample.setStr(version30, 3);
      return true;
    default:
      return false;
  }
}

function fetchMethod(ctx: RuleContext, sample: Sample): boolean {
  const req = ctx.request;
  if (req === null) return false;
  sample.type = SampleType.Method;
  sample.num = req.method;
  sample.off = req.methodOff;
  sample.len = req.methodLen;
  return req.method !== Method.Other || req.methodLen > 0;
}

// The version is part of what outlives the head: the captured request line ends with it.
function fetchRequestVersion(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.request !== null) return setVersion(sample, ctx.request.version);
  const strm = ctx.stream;
  if (strm === null || strm.captureOff === 0 || strm.requestLineLen < 3) return false;
  const end = strm.captureOff + strm.requestLineLen;
  const major = mem[end - 3]! - 0x30;
  const minor = mem[end - 1]! - 0x30;
  return mem[end - 2] === 0x2e && setVersion(sample, major * 10 + minor);
}

function fetchResponseVersion(ctx: RuleContext, sample: Sample): boolean {
  return ctx.response !== null && setVersion(sample, ctx.response.version);
}

function fetchStatus(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.response === null) return fetchTransactionStatus(ctx, sample);
  sample.setInt(ctx.response.status);
  return true;
}

function fetchTransactionStatus(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  if (strm === null || strm.status <= 0) return false;
  sample.setInt(strm.status);
  return true;
}

function fetchFirstRequest(ctx: RuleContext, sample: Sample): boolean {
  sample.setBool(ctx.session.requests <= 1);
  return true;
}

function fetchIsHttp(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.request === null) return false;
  sample.setBool(true);
  return true;
}

const request = { args: '', valid: valid.transaction } as const;
const response = { args: '', valid: valid.response } as const;

export const messageFetches = [
  {
    ...request,
    name: 'http_first_req',
    valid: '..YYYYYYYYYYYYYYYYY...',
    out: 'bool',
    doc: 'true for the first request of a connection',
    compile: () => fetchFirstRequest,
  },
  {
    ...request,
    name: 'method',
    out: 'meth',
    doc: 'method of the request',
    compile: () => fetchMethod,
  },
  {
    ...request,
    name: 'req.proto_http',
    out: 'bool',
    doc: 'true when the request is HTTP',
    compile: () => fetchIsHttp,
  },
  {
    ...request,
    name: 'req.ver',
    out: 'str',
    doc: 'version of the request, as 1.1',
    compile: () => fetchRequestVersion,
  },
  {
    ...request,
    name: 'req_proto_http',
    out: 'bool',
    doc: 'former name of req.proto_http',
    compile: () => fetchIsHttp,
  },
  {
    ...request,
    name: 'req_ver',
    out: 'str',
    doc: 'former name of req.ver',
    compile: () => fetchRequestVersion,
  },
  {
    ...response,
    name: 'res.ver',
    out: 'str',
    doc: 'version of the response, as 1.1',
    compile: () => fetchResponseVersion,
  },
  {
    ...response,
    name: 'resp_ver',
    out: 'str',
    doc: 'former name of res.ver',
    compile: () => fetchResponseVersion,
  },
  {
    ...response,
    name: 'status',
    out: 'sint',
    doc: 'status code of the response',
    compile: () => fetchStatus,
  },
  {
    ...response,
    name: 'txn.status',
    out: 'sint',
    doc: 'status code as it is logged',
    compile: () => fetchTransactionStatus,
  },
] as const satisfies readonly FetchRow[];
