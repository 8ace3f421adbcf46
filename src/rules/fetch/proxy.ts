/**
 * The proxies and the server of a stream as samples (configuration.txt 7.3.2, 7.3.3).
 *
 * @dataplane
 */
import type { TimeoutConfig } from '../../model/config.ts';
import type { Bytes, Proxy, Server } from '../../model/runtime.ts';
import { type StreamFacts, StreamFlag } from '../../model/stream.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { takeScratch } from '../scratch.ts';

function frontendOf(ctx: RuleContext): Proxy | null {
  const strm = ctx.stream;
  return strm !== null && strm.frontend !== null ? strm.frontend : ctx.session.frontend;
}

function backendOf(ctx: RuleContext): Proxy | null {
  return ctx.stream === null ? null : ctx.stream.backend;
}

function serverOf(ctx: RuleContext): Server | null {
  return ctx.stream === null ? null : ctx.stream.server;
}

function setBytes(sample: Sample, bytes: Bytes): boolean {
  sample.setStr(bytes.off, bytes.len);
  return true;
}

function fetchFrontendName(ctx: RuleContext, sample: Sample): boolean {
  const fe = frontendOf(ctx);
  return fe !== null && setBytes(sample, fe.name);
}

function fetchFrontendId(ctx: RuleContext, sample: Sample): boolean {
  const fe = frontendOf(ctx);
  if (fe === null) return false;
  sample.setInt(fe.config.id);
  return true;
}

function fetchUniqueId({ stream }: RuleContext, sample: Sample): boolean {
  if (stream === null || stream.uniqueIdLen === 0) return false;
  sample.setStr(stream.uniqueIdOff, stream.uniqueIdLen);
  return true;
}

// Names that are only in the configuration are copied into the arena when first asked for.
const texts = new Map<string, number>();

function textOff(text: string): number {
  let off = texts.get(text);
  if (off === undefined) {
    off = reserveBytes(text);
    texts.set(text, off);
  }
  return off;
}

function setText(sample: Sample, text: string | null | undefined): boolean {
  if (text === null || text === undefined) return false;
  const off = textOff(text);
  let len = 0;
  while (mem[off + len] !== 0) len++;
  sample.setStr(off, len);
  return true;
}

function fetchDefaultBackend(ctx: RuleContext, sample: Sample): boolean {
  const fe = frontendOf(ctx);
  return fe !== null && setText(sample, fe.config.defaultBackend);
}

function fetchListenerName(ctx: RuleContext, sample: Sample): boolean {
  const fe = ctx.session.frontend;
  return fe !== null && setText(sample, fe.config.binds[ctx.session.bindIndex]?.name);
}

function fetchBackendName(ctx: RuleContext, sample: Sample): boolean {
  const be = backendOf(ctx);
  return be !== null && setBytes(sample, be.name);
}

function fetchBackendId(ctx: RuleContext, sample: Sample): boolean {
  const be = backendOf(ctx);
  if (be === null) return false;
  sample.setInt(be.config.id);
  return true;
}

function fetchServerName(ctx: RuleContext, sample: Sample): boolean {
  const srv = serverOf(ctx);
  return srv !== null && setBytes(sample, srv.name);
}

function fetchServerId(ctx: RuleContext, sample: Sample): boolean {
  const srv = serverOf(ctx);
  if (srv === null) return false;
  sample.setInt(srv.config.id);
  return true;
}

function compileTimeout(key: keyof TimeoutConfig, ofFrontend: boolean): Fetch {
  return (ctx, sample) => {
    const proxy = ofFrontend ? frontendOf(ctx) : backendOf(ctx);
    if (proxy === null || proxy.config.timeout[key] < 0) return false;
    sample.setInt(proxy.config.timeout[key]);
    return true;
  };
}

function fetchMaxRetries(ctx: RuleContext, sample: Sample): boolean {
  const be = backendOf(ctx);
  if (be === null) return false;
  sample.setInt(be.config.retries);
  return true;
}

function fetchRetries(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.stream === null) return false;
  sample.setInt(ctx.stream.retries);
  return true;
}

function fetchRedispatched(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.stream === null) return false;
  sample.setBool((ctx.stream.flags & StreamFlag.Redispatched) !== 0);
  return true;
}

function fetchId32(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.stream === null) return false;
  sample.setInt(ctx.stream.id >>> 0);
  return true;
}

// Letters of the termination state (8.5), indexed by `Cause` and `Stage`.
const causeLetters = reserveBytes('-CcSsPLRIDUK');
const stageLetters = reserveBytes('-RQCHDLT');

function putTerminationState(sample: Sample, strm: StreamFacts): void {
  const off = takeScratch(2);
  mem[off] = mem[causeLetters + strm.cause]!;
  mem[off + 1] = mem[stageLetters + strm.stage]!;
  sample.setStr(off, 2);
}

function fetchTerminationState(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.stream === null) return false;
  putTerminationState(sample, ctx.stream);
  return true;
}

function fetchBytesIn(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.stream === null) return false;
  sample.setInt(ctx.stream.bytesIn);
  return true;
}

function fetchBytesOut(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.stream === null) return false;
  sample.setInt(ctx.stream.bytesOut);
  return true;
}

/** Rows without arguments: name, type, columns, documentation, function. */
function createRows(
  rows: readonly (readonly [string, FetchRow['out'], string, string, Fetch])[],
): FetchRow[] {
  return rows.map(([name, out, columns, doc, fetch]) => ({
    name,
    args: '',
    out,
    valid: columns,
    doc,
    compile: () => fetch,
  }));
}

/** The timeout of a proxy under its name and under that of the one in force. */
function createTimeoutRows(key: keyof TimeoutConfig, ofFrontend: boolean): FetchRow[] {
  const side = ofFrontend ? 'fe' : 'be';
  const columns = ofFrontend ? valid.session : valid.backend;
  const current = key === 'tarpit' ? valid.client : columns;
  const fetch = compileTimeout(key, ofFrontend);
  const rows = createRows([
    [`${side}_${key}_timeout`, 'sint', columns, `ms of timeout ${key} as configured`, fetch],
  ]);
  if (key === 'tarpit' && ofFrontend) return rows;
  return [
    ...rows,
    ...createRows([
      [`cur_${key}_timeout`, 'sint', current, `ms of timeout ${key} in force`, fetch],
    ]),
  ];
}

export const proxyFetches: readonly FetchRow[] = [
  ...createRows([
    ['be_id', 'sint', valid.backend, 'number of the backend', fetchBackendId],
    ['be_max_retries', 'sint', valid.backend, 'retries as configured', fetchMaxRetries],
    ['be_name', 'str', valid.backend, 'name of the backend', fetchBackendName],
    ['bytes_in', 'sint', valid.transaction, 'bytes received from the client', fetchBytesIn],
    ['bytes_out', 'sint', valid.responseBytes, 'bytes sent to the client', fetchBytesOut],
    ['cur_max_retries', 'sint', valid.backend, 'retries in force', fetchMaxRetries],
    ['fe_defbe', 'str', valid.session, 'default backend of the frontend', fetchDefaultBackend],
    ['fe_id', 'sint', valid.session, 'number of the frontend', fetchFrontendId],
    ['fe_name', 'str', valid.session, 'name of the frontend', fetchFrontendName],
    ['req.bytes_in', 'sint', valid.transaction, 'bytes received from the client', fetchBytesIn],
    ['res.bytes_out', 'sint', valid.responseBytes, 'bytes sent to the client', fetchBytesOut],
    ['so_name', 'str', valid.session, 'name of the listener that accepted', fetchListenerName],
    ['srv_id', 'sint', valid.server, 'number of the server', fetchServerId],
    ['srv_name', 'str', valid.server, 'name of the server', fetchServerName],
    ['txn.conn_retries', 'sint', valid.response, 'connection retries so far', fetchRetries],
    ['txn.id32', 'sint', valid.running, 'number of the transaction', fetchId32],
    ['txn.redispatched', 'bool', valid.response, 'sent to another server', fetchRedispatched],
    ['txn.sess_term_state', 'str', valid.running, 'termination state', fetchTerminationState],
    ['unique-id', 'str', valid.anywhere, 'unique ID of the request', fetchUniqueId],
  ]),
  ...createTimeoutRows('client', true),
  ...createTimeoutRows('connect', false),
  ...createTimeoutRows('queue', false),
  ...createTimeoutRows('server', false),
  ...createTimeoutRows('tarpit', false),
  ...createTimeoutRows('tarpit', true),
  ...createTimeoutRows('tunnel', false),
];
