/** Test support: a source for commands, made from the text of a configuration. */

import { initServerState } from '../balance/server-state.ts';
import { FakeClock, FakeNetwork } from '../checks/fake.ts';
import { CheckRunner } from '../checks/runner.ts';
import { Environment } from '../config/environment.ts';
import { parseText } from '../config/fixture.ts';
import { numberEntities } from '../model/entity.ts';
import { PROCESS_ENTITY, SharedState, State } from '../model/shared.ts';
import { MapStore } from '../rules/map/store.ts';
import { Sampler } from '../stats/sampler.ts';
import { allocateStickTables, initStickTables } from '../stick-table/registry.ts';
import type { RuntimeSource } from './command.ts';

export const startMs = 1_700_000_000_000;

export interface TestRuntime {
  source: RuntimeSource;
  shared: SharedState;
  /** Moves the clock. */
  at(ms: number): void;
}

export function createRuntime(text: string, workers = 2): TestRuntime {
  const { config, errors } = parseText(text);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const entities = numberEntities(config);
  const shared = new SharedState(SharedState.allocate(entities.count, workers));
  initServerState(config, entities, shared, startMs / 1000);
  shared.set(PROCESS_ENTITY, State.Maxconn, 2000);
  const sampler = new Sampler(shared, entities, startMs);
  const clock = new FakeClock();
  const checks = new CheckRunner({
    config,
    entities,
    shared,
    logger: { text: () => {} },
    notify: () => {},
    shutdown: () => {},
    mail: () => {},
    stderr: () => {},
    clock,
    open: new FakeNetwork(clock).connect,
  });
  let nowMs = startMs;
  const source: RuntimeSource = {
    config,
    env: new Environment({ HOME: '/root' }),
    checks,
    workers: { refresh: () => {}, shutdown: () => {}, setAddress: () => {} },
    stats: { config, entities, shared, sampler, checks },
    info: {
      config,
      entities,
      shared,
      sampler,
      workers,
      maxconn: 2000,
      descriptors: 4100,
      pipes: 500,
      memoryLimit: 0,
      startMs,
      releaseDate: '2026/01/01',
      version: '3.4.0-sluice0.1.0',
      ownVersion: '0.1.0',
      stopping: () => false,
      logsLost: () => 0,
      warnings: () => 0,
      bootMs: () => 0,
      cli: { connections: 0, requests: 0 },
    },
    maps: new MapStore(config.maps, () => undefined),
    nowMs: () => nowMs,
    stickTables: initStickTables(config, allocateStickTables(config, 1)),
    tickMs: () => nowMs,
  };
  return {
    source,
    shared,
    at: (ms) => {
      nowMs = startMs + ms;
    },
  };
}
