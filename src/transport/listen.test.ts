import { afterEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../base/value/address.ts';
import { ipv4, origin } from '../model/config-fixture.ts';
import { defaultBind } from '../model/defaults.ts';
import { libc } from '../sys/libc.ts';
import { localAddress, peerPort } from '../sys/socket.ts';
import {
  inheritedProblem,
  ListenError,
  type ListenOptions,
  listenText,
  openListeners,
  Staged,
} from './listen.ts';

const staged: Staged[] = [];
const folders: string[] = [];

afterEach(() => {
  for (const each of staged.splice(0)) each.abandon();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function stage(): Staged {
  const made = new Staged();
  staged.push(made);
  return made;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'listen-'));
  folders.push(path);
  return path;
}

function address(parts: Partial<Address>): Address {
  return { ...ipv4(0), text: '', ...parts };
}

function options(parts: Partial<Address>, more: Partial<ListenOptions> = {}): ListenOptions {
  return { ...defaultBind(0, address(parts), origin), backlog: 10, reusePort: true, ...more };
}

function portOf(fd: number): number {
  localAddress(fd);
  return peerPort();
}

function messageOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ListenError);
    return (error as ListenError).message;
  }
  throw new Error('nothing was refused');
}

describe('sockets of an IP address (5.1)', () => {
  test('are one per worker, all on the same port', () => {
    const fds = openListeners(options({}), 3, stage());
    expect(fds.length).toBe(3);
    const ports = new Set(fds.map(portOf));
    expect(ports.size).toBe(1);
    expect([...ports][0]).toBeGreaterThan(0);
  });

  test('accept connections, and none before they are told to', async () => {
    const own = stage();
    const [fd] = openListeners(options({}), 1, own);
    const early = Bun.connect({
      hostname: '127.0.0.1',
      port: portOf(fd!),
      socket: { data: () => undefined },
    });
    expect(early).rejects.toThrow();
    await early.catch(() => undefined);
    own.listen();
    const client = await Bun.connect({
      hostname: '127.0.0.1',
      port: portOf(fd!),
      socket: { data: () => undefined },
    });
    client.end();
  });

  test('are refused with the address when another program holds it', () => {
    const other = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: () => undefined },
      exclusive: true,
    } as never);
    const text = messageOf(() => openListeners(options({ port: other.port }), 2, stage()));
    other.stop(true);
    expect(text).toBe(`cannot bind socket (Address already in use) for [127.0.0.1:${other.port}]`);
  });

  test('are refused when the machine does not have the address', () => {
    const text = messageOf(() => openListeners(options({ bytes: [192, 0, 2, 1] }), 1, stage()));
    expect(text).toBe('cannot bind socket (Cannot assign requested address) for [192.0.2.1:0]');
  });

  test('take defer-accept, tfo, mss and tcp-ut', () => {
    const more = { deferAccept: 1500, tfo: true, mss: 1200, tcpUserTimeout: 5000 };
    expect(openListeners(options({}, more), 1, stage()).length).toBe(1);
  });

  test('name the device that does not exist (5.1 interface)', () => {
    const text = messageOf(() => openListeners(options({}, { interface: 'nodev9' }), 1, stage()));
    expect(text).toStartWith("cannot bind receiver to device 'nodev9' (");
  });

  test('of IPv6 with v4v6 and v6only may stand next to IPv4 on one port', () => {
    const bytes = new Array<number>(16).fill(0);
    const anyV4 = openListeners(options({ bytes: [0, 0, 0, 0] }), 1, stage());
    const port = portOf(anyV4[0]!);
    const only = options({ family: 'ipv6', bytes, port }, { v6only: true });
    expect(openListeners(only, 1, stage()).length).toBe(1);
  });
});

describe('a unix socket (5.1)', () => {
  test('appears with its mode only when everything is bound', () => {
    const path = join(folder(), 's');
    const own = stage();
    openListeners(options({ family: 'unix', path, bytes: [] }, { mode: 0o640 }), 4, own);
    expect(existsSync(path)).toBe(false);
    own.commit();
    expect(statSync(path).isSocket()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test('is shared by all workers', () => {
    const path = join(folder(), 's');
    expect(openListeners(options({ family: 'unix', path, bytes: [] }), 4, stage()).length).toBe(1);
  });

  test('takes the place of the one that an earlier process left', () => {
    const path = join(folder(), 's');
    for (let i = 0; i < 2; i++) {
      const own = stage();
      openListeners(options({ family: 'unix', path, bytes: [] }), 1, own);
      own.commit();
    }
    expect(statSync(path).isSocket()).toBe(true);
  });

  test('leaves nothing behind when the start fails', () => {
    const where = folder();
    const own = stage();
    openListeners(options({ family: 'unix', path: join(where, 's'), bytes: [] }), 1, own);
    own.abandon();
    expect(readdirSync(where)).toEqual([]);
  });

  test('in a folder that does not exist is refused by its path', () => {
    const path = '/nonexistent/s';
    const text = messageOf(() => {
      openListeners(options({ family: 'unix', path, bytes: [] }), 1, stage());
    });
    expect(text).toBe(`cannot bind UNIX socket (No such file or directory) [${path}]`);
  });

  test('with a path that does not fit sockaddr_un is refused', () => {
    const path = `/${'x'.repeat(120)}`;
    const text = messageOf(() => {
      openListeners(options({ family: 'unix', path, bytes: [] }), 1, stage());
    });
    expect(text).toStartWith('socket path too long');
  });
});

describe('an abstract socket (2.9 abns@)', () => {
  test('can be bound once', () => {
    const path = `sluice-listen-test-${process.pid}`;
    const what = options({ family: 'abns', path, bytes: [] });
    openListeners(what, 1, stage());
    const text = messageOf(() => openListeners(what, 1, stage()));
    expect(text).toBe(`cannot bind UNIX socket (already in use) [abns@${path}]`);
  });
});

describe('an inherited descriptor (2.9 fd@)', () => {
  test('is used when it is a stream socket', () => {
    const [fd] = openListeners(options({}), 1, stage());
    const copy = libc.dup(fd!);
    expect(openListeners(options({ family: 'fd', fd: copy }), 4, stage())).toEqual([copy]);
  });

  test('is refused when it is closed, or no socket', () => {
    expect(inheritedProblem(9999)).toBe("cannot use file descriptor '9999' : Bad file descriptor");
    expect(inheritedProblem(0)).toContain("cannot use file descriptor '0'");
  });

  test('is refused when it is a datagram socket', () => {
    const fd = libc.socket(2, 2, 0);
    expect(inheritedProblem(fd)).toContain('not a stream socket');
    libc.close(fd);
  });
});

describe('the text of an address', () => {
  test('is what HAProxy prints in messages', () => {
    expect(listenText(address({ port: 80 }))).toBe('127.0.0.1:80');
    const any = new Array<number>(16).fill(0);
    expect(listenText(address({ family: 'ipv6', bytes: any, port: 80 }))).toBe(':::80');
    expect(listenText(address({ family: 'unix', path: '/run/x' }))).toBe('/run/x');
    expect(listenText(address({ family: 'fd', fd: 7 }))).toBe('fd@7');
  });
});
