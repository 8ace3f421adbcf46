/**
 * Limits of accepting (configuration.txt 3.2 maxconn, maxconnrate, maxsessrate; 4.2 maxconn,
 * rate-limit sessions; 5.1 maxconn) are cells of shared state: a running worker follows them.
 */
import { describe, expect, test } from 'bun:test';
import { Worker } from 'node:worker_threads';
import { State } from '../../src/model/shared.ts';
import type { Scene, Step } from './limit-player.ts';

function play(global: string, frontend: string, bind: string, steps: Step[]): Promise<number[]> {
  const config = `global
 ${global.includes('maxconn ') ? '' : 'maxconn 100'}
 ${global}
defaults
 mode http
 timeout client 10m
frontend f
 bind :80 ${bind}
 ${frontend}
`;
  const scene: Scene = { config, steps };
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./limit-player.ts', import.meta.url), { workerData: scene });
    thread.on('message', (accepted: number[]) => {
      resolve(accepted);
      void thread.terminate();
    });
    thread.on('error', reject);
  });
}

describe('a limit of connections that changes at run time', () => {
  const change = (set: 'process' | 'frontend' | 'listener'): Step[] => [
    { come: 10 },
    { set, column: State.Maxconn, value: 6 },
    { set, column: State.Maxconn, value: 2 },
    { leave: 3 },
    { leave: 2 },
    { set, column: State.Maxconn, value: 0 },
  ];
  // 4, then two more, none for the lowered limit, of which 6 - 3 - 2 = 1 are left, so one more.
  const expected = [4, 6, 6, 3, 2, 5];

  test('that of the frontend', async () => {
    expect(await play('', 'maxconn 4', '', change('frontend'))).toEqual(expected);
  });

  test('that of the bind line', async () => {
    expect(await play('', '', 'maxconn 4', change('listener'))).toEqual(expected);
  });

  test('that of the process', async () => {
    const steps: Step[] = [{ set: 'process', column: State.Maxconn, value: 4 }];
    expect(await play('', '', '', [...steps, ...change('process')])).toEqual([0, ...expected]);
  });
});

describe('a limit of new sessions per second', () => {
  /** Ten seconds in steps of 100 ms, after 60 clients came at once. */
  const steps: Step[] = [{ come: 60 }, ...Array.from({ length: 100 }, () => ({ waitMs: 100 }))];

  test.each([
    ['rate-limit sessions', '', 'rate-limit sessions 10'],
    ['maxsessrate', 'maxsessrate 10', ''],
    ['maxconnrate', 'maxconnrate 10', ''],
  ])('%s lets one second’s worth through at once, then one at a time', async (_, global, front) => {
    const accepted = await play(global, front, '', steps);
    expect(accepted[0]).toBe(10);
    // About one per 100 ms from the next second on, and none is forgotten.
    accepted.forEach((count, i) => {
      expect(count).toBeLessThanOrEqual(Math.ceil(11 + 1.1 * i));
      expect(count).toBeGreaterThanOrEqual(Math.min(60, i));
    });
    expect(accepted.at(-1)).toBe(60);
  });

  test('follows its cell at run time', async () => {
    const faster: Step = { set: 'frontend', column: State.SessionRateMax, value: 20 };
    const free: Step = { set: 'frontend', column: State.SessionRateMax, value: 0 };
    const wait: Step = { waitMs: 2000 };
    const accepted = await play('', 'rate-limit sessions 10', '', [
      { come: 90 },
      wait,
      faster,
      wait,
      free,
    ]);
    expect(accepted[0]).toBe(10);
    expect(accepted[1]! - accepted[0]!).toBeWithin(10, 23);
    expect(accepted[3]! - accepted[2]!).toBeWithin(28, 46);
    expect(accepted[4]).toBe(90);
  });
});

describe('a connection that one limit holds back costs nothing at the others', () => {
  test.each([
    ['maxconn of the process', 'maxconn 6', '', 6],
    ['maxsessrate', 'maxsessrate 5', '', 5],
    ['maxconnrate', 'maxconnrate 5', '', 5],
    ['rate-limit sessions', '', 'rate-limit sessions 5', 5],
  ])('%s, while the frontend has its maxconn', async (_, global, frontend, most) => {
    const accepted = await play(global, `maxconn 2\n ${frontend}`, '', [
      { come: 10 },
      { wake: 20 },
      { set: 'frontend', column: State.Maxconn, value: 0 },
    ]);
    expect([accepted[0], accepted.at(-2), accepted.at(-1)]).toEqual([2, 2, most]);
  });

  test.each([
    ['maxconn of the process', 'maxconn 6', ''],
    ['maxconn of the frontend', '', 'maxconn 6'],
  ])('%s, while the bind line has its maxconn', async (_, global, frontend) => {
    const accepted = await play(global, frontend, 'maxconn 2', [
      { come: 10 },
      { wake: 20 },
      { set: 'listener', column: State.Maxconn, value: 0 },
    ]);
    expect(accepted).toEqual([2, 2, 6]);
  });

  test.each([
    ['maxsessrate', 'maxsessrate 5'],
    ['maxconnrate', 'maxconnrate 5'],
  ])('%s, while the frontend has its rate', async (_, global) => {
    const accepted = await play(global, 'rate-limit sessions 2', '', [
      { come: 10 },
      { wake: 20 },
      { set: 'frontend', column: State.SessionRateMax, value: 0 },
    ]);
    expect([accepted[0], accepted.at(-2), accepted.at(-1)]).toEqual([2, 2, 5]);
  });
});
