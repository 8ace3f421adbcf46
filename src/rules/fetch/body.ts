/**
 * The body of a message as samples (configuration.txt 7.3.6), as far as it lies behind the head in the
 * buffer. A chunked one has its framing around the data, which is taken off into a piece of scratch.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import { hexValue } from '../../base/hex.ts';
import type { HttpMessage } from '../../http/message.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch, trimScratch } from '../scratch.ts';
import { nextParameter, Parameter } from './parameter.ts';

const AMPERSAND = 0x26;

/** The data of the body that is there, in the sample. @returns false when there is no message. */
function readBody(msg: HttpMessage | null, sample: Sample): boolean {
  if (msg === null) return false;
  sample.type = SampleType.Bin;
  sample.off = msg.bodyOff;
  sample.len = msg.bodyLen;
  return !msg.isBodyFramed || takeFraming(sample);
}

/** Puts the data of the chunks together. They were framed by us: nothing is doubtful there. */
function takeFraming(sample: Sample): boolean {
  const end = sample.off + sample.len;
  const to = takeScratch(sample.len);
  if (to === 0) return false;
  let at = sample.off;
  let len = 0;
  while (at < end) {
    let size = 0;
    while (at < end && mem[at] !== 13) size = size * 16 + hexValue[mem[at++]!]!;
    at += 2;
    if (size === 0) break;
    const n = Math.min(size, end - at);
    mem.copyWithin(to + len, at, at + n);
    len += n;
    at += size + 2;
  }
  trimScratch(to + len);
  sample.off = to;
  sample.len = len;
  return true;
}

function readLength(msg: HttpMessage | null, sample: Sample): boolean {
  if (!readBody(msg, sample)) return false;
  sample.setInt(sample.len);
  return true;
}

/** What Content-Length announces, else what is there. */
function readSize(msg: HttpMessage | null, sample: Sample): boolean {
  if (!readLength(msg, sample)) return false;
  if (msg!.hasLength) sample.setInt(msg!.contentLength);
  return true;
}

function fetchRequestBody(ctx: RuleContext, sample: Sample): boolean {
  return readBody(ctx.request, sample);
}

function fetchRequestLength(ctx: RuleContext, sample: Sample): boolean {
  return readLength(ctx.request, sample);
}

function fetchRequestSize(ctx: RuleContext, sample: Sample): boolean {
  return readSize(ctx.request, sample);
}

function fetchResponseBody(ctx: RuleContext, sample: Sample): boolean {
  return readBody(ctx.response, sample);
}

function fetchResponseLength(ctx: RuleContext, sample: Sample): boolean {
  return readLength(ctx.response, sample);
}

function fetchResponseSize(ctx: RuleContext, sample: Sample): boolean {
  return readSize(ctx.response, sample);
}

/** The body is form data: parameters with `&` between them. */
function compileParameter(args: readonly ArgConfig[], every: boolean): Fetch {
  const wanted = new Parameter(String(args[0] ?? ''), args[1] === 'i');
  return (ctx, sample) => {
    const { iter } = sample;
    if (!readBody(ctx.request, sample)) return false;
    sample.iter = iter;
    if (!nextParameter(sample.off, sample.off + sample.len, AMPERSAND, wanted, sample))
      return false;
    sample.type = SampleType.Str;
    if (!every) sample.more = false;
    return true;
  };
}

function checkParameter(args: ArgConfig[]): void {
  const flag = args[1] ?? '';
  if (flag !== '' && flag !== 'i') {
    throw new ConfigError(`'${flag}' is not a known flag, only 'i' is supported`);
  }
}

const request = { args: '', valid: valid.request } as const;
const response = { args: '', valid: valid.responseHead } as const;

export const bodyFetches = [
  {
    ...request,
    name: 'req.body',
    out: 'bin',
    doc: 'body of the request, as far as it has come and fits the buffer',
    compile: () => fetchRequestBody,
  },
  {
    ...request,
    name: 'req.body_len',
    out: 'sint',
    doc: 'bytes of the body of the request that are there',
    compile: () => fetchRequestLength,
  },
  {
    ...request,
    name: 'req.body_param',
    args: '[string,string]',
    out: 'str',
    doc: 'value of a parameter of form data in the body of the request',
    check: checkParameter,
    compile: compileParameter,
  },
  {
    ...request,
    name: 'req.body_size',
    out: 'sint',
    doc: 'announced length of the body of the request, or that of what is there',
    compile: () => fetchRequestSize,
  },
  {
    ...response,
    name: 'res.body',
    out: 'bin',
    doc: 'body of the response, as far as it has come and fits the buffer',
    compile: () => fetchResponseBody,
  },
  {
    ...response,
    name: 'res.body_len',
    out: 'sint',
    doc: 'bytes of the body of the response that are there',
    compile: () => fetchResponseLength,
  },
  {
    ...response,
    name: 'res.body_size',
    out: 'sint',
    doc: 'announced length of the body of the response, or that of what is there',
    compile: () => fetchResponseSize,
  },
] as const satisfies readonly FetchRow[];
