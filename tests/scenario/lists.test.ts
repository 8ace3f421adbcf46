/** Pattern files and maps (configuration.txt 2.7, 7.1, 7.3.1) that are large: read once, shared by all workers. */
import { expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

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

/** A map of many lines, whose values are answered as a field. */
async function serveMap(world: World, converter: string, lines: string) {
  writeFileSync(join(world.dir, 'list.map'), lines);
  return await world.proxy(`
global
  nbthread 4
${defaultsHttp}
frontend web
  bind fd@{{web}}
  http-request return status 200 hdr value "%[req.hdr(key),${converter}({{dir}}/list.map,none)]"
`);
}

const addresses = Array.from(
  { length: ENTRIES },
  (_, i) => `${10 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24 net ${i}\n`,
).join('');
const names = Array.from({ length: ENTRIES }, (_, i) => `host-${i * 7}.example.com v${i}\n`).join(
  '',
);

for (const [converter, lines, questions] of [
  [
    'map',
    names,
    [
      ['host-0.example.com', 'v0'],
      [`host-${(ENTRIES - 1) * 7}.example.com`, `v${ENTRIES - 1}`],
      ['host-1.example.com', 'none'],
    ],
  ],
  [
    'map_ip',
    addresses,
    [
      ['10.0.0.7', 'net 0'],
      ['12.1.2.255', `net ${2 * 65536 + 256 + 2}`],
      ['9.255.255.255', 'none'],
    ],
  ],
] as const) {
  scenario(`four workers share one copy of a large map, ${converter} (7.3.1)`, async (world) => {
    const without = await serveMap(world, converter, '');
    const base = residentBytes(without.pid);
    await without.stop();
    const proxy = await serveMap(world, converter, lines);
    for (const [key, value] of questions) {
      const request = `GET / HTTP/1.1\r\nHost: h\r\nKey: ${key}\r\nConnection: close\r\n\r\n`;
      expect(await world.exchange(proxy.port('web'), request), key).toContain(
        `value: ${value}\r\n`,
      );
    }
    // What was needed to load it goes with the first collection.
    const most = lines.length + ENTRIES * ENTRY_BYTES_MAX;
    let cost = 0;
    const isSmall = () => {
      cost = residentBytes(proxy.pid) - base;
      return cost < most;
    };
    await until(isSmall, () => `the map costs ${cost} bytes, not ${most}`);
    expect(cost).toBeGreaterThan(lines.length);
  });
}
