/** Pushes lines of one letter into a ring from a thread of its own, for the test of rings. */
import { parentPort, workerData } from 'node:worker_threads';
import { mem, reserve } from '../sys/arena.ts';
import { Ring } from './ring.ts';

const ring = new Ring(workerData.buffer as SharedArrayBuffer);
const at = reserve(200);
let dropped = 0;
for (let i = 0; i < 3000; i++) {
  const line = Buffer.from((workerData.letter as string).repeat(20 + (i % 90)));
  mem.set(line, at);
  if (!ring.push(at, line.length)) dropped++;
}
parentPort?.postMessage(dropped);
