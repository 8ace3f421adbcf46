/**
 * What a balancing algorithm does (configuration.txt 4.2 balance). One object per backend and
 * worker; calls come from that worker only.
 *
 * @dataplane
 */
import type { Server } from '../model/runtime.ts';
import type { RuleContext } from '../rules/context.ts';

/** The key of a request that has none, or that no algorithm asks for. */
export const NO_KEY = -1;

/** `Balancer.seen` of a choice that does not depend on a count. */
export const ANY_COUNT = -1;

/**
 * Hashes what a request is balanced on: 32 bits without a sign, or `NO_KEY`.
 * @param bodyOff where the part of the body that is there lies, as it will be sent
 */
export type BalanceKey = (ctx: RuleContext, bodyOff: number, bodyLen: number) => number;

export interface Balancer {
  /**
   * The connections that the server had (`State.Current`) when `pick` returned it: it must be taken
   * with this very count, else the choice is made again. `ANY_COUNT` when that does not matter.
   */
  readonly seen: number;
  /** State of servers changed: tables must be computed again. Called on every `refresh`. */
  rebuild(): void;
  /**
   * Chooses a server.
   * @param avoid a server to be used only when there is no other (a redispatch), or null.
   * @param key the hash of the request's key, or `NO_KEY`. A server chosen by a key may be full:
   *   the request waits for it. Without a key the server has room.
   * @returns null when no usable server has room: the caller queues in the backend.
   */
  pick(avoid: Server | null, key: number): Server | null;
}
