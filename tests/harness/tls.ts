/**
 * TLS clients and servers for tests: the runtime's own client for exchanges, the openssl program for
 * what it does not offer (sessions that are resumed, old versions, chosen curves).
 */
import { readFileSync } from 'node:fs';
import { connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { patienceMs, within } from './wait.ts';

export interface TlsClientOptions {
  servername?: string;
  alpn?: string[];
  /** PEM file with certificate and key. */
  pem?: string;
  min?: 'TLSv1.2' | 'TLSv1.3';
  max?: 'TLSv1.2' | 'TLSv1.3';
}

export interface TlsReply {
  text: string;
  /** Common name of the certificate that was shown. */
  subject: string;
  alpn: string | false | null;
  protocol: string | null;
}

/** Connects and shakes hands; rejects when that fails. */
export function tlsConnect(port: number, options: TlsClientOptions = {}): Promise<TLSSocket> {
  const pem = options.pem === undefined ? undefined : readFileSync(options.pem);
  const opened = new Promise<TLSSocket>((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ...(options.servername === undefined ? {} : { servername: options.servername }),
      ...(options.alpn === undefined ? {} : { ALPNProtocols: options.alpn }),
      ...(pem === undefined ? {} : { cert: pem, key: pem }),
      ...(options.min === undefined ? {} : { minVersion: options.min }),
      ...(options.max === undefined ? {} : { maxVersion: options.max }),
    });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed in the handshake')));
  });
  return within(opened, () => 'no handshake', patienceMs);
}

/** Everything that comes until the end. */
export function readToEnd(socket: TLSSocket): Promise<string> {
  const chunks: Buffer[] = [];
  const done = new Promise<string>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.on('error', reject);
  });
  return within(done, () => `no end after ${Buffer.concat(chunks).toString('latin1')}`, patienceMs);
}

/** Sends bytes on a new connection and gives what comes until its end. */
export async function tlsExchange(
  port: number,
  bytes: string,
  options: TlsClientOptions = {},
): Promise<TlsReply> {
  const socket = await tlsConnect(port, options);
  const certificate = socket.getPeerCertificate();
  const reply = readToEnd(socket);
  socket.write(bytes, 'latin1');
  const text = await reply;
  const found = {
    text,
    subject: String(certificate.subject?.CN ?? ''),
    alpn: socket.alpnProtocol,
    protocol: socket.getProtocol(),
  };
  socket.destroy();
  return found;
}

/** `openssl s_client` to a port with `input` on its standard input. @returns all of its output. */
export async function sClient(port: number, args: string[], input = ''): Promise<string> {
  const child = Bun.spawn(['openssl', 's_client', '-connect', `127.0.0.1:${port}`, ...args], {
    stdin: Buffer.from(input),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const output = Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  try {
    return (await within(output, () => 's_client still runs', patienceMs)).join('');
  } finally {
    child.kill();
  }
}

/** A TLS server that answers every request on its own connection; `seen` gets what it knows of each. */
export interface TlsServer {
  port: number;
  seen: { servername: string; alpn: string; resumed: boolean; subject: string }[];
  connections: () => number;
  stop(): void;
}

export async function tlsServer(
  pem: string,
  answer: (request: string) => string,
  options: TlsOptions = {},
): Promise<TlsServer> {
  const bytes = readFileSync(pem);
  const seen: TlsServer['seen'] = [];
  let connections = 0;
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert: bytes, key: bytes, ...options }, (socket) => {
    connections++;
    sockets.add(socket);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      const request = text;
      text = '';
      seen.push({
        servername: String((socket as { servername?: string }).servername || ''),
        alpn: String(socket.alpnProtocol || ''),
        resumed: socket.isSessionReused(),
        subject: String(socket.getPeerCertificate?.()?.subject?.CN ?? ''),
      });
      socket.write(answer(request), 'latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  return {
    port: (server.address() as { port: number }).port,
    seen,
    connections: () => connections,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
