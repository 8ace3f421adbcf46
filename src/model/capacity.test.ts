import { describe, expect, test } from 'bun:test';
import {
  ARENA_MAX,
  ARENA_MIN,
  automaticMaxconn,
  descriptorsFor,
  FD_HARD_LIMIT,
  pipesWanted,
  pipesWithin,
  reservedDescriptors,
  STREAMS_MIN,
  workerCapacity,
} from './capacity.ts';
import type { Configuration } from './config.ts';

interface Parts {
  bufsize?: number;
  binds?: number;
  checks?: number;
  maxpipes?: number;
  noSplice?: boolean;
}

function configuration(parts: Parts = {}) {
  const { bufsize = 16384, binds = 1, checks = 0, maxpipes = 0, noSplice = false } = parts;
  return {
    global: {
      tune: { bufsize, httpLogurilen: 1024, maxpipes },
      noSplice,
      logs: [],
      statsSockets: [],
      statsMaxconn: 10,
    },
    rings: [],
    proxies: [
      {
        binds: new Array(binds).fill({}),
        servers: new Array(checks).fill({ check: {} }),
        errorFiles: {},
        rules: [],
        useBackends: [],
        logs: [],
        captureRequest: [],
        captureResponse: [],
        captureCookie: null,
      },
    ],
  } as unknown as Configuration;
}

describe('capacity of a worker', () => {
  test('has two buffers for every stream', () => {
    const capacity = workerCapacity(configuration(), 2000, 2, 0);
    expect(capacity.buffers).toBe(2 * capacity.streams);
  });

  test('has room for maxconn streams at once when the arena allows', () => {
    expect(workerCapacity(configuration(), 2000, 2, 0).streams).toBeGreaterThanOrEqual(2000);
  });

  test('stays within the arena limit however large maxconn is', () => {
    const capacity = workerCapacity(configuration(), 500_000, 2, 0);
    expect(capacity.arenaBytes).toBeLessThanOrEqual(ARENA_MAX);
    expect(capacity.sessions).toBe(500_000);
    expect(capacity.buffers * 16384).toBeLessThan(capacity.arenaBytes);
  });

  test('shares the memory limit of -m between the workers (management.txt 3)', () => {
    const limit = 256 << 20;
    const two = workerCapacity(configuration(), 50_000, 2, limit);
    expect(two.arenaBytes).toBeLessThanOrEqual(limit / 2);
  });

  test('never falls below what a few streams need', () => {
    const capacity = workerCapacity(configuration(), 1, 8, 1 << 20);
    expect(capacity.arenaBytes).toBeGreaterThanOrEqual(ARENA_MIN);
    expect(capacity.streams).toBeGreaterThanOrEqual(1);
    expect(capacity.streams).toBeLessThanOrEqual(1 + STREAMS_MIN);
  });

  test('needs more address space with larger buffers', () => {
    const small = workerCapacity(configuration({ bufsize: 8192 }), 1000, 1, 0);
    const large = workerCapacity(configuration({ bufsize: 65536 }), 1000, 1, 0);
    expect(large.arenaBytes).toBeGreaterThan(small.arenaBytes);
  });
});

describe('file descriptors (management.txt 5)', () => {
  test('are two per connection and some tens', () => {
    const needed = descriptorsFor(configuration(), 2000, 2);
    expect(needed).toBeGreaterThan(4000);
    expect(needed).toBeLessThan(4100);
  });

  test('grow by one per checked server and one per listener and worker', () => {
    const base = reservedDescriptors(configuration(), 2);
    expect(reservedDescriptors(configuration({ checks: 5 }), 2)).toBe(base + 5);
    expect(reservedDescriptors(configuration({ binds: 2 }), 2)).toBe(base + 2);
  });

  test('give maxconn when it is not configured, and are never exceeded by it (3.2 maxconn)', () => {
    const config = configuration();
    const maxconn = automaticMaxconn(config, 20_000, 2, 0);
    expect(maxconn).toBeGreaterThan(7900);
    expect(descriptorsFor(config, maxconn, 2)).toBeLessThanOrEqual(20_000);
  });

  test('leave room for a pipe per four connections, or for maxpipes of them (3.2 maxpipes)', () => {
    for (const parts of [{}, { maxpipes: 1 }, { maxpipes: 500 }, { noSplice: true }]) {
      const config = configuration(parts);
      const maxconn = automaticMaxconn(config, 20_000, 2, 0);
      const pipes = pipesWithin(config, maxconn, 2, 20_000);
      expect(pipes).toBe(pipesWanted(config, maxconn));
      const used = descriptorsFor(config, maxconn, 2) + 2 * pipes;
      expect(used).toBeLessThanOrEqual(20_000);
      expect(used).toBeGreaterThan(20_000 - 8);
    }
    expect(pipesWanted(configuration(), 301)).toBe(76);
    expect(pipesWanted(configuration({ maxpipes: 7 }), 300)).toBe(7);
    expect(pipesWanted(configuration({ noSplice: true, maxpipes: 7 }), 300)).toBe(0);
  });

  test('go to connections before they go to pipes', () => {
    const config = configuration();
    const needed = descriptorsFor(config, 300, 2);
    expect(pipesWithin(config, 300, 2, needed - 1)).toBe(0);
    expect(pipesWithin(config, 300, 2, needed)).toBe(0);
    expect(pipesWithin(config, 300, 2, needed + 21)).toBe(10);
    expect(pipesWithin(config, 300, 2, needed + 1000)).toBe(75);
  });

  test('are capped by the default of fd-hard-limit (3.2)', () => {
    const maxconn = automaticMaxconn(configuration(), 2 ** 40, 2, 0);
    expect(maxconn).toBeLessThanOrEqual(FD_HARD_LIMIT / 2);
  });

  test('give less when memory is limited (3.2 maxconn)', () => {
    const config = configuration();
    const free = automaticMaxconn(config, 20_000, 2, 0);
    expect(automaticMaxconn(config, 20_000, 2, 128 << 20)).toBeLessThan(free);
  });
});
