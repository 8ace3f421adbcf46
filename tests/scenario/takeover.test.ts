/** Giving up listening addresses for a new process: SIGTTOU, SIGTTIN, -sf (management.txt 4). */
import { expect } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { join } from 'node:path';
import { connectPeer, RawServer } from '../harness/peer.ts';
import { type Program, type Proxy, programPath } from '../harness/proxy.ts';
import {
  defaultsHttp,
  needs,
  programUnderTest,
  scenario,
  type World,
} from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const haproxyOnly = programUnderTest === 'haproxy' ? 'about sluice' : null;

/** Every answer names the process, so that a test sees who serves. */
const frontend = (address: string, threads = 2) => `
global
  nbthread ${threads}
  stats socket {{dir}}/stats
${defaultsHttp}
frontend f
  bind ${address}
  http-request return status 200 content-type text/plain lf-string "%[env(WHO)]"
`;

function freePort(): number {
  const server = new RawServer(() => {});
  server.stop();
  return server.port;
}

/** Who answers on a new connection to a port of loopback; null when it is refused. */
async function who(port: number): Promise<string | null> {
  const peer = await connectPeer({ hostname: '127.0.0.1', port }).catch(() => null);
  if (peer === null) return null;
  peer.send(get);
  const reply = await peer.readMessage('GET');
  peer.close();
  return reply.body;
}

async function says(proxy: Proxy, text: string): Promise<void> {
  await proxy.changes.until(
    () => proxy.stderr.includes(text),
    () => `no "${text}" in:\n${proxy.stderr}`,
  );
}

scenario('SIGTTOU stops listening, connections go on, SIGTTIN listens again', async (world) => {
  const port = freePort();
  const proxy = await world.proxy(frontend(`127.0.0.1:${port}`), { env: { WHO: 'one' } });
  const kept = await world.connect(port);
  kept.send(get);
  await kept.readMessage('GET');
  proxy.signal('SIGTTOU');
  await says(proxy, 'Paused frontend f.\n');
  await says(proxy, 'Paused frontend GLOBAL.\n');
  await until(
    async () => (await who(port)) === null,
    () => 'it still accepts',
  );
  expect(await proxy.command('show stat')).toMatch(/^f,FRONTEND,.*,PAUSED,/m);
  kept.send(get);
  expect((await kept.readMessage('GET')).body).toBe('one');
  proxy.signal('SIGTTIN');
  await says(proxy, 'Resumed frontend f.\n');
  // Enough for every thread to have a turn.
  for (let i = 0; i < 20; i++) expect(await who(port)).toBe('one');
  expect(await proxy.command('show stat')).toMatch(/^f,FRONTEND,.*,OPEN,/m);
});

scenario('a second SIGTTOU or SIGTTIN changes nothing and says nothing', async (world) => {
  const port = freePort();
  const proxy = await world.proxy(frontend(`127.0.0.1:${port}`), { env: { WHO: 'one' } });
  for (const [signal, text] of [
    ['SIGTTOU', 'Paused frontend f.\n'],
    ['SIGTTIN', 'Resumed frontend f.\n'],
  ] as const) {
    proxy.signal(signal);
    await says(proxy, text);
    proxy.signal(signal);
    // Two pending signals have no order: this one must be over before the next is sent.
    await proxy.command('show stat');
  }
  expect(proxy.stderr.split('Paused frontend f.')).toHaveLength(2);
  expect(proxy.stderr.split('Resumed frontend f.')).toHaveLength(2);
  expect(await who(port)).toBe('one');
});

scenario('SIGTTIN says when an address was taken, and a later one gets it back', async (world) => {
  const port = freePort();
  const proxy = await world.proxy(frontend(`127.0.0.1:${port}`), { env: { WHO: 'one' } });
  proxy.signal('SIGTTOU');
  await says(proxy, 'Paused frontend f.\n');
  await until(
    async () => (await who(port)) === null,
    () => 'it still accepts',
  );
  const taker = new RawServer(() => {}, { hostname: '127.0.0.1', port });
  proxy.signal('SIGTTIN');
  await says(proxy, 'Some proxies refused to resume');
  taker.stop();
  proxy.signal('SIGTTIN');
  await until(
    async () => (await who(port)) === 'one',
    () => `it does not listen\n${proxy.stderr}`,
  );
});

scenario('SIGUSR1 ends a paused process', async (world) => {
  const proxy = await world.proxy(frontend(`127.0.0.1:${freePort()}`), { env: { WHO: 'one' } });
  proxy.signal('SIGTTOU');
  await says(proxy, 'Paused frontend f.\n');
  proxy.signal('SIGUSR1');
  expect(await proxy.exited()).toBe(0);
});

/** So many sections that workers need a while to compile them. */
const slow = Array.from({ length: 400 }, (_, b) => {
  const server = (i: number) => `  server s${i} 127.0.0.1:${1024 + i}`;
  return `backend b${b}\n${Array.from({ length: 25 }, (_, i) => server(i)).join('\n')}\n`;
}).join('');

for (const args of [[], ['-dR']]) {
  scenario(
    `-sf ${args}: until a process whose start takes long serves, the old one does`,
    async (world) => {
      const port = freePort();
      const config = frontend(`127.0.0.1:${port}`) + slow;
      const old = await world.proxy(config, { args, env: { WHO: 'one' } });
      const began = performance.now();
      let worst = 0;
      let refused = 0;
      let servesMs = 0;
      const asked: Promise<void>[] = [];
      const timer = setInterval(() => {
        const sent = performance.now();
        asked.push(
          // Who waits while an exclusive address changes hands is reset.
          (args.length === 0 ? who(port) : who(port).catch(() => null)).then((name) => {
            worst = Math.max(worst, performance.now() - sent);
            if (name === null) refused++;
            if (name === 'two' && servesMs === 0) servesMs = performance.now() - began;
          }),
        );
      }, 4);
      world.defer(() => clearInterval(timer));
      await world.proxy(config, { args: [...args, '-sf', `${old.pid}`], env: { WHO: 'two' } });
      await until(
        () => servesMs > 0,
        () => 'the second one does not serve',
      );
      clearInterval(timer);
      await Promise.all(asked);
      // What it does until it serves is many times what a client may wait, or be refused.
      expect(worst).toBeLessThan(servesMs / 4);
      expect(refused).toBeLessThan(args.length === 0 ? 1 : asked.length / 4);
    },
    { skip: haproxyOnly },
  );
}

/** Starts a second process with `-sf` and expects it to serve alone. */
async function replace(world: World, old: Proxy, next: Program, config: string): Promise<Proxy> {
  const args = ['-sf', String(old.pid)];
  const proxy = await world.proxy(config, { program: next, args, env: { WHO: 'two' } });
  expect(await old.exited()).toBe(0);
  return proxy;
}

for (const [first, second] of [
  ['sluice', 'sluice'],
  ['haproxy', 'sluice'],
  ['sluice', 'haproxy'],
] as const) {
  const absent = first === second ? null : needs('haproxy');
  scenario(
    `-sf: ${second} takes a TCP address that ${first} bound without SO_REUSEPORT (-dR)`,
    async (world) => {
      const port = freePort();
      const config = frontend(`127.0.0.1:${port}`);
      const old = await world.proxy(config, {
        program: first,
        args: ['-dR'],
        env: { WHO: 'one' },
      });
      expect(await who(port)).toBe('one');
      await replace(world, old, second, config);
      expect(old.stderr).toContain('Paused frontend f.\n');
      for (let i = 0; i < 10; i++) expect(await who(port)).toBe('two');
    },
    { skip: haproxyOnly ?? absent },
  );
}

/** A proxy in front of an abstract socket, which tests cannot connect to by themselves. */
async function door(world: World, name: string): Promise<number> {
  const proxy = await world.proxy(`
${defaultsHttp.replace('http', 'tcp')}
listen l
  bind fd@{{l}}
  server s abns@${name}
`);
  return proxy.port('l');
}

let names = 0;
const freeName = () => `sluice-takeover-${process.pid}-${names++}`;

for (const second of ['sluice', 'haproxy'] as const) {
  scenario(
    `-sf: ${second} takes an abstract socket over from sluice`,
    async (world) => {
      const name = freeName();
      const port = await door(world, name);
      const config = frontend(`abns@${name}`);
      const old = await world.proxy(config, { program: 'sluice', env: { WHO: 'one' } });
      expect(await who(port)).toBe('one');
      await replace(world, old, second, config);
      expect(old.stderr).toContain('Paused frontend f.\n');
      expect(await who(port)).toBe('two');
    },
    { skip: haproxyOnly ?? (second === 'haproxy' ? needs('haproxy') : null) },
  );
}

scenario(
  'an abstract socket is opened again by SIGTTIN',
  async (world) => {
    const name = freeName();
    const port = await door(world, name);
    const proxy = await world.proxy(frontend(`abns@${name}`), { env: { WHO: 'one' } });
    proxy.signal('SIGTTOU');
    await says(proxy, 'Paused frontend f.\n');
    expect(await Bun.file('/proc/net/unix').text()).not.toContain(`@${name}`);
    proxy.signal('SIGTTIN');
    await says(proxy, 'Resumed frontend f.\n');
    expect(await who(port)).toBe('one');
  },
  { skip: haproxyOnly },
);

scenario('-sf: when the address cannot be had, the old process listens again', async (world) => {
  const [port, taken] = [freePort(), new RawServer(() => {})];
  world.defer(() => taken.stop());
  const config = frontend(`127.0.0.1:${port}`, 1);
  const old = await world.proxy(config, { env: { WHO: 'one' } });
  const result = await world.run(`${config}  bind 127.0.0.1:${taken.port}\n`, {
    args: ['-sf', String(old.pid)],
  });
  expect(result.status).toBe(1);
  expect(result.stderr).toContain(`for [127.0.0.1:${taken.port}]`);
  await says(old, 'Resumed frontend f.\n');
  expect(old.stderr).toContain('Paused frontend f.\n');
  expect(await who(port)).toBe('one');
});

scenario('-sf: a start that fails late leaves the old process and its pid file', async (world) => {
  const port = freePort();
  const pidfile = join(world.dir, 'pid');
  const config = frontend(`127.0.0.1:${port}`);
  const old = await world.proxy(config, { env: { WHO: 'one' } });
  writeFileSync(pidfile, `${old.pid}\n`);
  const failing = config.replace('global', `global\n  chroot ${world.dir}/none`);
  const result = await world.run(failing, {
    args: ['-D', '-p', pidfile, '-sf', String(old.pid)],
    env: { WHO: 'two' },
  });
  expect(result.status).toBe(1);
  expect(result.stderr).toContain('chroot');
  expect(readFileSync(pidfile, 'utf8')).toBe(`${old.pid}\n`);
  for (let i = 0; i < 10; i++) expect(await who(port)).toBe('one');
  expect(await old.command('show info')).toContain(`\nPid: ${old.pid}\n`);
});

scenario('-sf: several processes, some of which are gone already', async (world) => {
  const port = freePort();
  const config = frontend(`127.0.0.1:${port}`);
  const [gone, first, second] = [
    await world.proxy(config, { env: { WHO: 'gone' } }),
    await world.proxy(config, { env: { WHO: 'one' } }),
    await world.proxy(config, { env: { WHO: 'one' } }),
  ];
  await gone.stop();
  const pids = [gone, first, second].map((proxy) => String(proxy.pid));
  await world.proxy(config, { args: ['-sf', ...pids], env: { WHO: 'two' } });
  expect([await first.exited(), await second.exited()]).toEqual([0, 0]);
  for (let i = 0; i < 10; i++) expect(await who(port)).toBe('two');
});

scenario('-st ends the old process at once', async (world) => {
  const port = freePort();
  const config = frontend(`127.0.0.1:${port}`);
  const old = await world.proxy(config, { env: { WHO: 'one' } });
  const kept = await world.connect(port);
  await world.proxy(config, { args: ['-st', String(old.pid)], env: { WHO: 'two' } });
  expect([0, 143]).toContain(await old.exited());
  expect(await kept.readToEnd()).toBe('');
  expect(await who(port)).toBe('two');
});

/** Whether a process has a handler for a signal, by its number. */
function handles(pid: number, signal: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mask = BigInt(`0x${/^SigCgt:\s*(\w+)/m.exec(status)![1]}`);
  return (mask & (1n << BigInt(signal - 1))) !== 0n;
}

for (const [signal, number] of [
  ['SIGUSR1', 10],
  ['SIGTERM', 15],
] as const) {
  scenario(
    `-sf: ${signal} to a process that still starts leaves the old one alone`,
    async (world) => {
      const port = freePort();
      const config = frontend(`127.0.0.1:${port}`) + slow;
      const old = await world.proxy(config, { env: { WHO: 'one' } });
      const file = join(world.dir, 'next.cfg');
      writeFileSync(file, config.replaceAll('{{dir}}', world.dir));
      const next = Bun.spawn([programPath('sluice')!, '-f', file, '-sf', String(old.pid)], {
        env: { ...process.env, WHO: 'two' },
        stdio: ['ignore', 'ignore', 'ignore'],
      });
      world.own(next.pid);
      await until(
        () => handles(next.pid, number),
        () => 'it has no handler',
      );
      next.kill(signal);
      await next.exited;
      expect(old.exitCode).toBe(null);
      for (let i = 0; i < 10; i++) expect(await who(port)).toBe('one');
    },
    { skip: haproxyOnly },
  );
}

/** The nice value of each thread of a process; none when it has ended. */
function niceOfThreads(pid: number): number[] {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).flatMap((thread) => {
    try {
      const stat = readFileSync(`${folder}/${thread}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    } catch {
      // That thread has just ended.
      return [];
    }
  });
}

const ownNice = getPriority();

/** Whether this process may raise its priority (CAP_SYS_NICE), and so whoever it starts. */
function mayRaise(): boolean {
  try {
    setPriority(0, ownNice - 1);
    setPriority(0, ownNice);
    return true;
  } catch {
    return false;
  }
}

const unprivileged = mayRaise() ? null : 'needs CAP_SYS_NICE';

/** Starts a process that replaces another, and looks at its threads until it serves. */
async function watchStart(
  world: World,
  before: string[],
  after: string[],
): Promise<{ all: Set<number>; port: number; pid: number }> {
  const port = freePort();
  const config = frontend(`127.0.0.1:${port}`) + slow;
  const old = await world.proxy(config, { env: { WHO: 'one' } });
  const file = join(world.dir, 'next.cfg');
  writeFileSync(file, config.replaceAll('{{dir}}', world.dir));
  const command = [...before, programPath('sluice')!, '-f', file, ...after, '-sf', `${old.pid}`];
  const next = Bun.spawn(command, {
    env: { ...process.env, WHO: 'two' },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  world.own(next.pid);
  const all = new Set<number>();
  await until(
    async () => {
      for (const nice of niceOfThreads(next.pid)) all.add(nice);
      return old.exitCode !== null;
    },
    () => 'the old one still serves',
  );
  return { all, port, pid: next.pid };
}

scenario(
  '-sf: a start has a lower priority until it serves, then all threads have their own',
  async (world) => {
    const { all, pid, port } = await watchStart(world, [], []);
    expect(all).toContain(Math.min(ownNice + 10, 19));
    expect(new Set(niceOfThreads(pid))).toEqual(new Set([ownNice]));
    expect(await who(port)).toBe('two');
  },
  { skip: haproxyOnly ?? unprivileged },
);

scenario(
  '-sf: a start that could not raise its priority again does not lower it',
  async (world) => {
    const { all, port } = await watchStart(world, ['setpriv', '--bounding-set=-sys_nice'], []);
    expect(all).toEqual(new Set([ownNice]));
    expect(await who(port)).toBe('two');
  },
  { skip: haproxyOnly ?? unprivileged ?? (Bun.which('setpriv') ? null : 'needs setpriv') },
);

scenario(
  '-D -sf: the daemon has the priority of whoever started it',
  async (world) => {
    const port = freePort();
    const pidfile = join(world.dir, 'pid');
    const config = frontend(`127.0.0.1:${port}`);
    const old = await world.proxy(config, { env: { WHO: 'one' } });
    const result = await world.run(config, {
      args: ['-D', '-p', pidfile, '-sf', String(old.pid)],
      env: { WHO: 'two' },
    });
    expect(result.status).toBe(0);
    const pid = Number(readFileSync(pidfile, 'utf8'));
    world.own(pid);
    expect(new Set(niceOfThreads(pid))).toEqual(new Set([ownNice]));
    expect(await old.exited()).toBe(0);
  },
  { skip: haproxyOnly },
);

scenario(
  'SIGTTOU does not stop a process that still starts',
  async (world) => {
    const port = freePort();
    const file = join(world.dir, 'next.cfg');
    writeFileSync(file, frontend(`127.0.0.1:${port}`).replaceAll('{{dir}}', world.dir));
    const next = Bun.spawn([programPath('sluice')!, '-f', file], {
      env: { ...process.env, WHO: 'two' },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    world.own(next.pid);
    // The command line is the runtime's until shortly before it serves.
    const isEarly = () =>
      /\/main\.[jt]s\0/.test(readFileSync(`/proc/${next.pid}/cmdline`, 'latin1'));
    await until(isEarly, () => 'the launcher still runs');
    while (isEarly()) {
      next.kill('SIGTTOU');
      await Bun.sleep(1);
    }
    await until(
      async () => (await who(port)) === 'two',
      () => 'it does not serve',
    );
  },
  { skip: haproxyOnly },
);
