/**
 * `npm start`: starts small HTTP back ends, then sluice on examples/demo.cfg in front of them, says
 * what to try, and shows the log lines as requests arrive. Ctrl-C ends everything.
 *
 * DEMO_PORT chooses the port, DEMO_SECONDS ends the demonstration by itself.
 */
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
const port = Number(process.env.DEMO_PORT ?? 8080);
const seconds = Number(process.env.DEMO_SECONDS ?? 0);
const program = process.env.DEMO_PROGRAM ?? join(root, 'bin', 'sluice');
const startMsMax = 10_000;

/** A back end that says who it is and what it was asked; `/stop` in the path makes it leave. */
function startBackEnd(name: string): { port: number; stop(): void } {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const url = new URL(request.url);
      const client = request.headers.get('x-forwarded-for') ?? 'nobody said';
      if (url.pathname === '/stop') setTimeout(() => server.stop(true), 50);
      return new Response(`${name}: ${request.method} ${url.pathname} for ${client}\n`, {
        headers: { 'X-Server': name },
      });
    },
  });
  return { port: server.port ?? 0, stop: () => server.stop(true) };
}

/** Is somebody else listening there? Found by trying to listen. */
function portIsBusy(): boolean {
  try {
    Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } }).stop(true);
    return false;
  } catch {
    return true;
  }
}

/** Waits until the proxy answers, it ends, or ten seconds are over. */
async function waitUntilServing(ended: () => boolean): Promise<boolean> {
  const deadline = Date.now() + startMsMax;
  while (!ended() && Date.now() < deadline) {
    try {
      // A connection without a request leaves no log line (option dontlognull).
      const probe = { hostname: '127.0.0.1', port, socket: { data() {} } };
      (await Bun.connect(probe)).end();
      return true;
    } catch {
      await Bun.sleep(50);
    }
  }
  return false;
}

function introduce(): void {
  const url = `http://127.0.0.1:${port}`;
  console.log(`
sluice serves ${url} as examples/demo.cfg says. In another terminal, try:

  curl ${url}/                     again and again: app1 (weight 2), app2, app3 in turn
  curl -i ${url}/static/site.css   routed to the static server by its path
  curl -i ${url}/private           denied by a rule: 403
  curl -i ${url}/home              redirected by a rule: 302
  curl ${url}/stop                 stops one application server; the others go on

Log lines of the requests appear below. Ctrl-C ends everything.
`);
}

async function main(): Promise<number> {
  if (portIsBusy()) {
    console.error(`demo: port ${port} is in use; choose another: DEMO_PORT=8090 npm start`);
    return 1;
  }
  const names = ['static', 'app1', 'app2', 'app3'];
  const backEnds = names.map(startBackEnd);
  const ports = names.map((name, i) => [`DEMO_${name.toUpperCase()}`, String(backEnds[i]!.port)]);
  const child = Bun.spawn([program, '-f', join(root, 'examples', 'demo.cfg')], {
    env: { ...process.env, ...Object.fromEntries(ports), DEMO_PORT: String(port) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 3000).unref();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  let failed = false;
  if (await waitUntilServing(() => child.exitCode !== null || stopping)) introduce();
  else if (!stopping) {
    console.error('demo: the proxy did not start');
    failed = true;
    stop();
  }
  const timer = seconds > 0 ? setTimeout(stop, seconds * 1000) : undefined;
  await child.exited;
  clearTimeout(timer);
  for (const backEnd of backEnds) backEnd.stop();
  return stopping && !failed ? 0 : 1;
}

process.exit(await main());
