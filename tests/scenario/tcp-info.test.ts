/** What the kernel measures of the client's connection (configuration.txt 7.3.3 `fc_rtt`). */
import { expect } from 'bun:test';
import { defaultsHttp, scenario } from '../harness/scenario.ts';

const counters = ['unacked', 'sacked', 'lost', 'retrans', 'fackets', 'reordering'];

scenario('a TCP connection has its times and counters', async (world) => {
  const proxy = await world.proxy(`
${defaultsHttp}
frontend web
  bind fd@{{web}}
  http-request return status 200 hdr times "%[fc_rtt(us)] %[fc_rttvar(us)] %[fc_rtt] %[fc_rttvar(ms)]" hdr counters "${counters
    .map((name) => `%[fc_${name}]`)
    .join(' ')}"
`);
  const answer = await world.exchange(
    proxy.port('web'),
    'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
  );
  // The answer is the first to be sent: nothing is on its way, lost, or sent twice.
  // How far segments may overtake each other the kernel remembers per destination; 3 is the least.
  const [, reordering] = /counters: 0 0 0 0 0 (\d+)\r\n/.exec(answer)!;
  expect(Number(reordering)).toBeGreaterThanOrEqual(3);
  const times = /times: (\d+) (\d+) (\d+) (\d+)\r\n/.exec(answer)!.slice(1).map(Number);
  expect(times[0]).toBeGreaterThan(0);
  expect(times[2]).toBe(Math.trunc(times[0]! / 1000));
  expect(times[3]).toBe(Math.trunc(times[1]! / 1000));
});
