/**
 * Large transfers: opaque bytes both ways in TCP mode and bodies that move inside the kernel in HTTP
 * mode (configuration.txt 4.2 mode, 3.2 nosplice), fast and slow, whole and cut. Every byte is
 * compared.
 */
import { answer, fieldOf, parseHead } from '../harness/http.ts';
import { connectPeer, type Peer } from '../harness/peer.ts';
import { scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';
import { tokenOf } from './exchange.ts';
import { expectQuiet, HealthyClient, socketsOf } from './quiet.ts';
import { fuzzFactor, Random, seedOf, timeoutMs } from './random.ts';

const PATIENCE_MS = 15_000;

const pattern = (token: string, mark: string, size: number) =>
  Buffer.alloc(size, `${token}${mark}`);

/** Sends in pieces, sometimes pausing. */
async function sendSlowly(peer: Peer, random: Random, data: Buffer): Promise<void> {
  let at = 0;
  while (at < data.length && !peer.closed) {
    const size = random.oneIn(3) ? 1 + random.below(3000) : 1 + random.below(data.length);
    peer.send(data.subarray(at, at + size));
    at += size;
    if (random.oneIn(2)) await peer.sent(PATIENCE_MS).catch(() => undefined);
    if (random.oneIn(3)) await Bun.sleep(random.below(8));
  }
}

/** Reads to the end, stopping to read now and then so that windows fill. */
async function readSlowly(peer: Peer, random: Random): Promise<Buffer> {
  while (peer.ending === 'open' && !peer.closed && random.oneIn(2)) {
    peer.pause();
    await Bun.sleep(random.below(60));
    peer.resume();
    await Bun.sleep(random.below(5));
  }
  await peer.readToEnd(PATIENCE_MS);
  return peer.all();
}

interface Sides {
  violations: string[];
  /** What each connection's ends have agreed on, by token. */
  plans: Map<string, Plan>;
}

interface Plan {
  token: string;
  up: number;
  down: number;
  /** Who resets in the middle. */
  cut: 'nobody' | 'client' | 'server';
  /** The server ends its side before it has read the client's end. */
  serverFirst: boolean;
}

function planOf(random: Random, connection: number): Plan {
  const most = random.oneIn(3) ? 8_000_000 : 300_000;
  return {
    token: tokenOf(connection, 0),
    up: random.oneIn(2) ? random.below(most) : random.size(most),
    down: 1 + (random.oneIn(2) ? random.below(most) : random.size(most)),
    cut: random.oneIn(4) ? random.pick(['client', 'server'] as const) : 'nobody',
    serverFirst: random.oneIn(2),
  };
}

function checkBytes(sides: Sides, plan: Plan, side: string, got: Buffer, want: Buffer): void {
  const whole = plan.cut === 'nobody';
  const same = whole ? got.equals(want) : got.equals(want.subarray(0, got.length));
  if (!same)
    sides.violations.push(`${side} of ${JSON.stringify(plan)} got ${got.length} of ${want.length}`);
}

async function tcpServer(sides: Sides, random: Random, peer: Peer): Promise<void> {
  const token = await peer.read(13, PATIENCE_MS).catch(() => null);
  const plan = token === null ? undefined : sides.plans.get(token);
  if (plan === undefined) return peer.close();
  const sending = sendSlowly(peer, random, pattern(plan.token, '<', plan.down)).then(() => {
    if (plan.cut === 'server') peer.reset();
    else peer.end();
  });
  if (!plan.serverFirst) await sending;
  const got = await readSlowly(peer, random);
  checkBytes(sides, plan, 'server', got.subarray(13), pattern(plan.token, '>', plan.up));
  await sending;
}

async function tcpClient(sides: Sides, random: Random, port: number, plan: Plan): Promise<void> {
  const peer = await connectPeer({ hostname: '127.0.0.1', port });
  peer.send(plan.token);
  const sending = sendSlowly(peer, random, pattern(plan.token, '>', plan.up)).then(() => {
    if (plan.cut === 'client') peer.reset();
    else if (plan.cut === 'nobody') peer.end();
  });
  const got = await readSlowly(peer, random);
  await sending;
  checkBytes(sides, plan, 'client', got, pattern(plan.token, '<', plan.down));
  peer.close();
}

const timeouts = `
  timeout connect 2s
  timeout client 6s
  timeout server 6s`;

async function tcpChaos(world: World, seed: number, threads: number): Promise<void> {
  const sides: Sides = { violations: [], plans: new Map() };
  const random = new Random(seed);
  const server = world.server((peer) => tcpServer(sides, random.fork(), peer));
  const healthyServer = world.http(() => answer('well'));
  const proxy = await world.proxy(`
global
  nbthread ${threads}
  stats socket {{dir}}/stats
defaults
  ${timeouts}
listen tcp
  mode tcp
  bind fd@{{tcp}}
  server s 127.0.0.1:${server.port}
listen healthy
  mode http
  bind fd@{{healthy}}
  server h 127.0.0.1:${healthyServer.port}
`);
  await until(
    () => proxy.command('show info').catch(() => null),
    () => 'no stats socket',
  );
  const sockets = socketsOf(proxy.pid);
  const healthy = new HealthyClient(proxy.port('healthy'), 'well');
  let next = 0;
  const worker = async () => {
    while (next < 60 * fuzzFactor) {
      const plan = planOf(random, next++);
      sides.plans.set(plan.token, plan);
      await tcpClient(sides, random.fork(), proxy.port('tcp'), plan);
    }
  };
  try {
    await Promise.all(Array.from({ length: 8 }, worker));
    if (sides.violations.length > 0) throw new Error(sides.violations.slice(0, 4).join('\n'));
    await healthy.stop();
    for (const peer of healthyServer.peers) peer.close();
    await expectQuiet(proxy, sockets);
  } catch (error) {
    throw new Error(`SLUICE_FUZZ_SEED=${seed}: ${(error as Error).message}`, { cause: error });
  }
}

for (const threads of [1, 2]) {
  scenario(
    `random bytes pass both ways unchanged in TCP mode, with half-closes and resets, ${threads} thread(s)`,
    (world) => tcpChaos(world, seedOf(200 + threads), threads),
    { timeoutMs },
  );
}

/** A server of large bodies: takes and gives what the fields of the request say. */
async function bigServer(sides: Sides, random: Random, peer: Peer): Promise<void> {
  for (;;) {
    const raw = await peer.readUntil('\r\n\r\n', 60_000).catch(() => null);
    if (raw === null) return peer.close();
    const plan = sides.plans.get(fieldOf(parseHead(raw), 'x-token') ?? '')!;
    const body = Buffer.from(await peer.read(plan.up, PATIENCE_MS).catch(() => ''), 'latin1');
    checkBytes(sides, plan, 'server', body, pattern(plan.token, '>', plan.up));
    if (body.length < plan.up) return peer.close();
    const data = pattern(plan.token, '<', plan.down);
    peer.send(`HTTP/1.1 200 OK\r\nX-Token: ${plan.token}\r\nContent-Length: ${plan.down}\r\n\r\n`);
    if (plan.cut === 'server') {
      await sendSlowly(peer, random, data.subarray(0, random.below(plan.down)));
      return random.oneIn(2) ? peer.reset() : peer.close();
    }
    await sendSlowly(peer, random, data);
  }
}

async function bigExchange(sides: Sides, random: Random, peer: Peer, plan: Plan): Promise<boolean> {
  const head = `PUT /${plan.token} HTTP/1.1\r\nHost: h\r\nX-Token: ${plan.token}\r\n`;
  peer.send(`${head}Content-Length: ${plan.up}\r\n\r\n`);
  const data = pattern(plan.token, '>', plan.up);
  if (plan.cut === 'client' && random.oneIn(2)) {
    await sendSlowly(peer, random, data.subarray(0, random.below(plan.up + 1)));
    peer.reset();
    return false;
  }
  await sendSlowly(peer, random, data);
  const answered = await peer.readHead(PATIENCE_MS).catch(() => null);
  if (answered === null || answered.status !== 200) {
    if (plan.cut === 'nobody') {
      const got = answered?.start ?? peer.ending;
      sides.violations.push(`${got} instead of an answer: ${JSON.stringify(plan)}`);
    }
    return false;
  }
  if (fieldOf(answered, 'x-token') !== plan.token) sides.violations.push(`foreign ${plan.token}`);
  if (plan.cut === 'client') {
    await Bun.sleep(random.below(20));
    peer.reset();
    return false;
  }
  if (random.oneIn(3)) {
    peer.pause();
    await Bun.sleep(random.below(80));
    peer.resume();
  }
  const from = peer.taken;
  await peer.read(plan.down, PATIENCE_MS).catch(() => '');
  const got = peer.all().subarray(from, from + plan.down);
  checkBytes(sides, plan, 'client', got, pattern(plan.token, '<', plan.down));
  return plan.cut === 'nobody';
}

async function bigBodies(world: World, seed: number, global: string): Promise<void> {
  const sides: Sides = { violations: [], plans: new Map() };
  const random = new Random(seed);
  const server = world.server((peer) => bigServer(sides, random.fork(), peer));
  const proxy = await world.proxy(`
global
  stats socket {{dir}}/stats
  ${global}
defaults
  mode http
  ${timeouts}
listen big
  bind fd@{{big}}
  http-reuse always
  server s 127.0.0.1:${server.port}
`);
  await until(
    () => proxy.command('show info').catch(() => null),
    () => 'no stats socket',
  );
  const sockets = socketsOf(proxy.pid);
  let next = 0;
  const worker = async () => {
    while (next < 48 * fuzzFactor) {
      const peer = await connectPeer({ hostname: '127.0.0.1', port: proxy.port('big') });
      for (let more = true; more && random.below(4) > 0; ) {
        const plan = planOf(random, next++);
        sides.plans.set(plan.token, plan);
        more = await bigExchange(sides, random, peer, plan);
      }
      peer.close();
    }
  };
  try {
    await Promise.all(Array.from({ length: 6 }, worker));
    if (sides.violations.length > 0) throw new Error(sides.violations.slice(0, 4).join('\n'));
    for (const peer of server.peers) peer.close();
    await expectQuiet(proxy, sockets);
  } catch (error) {
    throw new Error(`SLUICE_FUZZ_SEED=${seed}: ${(error as Error).message}`, { cause: error });
  }
}

const settings = ['nbthread 1', 'nbthread 2\n  maxpipes 2', 'nbthread 1\n  nosplice'];
settings.forEach((global, i) => {
  scenario(
    `large bodies arrive whole or are seen to be cut: ${global.replace(/\s+/g, ' ')}`,
    (world) => bigBodies(world, seedOf(210 + i), global),
    { timeoutMs },
  );
});
