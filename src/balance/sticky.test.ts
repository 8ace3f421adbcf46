import { expect, test } from 'bun:test';
import { Health, State } from '../model/shared.ts';
import { createFixture } from './fixture.ts';
import { Sticky } from './sticky.ts';

test('4.2 balance sticky: a server that comes back stands at the end of the list', () => {
  const { shared, servers, createProxy } = createFixture([{}, {}, {}]);
  const balancer = new Sticky(createProxy(), shared);
  let second = 2000;
  /** A server goes down or comes up. @returns the number of the server that is used now. */
  const change = (number: number, health: Health) => {
    shared.set(servers[number - 1]!, State.Health, health);
    shared.set(servers[number - 1]!, State.LastChange, second++);
    balancer.rebuild();
    return balancer.pick(null)!.index + 1;
  };
  expect(balancer.pick(null)!.index).toBe(0);
  expect(change(1, Health.Down)).toBe(2);
  expect(change(1, Health.Up)).toBe(2);
  expect(change(3, Health.Down)).toBe(2);
  expect(change(3, Health.Up)).toBe(2);
  expect(change(2, Health.Down)).toBe(1);
});
