/**
 * The worker threads as the control thread sees them: starting, waking, and hearing that they have
 * stopped. A worker never returns to JavaScript's event loop, so a message alone would not be
 * noticed: its eventfd is written after each.
 */
import type { Worker } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { ServiceMessage, ServicePart, ServiceTicket } from '../model/service.ts';
import type { WorkerInit } from '../stream/worker-init.ts';
import { libc } from '../sys/libc.ts';
import { wake } from '../sys/socket.ts';
import type { EarlyWorkers, GatedWorker } from './early-workers.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

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

function openGate(gate: Int32Array, word: number): void {
  Atomics.store(gate, word, 1);
  Atomics.notify(gate, word);
}

export interface WorkerPoolEvents {
  /** A line for stderr. */
  message(text: string): void;
  /** An answer to `memory`. */
  report(text: string): void;
  /** A stream of a worker wants an answer, or none any more; `answer` brings the parts. */
  serve(message: ServiceMessage): void;
  /** A worker ended although nobody asked it to. */
  crashed(workerIndex: number, error: string): void;
}

export class WorkerPool {
  private readonly workers: Worker[] = [];
  /** Asked to run and not stopped yet; a message waits for one that still loads. */
  private readonly running: boolean[] = [];
  private readonly ready: boolean[] = [];
  private readonly gates: Int32Array[] = [];
  private readonly wakeFds: number[];
  private readonly events: WorkerPoolEvents;
  private stopping = false;
  private onAllStopped: () => void = () => undefined;
  private onSuspended: () => void = () => undefined;

  constructor(wakeFds: number[], events: WorkerPoolEvents) {
    this.wakeFds = wakeFds;
    this.events = events;
  }

  /**
   * Starts all workers and waits until each has loaded and opened everything it needs.
   * @param early where workers come from; those that are left are dismissed
   * @throws Error with the first failure
   */
  async start(early: EarlyWorkers, inits: WorkerInit[]): Promise<void> {
    const started = inits.map((init) => this.startOne(early.take(), init));
    early.dismiss();
    await Promise.all(started);
  }

  private startOne({ worker, gate, error }: GatedWorker, init: WorkerInit): Promise<void> {
    return new Promise((resolve, reject) => {
      if (error !== null) reject(error);
      this.workers[init.workerIndex] = worker;
      this.running[init.workerIndex] = true;
      this.gates.push(gate);
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          this.ready[init.workerIndex] = true;
          resolve();
        } else if (message.type === 'stopped') this.stopped(init.workerIndex);
        else if (message.type === 'suspended') this.onSuspended();
        else if (message.type === 'service') this.events.serve(message.message);
        else if (message.type === 'report') this.events.report(message.text);
        else this.events.message(message.text);
      });
      worker.on('error', (error: Error) => {
        const text = error.stack ?? String(error);
        reject(new Error(text));
        if (this.ready[init.workerIndex]) this.ended(init.workerIndex, text);
      });
      worker.on('exit', (code: number) => {
        reject(new Error(`worker ${init.workerIndex} ended during its start (${code})`));
        if (this.ready[init.workerIndex]) this.ended(init.workerIndex, `exit ${code}`);
      });
      worker.postMessage(init);
      openGate(gate, 0);
    });
  }

  /** Lets the workers accept connections: rights are given up, sockets have their names. */
  serve(): void {
    for (const gate of this.gates) openGate(gate, 1);
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

  /** Brings a part of an answer to the stream that waits for it. */
  answer(ticket: ServiceTicket, part: ServicePart): void {
    const { workerIndex } = ticket;
    if (!this.running[workerIndex]) return;
    // The bytes move, nothing of them stays behind.
    const moved = part.body === null ? [] : [part.body.buffer as ArrayBuffer];
    this.workers[workerIndex]!.postMessage({ type: 'served', ticket, part }, moved);
    wake(this.wakeFds[workerIndex]!);
  }

  /** Resolves when no worker accepts connections any more; `resume` lets them. */
  suspend(): Promise<void> {
    return new Promise((resolve) => {
      let left = this.running.filter((runs) => runs).length;
      this.onSuspended = () => {
        if (--left === 0) resolve();
      };
      this.broadcast({ type: 'suspend' });
    });
  }

  /** Asks all workers to stop and resolves when the last has. */
  stop(message: ToWorker): Promise<void> {
    this.stopping = true;
    // One that has not served yet must come as far as reading the message.
    this.serve();
    return new Promise((resolve) => {
      this.onAllStopped = resolve;
      if (!this.running.includes(true)) resolve();
      else this.broadcast(message);
    });
  }
}
