/**
 * Addresses of the client's connection, shared by the fetches that need them.
 *
 * The destination is asked of the kernel only when a rule wants it; the function that asks is
 * installed by the layer that owns connections.
 *
 * @dataplane
 */
import { Family, type Session } from '../../model/stream.ts';
import type { RuleContext } from '../context.ts';
import { readIpv4Bytes } from '../inet.ts';
import { type Sample, SampleType } from '../sample.ts';

const DESTINATION = 16;

function unknownDestination(_session: Session): void {}

let destinationHook: (session: Session) => void = unknownDestination;

/** Installs the function that fills `destinationFamily`, `destinationPort` and the address. */
export function setDestinationHook(hook: (session: Session) => void): void {
  destinationHook = hook;
}

function setAddress(sample: Sample, family: Family, off: number): boolean {
  if (family === Family.Inet) {
    sample.type = SampleType.Ipv4;
    sample.num = readIpv4Bytes(off);
    return true;
  }
  if (family !== Family.Inet6) return false;
  sample.type = SampleType.Ipv6;
  sample.off = off;
  sample.len = 16;
  return true;
}

export function sourceAddress(ctx: RuleContext, sample: Sample): boolean {
  const session = ctx.session;
  return setAddress(sample, session.sourceFamily, session.addressOff);
}

export function sourcePort(ctx: RuleContext, sample: Sample): boolean {
  const family = ctx.session.sourceFamily;
  if (family !== Family.Inet && family !== Family.Inet6) return false;
  sample.setInt(ctx.session.sourcePort);
  return true;
}

function hasDestination(session: Session): boolean {
  if (session.destinationFamily === Family.None) destinationHook(session);
  return session.destinationFamily !== Family.None;
}

export function destinationAddress(ctx: RuleContext, sample: Sample): boolean {
  const session = ctx.session;
  if (!hasDestination(session)) return false;
  return setAddress(sample, session.destinationFamily, session.addressOff + DESTINATION);
}

export function destinationPort(ctx: RuleContext, sample: Sample): boolean {
  const session = ctx.session;
  if (!hasDestination(session) || session.destinationFamily === Family.Unix) return false;
  sample.setInt(session.destinationPort);
  return true;
}
