/**
 * One worker of the load test of `leastconn`: it chooses a server and takes a connection `picks`
 * times, while other threads do the same.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type SharedBuffers, SharedState } from '../model/shared.ts';
import { createFixture } from './fixture.ts';
import { LeastConn } from './leastconn.ts';
import { ServerQueue } from './queue-order.ts';

export interface LeastConnLoad {
  buffers: SharedBuffers;
  weights: number[];
  workerIndex: number;
  workerCount: number;
  picks: number;
  /** A word that all workers wait on, so that they begin together. */
  gate: SharedArrayBuffer;
}

const load = workerData as LeastConnLoad;
const shared = new SharedState(load.buffers);
const proxy = createFixture(
  load.weights.map((weight) => ({ weight })),
  {},
  load.workerCount,
).createProxy();
const balancer = new LeastConn(proxy, shared);
const queue = new ServerQueue(shared, load.workerIndex, load.workerCount, 1);
const gate = new Int32Array(load.gate);
Atomics.add(gate, 0, 1);
while (Atomics.load(gate, 0) < load.workerCount);
for (let taken = 0; taken < load.picks; ) {
  const server = balancer.pick(null);
  if (server !== null && queue.tryAcquire(server, balancer.seen)) taken++;
}
parentPort!.postMessage('done');
