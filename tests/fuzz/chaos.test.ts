/**
 * Chaos: many clients and back ends that do everything the protocol allows and much that it does
 * not. No byte of one connection may ever reach another one, what completes is byte-exact, a healthy
 * client is served all the time, and afterwards nothing is left behind.
 */
import { answer } from '../harness/http.ts';
import { scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';
import { type ChaosCount, type ChaosRun, runClient } from './chaos-client.ts';
import { type ChaosLog, serveChaos } from './chaos-server.ts';
import type { ExchangeLimits } from './exchange.ts';
import { expectQuiet, HealthyClient, socketsOf } from './quiet.ts';
import { fuzzFactor, Random, seedOf, timeoutMs } from './random.ts';

interface Variant {
  name: string;
  global?: string;
  defaults: string;
  /** Lines of servers; `{{s0.port}}` and so on are back ends, `{{dead}}` refuses. */
  servers: string;
  limits: ExchangeLimits;
  strict?: boolean;
  poison?: boolean;
  clients?: number;
}

const gentle: ExchangeLimits = { bodyMax: 60_000, paddingMax: 3000, faults: false, liars: false };
const rough: ExchangeLimits = { ...gentle, faults: true, liars: true };
const small: ExchangeLimits = { ...rough, bodyMax: 20_000, paddingMax: 700 };

const servers = (options: string) => `
  server a 127.0.0.1:{{s0}} ${options}
  server b 127.0.0.1:{{s1}} ${options}`;

const variants: Variant[] = [
  {
    name: 'http-reuse never, keep-alive, without faults',
    poison: true,
    defaults: 'http-reuse never',
    servers: servers(''),
    limits: { ...gentle, bodyMax: 200_000 },
    strict: true,
  },
  {
    name: 'http-reuse safe, two threads, without faults',
    global: 'nbthread 2',
    defaults: 'http-reuse safe',
    servers: servers(''),
    limits: gentle,
    strict: true,
  },
  {
    name: 'http-reuse always, faults',
    defaults: 'http-reuse always',
    servers: servers('pool-purge-delay 100ms'),
    limits: rough,
  },
  {
    name: 'http-reuse aggressive, two threads, maxconn 2 and a queue, faults',
    poison: true,
    global: 'nbthread 2',
    defaults: 'http-reuse aggressive',
    servers: servers('maxconn 2'),
    limits: rough,
  },
  {
    name: 'a dead server, redispatch, http-server-close, two threads',
    global: 'nbthread 2',
    defaults:
      'option http-server-close\n  option redispatch 1\n  retries 4\n  timeout connect 150ms',
    servers: `${servers('')}\n  server dead 127.0.0.1:{{dead}}`,
    limits: rough,
  },
  {
    name: 'httpclose, without faults',
    defaults: 'option httpclose',
    servers: servers(''),
    limits: gentle,
    strict: true,
  },
  {
    name: 'http-buffer-request, maxconn 1, abortonclose',
    defaults: 'option http-buffer-request\n  option abortonclose',
    servers: servers('maxconn 1'),
    limits: rough,
  },
  {
    name: 'tune.bufsize 4096 and tune.maxrewrite 2048, always',
    global: 'tune.bufsize 4096\n  tune.maxrewrite 2048',
    defaults: 'http-reuse always',
    servers: servers(''),
    limits: small,
  },
  {
    name: 'tune.bufsize 2048 and tune.maxrewrite 64, without faults',
    poison: true,
    global: 'tune.bufsize 2048\n  tune.maxrewrite 64\n  tune.maxpollevents 7',
    defaults: 'http-reuse always',
    servers: servers(''),
    limits: { ...small, faults: false, liars: false },
    strict: true,
  },
];

function configOf(variant: Variant): string {
  return `
global
  stats socket {{dir}}/stats
  ${variant.global?.includes('nbthread') ? '' : 'nbthread 1'}
  ${variant.global ?? ''}
defaults
  mode http
  timeout connect 2s
  timeout client 4s
  timeout server 4s
  timeout queue 8s
  timeout http-request 3s
  timeout tunnel 6s
  ${variant.defaults}
listen healthy
  bind fd@{{healthy}}
  server h 127.0.0.1:{{h}}
listen chaos
  bind fd@{{chaos}}
  http-request set-header X-Rewritten %[path]
  http-response set-header X-Answered yes
${variant.servers}
`;
}

async function chaos(world: World, variant: Variant, seed: number): Promise<void> {
  const log: ChaosLog = { limits: variant.limits, violations: [], answered: 0 };
  const backEnds = [0, 1].map(() => world.server((peer) => serveChaos(peer, log)));
  const healthyServer = world.http(() => answer('I am well'));
  const proxy = await world.proxy(configOf(variant), {
    // Memory that is handed out is filled first: nobody may rely on what stood there.
    args: variant.poison ? ['-dM'] : [],
    vars: {
      s0: backEnds[0]!.port,
      s1: backEnds[1]!.port,
      h: healthyServer.port,
      dead: world.refusedPort(),
    },
  });
  // The stats socket may open a moment after the frontends.
  await until(
    () => proxy.command('show info').catch(() => null),
    () => 'no stats socket',
  );
  const sockets = socketsOf(proxy.pid);
  const healthy = new HealthyClient(proxy.port('healthy'), 'I am well');
  const count: ChaosCount = { sent: 0, complete: 0, refused: 0, statuses: {} };
  const run: ChaosRun = { port: proxy.port('chaos'), log, count, strict: variant.strict ?? false };
  const random = new Random(seed);
  const total = (variant.clients ?? 120) * fuzzFactor;
  let next = 0;
  const worker = async () => {
    while (next < total && log.violations.length < 5) await runClient(run, random.fork(), next++);
  };
  try {
    await Promise.all(Array.from({ length: 24 }, worker));
    if (log.violations.length > 0) throw new Error(log.violations.slice(0, 5).join('\n'));
    if (count.complete < count.sent / 2) throw new Error(`only ${JSON.stringify(count)}`);
    await healthy.stop();
    for (const server of [...backEnds, healthyServer])
      for (const peer of server.peers) peer.close();
    await expectQuiet(proxy, sockets);
  } catch (error) {
    const text = `SLUICE_FUZZ_SEED=${seed} ${variant.name}: ${(error as Error).message}`;
    throw new Error(`${text}\n${proxy.stderr.slice(0, 3000)}`, { cause: error });
  }
}

variants.forEach((variant, i) => {
  scenario(
    `chaos never mixes connections and leaves nothing behind: ${variant.name}`,
    (world) => chaos(world, variant, seedOf(100 + i)),
    { timeoutMs },
  );
});
