/** The descriptors of the fake kernel that are not TCP connections. */
import { ByteQueue } from './byte-queue.ts';
import { Far, type File, type NetworkTuning, Poll, Socket } from './socket.ts';
import type { Timeline } from './timeline.ts';

/** What it takes to open the other end of a connection. */
export interface Opening {
  far: Far;
  port: number;
}

export class Listener implements File {
  onWake: (() => void) | null = null;
  readonly backlog: Opening[] = [];
  #closed = false;

  constructor(
    readonly timeline: Timeline,
    readonly tuning: NetworkTuning,
  ) {}

  poll(): number {
    return this.backlog.length > 0 ? Poll.In : 0;
  }

  /** A client connects. Null when nobody listens any more. */
  connect(name: string, port: number): Far | null {
    if (this.#closed) return null;
    const socket = new Socket(this.timeline, this.tuning);
    const far = new Far(socket, name);
    socket.establish(far);
    this.backlog.push({ far, port });
    this.onWake?.();
    return far;
  }

  release(): void {
    this.#closed = true;
    for (const { far } of this.backlog.splice(0)) far.reset();
  }
}

/** Both ends of a pipe are descriptors of the same bytes. */
export class PipeEnd implements File {
  onWake: (() => void) | null = null;

  constructor(
    readonly bytes: ByteQueue,
    readonly capacity: { bytes: number },
    readonly isReader: boolean,
  ) {}

  poll(): number {
    return 0;
  }

  release(): void {}
}

export function createPipeEnds(): [PipeEnd, PipeEnd] {
  const bytes = new ByteQueue();
  const capacity = { bytes: 65_536 };
  return [new PipeEnd(bytes, capacity, true), new PipeEnd(bytes, capacity, false)];
}

export class EventFd implements File {
  onWake: (() => void) | null = null;
  count = 0;

  poll(): number {
    return this.count > 0 ? Poll.In : 0;
  }

  add(): void {
    this.count++;
    this.onWake?.();
  }

  release(): void {}
}

/** A log target: datagrams go in and are looked at by the run. */
export class Datagrams implements File {
  onWake: (() => void) | null = null;

  poll(): number {
    return Poll.Out;
  }

  release(): void {}
}

interface Registration {
  fd: number;
  file: File;
  events: number;
  data: readonly [number, number];
  isListed: boolean;
}

const EDGE = 0x80000000 | 0;

/**
 * epoll(7): a list of registrations that something has happened to. What they are ready for is asked
 * when they are delivered. A level-triggered one stays in the list while it is ready; an
 * edge-triggered one comes back with the next arrival, room or change of state.
 */
export class Epoll implements File {
  onWake: (() => void) | null = null;
  readonly #byFd = new Map<number, Registration>();
  #list: Registration[] = [];

  poll(): number {
    return 0;
  }

  release(): void {}

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** @returns false when it is registered already. */
  add(fd: number, file: File, events: number, data: readonly [number, number]): boolean {
    if (this.#byFd.has(fd)) return false;
    const registration = { fd, file, events, data, isListed: false };
    this.#byFd.set(fd, registration);
    file.onWake = () => this.#enlist(registration);
    if (this.#maskOf(registration) !== 0) this.#enlist(registration);
    return true;
  }

  remove(fd: number): boolean {
    const registration = this.#byFd.get(fd);
    if (registration === undefined) return false;
    this.#byFd.delete(fd);
    registration.file.onWake = null;
    this.#list = this.#list.filter((one) => one !== registration);
    return true;
  }

  /** Something that happens now and then on a busy machine: an event with no news. */
  stir(pick: (count: number) => number): void {
    const all = [...this.#byFd.values()];
    if (all.length > 0) this.#enlist(all[pick(all.length)]!);
  }

  #enlist(registration: Registration): void {
    if (registration.isListed) return;
    registration.isListed = true;
    this.#list.push(registration);
  }

  #maskOf({ events, file }: Registration): number {
    return file.poll() & (events | Poll.Err | Poll.Hup);
  }

  /** Delivers up to `most` events. */
  deliver(most: number, put: (index: number, mask: number, id: number, word: number) => void) {
    const list = this.#list;
    this.#list = [];
    let count = 0;
    const again: Registration[] = [];
    for (const [i, registration] of list.entries()) {
      if (count === most) {
        this.#list.push(...list.slice(i));
        break;
      }
      registration.isListed = false;
      const mask = this.#maskOf(registration);
      if (mask === 0) continue;
      put(count++, mask, registration.data[0], registration.data[1]);
      if ((registration.events & EDGE) === 0) again.push(registration);
    }
    for (const registration of again) this.#enlist(registration);
    return count;
  }
}
