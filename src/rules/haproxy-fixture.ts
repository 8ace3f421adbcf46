/**
 * Asks a real haproxy what expressions and conditions yield for a request: it adds a header per
 * question, and a back end in this process reads them.
 */
import { createServer, type Server, type Socket } from 'node:net';

/** One word of the configuration, quoted so that it arrives as it is. */
export function quoteWord(word: string): string {
  return `"${word.replace(/[\\"$]/g, '\\$&')}"`;
}

function listen(onData: (socket: Socket, data: string | Uint8Array) => void): Promise<Server> {
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

/** Sends raw bytes. @returns what came back (Latin-1) until the peer closed. */
async function exchange(port: number, request: string): Promise<string> {
  const closed = Promise.withResolvers<void>();
  let answer = '';
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      data: (_socket, data) => {
        answer += data.toString('latin1');
      },
      close: () => closed.resolve(),
      error: () => closed.resolve(),
    },
  });
  socket.write(Buffer.from(request, 'latin1'));
  await closed.promise;
  return answer;
}

async function start(config: string, port: number) {
  const path = `${process.env.TMPDIR ?? '/tmp'}/sluice-rules-${process.pid}-${port}.cfg`;
  await Bun.write(path, Buffer.from(config, 'latin1'));
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

function fieldsOf(head: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

export interface HaproxyAnswer {
  /** Fields of the request as it reached the back end. */
  request: Map<string, string>;
  /** Fields of the response as it reached the client. */
  response: Map<string, string>;
}

const emptyResponse = 'HTTP/1.1 204 No Content\r\n\r\n';

/**
 * Runs haproxy with `rules` (lines of a frontend, after which a back end is chosen) and sends it
 * one request.
 * @param response what the back end answers.
 */
export async function askHaproxy(
  rules: readonly string[],
  request: string,
  response = emptyResponse,
): Promise<HaproxyAnswer> {
  let head = '';
  const backend = await listen((socket, data) => {
    head += Buffer.from(data as Uint8Array).toString('latin1');
    if (head.includes('\r\n\r\n')) socket.end(Buffer.from(response, 'latin1'));
  });
  const port = await freePort();
  const config = [
    'global',
    '  tune.http.maxhdr 4000',
    '  tune.bufsize 131072',
    'defaults',
    '  mode http',
    '  option httpclose',
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
    const answer = await exchange(port, request);
    return { request: fieldsOf(head), response: fieldsOf(answer) };
  } finally {
    await haproxy.stop();
    backend.close();
  }
}
