/**
 * The worker threads as the control thread sees them: starting, waking, and hearing that they have
 * stopped. A worker never returns to JavaScript's event loop, so a message alone would not be
 * noticed: its eventfd is written after each.
 */
import { Worker } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { libc } from '../sys/libc.ts';
import { wake } from '../sys/socket.ts';
import type { FromWorker, ToWorker, WorkerInit } from './protocol.ts';

const EFD_NONBLOCK_CLOEXEC = 0x80800;

/** An eventfd per worker. */
export function openWakeFds(count: number): number[] {
  const fds: number[] = [];
  for (let i = 0; i < count; i++) {
    const fd = libc.eventfd(0, EFD_NONBLOCK_CLOEXEC);
    assert(fd >= 0, 'eventfd failed');
    fds.push(fd);
  }
  return fds;
}

export interface WorkerPoolEvents {
  /** A line for stderr. */
  message(text: string): void;
  /** An answer to `memory`. */
  report(text: string): void;
  /** A worker ended although nobody asked it to. */
  crashed(workerIndex: number, error: string): void;
}

export class WorkerPool {
  private readonly workers: Worker[] = [];
  private readonly running: boolean[] = [];
  private readonly wakeFds: number[];
  private readonly events: WorkerPoolEvents;
  private stopping = false;
  private onAllStopped: () => void = () => undefined;

  constructor(wakeFds: number[], events: WorkerPoolEvents) {
    this.wakeFds = wakeFds;
    this.events = events;
  }

  /**
   * Starts all workers and waits until each has loaded and opened everything it needs.
   * @param entry the worker's program
   * @throws Error with the first failure
   */
  async start(entry: URL, inits: WorkerInit[]): Promise<void> {
    await Promise.all(inits.map((init) => this.startOne(entry, init)));
  }

  private startOne(entry: URL, init: WorkerInit): Promise<void> {
    return new Promise((resolve, reject) => {
      // `smol` keeps the collector's heap small: the data plane allocates nothing per request.
      const options = { workerData: init, smol: true } as ConstructorParameters<typeof Worker>[1];
      const worker = new Worker(entry, options);
      this.workers[init.workerIndex] = worker;
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          this.running[init.workerIndex] = true;
          resolve();
        } else if (message.type === 'stopped') this.stopped(init.workerIndex);
        else if (message.type === 'report') this.events.report(message.text);
        else this.events.message(message.text);
      });
      worker.on('error', (error: Error) => {
        const text = error.stack ?? String(error);
        reject(new Error(text));
        if (this.running[init.workerIndex]) this.ended(init.workerIndex, text);
      });
      worker.on('exit', (code: number) => {
        reject(new Error(`worker ${init.workerIndex} ended during its start (${code})`));
        if (this.running[init.workerIndex]) this.ended(init.workerIndex, `exit ${code}`);
      });
    });
  }

  private ended(index: number, reason: string): void {
    const expected = this.stopping;
    this.stopped(index);
    if (!expected) this.events.crashed(index, reason);
  }

  private stopped(index: number): void {
    this.running[index] = false;
    if (this.stopping && !this.running.includes(true)) this.onAllStopped();
  }

  /** Sends to every worker that runs, and wakes it. */
  broadcast(message: ToWorker): void {
    this.workers.forEach((worker, index) => {
      if (!this.running[index]) return;
      worker.postMessage(message);
      wake(this.wakeFds[index]!);
    });
  }

  /** Asks all workers to stop and resolves when the last has. */
  stop(message: ToWorker): Promise<void> {
    this.stopping = true;
    return new Promise((resolve) => {
      this.onAllStopped = resolve;
      if (!this.running.includes(true)) resolve();
      else this.broadcast(message);
    });
  }
}
