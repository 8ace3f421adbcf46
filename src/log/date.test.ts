import { expect, test } from 'bun:test';
import { text } from '../sys/arena.ts';
import { CivilTime, clock } from '../sys/clock.ts';
import { DateText, utcDates } from './date.ts';

test('dates of a second in all the forms of logs (8.2.6, RFC 3164 4.1.2, RFC 5424 6.2.3)', () => {
  const at = utcDates.at(Date.UTC(2009, 1, 6, 12, 14, 14) / 1000);
  expect(text(at + DateText.Log, 26)).toBe('06/Feb/2009:12:14:14 +0000');
  expect(text(at + DateText.Syslog, 15)).toBe('Feb  6 12:14:14');
  expect(text(at + DateText.Iso, 25)).toBe('2009-02-06T12:14:14+00:00');
});

test('civil dates agree with JavaScript over leap years and centuries', () => {
  const civil = new CivilTime();
  for (let second = 0; second < 8e9; second += 86399 * 13) {
    civil.setUtc(second);
    const date = new Date(second * 1000);
    const got = [civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second];
    const want = date.toISOString().match(/\d+/g)!.slice(0, 6).map(Number);
    want[1]!--;
    expect(got).toEqual(want);
  }
});

test('the cache answers for seconds in any order', () => {
  const first = Date.UTC(2024, 11, 31, 23, 59, 50) / 1000;
  for (const offset of [0, 9, 1, 17, 0, 8, 16, 0, 3]) {
    const at = utcDates.at(first + offset);
    const want = new Date((first + offset) * 1000).toISOString().slice(0, 19);
    expect(text(at + DateText.Iso, 19)).toBe(want);
  }
});

test('local time follows TZ, also through a change of daylight saving time', () => {
  const script = `
    const { localDates, DateText } = await import('${import.meta.dir}/date.ts');
    const { text } = await import('${import.meta.dir}/../sys/arena.ts');
    const change = Date.UTC(2026, 2, 8, 7) / 1000;
    for (const second of [change - 1, change, change + 180 * 86400]) {
      const at = localDates.at(second);
      console.log(text(at, 26), text(at + 48, 25));
    }`;
  const child = Bun.spawnSync([process.execPath, '-e', script], {
    env: { ...process.env, TZ: 'EST5EDT,M3.2.0,M11.1.0' },
  });
  expect(child.stdout.toString().trim().split('\n')).toEqual([
    '08/Mar/2026:01:59:59 -0500 2026-03-08T01:59:59-05:00',
    '08/Mar/2026:03:00:00 -0400 2026-03-08T03:00:00-04:00',
    '04/Sep/2026:03:00:00 -0400 2026-09-04T03:00:00-04:00',
  ]);
});

test('the clock reads both kernel clocks', () => {
  const before = Date.now();
  clock.update();
  expect(clock.dateMs).toBeGreaterThanOrEqual(before);
  expect(clock.dateMs).toBeLessThanOrEqual(Date.now());
  expect(Math.floor(clock.dateUs / 1000)).toBe(clock.dateMs);
  expect(Number.isInteger(clock.nowMs)).toBe(true);
  const uptime = Number(require('node:fs').readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  expect(Math.abs(clock.nowMs / 1000 - uptime)).toBeLessThan(60);
});
