import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { mem, reserveBytes, text } from '../../sys/arena.ts';
import { Sample, SampleType } from '../sample.ts';
import { ProcessStore, processStoreBytes } from './process-store.ts';
import type { StoreWork } from './test-store-worker.ts';
import { SetIf } from './value.ts';

const valueMax = 256;

function textSample(value: string): Sample {
  const sample = new Sample();
  sample.setStr(reserveBytes(value), value.length);
  return sample;
}

test('a value is read as it was written, with its type, by whoever has the memory', () => {
  const shared = new SharedArrayBuffer(processStoreBytes(3, valueMax));
  const writer = new ProcessStore(shared, valueMax, 0, 0);
  const reader = new ProcessStore(shared, valueMax, 0, 0);
  expect(reader.capacity).toBe(3);
  const sample = new Sample();
  expect(reader.read(1, sample)).toBe(false);
  for (const value of ['', 'a', 'four', 'fives', 'x'.repeat(valueMax)]) {
    expect(writer.write(1, textSample(value), SetIf.Always)).toBe(true);
    expect(reader.read(1, sample)).toBe(true);
    expect(sample.type).toBe(SampleType.Str);
    expect(text(sample.off, sample.len)).toBe(value);
  }
  for (const number of [0, -1, 2 ** 53, -(2 ** 63), 1.5]) {
    sample.setInt(number);
    writer.write(1, sample, SetIf.Always);
    sample.setInt(7);
    expect(reader.read(1, sample)).toBe(true);
    expect([sample.type, sample.num]).toEqual([SampleType.Sint, number]);
  }
  expect(reader.read(0, sample)).toBe(false);
  expect(reader.read(2, sample)).toBe(false);
  writer.unset(1);
  expect(reader.read(1, sample)).toBe(false);
});

test('a text that is too long leaves no value behind', () => {
  const shared = new SharedArrayBuffer(processStoreBytes(1, valueMax));
  const store = new ProcessStore(shared, valueMax, 0, 0);
  expect(store.write(0, textSample('a'), SetIf.Always)).toBe(true);
  expect(store.write(0, textSample('x'.repeat(valueMax + 1)), SetIf.Always)).toBe(false);
  expect(store.read(0, new Sample())).toBe(false);
  expect(store.write(0, textSample('b'), SetIf.Always)).toBe(true);
});

test('bytes are counted for the process: what goes makes room (3.2 tune.vars.proc-max-size)', () => {
  const shared = new SharedArrayBuffer(processStoreBytes(2, valueMax));
  const store = new ProcessStore(shared, valueMax, 80 + 80 + 20, 0);
  store.declare();
  store.declare();
  expect(store.write(0, textSample('0123456789'), SetIf.Always)).toBe(true);
  expect(store.write(1, textSample('01234567890'), SetIf.Always)).toBe(false);
  expect(store.write(1, textSample('0123456789'), SetIf.Always)).toBe(true);
  expect(store.charge(1)).toBe(false);
  store.unset(0);
  expect(store.charge(10)).toBe(true);
  expect(store.charge(1)).toBe(false);
  expect(store.charge(-10)).toBe(true);
  expect(store.write(1, textSample('0123456789'.repeat(2)), SetIf.Always)).toBe(true);
});

test('readers never see half of a value while other threads write', async () => {
  const shared = new SharedArrayBuffer(processStoreBytes(1, valueMax));
  const store = new ProcessStore(shared, valueMax, 0, 0);
  const done = new SharedArrayBuffer(8);
  const threads = [0, 1].map((thread) => {
    const work: StoreWork = { shared, valueMax, writes: 30_000, thread, done };
    return new Worker(join(import.meta.dir, 'test-store-worker.ts'), { workerData: work });
  });
  const failed = Promise.race(
    threads.map((worker) => new Promise((_, reject) => worker.on('error', reject))),
  );
  failed.catch(() => {});
  const flags = new Int32Array(done);
  const sample = new Sample();
  let reads = 0;
  while (flags[0] === 0 || flags[1] === 0) {
    for (let i = 0; i < 1000; i++) {
      if (!store.read(0, sample)) continue;
      reads++;
      const { off, len } = sample;
      const whole = mem.subarray(off, off + len).every((byte) => byte === len);
      if (!whole || sample.num !== len) throw new Error(`half of a value of ${len} bytes`);
    }
    await Promise.race([failed, new Promise((resolve) => setImmediate(resolve))]);
  }
  expect(reads).toBeGreaterThan(1000);
  await Promise.all(threads.map((worker) => worker.terminate()));
});
