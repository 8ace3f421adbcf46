/**
 * Worker threads that are started before it is known what they shall do. Loading its modules takes
 * a thread longer than the control thread needs to load the parser and read the configuration; so
 * both happen at the same time, and the worker waits at a gate for its `WorkerInit`. This file is
 * loaded first and must not import much.
 */
import { Worker } from 'node:worker_threads';
import type { WorkerGate } from './protocol.ts';

/** More threads than this at once would only slow down the control thread's own start. */
const EARLY_MAX = 4;

/** Arguments with which nothing is served. */
const notServing = /^-(c|cc|v|vv|h|dK.*)$/;

export interface GatedWorker {
  worker: Worker;
  gate: Int32Array;
  /** A failure while it loaded, before anybody listened. */
  error: Error | null;
}

export class EarlyWorkers {
  private readonly entry: URL;
  private readonly waiting: GatedWorker[] = [];

  /** @param entry the worker's program; @param args the command line */
  constructor(entry: URL, args: readonly string[]) {
    this.entry = entry;
    if (args.length === 0 || args.some((arg) => notServing.test(arg))) return;
    const count = Math.min(navigator.hardwareConcurrency, EARLY_MAX);
    for (let i = 0; i < count; i++) this.waiting.push(this.start());
  }

  private start(): GatedWorker {
    const memory = new SharedArrayBuffer(8);
    const workerData: WorkerGate = { gate: memory };
    // `smol` keeps the collector's heap small: the data plane allocates nothing per request.
    const options = { workerData, smol: true } as ConstructorParameters<typeof Worker>[1];
    const gated: GatedWorker = {
      worker: new Worker(this.entry, options),
      gate: new Int32Array(memory),
      error: null,
    };
    gated.worker.on('error', (error: Error) => {
      gated.error = error;
    });
    return gated;
  }

  /** A worker at its gate: one that was started early, or a new one. */
  take(): GatedWorker {
    return this.waiting.shift() ?? this.start();
  }

  /** Ends those that are not needed. */
  dismiss(): void {
    for (const { worker } of this.waiting.splice(0)) void worker.terminate();
  }
}
