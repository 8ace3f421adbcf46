import { expect, test } from 'bun:test';
import { Counter, Health, State } from '../model/shared.ts';
import { clock } from '../sys/clock.ts';
import { BoundedLoad } from './bounded-load.ts';
import { createFixture } from './fixture.ts';
import { MapBased } from './map-based.ts';
import { Members } from './members.ts';
import { Random } from './random.ts';
import { parseBalance } from './registry.ts';

test('a server of a map that went down before the workers were woken is not chosen', () => {
  const { shared, servers, createProxy } = createFixture([{}, {}, {}]);
  const balancer = new MapBased(createProxy(), shared);
  expect(balancer.pick(null, 4)!.index).toBe(1);
  shared.set(servers[1]!, State.Health, Health.Down);
  for (let i = 0; i < 5; i++) expect(balancer.pick(null, 4)!.index).not.toBe(1);
  balancer.rebuild();
  // Of the two that are left.
  expect(balancer.pick(null, 4)!.index).toBe(0);
  expect(balancer.pick(null, 5)!.index).toBe(2);
});

test('4.2 balance random: of equal loads the one with fewer new sessions', () => {
  const { shared, servers, createProxy } = createFixture([{}, {}, {}], {
    balance: parseBalance(['random(60)']),
  });
  const balancer = new Random(createProxy(), shared);
  clock.update();
  const second = Math.floor(clock.dateMs / 1000);
  const count = (index: number, sessions: number, at: number) => {
    const base = shared.counterBase(1, servers[index]!);
    shared.counters[base + Counter.SessionSecond] = at;
    shared.counters[base + Counter.SessionNow] = sessions;
  };
  count(0, 10, second);
  // What this one had is long ago.
  count(1, 900, second - 60);
  count(2, 20, second - 1);
  for (let i = 0; i < 20; i++) expect(balancer.pick(null)!.index).toBe(1);
  count(1, 15, second);
  for (let i = 0; i < 20; i++) expect(balancer.pick(null)!.index).toBe(0);
});

test('4.2 hash-balance-factor: shares follow the servers that are there', () => {
  const { config, shared, servers, createProxy } = createFixture([{}, {}, {}]);
  const proxy = createProxy();
  const members = new Members(config.proxies[0]!, servers, shared);
  const bound = new BoundedLoad(shared, members, proxy.servers, 150);
  bound.rebuild();
  const set = (index: number, connections: number) => {
    shared.set(servers[index]!, State.Current, connections);
    shared.noteLoad(servers[index]!);
    bound.measure();
  };
  set(0, 5);
  set(1, 3);
  set(2, 1);
  // ceil(10 * 1.5) = 15 on three servers: five each.
  expect(proxy.servers.map((server) => bound.allows(server))).toEqual([false, true, true]);
  shared.set(servers[1]!, State.Health, Health.Down);
  members.gather();
  bound.rebuild();
  bound.measure();
  // 6 on two: ceil(7 * 1.5) = 11, so six each.
  expect(bound.allows(proxy.servers[0]!)).toBe(true);
  set(0, 6);
  // ceil(8 * 1.5) = 12.
  expect(bound.allows(proxy.servers[0]!)).toBe(false);
});
