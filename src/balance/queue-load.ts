/**
 * One worker of the load test of the queue: `streams` streams each take and give back a slot
 * `rounds` times, on one server of the backend or another, while other threads do the same.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type SharedBuffers, SharedState } from '../model/shared.ts';
import { createFixture } from './fixture.ts';
import { NOTHING, ServerQueue, workerToWake } from './queue-order.ts';

export interface QueueLoad {
  buffers: SharedBuffers;
  /** Per worker a word to sleep on, then one that counts the workers that are done. */
  wake: SharedArrayBuffer;
  workerIndex: number;
  workerCount: number;
  maxconns: number[];
  streams: number;
  rounds: number;
  seed: number;
}

const load = workerData as QueueLoad;
const shared = new SharedState(load.buffers);
const wakeWords = new Int32Array(load.wake);
const doneWord = load.workerCount;
const proxy = createFixture(
  load.maxconns.map((maxconn) => ({ maxconn })),
  {},
  load.workerCount,
).createProxy();
const queue = new ServerQueue(shared, load.workerIndex, load.workerCount, load.streams);
/** Per stream: rounds to go, and the server whose slot it has (-1 = none). */
const left = new Int32Array(load.streams).fill(load.rounds);
const holds = new Int32Array(load.streams).fill(-1);
let random = load.seed;

function below(n: number): number {
  random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
  return Math.floor((random / 4294967296) * n);
}

function wakeWorker(worker: number): void {
  Atomics.add(wakeWords, worker, 1);
  Atomics.notify(wakeWords, worker);
}

/** @returns whether there may be more to hand out. */
function handle(server: number, result: number): boolean {
  if (result < NOTHING) wakeWorker(workerToWake(result));
  else if (result > NOTHING) holds[result] = server;
  return result !== NOTHING;
}

function takeGrants(): void {
  if (!queue.hasGrants()) return;
  for (let i = 0; i < proxy.servers.length; i++) {
    while (handle(i, queue.takeGrant(proxy.servers[i]!)));
  }
}

function arrive(id: number): void {
  const index = below(proxy.servers.length);
  const server = proxy.servers[index]!;
  if (queue.tryAcquire(server)) {
    holds[id] = index;
    return;
  }
  const toBackend = below(2) === 0;
  queue.enqueue(id, toBackend ? proxy.backend : server.entity);
  for (let i = 0; i < proxy.servers.length; i++) {
    if (!toBackend && i !== index) continue;
    while (handle(i, queue.settle(proxy.servers[i]!)));
  }
}

/** One step of some stream. @returns false when all of them wait or are done. */
function step(): boolean {
  const start = below(load.streams);
  for (let i = 0; i < load.streams; i++) {
    const id = (start + i) % load.streams;
    const server = holds[id]!;
    if (server >= 0) {
      holds[id] = -1;
      left[id]!--;
      handle(server, queue.release(proxy.servers[server]!));
      return true;
    }
    if (left[id]! > 0 && queue.waiting(id) < 0) {
      arrive(id);
      return true;
    }
  }
  return false;
}

function run(): string {
  let isDone = false;
  for (;;) {
    const seen = Atomics.load(wakeWords, load.workerIndex);
    takeGrants();
    if (step()) continue;
    if (!isDone && left.every((rounds) => rounds === 0)) {
      isDone = true;
      Atomics.add(wakeWords, doneWord, 1);
      for (let worker = 0; worker < load.workerCount; worker++) wakeWorker(worker);
    }
    if (Atomics.load(wakeWords, doneWord) === load.workerCount) return 'done';
    if (Atomics.wait(wakeWords, load.workerIndex, seen, 10_000) === 'timed-out') {
      return `worker ${load.workerIndex} was not woken`;
    }
  }
}

parentPort!.postMessage(run());
