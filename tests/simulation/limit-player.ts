/**
 * The thread of limit.test.ts: one worker on the fake kernel whose limits change while it runs. Each
 * scene gives the number of clients accepted at its steps, in virtual time.
 */
import './install.ts';

import { parentPort, workerData } from 'node:worker_threads';
import { parseText } from '../../src/config/fixture.ts';
import { createLogShared } from '../../src/log/logger.ts';
import { numberEntities } from '../../src/model/entity.ts';
import { PROCESS_ENTITY, SharedState, type State } from '../../src/model/shared.ts';
import { createEventLoop, turn } from '../../src/process/event-loop.ts';
import { writeInitialState } from '../../src/process/initial-state.ts';
import type { ToWorker } from '../../src/process/protocol.ts';
import { allocateStickTables } from '../../src/stick-table/registry.ts';
import { closeListeners } from '../../src/stream/accept.ts';
import { engine } from '../../src/stream/engine.ts';
import { Random } from '../fuzz/random.ts';
import { EventFd, type Listener } from './descriptor.ts';
import { fakeKernel } from './install.ts';
import type { Far } from './socket.ts';
import { Timeline } from './timeline.ts';

/** What a scene may do. */
export type Step =
  | { come: number }
  | { leave: number }
  | { waitMs: number }
  /** Wakes the worker so many times, which then looks at its listeners again. */
  | { wake: number }
  | { set: 'process' | 'frontend' | 'listener'; column: State; value: number };

export interface Scene {
  config: string;
  steps: Step[];
}

const TURNS_MAX = 50_000;

class Player {
  readonly #timeline = new Timeline(new Random(1));
  readonly #messages: ToWorker[] = [];
  readonly #wake = new EventFd();
  readonly #clients: Far[] = [];
  readonly #listener: Listener;
  readonly #entities: Record<'process' | 'frontend' | 'listener', number>;

  constructor(text: string) {
    const { config, errors } = parseText(text);
    if (errors.length > 0) throw new Error(errors.join('\n'));
    fakeKernel.begin({
      timeline: this.#timeline,
      tuning: {
        latencyUs: 0,
        bufferBytes: 9000,
        pressure: 0,
        busyUs: 0,
        interrupts: 0,
        shortages: 0,
        logFaults: 0,
      },
      welcome: () => 'refuse',
      serve: () => {},
      logged: () => {},
      stuck: () => {},
    });
    const { fd, listener } = fakeKernel.openListener();
    this.#listener = listener;
    const entities = numberEntities(config);
    const frontend = entities.frontend[0]!;
    const listenerEntity = entities.listener[0]![0]!;
    this.#entities = { process: PROCESS_ENTITY, frontend, listener: listenerEntity };
    const shared = SharedState.allocate(entities.count, 1);
    const { maxconn } = config.global;
    writeInitialState(config, entities, new SharedState(shared), maxconn, 1_700_000_000);
    createEventLoop(
      {
        config,
        entities,
        shared,
        stickTables: allocateStickTables(config, 1),
        workerIndex: 0,
        poison: -1,
        // The room of the worker, which the limits stay below.
        maxconn: 100,
        pipes: 0,
        debug: false,
        streamsMax: 100,
        buffersMax: 200,
        logShared: createLogShared(config),
        tls: null,
        programName: 'sluice',
        listeners: [{ proxy: 0, bind: 0, fd, shared: false }],
        wakeFds: [fakeKernel.open(this.#wake)],
        hostname: 'sim',
        pid: 1,
      },
      {
        receive: () => this.#messages.shift() ?? null,
        failed: (error) => {
          throw error;
        },
        reportMemory: () => {},
        suspended: () => {},
        serve: () => {},
        collect: () => {},
      },
    );
  }

  /** Turns the loop for some virtual time. */
  #pass(ms: number): void {
    const until = this.#timeline.nowUs + ms * 1000;
    this.#timeline.after(ms * 1000, () => {});
    for (let i = 0; this.#timeline.nowUs < until; i++) {
      if (i === TURNS_MAX) throw new Error('the event loop spins');
      turn();
    }
  }

  #refresh(): void {
    this.#messages.push({ type: 'refresh' });
    this.#wake.add();
  }

  #take(step: Step): void {
    if ('wake' in step) {
      for (let i = 0; i < step.wake; i++) {
        this.#refresh();
        // One turn for the message, one for the listener that it brings back.
        turn();
        turn();
      }
      return;
    }
    if ('come' in step) {
      for (let i = 0; i < step.come; i++) {
        const far = this.#listener.connect('client', 10_000 + this.#clients.length);
        if (far !== null) this.#clients.push(far);
      }
    } else if ('leave' in step) {
      for (const far of this.#clients.splice(0, step.leave)) far.close();
    } else if ('set' in step) {
      engine.shared.set(this.#entities[step.set], step.column, step.value);
      this.#refresh();
    }
    this.#pass('waitMs' in step ? step.waitMs : 5);
  }

  /** @returns the accepted clients after each step */
  play(steps: readonly Step[]): number[] {
    const accepted = steps.map((step) => {
      this.#take(step);
      return engine.clients;
    });
    closeListeners();
    return accepted;
  }
}

const { config, steps } = workerData as Scene;
parentPort!.postMessage(new Player(config).play(steps));
