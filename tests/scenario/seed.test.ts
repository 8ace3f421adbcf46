/**
 * The example configuration of the 1.5 era, as its users have it, with only addresses and the user
 * changed: daemon, chroot, pidfile, stats socket and all.
 */
import { expect } from 'bun:test';
import { mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { answer } from '../harness/http.ts';
import { connectPeer, RawServer, serveHttp } from '../harness/peer.ts';
import { runToEnd } from '../harness/proxy.ts';
import { scenario, type World } from '../harness/scenario.ts';
import type { UdpReceiver } from '../harness/socket.ts';
import { until } from '../harness/wait.ts';

const notRoot = process.getuid?.() === 0 ? null : 'needs root for chroot and setuid';

interface Seed {
  port: number;
  pid: number;
  log: UdpReceiver;
  servers: Map<string, RawServer>;
  dir: string;
}

/** An address of loopback of its own, so that a fixed port meets nobody else's. */
const host = `127.${1 + (process.pid % 200)}.${1 + ((process.pid >> 8) % 200)}.9`;

function seedText(world: World, port: number, logPort: number, ports: Record<string, number>) {
  // haproxy since 1.9 refuses an address on the section line, which sluice must take.
  const line =
    world.program === 'haproxy'
      ? `frontend  main\n    bind ${host}:${port}`
      : `frontend  main ${host}:${port}`;
  return `
#---------------------------------------------------------------------
# Global settings
#---------------------------------------------------------------------
global
    log         127.0.0.1:${logPort} local2

    chroot      {{dir}}/jail
    pidfile     {{dir}}/haproxy.pid
    maxconn     4000
    user        nobody
    group       nogroup
    daemon

    # turn on stats unix socket
    stats socket {{dir}}/jail/stats

defaults
    mode                    http
    log                     global
    option                  httplog
    option                  dontlognull
    option http-server-close
    option forwardfor       except 127.0.0.0/8
    option                  redispatch
    retries                 3
    timeout http-request    10s
    timeout queue           1m
    timeout connect         10s
    timeout client          1m
    timeout server          1m
    timeout http-keep-alive 10s
    timeout check           10s
    maxconn                 3000

${line}
    acl url_static       path_beg       -i /static /images /javascript /stylesheets
    acl url_static       path_end       -i .jpg .gif .png .css .js

    use_backend static          if url_static
    default_backend             app

backend static
    balance     roundrobin
    server      static 127.0.0.1:${ports.static} check

backend app
    balance     roundrobin
    server  app1 127.0.0.1:${ports.app1} check
    server  app2 127.0.0.1:${ports.app2} check
    server  app3 127.0.0.1:${ports.app3} check
    server  app4 127.0.0.1:${ports.app4} check
`;
}

const respond = (name: string) => serveHttp((request) => answer(`${name} ${request.target}`));

async function startSeed(world: World): Promise<Seed> {
  const names = ['static', 'app1', 'app2', 'app3', 'app4'];
  const servers = new Map(names.map((name) => [name, world.server(respond(name))]));
  const ports = Object.fromEntries(names.map((name) => [name, servers.get(name)!.port]));
  const log = await world.syslog();
  const free = new RawServer(() => {}, { hostname: host, port: 0 });
  free.stop();
  mkdirSync(join(world.dir, 'jail'));
  const config = seedText(world, free.port, log.port, ports);
  const result = await runToEnd({ program: world.program, config, dir: world.dir });
  expect(result).toMatchObject({ status: 0 });
  const pid = Number(readFileSync(join(world.dir, 'haproxy.pid'), 'utf8').trim());
  world.own(pid);
  return { port: free.port, pid, log, servers, dir: world.dir };
}

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

/** The pattern of the log lines that the seed shows, with `%s` for path and status. */
const linePattern = new RegExp(
  '^<150>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d [\\w.-]+\\[\\d+\\]: ' +
    '127\\.\\d+\\.\\d+\\.\\d+:\\d+ \\[\\d\\d/[A-Z][a-z]{2}/\\d{4}:\\d\\d:\\d\\d:\\d\\d\\.\\d{3}\\] ' +
    'main (static/static|app/app[1-4]) \\d+/\\d+/\\d+/\\d+/\\d+ 200 \\d+ - - ---- ' +
    '\\d+/\\d+/\\d+/\\d+/\\d+ 0/0 "GET (\\S+) HTTP/1\\.1"\\n?$',
);

function running(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie that nobody waits for has ended too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

scenario(
  "the seed's configuration runs as a daemon in its jail and routes by path",
  async (world) => {
    const seed = await startSeed(world);
    const status = readFileSync(`/proc/${seed.pid}/status`, 'utf8');
    expect(/^Uid:\s+(\d+)/m.exec(status)![1]).not.toBe('0');
    expect(/^Gid:\s+(\d+)/m.exec(status)![1]).not.toBe('0');
    expect(readlinkSync(`/proc/${seed.pid}/root`)).toBe(join(world.dir, 'jail'));

    const client = await connectPeer({ hostname: host, port: seed.port });
    const get = async (path: string) => {
      client.send(request(path));
      return (await client.readMessage('GET')).body;
    };
    const paths = ['/static/a', '/IMAGES/b', '/x.css', '/x.JPG?y', '/javascript', '/stylesheets/c'];
    for (const path of paths) expect(await get(path)).toBe(`static ${path}`);
    const apps: string[] = [];
    for (let i = 0; i < 8; i++) apps.push((await get(`/page${i}`)).split(' ')[0]!);
    expect(apps.slice(0, 4).sort()).toEqual(['app1', 'app2', 'app3', 'app4']);
    expect(apps.slice(4)).toEqual(apps.slice(0, 4));
    client.close();

    const heads = [...seed.servers.values()].flatMap((server) => server.received()).join('');
    expect(heads).not.toContain('x-forwarded-for');
    await until(
      () => seed.log.lines.filter((line) => line.includes('"GET ')).length >= 14,
      () => seed.log.lines.join(''),
    );
    const lines = seed.log.lines.filter((line) => line.includes('"GET '));
    for (const line of lines) expect(line).toMatch(linePattern);
    expect(
      lines.some((line) => line.includes('main static/static ') && line.includes('/x.css')),
    ).toBe(true);

    const stats = await connectPeer({ unix: join(world.dir, 'jail', 'stats') });
    stats.send('show info\n');
    const info = await stats.readToEnd();
    stats.close();
    expect(info).toContain(`Pid: ${seed.pid}\n`);
    expect(info).toContain('Maxconn: 4000\n');

    process.kill(seed.pid, 'SIGTERM');
    await until(
      () => !running(seed.pid),
      () => 'the daemon did not stop',
    );
  },
  { skip: notRoot },
);

scenario(
  'a back end that stops under load loses no request, is taken out, and comes back',
  async (world) => {
    const seed = await startSeed(world);
    let stopped = false;
    const bodies: string[] = [];
    const failures: string[] = [];
    const visitor = async () => {
      let client = await connectPeer({ hostname: host, port: seed.port });
      while (!stopped) {
        client.send(request('/'));
        const reply = await client.readMessage('GET', 20_000).catch(() => null);
        if (reply?.status === 200) bodies.push(reply.body);
        else {
          failures.push(reply?.start ?? 'closed');
          client.close();
          client = await connectPeer({ hostname: host, port: seed.port });
        }
      }
      client.close();
    };
    const visitors = Promise.all(Array.from({ length: 6 }, visitor));
    const served = () => bodies.filter((body) => body.startsWith('app2')).length;
    await until(
      () => served() > 10,
      () => 'app2 never served',
    );
    // A connection that waited in the back end's backlog is reset with its request already sent:
    // that one cannot be sent again, and is logged as a server that broke off (S in third place).
    const lostOnlyWhatWasSent = () => {
      const broken = seed.log.lines.filter((line) => / app\/app2 .* S[HDL]-- /.test(line));
      const errors = seed.log.lines.filter((line) => / (-1|50\d) \d+ - - \S{4} /.test(line));
      expect(failures.length).toBeLessThanOrEqual(6);
      expect(broken.length).toBe(failures.length);
      expect(errors.length).toBe(failures.length);
    };
    const app2 = seed.servers.get('app2')!;
    const port = app2.port;
    app2.stop(false);
    await seed.log.find(/Server app\/app2 is DOWN/, 30_000);
    const after = bodies.length;
    await until(
      () => bodies.length > after + 50,
      () => 'the load stopped',
    );
    lostOnlyWhatWasSent();

    const again = new RawServer(respond('app2'), { hostname: '127.0.0.1', port });
    world.defer(() => again.stop());
    await seed.log.find(/Server app\/app2 is UP/, 30_000);
    await until(
      () => again.received().some((bytes) => bytes.includes('GET / ')),
      () => 'app2 did not come back',
    );
    stopped = true;
    await visitors;
    lostOnlyWhatWasSent();
    process.kill(seed.pid, 'SIGTERM');
    await until(
      () => !running(seed.pid),
      () => 'the daemon did not stop',
    );
  },
  { skip: notRoot, timeoutMs: 90_000 },
);
