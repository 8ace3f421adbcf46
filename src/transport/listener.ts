/**
 * A listening socket as one worker sees it: no connection, so it has no buffer, no session and no
 * place among them. Its events carry a number below `WAKE_EVENT`, its timer stands behind those of
 * connections and streams.
 */
import type { Proxy } from '../model/runtime.ts';

/** What the event of the worker's wake-up carries; connections have numbers from 0 on. */
export const WAKE_EVENT = -1;

export class Listener {
  /** Its position among the listeners of the worker. */
  readonly number: number;
  readonly frontend: Proxy;
  /** Which bind line of the frontend. */
  readonly bindIndex: number;
  readonly entity: number;
  /** One socket for all workers (inherited, unix): worker 0 accepts and hands on. */
  readonly isShared: boolean;
  /** -1 = the address is not there now. */
  fd: number;
  /** It is in the poller. */
  isRegistered: boolean;
  /** SIGTTOU, or an address that another process still has: not to be looked at. */
  isSuspended: boolean;

  constructor(
    number: number,
    frontend: Proxy,
    bindIndex: number,
    entity: number,
    isShared: boolean,
    fd: number,
  ) {
    this.number = number;
    this.frontend = frontend;
    this.bindIndex = bindIndex;
    this.entity = entity;
    this.isShared = isShared;
    this.fd = fd;
    this.isRegistered = false;
    this.isSuspended = fd < 0;
  }

  /** What its events carry. */
  get event(): number {
    return WAKE_EVENT - 1 - this.number;
  }
}

/** The number of the listener that an event below `WAKE_EVENT` is of. */
export function listenerOf(event: number): number {
  return WAKE_EVENT - 1 - event;
}
