import { describe, expect, test } from 'bun:test';
import { parseText } from '../config/fixture.ts';
import {
  ARENA_MAX,
  ARENA_MIN,
  automaticMaxconn,
  descriptorLimit,
  descriptorsFor,
  FD_HARD_LIMIT,
  pipesWanted,
  pipesWithin,
  reservedDescriptors,
  STREAMS_MIN,
  workerCapacity,
} from './capacity.ts';
import type { Configuration } from './config.ts';
import { noVariables } from './variable.ts';

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
    variables: noVariables(),
    proxies: [
      {
        binds: new Array(binds).fill({}),
        servers: new Array(checks).fill({ check: {}, agent: null }),
        errorFiles: {},
        rules: [],
        stickTable: null,
        stickRules: [],
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
  test('has room for the keys that wait to be stored (4.2 stick store-request)', () => {
    const stores = (lines: string) => {
      const { config } = parseText(
        `backend t\n stick-table type string len 1000 size 9\nbackend b\n${lines}`,
      );
      return workerCapacity(config, 2000, 2, 0).arenaBytes;
    };
    const none = stores('');
    expect(stores(' stick match src table t\n stick store-response src table t\n')).toBe(none);
    const perStream = (stores(' stick on src table t\n') - none) / 2000;
    expect(perStream).toBeGreaterThan(8 * 1000);
    expect(perStream).toBeLessThan(9 * 1024);
  });

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

/** Bytes that a change of the configuration adds to an arena, with one connection. */
function added(before: Configuration, after: Configuration): number {
  const arena = (config: Configuration) => workerCapacity(config, 1, 1, 0).arenaBytes;
  return arena(after) - arena(before);
}

/** A configuration whose arena is above the least one, so that every byte shows. */
function parsed(lines: string, global = ''): Configuration {
  const { config, errors } = parseText(`global
 tune.bufsize 1m
 ${global}
defaults
 mode http
 timeout connect 1s
 timeout client 1s
 timeout server 1s
${lines}`);
  expect(errors).toEqual([]);
  return config;
}

const KIB = 1024;
/** Sizes are rounded up to this. */
const GRAIN = 64 * KIB;

describe('the addends of an arena', () => {
  const base = parsed('listen l\n bind :1\n');

  test('cells and texts of variables per stream and per session (2.8)', () => {
    const with400 = (lines: string) =>
      workerCapacity(parsed(`listen l\n bind :1\n${lines}`, 'maxconn 400'), 400, 1, 0).arenaBytes;
    const none = with400('');
    const stream = with400(' http-request set-var(txn.a) src\n http-response set-var(res.b) src\n');
    // 400 streams and STREAMS_MIN more: a block of 64 bytes and 4 KiB; 400 sessions: 32 bytes.
    expect(Math.abs(stream - none - (464 * (64 + 4 * KIB) + 400 * 32))).toBeLessThanOrEqual(GRAIN);
    const session = with400(' http-request set-var(sess.a) src\n');
    expect(Math.abs(session - none - 400 * (32 + 512))).toBeLessThanOrEqual(GRAIN);
    expect(with400(' http-request set-var(proc.a) src\n')).toBe(none);
  });

  test('64 KiB per section and 1 KiB per server', () => {
    const sections = Array.from({ length: 100 }, (_, i) => `backend b${i}\n`).join('');
    const many = parsed(`listen l\n bind :1\n${sections}`);
    expect(added(base, many)).toBe(100 * 64 * KIB);
    const servers = Array.from({ length: 640 }, (_, i) => ` server s${i} 127.0.0.1:1\n`).join('');
    expect(added(base, parsed(`listen l\n bind :1\n${servers}`))).toBe(640 * KIB);
  });

  test('the bytes of error pages, once as they are and once taken apart', () => {
    const pages = parsed('listen l\n bind :1\n');
    pages.proxies[0]!.errorFiles = { 404: 'x'.repeat(10 * GRAIN), 500: 'x'.repeat(5 * GRAIN) };
    expect(added(base, pages)).toBe(2 * 15 * GRAIN);
  });

  test('512 KiB per place that log lines go to: global, ring, section', () => {
    const target = 'log 127.0.0.1:514 local0';
    const logs = parsed(`listen l\n bind :1\n ${target}\nring r\n`, target);
    expect(added(base, logs)).toBe(3 * 512 * KIB);
  });

  test('the largest capture block of all sections', () => {
    const captures = (length: number) =>
      parsed(`listen l\n bind :1\n capture request header a len ${length}\nlisten m\n bind :2\n`);
    const [small, large] = [100, 60_000].map((length) => {
      return workerCapacity(captures(length), 1, 1, 0).captureBytes;
    });
    expect(large! - small!).toBeWithin(59_900 - 64, 59_900 + 64);
  });

  test('a connection has room for three addresses', () => {
    const arena = (maxconn: number) => workerCapacity(base, maxconn, 1, 0).arenaBytes;
    // So many connections that the streams take what is left, to the last byte.
    expect(arena(3_000_000)).toBeLessThanOrEqual(ARENA_MAX);
    const streams = (maxconn: number) => workerCapacity(base, maxconn, 1, 0).streams;
    const perStream = 2 * (1024 * KIB + 64) + workerCapacity(base, 1, 1, 0).captureBytes;
    const lost = (streams(1000) - streams(1000 + 3_000_000)) * perStream;
    expect(lost).toBeWithin(3_000_000 * 96 - perStream, 3_000_000 * 96 + perStream);
  });
});

describe('file descriptors (management.txt 5)', () => {
  test('of a worker: poller, eventfd, two to spare, a socket per bind line and log target', () => {
    const target = 'log 127.0.0.1:514 local0';
    const config = parsed(`listen l\n bind :1\n bind :2\n ${target}\nring r\n`, target);
    const perWorker = 4 + 2 + 3;
    for (const workers of [1, 2, 7]) {
      expect(reservedDescriptors(config, workers + 1) - reservedDescriptors(config, workers)).toBe(
        perWorker,
      );
    }
    expect(reservedDescriptors(config, 1)).toBe(24 + perWorker);
  });

  test('of a stats socket: itself and its connections (3.1 stats maxconn)', () => {
    const text = 'listen l\n bind :1\n';
    const two = parsed(text, 'stats socket /a\n stats socket /b\n stats maxconn 7');
    const none = parsed(text, 'stats maxconn 7');
    expect(reservedDescriptors(two, 1) - reservedDescriptors(none, 1)).toBe(2 * 8);
  });

  test('of a server: one if it is checked, and none otherwise', () => {
    const text = 'listen l\n bind :1\n server a 127.0.0.1:1\n server b 127.0.0.1:1';
    const base = reservedDescriptors(parsed(`${text}\n`), 1);
    expect(reservedDescriptors(parsed(`${text} check\n`), 1)).toBe(base + 1);
    const agent = 'check agent-check agent-port 5';
    expect(reservedDescriptors(parsed(`${text} ${agent}\n`), 1)).toBe(base + 2);
    expect(reservedDescriptors(parsed('listen l\n bind :1\n'), 1)).toBe(base);
  });

  test('of a connection: one to the client and one to the server', () => {
    const config = parsed('listen l\n bind :1\n');
    expect(descriptorsFor(config, 1001, 3) - descriptorsFor(config, 1, 3)).toBe(2000);
  });

  test('are capped by fd-hard-limit, which ulimit-n does not have to be (3.1)', () => {
    const config = parsed('listen l\n bind :1\n', 'fd-hard-limit 5000');
    const maxconn = automaticMaxconn(config, 2 ** 40, 1, 0);
    expect(maxconn).toBe(automaticMaxconn(parsed('listen l\n bind :1\n'), 5000, 1, 0));
    expect(maxconn).toBeWithin(1000, 2500);
    expect(descriptorLimit(config)).toBe(5000);
    expect(descriptorLimit(parsed('listen l\n bind :1\n'))).toBe(FD_HARD_LIMIT);
  });

  test('alone give maxconn when memory is not limited', () => {
    const config = configuration();
    expect(automaticMaxconn(config, 1_000_000, 1, 0)).toBeGreaterThan(390_000);
  });

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
