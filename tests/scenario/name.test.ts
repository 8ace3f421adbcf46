/** The names that administrators and init scripts know the process by (management.txt 3, 4). */
import { expect } from 'bun:test';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../bench/process.ts';
import { root } from '../harness/proxy.ts';
import { needs, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const sluiceOnly = programUnderTest === 'haproxy' ? 'about the names of sluice' : null;

interface Said {
  status: number;
  text: string;
}

async function run(...command: string[]): Promise<Said> {
  const child = Bun.spawn(command, { stdio: ['ignore', 'pipe', 'inherit'] });
  return { text: await new Response(child.stdout).text(), status: await child.exited };
}

/** Starts a daemon whose program has a name that nothing else on the machine has. */
async function daemon(world: World, program: string): Promise<{ pid: number; pidfile: string }> {
  const pidfile = join(world.dir, 'pid');
  const file = join(world.dir, 'name.cfg');
  await Bun.write(
    file,
    `defaults
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend f
  bind 127.0.0.1:${freePort()}
`,
  );
  expect((await run(program, '-f', file, '-D', '-p', pidfile)).status).toBe(0);
  const pid = Number(await Bun.file(pidfile).text());
  world.own(pid);
  return { pid, pidfile };
}

scenario(
  'ps, pidof and pgrep know the process by the name that the launcher was called by',
  async (world) => {
    const name = `hap-${process.pid}`;
    const path = join(world.dir, name);
    symlinkSync(join(root, 'bin', 'sluice'), path);
    const { pid } = await daemon(world, path);
    expect((await run('ps', '-o', 'args=', '-p', `${pid}`)).text).toStartWith(`${path} -f `);
    for (const command of [
      ['pidof', name],
      ['pidof', '-x', path],
      ['pgrep', '-x', name],
      ['pgrep', '-f', `^${path} -f`],
    ]) {
      expect([command, (await run(...command)).text.trim()]).toEqual([command, `${pid}`]);
    }
  },
  { skip: sluiceOnly ?? needs('ps', 'pidof', 'pgrep') },
);

scenario(
  'start-stop-daemon finds the one-file release by its executable, starts it once and stops it',
  async (world) => {
    const path = join(world.dir, `one-${process.pid}`);
    const built = await run(join(root, 'bin', 'bun'), join(root, 'scripts/release.ts'), path);
    expect(built.status).toBe(0);
    const { pid, pidfile } = await daemon(world, path);
    const control = (action: string, ...more: string[]) =>
      run('start-stop-daemon', action, '--quiet', '--pidfile', pidfile, '--exec', path, ...more);
    expect((await control('--status')).status).toBe(0);
    // It runs already: that is status 1 without --oknodo.
    expect((await control('--start', '--', '-v')).status).toBe(1);
    expect((await run('pidof', path)).text.trim()).toBe(`${pid}`);
    expect((await control('--stop', '--retry', '5')).status).toBe(0);
    await until(
      async () => (await control('--status')).status !== 0,
      () => 'it still runs',
    );
  },
  { skip: sluiceOnly ?? needs('start-stop-daemon', 'pidof'), timeoutMs: 60_000 },
);
