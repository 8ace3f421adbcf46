/**
 * What was captured for the log as samples (configuration.txt 7.3.6 `capture.*`; the layout is in
 * `model/capture.ts`).
 *
 * @dataplane
 */

import { type CaptureLayout, captureLayout } from '../../model/capture.ts';
import type { ArgConfig } from '../../model/config.ts';
import type { Proxy } from '../../model/runtime.ts';
import type { StreamFacts } from '../../model/stream.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import type { Sample } from '../sample.ts';

const BLANK = 0x20;
const SLASH = 0x2f;

// One layout per proxy, made when a fetch first meets it; `logurilen` only moves where slots begin.
const layouts = new Map<Proxy, CaptureLayout>();
let logurilen = 1024;

/** Tells the value of tune.http.logurilen. Call before the first evaluation. */
export function initCaptures(httpLogurilen: number): void {
  logurilen = httpLogurilen;
  layouts.clear();
}

function layoutOf(proxy: Proxy): CaptureLayout {
  let layout = layouts.get(proxy);
  if (layout === undefined) {
    layout = captureLayout(proxy.config, logurilen);
    layouts.set(proxy, layout);
  }
  return layout;
}

function fetchSlot(
  strm: StreamFacts | null,
  index: number,
  response: boolean,
  sample: Sample,
): boolean {
  if (strm === null || strm.captureOff === 0 || strm.frontend === null) return false;
  const layout = layoutOf(strm.frontend);
  const slots = response ? layout.response : layout.request;
  if (index < 0 || index >= slots.length) return false;
  const at = strm.captureOff + slots[index]!.at;
  const stored = mem[at]! | (mem[at + 1]! << 8);
  if (stored === 0) return false;
  sample.setStr(at + 2, stored - 1);
  return true;
}

function compileSlot(args: readonly ArgConfig[], response: boolean): Fetch {
  const index = Number(args[0]);
  return (ctx, sample) => fetchSlot(ctx.stream, index, response, sample);
}

/** Offset after the first blank at or after `from`, or `end`. */
function afterBlank(from: number, end: number): number {
  let at = from;
  while (at < end && mem[at] !== BLANK) at++;
  return at < end ? at + 1 : end;
}

function fetchMethod(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  if (strm === null || strm.captureOff === 0 || strm.requestLineLen === 0) return false;
  const end = strm.captureOff + strm.requestLineLen;
  const next = afterBlank(strm.captureOff, end);
  sample.setStr(strm.captureOff, next - strm.captureOff - (mem[next - 1] === BLANK ? 1 : 0));
  return true;
}

// From the first slash to the first blank, without scheme and host.
function fetchUri(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  if (strm === null || strm.captureOff === 0 || strm.requestLineLen === 0) return false;
  const end = strm.captureOff + strm.requestLineLen;
  const start = afterBlank(strm.captureOff, end);
  let until = start;
  while (until < end && mem[until] !== BLANK) until++;
  let at = start;
  while (at < until && mem[at] !== SLASH) at++;
  if (at > start && mem[at - 1] === 0x3a && mem[at + 1] === SLASH) {
    at += 2;
    while (at < until && mem[at] !== SLASH) at++;
  }
  if (at === until) return false;
  sample.setStr(at, until - at);
  return true;
}

const http10 = reserveBytes('HTTP/1.0');
const http11 = reserveBytes('HTTP/1.1');

function setVersion(sample: Sample, version: number): boolean {
  if (version !== 10 && version !== 11) return false;
  sample.setStr(version === 10 ? http10 : http11, 8);
  return true;
}

function fetchRequestVersion(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.request !== null) return setVersion(sample, ctx.request.version);
  const strm = ctx.stream;
  if (strm === null || strm.captureOff === 0 || strm.requestLineLen < 8) return false;
  const minor = mem[strm.captureOff + strm.requestLineLen - 1]!;
  return setVersion(sample, minor - 0x30 + 10);
}

function fetchResponseVersion(ctx: RuleContext, sample: Sample): boolean {
  return ctx.response !== null && setVersion(sample, ctx.response.version);
}

const common = { args: '', out: 'str', valid: valid.transaction } as const;

export const captureFetches = [
  {
    ...common,
    name: 'capture.req.hdr',
    args: 'integer',
    doc: 'request header captured by the n-th declaration, from 0',
    compile: (args) => compileSlot(args, false),
  },
  {
    ...common,
    name: 'capture.req.method',
    doc: 'method of the request',
    compile: () => fetchMethod,
  },
  { ...common, name: 'capture.req.uri', doc: 'URI of the request', compile: () => fetchUri },
  {
    ...common,
    name: 'capture.req.ver',
    doc: 'version of the request, as HTTP/1.1',
    compile: () => fetchRequestVersion,
  },
  {
    ...common,
    name: 'capture.res.hdr',
    args: 'integer',
    valid: valid.response,
    doc: 'response header captured by the n-th declaration, from 0',
    compile: (args) => compileSlot(args, true),
  },
  {
    ...common,
    name: 'capture.res.ver',
    doc: 'version of the response, as HTTP/1.1',
    compile: () => fetchResponseVersion,
  },
] as const satisfies readonly FetchRow[];
