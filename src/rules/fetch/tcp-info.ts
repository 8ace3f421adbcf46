/**
 * What the kernel measures of the client's connection (configuration.txt 7.3.3 `fc_rtt` and so on;
 * tcp(7) TCP_INFO). Each costs a system call; a connection that is not TCP has no such values.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem32 } from '../../sys/arena.ts';
import { readTcpInfo } from '../../sys/socket.ts';
import type { Fetch } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';

/** Where the numbers lie in `struct tcp_info`. */
const enum Field {
  Unacked = 24,
  Sacked = 28,
  Lost = 32,
  Retrans = 36,
  Fackets = 40,
  /** Microseconds. */
  Rtt = 68,
  /** Microseconds. */
  Rttvar = 72,
  Reordering = 88,
}

const US_PER_MS = 1000;

function compileCount(field: Field): Fetch {
  return (ctx, sample) => {
    const info = readTcpInfo(ctx.session.fd);
    if (info === 0) return false;
    sample.setInt(mem32[(info + field) >> 2]! >>> 0);
    return true;
  };
}

function compileTime(field: Field, args: readonly ArgConfig[]): Fetch {
  const divisor = args[0] === 'us' ? 1 : US_PER_MS;
  return (ctx, sample) => {
    const info = readTcpInfo(ctx.session.fd);
    if (info === 0) return false;
    sample.setInt(Math.trunc((mem32[(info + field) >> 2]! >>> 0) / divisor));
    return true;
  };
}

function checkUnit(args: ArgConfig[]): void {
  const unit = args[0];
  if (unit === undefined || unit === 'us' || unit === 'ms') return;
  throw new ConfigError(`expects 'us' or 'ms', got '${unit}'`);
}

const common = { args: '[string]', valid: valid.client, out: 'sint' } as const;

function createCount(name: string, field: Field, doc: string): FetchRow {
  return { ...common, name, doc, compile: () => compileCount(field) };
}

function createTime(name: string, field: Field, doc: string): FetchRow {
  return { ...common, name, doc, check: checkUnit, compile: (args) => compileTime(field, args) };
}

export const tcpInfoFetches: readonly FetchRow[] = [
  createCount('fc_fackets', Field.Fackets, 'segments acknowledged beyond a gap, to the client'),
  createCount('fc_lost', Field.Lost, 'segments to the client that are taken for lost'),
  createCount('fc_reordering', Field.Reordering, 'segments that may overtake each other'),
  createCount('fc_retrans', Field.Retrans, 'segments to the client that are sent again'),
  createTime('fc_rtt', Field.Rtt, 'round trip time of the client connection, in ms or us'),
  createTime('fc_rttvar', Field.Rttvar, 'how much the round trip time varies, in ms or us'),
  createCount('fc_sacked', Field.Sacked, 'segments that the client has acknowledged selectively'),
  createCount('fc_unacked', Field.Unacked, 'segments that the client has not acknowledged'),
];
