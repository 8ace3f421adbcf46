/**
 * What the choice of a server costs: nanoseconds per pick, by algorithm and number of servers. A
 * pick of `leastconn` and `random` comes with a connection that begins and, at the other end of a
 * window, one that ends, because their costs depend on loads that change. For comparison `every
 * server` takes a look at all loads per pick.
 *
 *   bin/bun bench/pick.ts [picks]
 */
import type { Balancer } from '../src/balance/balancer.ts';
import { createFixture, type Fixture } from '../src/balance/fixture.ts';
import { ServerQueue } from '../src/balance/queue-order.ts';
import { createBalancer, parseBalance } from '../src/balance/registry.ts';
import type { HashTypeConfig } from '../src/model/config.ts';
import type { Server } from '../src/model/runtime.ts';
import { State } from '../src/model/shared.ts';
import { table } from './table.ts';

/** Connections open at a time. */
const WINDOW = 512;

interface Subject {
  name: string;
  balance: string[];
  method?: HashTypeConfig['method'];
  maxconn?: number;
  /** Requests have keys. */
  keyed?: boolean;
  /** `hash-balance-factor`. */
  factor?: number;
}

const subjects: readonly Subject[] = [
  { name: 'roundrobin', balance: ['roundrobin'] },
  { name: 'static-rr', balance: ['static-rr'] },
  { name: 'leastconn', balance: ['leastconn'] },
  { name: 'first', balance: ['first'] },
  { name: '... half are full', balance: ['first'], maxconn: 1 },
  { name: 'random', balance: ['random'] },
  { name: 'map-based', balance: ['source'], method: 'map-based', keyed: true },
  { name: 'consistent', balance: ['source'], method: 'consistent', keyed: true },
  {
    name: '... with a factor',
    balance: ['source'],
    method: 'consistent',
    keyed: true,
    factor: 150,
  },
];

export const serverCounts = [4, 100, 1000] as const;

export interface PickResult {
  name: string;
  /** ns per pick with 4, 100 and 1,000 servers. */
  ns: number[];
  /** Bytes that the heap grew by per pick, with 1,000 servers. */
  bytes: number;
}

function fixtureOf(subject: Subject, servers: number): Fixture {
  const avalanche = subject.method === 'consistent';
  return createFixture(
    Array.from({ length: servers }, (_, i) => ({
      weight: 1 + (i % 8),
      id: i + 1,
      maxconn: subject.maxconn ?? 0,
    })),
    {
      balance: parseBalance(subject.balance),
      hashBalanceFactor: subject.factor ?? 0,
      hashType: { method: subject.method ?? 'map-based', function: 'sdbm', avalanche },
    },
  );
}

/** Picks `count` times; `window` connections are open all the time. */
function run(
  balancer: Balancer,
  queue: ServerQueue,
  keyed: boolean,
  window: number,
  count: number,
): void {
  const open: (Server | null)[] = Array(window).fill(null);
  let key = 1;
  for (let i = 0; i < count; i++) {
    const slot = i % window;
    const done = open[slot]!;
    if (done !== null) queue.release(done);
    key = (Math.imul(key, 1664525) + 1013904223) >>> 0;
    const server = balancer.pick(null, keyed ? key : -1);
    if (server === null || !queue.tryAcquire(server, balancer.seen)) throw new Error('no server');
    open[slot] = server;
  }
  for (const server of open) if (server !== null) queue.release(server);
}

/** A look at every server's load per pick: what `leastconn` would cost without groups. */
function scan(fixture: Fixture, count: number): number {
  const { shared, servers } = fixture;
  let best = 0;
  for (let i = 0; i < count; i++) {
    let least = Number.POSITIVE_INFINITY;
    for (let k = 0; k < servers.length; k++) {
      const load = shared.get(servers[k]!, State.Current) + shared.get(servers[k]!, State.Queued);
      if (load >= least) continue;
      least = load;
      best = servers[k]!;
    }
  }
  return best;
}

function nsOf(count: number, work: (count: number) => void): number {
  work(count);
  const start = Bun.nanoseconds();
  work(count);
  return (Bun.nanoseconds() - start) / count;
}

/** @param picks how many to measure per algorithm and number of servers. */
export function benchPicks(picks: number): PickResult[] {
  const results = subjects.map((subject): PickResult => {
    const ns: number[] = [];
    let bytes = 0;
    for (const servers of serverCounts) {
      const fixture = fixtureOf(subject, servers);
      const proxy = fixture.createProxy();
      const balancer = createBalancer(proxy, fixture.shared);
      const queue = new ServerQueue(fixture.shared, 0, 1, 1);
      const window = subject.maxconn === undefined ? WINDOW : servers / 2;
      const work = (count: number) => run(balancer, queue, subject.keyed === true, window, count);
      ns.push(nsOf(picks, work));
      Bun.gc(true);
      const before = process.memoryUsage().heapUsed;
      work(picks);
      bytes = (process.memoryUsage().heapUsed - before) / picks;
    }
    return { name: subject.name, ns, bytes };
  });
  const scans = serverCounts.map((servers) => {
    const fixture = fixtureOf(subjects[0]!, servers);
    return nsOf(Math.ceil(picks / 10), (count) => void scan(fixture, count));
  });
  return [...results, { name: 'every server', ns: scans, bytes: 0 }];
}

if (import.meta.main) {
  const results = benchPicks(Number(process.argv[2] ?? 1_000_000));
  const rows = results.map(({ name, ns, bytes }) => [
    name,
    ...ns.map((value) => value.toFixed(0)),
    bytes.toFixed(1),
  ]);
  const heads = ['ns per pick', ...serverCounts.map((n) => `${n} servers`), 'heap bytes'];
  process.stdout.write(`${table(heads, rows)}\n`);
}
