/**
 * The entry of a data-plane worker's thread: waits until it is told what to do, then turns the event
 * loop (event-loop.ts). The thread never returns to the runtime's own loop while it serves; messages
 * are read when the control thread writes to the worker's eventfd.
 */
import { heapStats } from 'bun:jsc';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { closeListeners } from '../stream/accept.ts';
import { engine } from '../stream/engine.ts';
import type { WorkerInit } from '../stream/worker-init.ts';
import { bindThread } from '../sys/affinity.ts';
import { errno, errnoText } from '../sys/errno.ts';
import { createEventLoop, type LoopHost, turns } from './event-loop.ts';
import type { FromWorker, ToWorker, WorkerGate } from './protocol.ts';

function post(message: FromWorker): void {
  parentPort!.postMessage(message);
}

/** What SIGQUIT shows of this worker: its pools and the heap that the runtime keeps. */
function memoryText(): string {
  const { buffers, captures, conns, streams, init } = engine;
  const { heapCapacity, objectCount } = heapStats();
  return (
    `worker ${init.workerIndex + 1}: ${buffers.inUse} of ${buffers.blocksMax} buffers and ` +
    `${captures.inUse} of ${captures.blocksMax} capture blocks in use, ${engine.clients} clients, ` +
    `${conns.length} connection slots and ${streams.length} streams made, ` +
    `${heapCapacity} bytes of heap for ${objectCount} objects.`
  );
}

const host: LoopHost = {
  receive() {
    const received = receiveMessageOnPort(parentPort!);
    return received === undefined ? null : (received.message as ToWorker);
  },
  failed(error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    post({ type: 'message', workerIndex: engine.init.workerIndex, text });
  },
  reportMemory() {
    post({ type: 'report', text: memoryText() });
  },
  suspended() {
    post({ type: 'suspended', workerIndex: engine.init.workerIndex });
  },
  serve(message) {
    post({ type: 'service', message });
  },
  collect() {
    // Regular expressions make strings. The runtime takes the arena for a part of its heap and would
    // let garbage of that size gather; a collection of a small heap costs a millisecond.
    Bun.gc(false);
  },
};

/** `cpu-map` (3.1). A CPU that does not exist is no reason not to serve. */
function bindToCpus(init: WorkerInit): void {
  const { workerIndex } = init;
  const cpus = init.config.global.cpuMap[workerIndex] ?? null;
  if (cpus === null || bindThread(cpus)) return;
  const text = `thread ${workerIndex + 1} cannot run on CPUs ${cpus.join(',')} : ${errnoText(errno())}`;
  post({ type: 'report', text: `[sluice.main()] ${text}` });
}

function runWorker(): void {
  const gate = new Int32Array((workerData as WorkerGate).gate);
  Atomics.wait(gate, 0, 0);
  const init = receiveMessageOnPort(parentPort!)!.message as WorkerInit;
  createEventLoop(init, host);
  // What compiling the configuration leaves behind: later, clients would wait for it.
  Bun.gc(true);
  // Now: the runtime's threads that help with the above would be bound with this one.
  bindToCpus(init);
  post({ type: 'ready', workerIndex: init.workerIndex });
  Atomics.wait(gate, 1, 0);
  while (!engine.ended) turns();
  closeListeners();
  engine.logger.flush();
  engine.debug?.flush();
  post({ type: 'stopped', workerIndex: init.workerIndex });
}

runWorker();
