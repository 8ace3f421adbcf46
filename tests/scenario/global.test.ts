/** What the global section sets for the process: threads, CPUs, sockets, rates (3.1, 3.2). */
import { expect } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

const ownOnly = programUnderTest === 'sluice' ? null : 'about the threads of sluice';

/** A value of `show info`. */
async function info(proxy: Proxy, name: string): Promise<string | undefined> {
  const text = await proxy.command('show info');
  return new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
}

/** A row of `show stat` by the names of its columns. */
async function stat(proxy: Proxy, svname: string): Promise<Record<string, string>> {
  const lines = (await proxy.command('show stat')).split('\n');
  const names = lines[0]!.slice(2).split(',');
  const row = lines.find((line) => line.split(',')[1] === svname)!.split(',');
  return Object.fromEntries(names.map((name, i) => [name, row[i]!]));
}

/** The CPUs that each thread of a process may run on. */
function affinities(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8');
    return /^Cpus_allowed_list:\s*(\S+)/m.exec(status)![1]!;
  });
}

/** The first CPUs of a list such as `0-3,8`. */
function cpus(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

const [own = ''] = affinities(process.pid);
const few = cpus(own).length < 2 ? 'this machine has one CPU' : null;

/** Listening TCP sockets of this machine on a port of loopback. */
function listening(port: number): number {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  const table = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return table.filter((line) => line.includes(address)).length;
}

function minimal(global: string, frontend: string): string {
  return `
global
  stats socket {{dir}}/stats
  ${global}
${defaultsHttp}
frontend f
  ${frontend}
  http-request return status 200
`;
}

async function get(world: World, port: number): Promise<string> {
  return world.exchange(port, 'GET / HTTP/1.0\r\n\r\n');
}

const debianTls = `
  ca-base /etc/ssl/certs
  crt-base /etc/ssl/private
  ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
  ssl-default-server-ciphers HIGH:!aNULL
  ssl-default-server-options ssl-min-ver TLSv1.2
  tune.ssl.default-dh-param 2048
  tune.h2.max-concurrent-streams 100
  maxcomprate 100
`;

scenario('a stock configuration with TLS defaults and no TLS line serves (3.1)', async (world) => {
  const proxy = await world.proxy(minimal(debianTls, 'bind fd@{{f}}'));
  expect(await get(world, proxy.port('f'))).toStartWith('HTTP/1.1 200');
  expect(proxy.stderr).not.toContain('ssl-default');
});

scenario('the first of repeated settings counts (3.1)', async (world) => {
  const proxy = await world.proxy(minimal('maxconn 10\n  maxconn 20', 'bind fd@{{f}}'));
  expect(await info(proxy, 'Maxconn')).toBe('10');
  expect(proxy.stderr).toContain(':5] : ');
  expect(proxy.stderr).toContain('already specified. Continuing.');
});

const stockFile = '/etc/haproxy/haproxy.cfg';

scenario(
  'the file that Debian installs is accepted',
  async (world) => {
    const ran = await world.run(readFileSync(stockFile, 'utf8'), { args: ['-c'] });
    expect({ status: ran.status, alerts: ran.stderr.match(/ALERT.*/g) }).toEqual({
      status: 0,
      alerts: null,
    });
  },
  { skip: existsSync(stockFile) ? null : 'no such file' },
);

scenario('a bind line with ssl wants its certificate, whatever the defaults say', async (world) => {
  const { status, stderr } = await world.run(minimal(debianTls, 'bind 127.0.0.1:45999 ssl crt /x'));
  expect(status).toBe(1);
  expect(stderr).toContain("'bind 127.0.0.1:45999' in section 'frontend' : ");
  expect(stderr).toContain('/x');
});

scenario(
  'cpu-map binds each thread to its CPUs (3.1)',
  async (world) => {
    const [first, second] = cpus(own);
    const proxy = await world.proxy(
      minimal(`nbthread 2\n  cpu-map auto:1/1-2 ${first},${second}`, 'bind fd@{{f}}'),
    );
    const found = affinities(proxy.pid);
    expect(found.filter((list) => list === String(first))).toHaveLength(1);
    expect(found.filter((list) => list === String(second))).toHaveLength(1);
    expect(await get(world, proxy.port('f'))).toStartWith('HTTP/1.1 200');
  },
  { skip: ownOnly ?? few },
);

scenario(
  'a CPU that does not exist is a warning, and the thread serves (3.1 cpu-map)',
  async (world) => {
    const proxy = await world.proxy(minimal('nbthread 1\n  cpu-map 1/1 1023', 'bind fd@{{f}}'));
    expect(await get(world, proxy.port('f'))).toStartWith('HTTP/1.1 200');
    await proxy.changes.until(
      () => proxy.stderr.includes('thread 1 cannot run on CPUs 1023'),
      () => proxy.stderr,
    );
  },
  { skip: ownOnly },
);

scenario('thread-hard-limit lowers nbthread, with a warning (3.1)', async (world) => {
  const proxy = await world.proxy(minimal('nbthread 3\n  thread-hard-limit 2', 'bind fd@{{f}}'));
  expect(await info(proxy, 'Nbthread')).toBe('2');
  expect(proxy.stderr).toContain('nbthread forced to a higher value (3)');
});

scenario(
  'every thread has a listening socket, or all share one (3.2)',
  async (world) => {
    const settings = ['', 'tune.listener.default-shards by-process', 'noreuseport'];
    const sockets: number[] = [];
    for (const setting of settings) {
      const port = world.refusedPort();
      const proxy = await world.proxy(
        minimal(`nbthread 3\n  ${setting}`, `bind 127.0.0.1:${port}`),
      );
      sockets.push(listening(port));
      for (let i = 0; i < 6; i++) expect(await get(world, port)).toStartWith('HTTP/1.1 200');
      await proxy.stop();
    }
    expect(sockets).toEqual([3, 1, 1]);
  },
  { skip: ownOnly },
);

scenario(
  'busy-polling never sleeps (3.2)',
  async (world) => {
    const proxy = await world.proxy(minimal('nbthread 1\n  busy-polling', 'bind fd@{{f}}'));
    expect(await info(proxy, 'BusyPolling')).toBe('1');
    const used = (): number => {
      const fields = readFileSync(`/proc/${proxy.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return Number(fields[11]) + Number(fields[12]);
    };
    // Half a second of CPU, which an idle process does not use while this waits.
    const before = used();
    await until(
      () => used() > before + 50,
      () => 'the process sleeps',
    );
    expect(await get(world, proxy.port('f'))).toStartWith('HTTP/1.1 200');
  },
  { skip: ownOnly },
);

scenario(
  'no second sees more sessions than its limit, over all threads (4.2 rate-limit, 3.2 maxsessrate)',
  async (world) => {
    for (const [global, frontend] of [
      ['', 'rate-limit sessions 8'],
      ['maxsessrate 8', ''],
      ['maxconnrate 8', ''],
    ]) {
      const port = world.refusedPort();
      const proxy = await world.proxy(
        minimal(`nbthread 2\n  ${global}`, `bind 127.0.0.1:${port}\n  ${frontend}`),
      );
      const peers = await Promise.all(Array.from({ length: 20 }, () => get(world, port)));
      for (const reply of peers) expect(reply).toStartWith('HTTP/1.1 200');
      const row = await stat(proxy, 'FRONTEND');
      expect(Number(row['stot'])).toBe(20);
      // Threads of haproxy look before they count, and so may pass the limit together.
      const most = world.program === 'sluice' ? 8 : 16;
      expect(Number(row['rate_max'])).toBeLessThanOrEqual(most);
      expect(row['rate_lim']).toBe(frontend === '' ? '0' : '8');
      const limits = [await info(proxy, 'SessRateLimit'), await info(proxy, 'ConnRateLimit')];
      expect(limits).toEqual([
        global === 'maxsessrate 8' ? '8' : '0',
        global === 'maxconnrate 8' ? '8' : '0',
      ]);
      await proxy.stop();
    }
  },
);
