import { expect, test } from 'bun:test';
import { Session, StreamFacts } from '../../model/stream.ts';
import { Store } from '../../model/variable.ts';
import { reserve, reserveBytes, text } from '../../sys/arena.ts';
import { Sample, SampleType } from '../sample.ts';
import { LocalStore } from './local-store.ts';
import { ProcessStore, processStoreBytes } from './process-store.ts';
import { SetIf } from './value.ts';

const names = { session: 3, transaction: 5, message: 4 };
const free = { sessionMax: 0, transactionMax: 0, messageMax: 0, isProcessLimited: false };
const texts = Array.from({ length: 40 }, (_, i) => {
  const value = String.fromCharCode(97 + (i % 26)).repeat(i * i);
  return { off: reserveBytes(value), value };
});

function createStores(limits: Partial<typeof free> = {}, heapBytes = 64 << 10) {
  const process = new ProcessStore(new SharedArrayBuffer(processStoreBytes(0, 0)), 0, 0, 0);
  return new LocalStore({ ...names, ...free, ...limits, heapBytes, valueMax: 2048 }, process);
}

/** What the sample holds, for comparison. */
function valueOf(sample: Sample): string | number {
  return sample.type === SampleType.Sint ? sample.num : text(sample.off, sample.len);
}

test('streams and sessions keep what they are given, apart from each other, and leave nothing', () => {
  const seed = Number(process.env['SLUICE_FUZZ_SEED'] ?? 1);
  let state = seed;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const store = createStores();
  const sample = new Sample();
  const sessions = [0, 1].map(() => new Session(reserve(32)));
  const streams = sessions.flatMap((sess) => [new StreamFacts(sess), new StreamFacts(sess)]);
  const model = new Map<string, string | number>();
  const counts = { [Store.Session]: 3, [Store.Transaction]: 5, [Store.Message]: 4 };
  for (let i = 0; i < 30_000; i++) {
    const strm = streams[random(streams.length)]!;
    const { session } = strm;
    const kind = [Store.Session, Store.Transaction, Store.Message][random(3)]! as 1 | 2 | 3;
    const index = random(counts[kind]);
    const owner =
      kind === Store.Session ? `session ${sessions.indexOf(session)}` : streams.indexOf(strm);
    const key = `${owner} ${kind} ${index}`;
    const action = random(20);
    if (action === 0) {
      if (strm.variables !== 0) store.dropStream(session, strm);
      for (const known of [...model.keys()])
        if (known.startsWith(`${streams.indexOf(strm)} `)) model.delete(known);
    } else if (action === 1) {
      if (strm.variables !== 0) store.dropMessage(session, strm);
      const start = `${streams.indexOf(strm)} ${Store.Message} `;
      for (const known of [...model.keys()]) if (known.startsWith(start)) model.delete(known);
    } else if (action < 5) {
      store.unset(session, strm, kind, index);
      model.delete(key);
    } else if (action < 13) {
      if (random(2) === 0) sample.setInt(random(1000));
      else {
        const { off, value } = texts[random(texts.length)]!;
        sample.setStr(off, value.length);
      }
      const given = valueOf(sample);
      if (store.write(session, strm, kind, index, sample, SetIf.Always)) {
        expect(valueOf(sample)).toBe(given);
        model.set(key, given);
      } else model.delete(key);
    } else {
      const isSet = store.read(session, strm, kind, index, sample);
      if (isSet !== model.has(key)) throw new Error(`seed ${seed}: ${key} is set: ${isSet}`);
      if (isSet) expect(valueOf(sample)).toBe(model.get(key)!);
    }
  }
  for (const strm of streams) if (strm.variables !== 0) store.dropStream(strm.session, strm);
  for (const sess of sessions) if (sess.variables !== 0) store.dropSession(sess);
  expect(store.inUse).toBe(0);
});

test('a variable may be set to a part of itself', () => {
  const store = createStores();
  const sess = new Session(reserve(32));
  const strm = new StreamFacts(sess);
  const sample = new Sample();
  const write = () => store.write(sess, strm, Store.Transaction, 0, sample, SetIf.Always);
  const value = 'abcdefghij'.repeat(20);
  sample.setStr(reserveBytes(value), value.length);
  expect(write()).toBe(true);
  for (const skip of [1, 3, 150, 20]) {
    expect(store.read(sess, strm, Store.Transaction, 0, sample)).toBe(true);
    const rest = valueOf(sample).toString().slice(skip);
    sample.off += skip;
    sample.len -= skip;
    expect(write()).toBe(true);
    expect(valueOf(sample)).toBe(rest);
    expect(store.read(sess, strm, Store.Transaction, 0, sample)).toBe(true);
    expect(valueOf(sample)).toBe(rest);
  }
});

test('without room a variable has no value, and everything else goes on', () => {
  const store = createStores({}, 1024);
  const sess = new Session(reserve(32));
  const strm = new StreamFacts(sess);
  const sample = new Sample();
  const set = (index: number, length: number) => {
    sample.setStr(reserveBytes('x'.repeat(length)), length);
    return store.write(sess, strm, Store.Transaction, index, sample, SetIf.Always);
  };
  expect(set(0, 200)).toBe(true);
  expect(set(1, 200)).toBe(true);
  expect(set(1, 600)).toBe(false);
  expect(store.read(sess, strm, Store.Transaction, 1, sample)).toBe(false);
  expect(store.read(sess, strm, Store.Transaction, 0, sample)).toBe(true);
  expect(set(1, 200)).toBe(true);
  store.dropStream(sess, strm);
  expect(store.inUse).toBe(0);
});

test('with limits, what a stream leaves is given back to its session (3.2)', () => {
  const store = createStores({ sessionMax: 200 });
  const sess = new Session(reserve(32));
  const sample = new Sample();
  for (let i = 0; i < 10; i++) {
    const strm = new StreamFacts(sess);
    sample.setInt(1);
    const set = (kind: Store, index: number) =>
      store.write(sess, strm, kind, index, sample, SetIf.Always);
    expect(set(Store.Transaction, 0)).toBe(true);
    expect(set(Store.Message, 0)).toBe(true);
    expect(set(Store.Session, 0)).toBe(false);
    store.dropMessage(sess, strm);
    expect(set(Store.Message, 1)).toBe(true);
    expect(set(Store.Message, 2)).toBe(false);
    store.dropStream(sess, strm);
  }
  store.dropSession(sess);
  expect(store.inUse).toBe(0);
});
