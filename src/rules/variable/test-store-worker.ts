/** Test support: a thread that writes a variable of the process again and again. */
import { workerData } from 'node:worker_threads';
import { mem, reserve } from '../../sys/arena.ts';
import { Sample, SampleType } from '../sample.ts';
import { ProcessStore } from './process-store.ts';

/** What `workerData` is. */
export interface StoreWork {
  shared: SharedArrayBuffer;
  valueMax: number;
  /** Writes of this thread; the texts of thread n begin at n. */
  writes: number;
  thread: number;
  /** A word per thread that becomes 1 when it is done. */
  done: SharedArrayBuffer;
}

const { shared, valueMax, writes, thread, done } = workerData as StoreWork;
const store = new ProcessStore(shared, valueMax, 0, 0);
const sample = new Sample();
const off = reserve(valueMax);
for (let i = 0; i < writes; i++) {
  // The text says by each of its bytes how long it is.
  const len = 1 + ((i * 2 + thread) % 200);
  mem.fill(len, off, off + len);
  sample.setStr(off, len);
  sample.type = SampleType.Bin;
  sample.num = len;
  store.write(0, sample, 0);
}
Atomics.store(new Int32Array(done), thread, 1);
