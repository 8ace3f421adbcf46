/**
 * What a balancing algorithm does (configuration.txt 4.2 balance). One object per backend and
 * worker; calls come from that worker only.
 */
import type { Server } from '../model/runtime.ts';

export interface Balancer {
  /** State of servers changed: tables must be computed again. Called on every `refresh`. */
  rebuild(): void;
  /**
   * Chooses a server that has room.
   * @param avoid a server to be used only when there is no other (a redispatch), or null.
   * @returns null when no usable server has room: the caller queues in the backend.
   */
  pick(avoid: Server | null): Server | null;
  /** Chooses without regard to limits; null when no server is usable. */
  pickAny(avoid?: Server | null): Server | null;
  /** Says whether any server is usable, full or not. */
  hasUsable(): boolean;
}
