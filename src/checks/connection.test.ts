import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as dial, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../base/value/address.ts';
import { ipv4 } from '../model/config-fixture.ts';
import { base, reserve } from '../sys/arena.ts';
import { libc } from '../sys/libc.ts';
import * as socket from '../sys/socket.ts';
import {
  type Connection,
  type ConnectResult,
  type ConnectTarget,
  createOpen,
} from './connection.ts';
import { FakeClock } from './fake.ts';

const folder = mkdtempSync(join(tmpdir(), 'connect-'));
const servers: Server[] = [];

afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

function listen(where: { port: number; host: string } | { path: string }): Promise<Server> {
  const server = createServer((conn) => {
    // The reset of the check may or may not be seen here, depending on who is faster.
    conn.on('error', () => {});
    conn.resume();
  });
  servers.push(server);
  return new Promise((resolve) => {
    server.listen({ ...where }, () => resolve(server));
  });
}

async function freePort(): Promise<number> {
  const server = await listen({ port: 0, host: '127.0.0.1' });
  return (server.address() as { port: number }).port;
}

function attempt(address: Address, source: Address | null = null): Promise<ConnectResult> {
  const target: ConnectTarget = { address, source, delaysAck: true };
  return new Promise((resolve) => {
    const connection: Connection = createOpen()(target, {
      decided: (result) => {
        connection.close(false);
        resolve(result);
      },
      ready: () => {},
    });
  });
}

const unix = (path: string): Address => ({ ...ipv4(0), family: 'unix', bytes: [], path });

describe('connections of health checks', () => {
  test('a listening port answers', async () => {
    expect(await attempt(ipv4(await freePort()))).toEqual({ kind: 'connected' });
  });

  test('a closed port refuses', async () => {
    const server = await listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as { port: number };
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    const result = await attempt(ipv4(port));
    expect(result).toEqual({ kind: 'refused', info: 'Connection refused' });
  });

  test('IPv6 is asked as such', async () => {
    const server = await listen({ port: 0, host: '::1' });
    const { port } = server.address() as { port: number };
    const bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const result = await attempt({ ...ipv4(port), family: 'ipv6', bytes });
    expect(result).toEqual({ kind: 'connected' });
  });

  test('a unix socket is asked by path, and one that is missing is a socket error', async () => {
    const path = join(folder, 's');
    await listen({ path });
    expect(await attempt(unix(path))).toEqual({ kind: 'connected' });
    expect(await attempt(unix(join(folder, 'none')))).toEqual({
      kind: 'failed',
      info: 'General socket error (No such file or directory)',
    });
  });

  test('the source address is used, and one of another machine is named as the reason', async () => {
    const server = await listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as { port: number };
    const peer = new Promise((resolve) => {
      server.on('connection', (conn) => resolve(conn.remoteAddress));
    });
    const source = { ...ipv4(0), bytes: [127, 0, 0, 9] };
    const opening = new Promise<Connection>((resolve) => {
      const connection: Connection = createOpen()(
        { address: ipv4(port), source, delaysAck: false },
        { decided: () => resolve(connection), ready: () => {} },
      );
    });
    expect(await peer).toBe('127.0.0.9');
    (await opening).close(false);
    const foreign = { ...ipv4(0), bytes: [192, 0, 2, 77] };
    expect(await attempt(ipv4(port), foreign)).toEqual({
      kind: 'refused',
      info: "Can't bind to source address (Cannot assign requested address)",
    });
  });

  test('the connection ends with a reset, never with an orderly end', async () => {
    const server = await listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as { port: number };
    const ends: string[] = [];
    const marked = new Promise<void>((resolve) => {
      server.on('connection', (conn) => {
        conn.on('end', () => ends.push('end'));
        conn.on('data', () => resolve());
      });
    });
    await attempt(ipv4(port));
    // A connection made later shows that the first one has been dealt with, seen or not.
    const later = dial(port, '127.0.0.1', () => later.write('x'));
    await marked;
    later.destroy();
    expect(ends).toEqual([]);
  });

  test('a connection that hangs is looked at some 60 times in 2 s, not all the time', () => {
    const full = fullListener(ipv4(0));
    const clock = new FakeClock();
    let looks = 0;
    let said = 0;
    const counting = {
      nowMs: () => clock.nowMs(),
      wallSeconds: () => clock.wallSeconds(),
      random: () => 0,
      after: (delayMs: number, fire: () => void) => {
        looks++;
        return clock.after(delayMs, fire);
      },
    };
    const connection = createOpen(counting)(
      { address: full.address, source: null, delaysAck: true },
      { decided: () => said++, ready: () => said++ },
    );
    clock.advance(2000);
    expect(said).toBe(0);
    expect(looks).toBeGreaterThan(20);
    expect(looks).toBeLessThan(65);
    connection.close(false);
    expect(clock.pending).toBe(0);
    full.close();
  });

  test('a unix socket whose backlog is full is a socket error', async () => {
    const full = fullListener(unix(join(folder, 'full')));
    expect(await attempt(full.address)).toEqual({
      kind: 'failed',
      info: 'General socket error (Resource temporarily unavailable)',
    });
    full.close();
  });

  test('an attempt that was given up says nothing', async () => {
    let said = 0;
    const connection = createOpen()(
      { address: ipv4(await freePort()), source: null, delaysAck: true },
      { decided: () => said++, ready: () => said++ },
    );
    connection.close(false);
    connection.close(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(said).toBe(0);
  });
});

/** A socket that listens without accepting, with so many connections that no more are taken. */
function fullListener(address: Address): { address: Address; close(): void } {
  const where = reserve(128);
  const length = socket.createSockaddr(address, where);
  const fds = [socket.streamSocket(where)];
  expect(socket.bindTo(fds[0]!, where, length)).toBe(0);
  expect(libc.listen(fds[0]!, 0)).toBe(0);
  let bound = address;
  if (address.family === 'ipv4') {
    expect(socket.localAddress(fds[0]!)).toBe(true);
    bound = { ...address, port: socket.peerPort() };
  }
  const boundLength = socket.createSockaddr(bound, where);
  for (let i = 0; i < 3; i++) {
    const fd = socket.streamSocket(where);
    libc.connect(fd, (base + where) as never, boundLength);
    fds.push(fd);
  }
  return {
    address: bound,
    close: () => {
      for (const fd of fds) socket.close(fd);
    },
  };
}
