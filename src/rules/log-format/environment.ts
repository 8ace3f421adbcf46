/**
 * What log lines say about the process: set once per worker, read per line.
 *
 * @dataplane
 */
import type { CaptureLayout } from '../../model/capture.ts';
import { type SharedState, State } from '../../model/shared.ts';
import type { Session } from '../../model/stream.ts';
import { reserveBytes } from '../../sys/arena.ts';

export interface LogEnvironment {
  shared: SharedState;
  /** Process id of the product, the same in all workers. */
  pid: number;
  /** Name of the machine (`%H`). */
  hostname: string;
  /** Per proxy index; null or absent for one without a frontend side. */
  captureLayouts: readonly (CaptureLayout | null)[];
  /** Asks the kernel for the destination address of a session and stores it there. */
  destinationHook: (session: Session) => void;
}

const noLayouts: readonly (CaptureLayout | null)[] = [];

class Environment {
  shared: SharedState | null;
  pid: number;
  hostnameOff: number;
  hostnameLen: number;
  captureLayouts: readonly (CaptureLayout | null)[];
  destinationHook: ((session: Session) => void) | null;

  constructor() {
    this.shared = null;
    this.pid = 0;
    this.hostnameOff = 0;
    this.hostnameLen = 0;
    this.captureLayouts = noLayouts;
    this.destinationHook = null;
  }

  /** Current connections of an entity; 0 when the proxy has no such side. */
  current(entity: number): number {
    const shared = this.shared;
    if (shared === null || entity < 0) return 0;
    return Atomics.load(shared.state, entity * State.WIDTH + State.Current);
  }
}

/** The environment of this thread. */
export const environment = new Environment();

/** What formats say of the process where there is no traffic. */
export function initLogIdentity(pid: number, hostname: string): void {
  const encoded = new TextEncoder().encode(hostname);
  environment.pid = pid;
  environment.hostnameOff = reserveBytes(encoded);
  environment.hostnameLen = encoded.length;
}

/** Call once per worker, before the first line. */
export function initLogEnvironment(values: LogEnvironment): void {
  initLogIdentity(values.pid, values.hostname);
  environment.shared = values.shared;
  environment.captureLayouts = values.captureLayouts;
  environment.destinationHook = values.destinationHook;
}
