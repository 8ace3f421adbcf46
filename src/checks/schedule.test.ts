import { describe, expect, test } from 'bun:test';
import { backendConfig, tcpCheckConfig } from '../balance/fixture.ts';
import { checkInterval, checkTimeouts, firstDelays, spreadInterval } from './schedule.ts';

describe('when checks run (5.2 inter)', () => {
  test('inter when up, downinter when down, fastinter between', () => {
    const check = tcpCheckConfig({ interMs: 800, fastinterMs: 200, downinterMs: 1500 });
    const intervals = [0, 1, 2, 3, 4].map((counter) => checkInterval(check, counter));
    expect(intervals).toEqual([1500, 200, 200, 200, 800]);
  });

  test('inter stands for what is not set', () => {
    const check = tcpCheckConfig({ interMs: 800 });
    expect([0, 1, 2, 3, 4].map((counter) => checkInterval(check, counter))).toEqual([
      800, 800, 800, 800, 800,
    ]);
  });

  test('spread-checks adds noise of so many per cent either way (3.1)', () => {
    expect(spreadInterval(1000, 0, 0.9)).toBe(1000);
    expect(spreadInterval(1000, 50, 0)).toBe(500);
    expect(spreadInterval(1000, 50, 0.5)).toBe(1000);
    expect(spreadInterval(1000, 5, 0.9999)).toBeCloseTo(1050, 0);
  });

  test('first checks are spread over the smallest interval (3.2 max-spread-checks)', () => {
    const checks = [400, 2000, 800, 3000].map((interMs) => tcpCheckConfig({ interMs }));
    expect(firstDelays(checks, { maxSpreadChecksMs: 0 })).toEqual([0, 100, 200, 300]);
    expect(firstDelays(checks, { maxSpreadChecksMs: 100 })).toEqual([0, 25, 50, 75]);
    expect(firstDelays([], { maxSpreadChecksMs: 0 })).toEqual([]);
  });

  test('timeout check splits the time of a check (4.2)', () => {
    const check = tcpCheckConfig({ interMs: 500 });
    const { timeout } = backendConfig([]);
    const times = (changes: object) => checkTimeouts(check.interMs, { ...timeout, ...changes });
    expect(times({ connect: 200 })).toEqual({ connectMs: 500, readMs: -1 });
    expect(times({ connect: 200, check: 100 })).toEqual({ connectMs: 200, readMs: 100 });
    expect(times({ connect: 9000, check: 100 })).toEqual({ connectMs: 500, readMs: 100 });
    expect(times({ check: 100 })).toEqual({ connectMs: 500, readMs: 100 });
  });
});
