/** Pattern files (configuration.txt 2.7, 7.1) that are large: read once, shared by all workers. */
import { expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

const ENTRIES = 300_000;
/** What an entry may cost over its text. */
const ENTRY_BYTES_MAX = 150;

const lines = Array.from({ length: ENTRIES }, (_, i) => `host-${i * 7}.example.com\n`).join('');

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
}

async function serve(world: World, words: string) {
  writeFileSync(join(world.dir, 'hosts.lst'), lines);
  return await world.proxy(`
global
  nbthread 4
${defaultsHttp}
frontend web
  bind fd@{{web}}
  http-request return status 200 if { hdr(host) ${words} }
  http-request return status 404
`);
}

const ask = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

scenario(
  'a pattern file of many names matches each of them and no other (7.1.3)',
  async (world) => {
    const proxy = await serve(world, '-f {{dir}}/hosts.lst');
    for (const [host, status] of [
      ['host-0.example.com', 200],
      [`host-${(ENTRIES - 1) * 7}.example.com`, 200],
      ['host-1.example.com', 404],
      ['host-7.example.com.', 404],
    ] as const) {
      expect(await world.exchange(proxy.port('web'), ask(host)), host).toStartWith(
        `HTTP/1.1 ${status}`,
      );
    }
  },
);

scenario('four workers share one copy of a pattern file (2.7)', async (world) => {
  const without = await serve(world, 'none');
  const base = residentBytes(without.pid);
  await without.stop();
  const proxy = await serve(world, '-f {{dir}}/hosts.lst');
  const cost = residentBytes(proxy.pid) - base;
  expect(cost).toBeGreaterThan(0);
  expect(cost).toBeLessThan(lines.length + ENTRIES * ENTRY_BYTES_MAX);
});
