/**
 * Maps that the Runtime API reads and changes (management.txt 9.3), through the running programs:
 * answers are those of HAProxy, and requests see the changes.
 */
import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Program, programPath } from '../harness/proxy.ts';
import { scenario, World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const config = `
global
  nbthread 3
  stats socket {{dir}}/stats level admin
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 20s
frontend web
  bind fd@{{web}}
  http-request return status 200 hdr v "%[path,map({{dir}}/str.map,none)]" hdr n "%[path,map_beg_int(virt@num,-1)]" hdr a "%[req.hdr(ip),map_ip(opt@{{dir}}/none,no)]" hdr r "%[path,map_regm({{dir}}/reg.map,no)]"
`;

async function start(world: World) {
  writeFileSync(join(world.dir, 'str.map'), '/k one two\n/l 5\n/k dup\n');
  writeFileSync(join(world.dir, 'reg.map'), '^/(.)(.) \\2\\1\n');
  return await world.proxy(config);
}

const commands = `
show map
show map DIR/str.map
show map nope
show map #99
get map DIR/str.map /k
get map DIR/str.map /zz
get map DIR/reg.map /ab
get map virt@num 5
get map nope x
get map DIR/str.map
add map DIR/str.map /n new
add map DIR/str.map /n a\\ b
add map DIR/str.map /n
add map DIR/str.map
add map
add map nope a b
show map DIR/str.map
set map DIR/str.map /k changed
show map DIR/str.map
set map DIR/str.map /nope x
set map DIR/str.map #0xfffff x
set map DIR/str.map /k
set map nope a b
del map DIR/str.map /k
del map DIR/str.map /k
del map DIR/str.map #0xfffff
del map DIR/str.map #zz
del map DIR/str.map
del map
show map DIR/str.map
add map virt@num /k 5
add map virt@num /k x
get map virt@num /kk
show map virt@num
set map virt@num /k 9
set map virt@num /k x
show map virt@num
add map DIR/none 1.2.3 x
add map DIR/none 10.0.0.0/8 ten
get map DIR/none 10.1.1.1
get map DIR/none x
add map DIR/reg.map a( x
prepare map DIR/str.map
add map @1 DIR/str.map /v1 one
add map @5 DIR/str.map /v1 one
show map @1 DIR/str.map
show map DIR/str.map
commit map @1 DIR/str.map
show map DIR/str.map
commit map @7 DIR/str.map
commit map @1 DIR/str.map
prepare map DIR/str.map
prepare map DIR/str.map
add map @3 DIR/str.map /v3 three
add map @2 DIR/str.map /v2 two
clear map @2 DIR/str.map
show map @2 DIR/str.map
commit map @3 DIR/str.map
show map DIR/str.map
clear map DIR/str.map
show map DIR/str.map
clear map nope
clear map
prepare map nope
prepare map
commit map
commit map @1
commit map x DIR/str.map
commit map @1 nope
show map @1
`
  .split('\n')
  .filter((line) => line !== '');

/** What differs between two runs: folders, numbers of maps and of their lines. */
function normal(answer: string, dir: string): string {
  return answer
    .replaceAll(dir, 'DIR')
    .replace(/^0x[0-9a-f]+/gm, 'REF')
    .replace(/^\d+ \(/gm, 'ID (')
    .replace(/file '[^']*' line/g, 'file CONFIG line');
}

test.skipIf(programPath('haproxy') === null)(
  'commands of maps answer as in HAProxy (management.txt 9.3)',
  async () => {
    const seen: string[][] = [];
    for (const program of ['haproxy', 'sluice'] satisfies Program[]) {
      const world = new World(program);
      try {
        const proxy = await start(world);
        const answers: string[] = [];
        for (const command of commands) {
          const answer = await proxy.command(command.replaceAll('DIR', world.dir));
          answers.push(`> ${command}\n${normal(answer, world.dir)}`);
        }
        seen.push(answers);
      } finally {
        await world.end();
      }
    }
    expect(seen[1]).toEqual(seen[0]!);
  },
);

scenario('all workers see what was changed in a map (management.txt 9.3)', async (world) => {
  const proxy = await start(world);
  const ask = async (path: string, ip = '192.0.2.1') => {
    const request = `GET ${path} HTTP/1.1\r\nHost: h\r\nIp: ${ip}\r\nConnection: close\r\n\r\n`;
    const answer = await world.exchange(proxy.port('web'), request);
    return ['v', 'n', 'a', 'r'].map(
      (name) => new RegExp(`^${name}: (.*?)\r$`, 'm').exec(answer)?.[1],
    );
  };
  /** Many connections, so that each worker has some of them. */
  const everyone = async (path: string, ip?: string) => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(path, ip)));
    return [...new Set(answers.map((one) => one.join(' ')))];
  };
  const change = async (...lines: string[]) => {
    for (const line of lines) {
      expect(await proxy.command(line.replaceAll('DIR', world.dir))).toBe('\n');
    }
  };
  const becomes = async (expected: string, path: string, ip?: string) => {
    let last: string[] = [];
    const isReached = async () => {
      last = await everyone(path, ip);
      return last.length === 1 && last[0] === expected;
    };
    await until(isReached, () => `${path} gives ${last}, not ${expected}`);
  };
  await becomes('one two -1 no no', '/k');
  await change(
    'add map DIR/str.map /new value',
    'add map virt@num /n 7',
    'add map virt@num /ne 8',
    'add map DIR/none 192.0.2.0/24 net',
    'add map DIR/none 192.0.0.0/16 wide',
    'add map DIR/reg.map ^/(..) <\\\\1>',
  );
  await becomes('value 8 net en', '/new');
  await change('del map DIR/reg.map ^/(.)(.)', 'del map virt@num /ne', 'clear map DIR/none');
  await becomes('value 7 no <ne>', '/new');
  await change('set map DIR/str.map /new other', 'set map virt@num /n -3');
  await becomes('other -3 no <ne>', '/new');
  const shown = await proxy.command(`show map ${world.dir}/str.map`);
  const ref = /^(0x[0-9a-f]+) \/new /m.exec(shown)![1];
  await change(`set map DIR/str.map #${ref} by-reference`);
  await becomes('by-reference -3 no <ne>', '/new');
  await change(`del map DIR/str.map #${ref}`);
  await becomes('none -3 no <ne>', '/new');
  expect(await proxy.command(`prepare map ${world.dir}/str.map`)).toBe(
    'New version created: 1\n\n',
  );
  await change('add map @1 DIR/str.map /second two');
  expect(await everyone('/second')).toEqual(['none -1 no <se>']);
  await change('commit map @1 DIR/str.map');
  await becomes('two -1 no <se>', '/second');
  expect(await everyone('/k')).toEqual(['none -1 no no']);
});
