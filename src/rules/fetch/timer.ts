/**
 * Dates and timers of a request as samples (configuration.txt 7.3.2 to 7.3.6 and 8.4). The times of
 * a stream count from its start; a timer of an event that has not happened is -1, as in logs.
 *
 *   start |-- handshake --|-- idle --|-- request --|-- queue --|-- connect --|-- response --|-- data --| end
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import type { Sample } from '../sample.ts';

/** Checks the unit of a date, which is the argument at `position`. */
export function checkUnit(args: ArgConfig[], position: number): void {
  const unit = args[position] ?? '';
  if (unit === '' || unit === 's' || unit === 'ms' || unit === 'us') return;
  throw new ConfigError(`expects 's', 'ms' or 'us', got '${unit}'`);
}

/** Units per second. */
export function unitsPerSecond(unit: ArgConfig | undefined): number {
  if (unit === 'ms') return 1000;
  return unit === 'us' ? 1000000 : 1;
}

/** A date of `ms` since 1970 in units of `perSecond`. */
function inUnits(ms: number, perSecond: number): number {
  return perSecond >= 1000 ? Math.floor(ms) * (perSecond / 1000) : Math.floor(ms / 1000);
}

function compileDate(args: readonly ArgConfig[]): Fetch {
  const offset = Number(args[0] ?? 0);
  const perSecond = unitsPerSecond(args[1]);
  return (ctx, sample) => {
    sample.setInt(inUnits(ctx.nowDateMs, perSecond) + offset);
    return true;
  };
}

function fetchMicroseconds(ctx: RuleContext, sample: Sample): boolean {
  sample.setInt((Math.floor(ctx.nowDateMs) % 1000) * 1000);
  return true;
}

function compileAcceptDate(args: readonly ArgConfig[]): Fetch {
  const perSecond = unitsPerSecond(args[0]);
  return (ctx, sample) => {
    const strm = ctx.stream;
    const ms = strm === null ? ctx.session.acceptDateMs : strm.startDateMs;
    sample.setInt(inUnits(ms, perSecond));
    return true;
  };
}

function compileRequestDate(args: readonly ArgConfig[]): Fetch {
  const perSecond = unitsPerSecond(args[0]);
  return (ctx, sample) => {
    if (ctx.stream === null) return false;
    sample.setInt(inUnits(ctx.stream.requestDateMs, perSecond));
    return true;
  };
}

function before(strm: NonNullable<RuleContext['stream']>): number {
  return strm.handshakeMs + (strm.idleMs > 0 ? strm.idleMs : 0);
}

function setTimer(sample: Sample, until: number, from: number): boolean {
  sample.setInt(until < 0 || from < 0 ? -1 : until - from);
  return true;
}

function fetchHandshake(ctx: RuleContext, sample: Sample): boolean {
  return ctx.stream !== null && setTimer(sample, ctx.stream.handshakeMs, 0);
}

function fetchIdle(ctx: RuleContext, sample: Sample): boolean {
  return ctx.stream !== null && setTimer(sample, ctx.stream.idleMs, 0);
}

function fetchRequestHead(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  return strm !== null && setTimer(sample, strm.requestMs, before(strm));
}

function fetchQueryTotal(ctx: RuleContext, sample: Sample): boolean {
  return ctx.stream !== null && setTimer(sample, ctx.stream.requestMs, 0);
}

function fetchQueue(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  return strm !== null && setTimer(sample, strm.queueMs, Math.max(0, strm.requestMs));
}

function fetchConnect(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  return strm !== null && setTimer(sample, strm.connectMs, strm.queueMs);
}

function fetchResponseHead(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  return strm !== null && setTimer(sample, strm.dataMs, strm.connectMs);
}

function fetchData(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  return strm !== null && setTimer(sample, strm.closeMs, Math.max(0, strm.dataMs));
}

function fetchActive(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  return strm !== null && setTimer(sample, strm.closeMs, before(strm));
}

function fetchUser(ctx: RuleContext, sample: Sample): boolean {
  const strm = ctx.stream;
  return strm !== null && setTimer(sample, strm.closeMs, strm.idleMs > 0 ? strm.idleMs : 0);
}

function fetchTotal(ctx: RuleContext, sample: Sample): boolean {
  return ctx.stream !== null && setTimer(sample, ctx.stream.closeMs, 0);
}

/** Rows of timers: name, columns, documentation, function. */
function createTimers(rows: readonly (readonly [string, string, string, Fetch])[]): FetchRow[] {
  return rows.map(([name, columns, doc, fetch]) => ({
    name,
    args: '',
    out: 'sint',
    valid: columns,
    doc,
    compile: () => fetch,
  }));
}

export const timerFetches: readonly FetchRow[] = [
  {
    name: 'accept_date',
    args: '[string]',
    out: 'sint',
    valid: valid.client,
    doc: 'when the connection was accepted, in s, ms or us since 1970',
    check: (args) => checkUnit(args, 0),
    compile: compileAcceptDate,
  },
  {
    name: 'date',
    args: '[integer,string]',
    out: 'sint',
    valid: valid.anywhere,
    doc: 'now plus an offset, in s, ms or us since 1970',
    check: (args) => checkUnit(args, 1),
    compile: compileDate,
  },
  {
    name: 'date_us',
    args: '',
    out: 'sint',
    valid: valid.anywhere,
    doc: 'the microseconds of the current second',
    compile: () => fetchMicroseconds,
  },
  {
    name: 'request_date',
    args: '[string]',
    out: 'sint',
    valid: valid.transaction,
    doc: 'when the first byte of the request came, in s, ms or us since 1970',
    check: (args) => checkUnit(args, 0),
    compile: compileRequestDate,
  },
  ...createTimers([
    ['bc.timer.connect', valid.response, 'ms to connect to the server (%Tc)', fetchConnect],
    ['fc.timer.handshake', valid.client, 'ms of handshakes (%Th)', fetchHandshake],
    ['fc.timer.total', valid.session, 'ms from the acceptance to the end (%Tt)', fetchTotal],
    ['req.timer.hdr', valid.request, 'ms to receive the request head (%TR)', fetchRequestHead],
    ['req.timer.idle', valid.request, 'ms before the first byte of the request (%Ti)', fetchIdle],
    ['req.timer.queue', valid.response, 'ms in queues (%Tw)', fetchQueue],
    [
      'req.timer.tq',
      valid.request,
      'ms from the acceptance to the request head (%Tq)',
      fetchQueryTotal,
    ],
    ['res.timer.data', valid.responseBytes, 'ms to transfer the response body (%Td)', fetchData],
    ['res.timer.hdr', valid.responseHead, 'ms of the server to answer (%Tr)', fetchResponseHead],
    ['txn.timer.total', valid.transaction, 'active ms of the request (%Ta)', fetchActive],
    ['txn.timer.user', valid.transaction, 'ms as the client saw them (%Tu)', fetchUser],
  ]),
];
