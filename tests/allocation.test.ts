/**
 * The request path allocates nothing in the steady state: not on the JavaScript heap, not in the
 * pools. The heap's capacity grows by whatever garbage needs room, so it shows what was allocated
 * even when it was collected since.
 */
import { expect } from 'bun:test';
import type { Proxy } from './harness/proxy.ts';
import { scenario } from './harness/scenario.ts';

const warmUp = 25_000;
const measured = 25_000;
const windows = 5;
/** Blocks of the heap are 16 KiB; some are opened for reasons of the runtime's own. */
const bytesPerRequestMax = 4;

const connections = 16;
const request = Buffer.from(
  'GET /static/a?b=c HTTP/1.1\r\nHost: example\r\nCookie: a=b\r\nConnection: keep-alive\r\n\r\n',
);
const response = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello');

/** Answers every segment with one response: requests come one by one. */
function serveFast() {
  return Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: (socket) => void socket.write(response) },
  });
}

/** Sends `total` requests over a few persistent connections, one at a time on each. */
async function load(port: number, total: number): Promise<void> {
  let left = total;
  let open = connections;
  const done = Promise.withResolvers<void>();
  for (let i = 0; i < connections; i++) {
    await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: (socket) => void socket.write(request),
        data(socket) {
          if (left-- > 0) socket.write(request);
          else socket.end();
        },
        close() {
          if (--open === 0) done.resolve();
        },
      },
    });
  }
  await done.promise;
}

interface Memory {
  heapBytes: number;
  buffers: number;
}

async function memoryOf(proxy: Proxy, reports: number): Promise<Memory> {
  const pattern = /worker 1: (\d+) of .* (\d+) bytes of heap/g;
  proxy.signal('SIGQUIT');
  await proxy.changes.until(
    () => [...proxy.stderr.matchAll(pattern)].length >= reports,
    () => `no memory report: ${proxy.stderr}`,
  );
  const [, buffers, heapBytes] = [...proxy.stderr.matchAll(pattern)].at(-1)!;
  return { heapBytes: Number(heapBytes), buffers: Number(buffers) };
}

scenario(
  'requests with rules, captures and a log line allocate nothing once warm',
  async (world) => {
    const server = serveFast();
    world.defer(() => server.stop(true));
    const log = await world.syslog();
    const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend l
  bind fd@{{l}}
  capture request header Host len 20
  acl static path_beg -i /static
  http-request set-header X-Path "%[path] %[src]"
  http-response del-header X-A
  use_backend app if static
backend app
  balance roundrobin
  server s1 127.0.0.1:${server.port}
  server s2 127.0.0.1:${server.port} weight 2
`);
    await load(proxy.port('l'), warmUp);
    await memoryOf(proxy, 1);
    // The optimiser works beside the program and leaves its results on the heap, sooner or later. A
    // request path that allocates does so in every window; one that does not has a clean one.
    let reports = 1;
    let grown = Number.POSITIVE_INFINITY;
    let before = await memoryOf(proxy, ++reports);
    for (let window = 0; window < windows && grown >= bytesPerRequestMax; window++) {
      await load(proxy.port('l'), measured);
      const after = await memoryOf(proxy, ++reports);
      grown = (after.heapBytes - before.heapBytes) / measured;
      before = after;
    }
    expect(grown).toBeLessThan(bytesPerRequestMax);
    expect(before.buffers).toBe(0);
  },
  { timeoutMs: 60_000 },
);
