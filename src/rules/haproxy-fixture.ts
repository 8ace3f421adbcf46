/**
 * Asks a real haproxy what expressions and conditions yield for a request: it adds a header per
 * question, and a back end in this process reads them.
 */
import { createServer, type Server, type Socket } from 'node:net';

/** One word of the configuration, quoted so that it arrives as it is. */
export function quoteWord(word: string): string {
  return `"${word.replace(/[\\"$]/g, '\\$&')}"`;
}

function listen(onData: (socket: Socket, data: Buffer) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('data', (data) => onData(socket, data));
    socket.on('error', () => socket.destroy());
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

async function freePort(): Promise<number> {
  const server = await listen(() => {});
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Sends raw bytes; resolves when the peer has answered or closed. */
async function exchange(port: number, request: string): Promise<void> {
  const answered = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      data: () => answered.resolve(),
      close: () => answered.resolve(),
      error: () => answered.resolve(),
    },
  });
  socket.write(Buffer.from(request, 'latin1'));
  await answered.promise;
  socket.end();
}

async function start(config: string, port: number) {
  const path = `${process.env.TMPDIR ?? '/tmp'}/sluice-rules-${process.pid}-${port}.cfg`;
  await Bun.write(path, config);
  const child = Bun.spawn(['haproxy', '-db', '-f', path], { stdout: 'ignore', stderr: 'pipe' });
  for (;;) {
    if (child.exitCode !== null) throw new Error(await new Response(child.stderr).text());
    try {
      const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } });
      socket.end();
      break;
    } catch {
      await Bun.sleep(5);
    }
  }
  return {
    async stop() {
      child.kill();
      await child.exited;
      await Bun.file(path).delete();
    },
  };
}

/**
 * Runs haproxy with `rules` (lines of a frontend, after which a back end is chosen) and sends it
 * one request.
 * @returns the head that reached the back end: field name → value (Latin-1).
 */
export async function askHaproxy(
  rules: readonly string[],
  request: string,
): Promise<Map<string, string>> {
  let head = '';
  const backend = await listen((socket, data) => {
    head += data.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
  });
  const port = await freePort();
  const config = [
    'global',
    '  tune.http.maxhdr 4000',
    '  tune.bufsize 131072',
    'defaults',
    '  mode http',
    '  timeout client 5s',
    '  timeout connect 5s',
    '  timeout server 5s',
    'frontend main',
    `  bind 127.0.0.1:${port}`,
    ...rules.map((rule) => `  ${rule}`),
    '  default_backend app',
    'backend app',
    `  server s 127.0.0.1:${portOf(backend)}`,
    '',
  ];
  const haproxy = await start(config.join('\n'), port);
  try {
    await exchange(port, request);
  } finally {
    await haproxy.stop();
    backend.close();
  }
  const fields = new Map<string, string>();
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}
