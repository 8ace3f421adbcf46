import { expect, test } from 'bun:test';
import { reserveBytes, text } from '../sys/arena.ts';
import { createCaseAdjuster } from './case-adjust.ts';

const names = Array.from({ length: 100 }, (_, i) => `x-name-${i}`);
const map = Object.fromEntries(names.map((name) => [name, name.toUpperCase()]));

test('3.1 h1-case-adjust: a listed name gets its spelling, any other none', () => {
  const adjuster = createCaseAdjuster(map);
  const look = (name: string) => {
    const off = adjuster.adjust(reserveBytes(name), name.length);
    return off === 0 ? null : text(off, name.length);
  };
  for (const name of names) expect(look(name)).toBe(name.toUpperCase());
  for (const name of ['x-name-100', 'x-name', 'x-name-1x', 'host', ''])
    expect(look(name)).toBeNull();
});

test('3.1 h1-case-adjust: an empty map adjusts nothing', () => {
  expect(createCaseAdjuster({}).adjust(reserveBytes('host'), 4)).toBe(0);
});
