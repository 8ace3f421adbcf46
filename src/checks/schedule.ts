/**
 * When checks run (configuration.txt 5.2 inter, 3.1 spread-checks, 3.2 max-spread-checks) and how
 * long they may take (4.2 timeout check). The pause runs from the end of one check to the start of
 * the next.
 */
import type { CheckConfig, GlobalConfig, TimeoutConfig } from '../model/config.ts';
import { fullHealth } from './health.ts';

/** Pause before the next check, ms: by the state that the last one left. */
export function checkInterval(check: CheckConfig, counter: number): number {
  if (counter === fullHealth(check)) return check.interMs;
  const special = counter === 0 ? check.downinterMs : check.fastinterMs;
  return special >= 0 ? special : check.interMs;
}

/** The pause with `spread-checks` per cent of noise either way. @param random 0 ≤ x < 1. */
export function spreadInterval(intervalMs: number, spreadPercent: number, random: number): number {
  const spreadMs = (intervalMs * spreadPercent) / 100;
  return Math.max(0, intervalMs + spreadMs * (2 * random - 1));
}

/**
 * First checks are spread over the smallest interval of all checked servers, bounded by
 * `max-spread-checks`, in file order.
 * @returns delay before the first check of each, ms.
 */
export function firstDelays(
  checks: readonly { interMs: number }[],
  global: Pick<GlobalConfig, 'maxSpreadChecksMs'>,
): number[] {
  if (checks.length === 0) return [];
  let windowMs = Math.min(...checks.map((check) => check.interMs));
  if (global.maxSpreadChecksMs > 0) windowMs = Math.min(windowMs, global.maxSpreadChecksMs);
  return checks.map((_, i) => Math.floor((windowMs * i) / checks.length));
}

export interface CheckTimeouts {
  connectMs: number;
  /** -1 = what is left of `connectMs`. */
  readMs: number;
}

/**
 * Without `timeout check`, `inter` bounds the whole check. With it, the connection has the smaller
 * of `timeout connect` and `inter`, and the answer has `timeout check`.
 */
export function checkTimeouts(interMs: number, timeout: TimeoutConfig): CheckTimeouts {
  if (timeout.check < 0) return { connectMs: interMs, readMs: -1 };
  const connectMs = timeout.connect >= 0 ? Math.min(timeout.connect, interMs) : interMs;
  return { connectMs, readMs: timeout.check };
}

/** How long the program of an external check may run, ms: the shorter of the two. */
export function programTimeout(interMs: number, timeout: TimeoutConfig): number {
  return timeout.check < 0 ? interMs : Math.min(interMs, timeout.check);
}
