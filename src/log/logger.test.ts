import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogTargetConfig } from '../model/config.ts';
import { base, mem, mem32, reserve, reserveBytes, text } from '../sys/arena.ts';
import { clock } from '../sys/clock.ts';
import { libc } from '../sys/libc.ts';
import { createSockaddr } from '../sys/socket.ts';
import { createLogger, createLogShared, type Logger, type LoggerOptions } from './logger.ts';
import { configurationFixture, logFixture, proxyFixture, ringFixture } from './test-fixture.ts';
import { LogReceiver } from './test-haproxy.ts';

const folder = mkdtempSync(join(tmpdir(), 'logger-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => clock.update());

const input = reserve(4096);

function udp(port: number): LogTargetConfig['target'] {
  const address = { datagram: true, bytes: [127, 0, 0, 1], port, path: '', fd: -1, text: '' };
  return { kind: 'udp', address: { family: 'ipv4', ...address } };
}

function loggerOf(logs: Partial<LogTargetConfig>[], options: Partial<LoggerOptions> = {}): Logger {
  const proxy = proxyFixture({ logs: logs.map(logFixture) });
  const config = options.config ?? configurationFixture([proxy]);
  return createLogger({ hostname: 'machine', pid: 4711, worker: 0, ...options, config });
}

function send(logger: Logger, line: string, level = 6): void {
  const bytes = new TextEncoder().encode(line);
  mem.set(bytes, input);
  logger.send(0, level, input, bytes.length, 0, 0);
}

describe('UDP targets (4.2 log)', () => {
  test('all lines of a turn arrive, each as its own datagram and in order', async () => {
    const receiver = await LogReceiver.open();
    const logger = loggerOf([{ target: udp(receiver.port) }]);
    // More than one batch holds.
    for (let i = 0; i < 150; i++) send(logger, `line ${i}`);
    logger.flush();
    for (let i = 0; i < 150; i++) expect(await receiver.next()).toBe(`line ${i}\n`);
    expect(logger.lost).toBe(0);
    logger.close();
    receiver.close();
  });

  test('long lines of one length arrive one by one, too', async () => {
    const receiver = await LogReceiver.open();
    const logger = loggerOf([{ target: udp(receiver.port), length: 9000 }]);
    const lines = Array.from({ length: 16 }, (_, i) => `${100 + i}`.padEnd(4000, 'x'));
    for (const line of lines) send(logger, line);
    logger.flush();
    for (const line of lines) expect(await receiver.next()).toBe(`${line}\n`);
    expect(logger.lost).toBe(0);
    logger.close();
    receiver.close();
  });

  test('a target that nobody reads loses lines without an exception', async () => {
    const receiver = await LogReceiver.open();
    const { port } = receiver;
    receiver.close();
    const logger = loggerOf([{ target: udp(port) }]);
    for (let turn = 0; turn < 5; turn++) {
      send(logger, 'one');
      send(logger, 'two');
      logger.flush();
    }
    logger.close();
    expect(logger.lost).toBeLessThanOrEqual(10);
  });

  test('a level limit drops lines and a minimum caps them', async () => {
    const receiver = await LogReceiver.open();
    const logger = loggerOf([
      { target: udp(receiver.port), format: 'short', levelMax: 4, levelMin: 3 },
    ]);
    for (let level = 0; level < 8; level++) send(logger, `level ${level}`, level);
    logger.flush();
    const lines: string[] = [];
    for (let i = 0; i < 5; i++) lines.push(await receiver.next());
    expect(lines).toEqual([
      '<3>level 0\n',
      '<3>level 1\n',
      '<3>level 2\n',
      '<3>level 3\n',
      '<4>level 4\n',
    ]);
    logger.close();
    receiver.close();
  });

  test('a sample counts the lines of all threads together', async () => {
    const receiver = await LogReceiver.open();
    const sample = {
      ranges: [
        [1, 1],
        [4, 5],
      ] as [number, number][],
      size: 5,
    };
    const proxy = proxyFixture({ logs: [logFixture({ target: udp(receiver.port), sample })] });
    const config = configurationFixture([proxy]);
    const shared = createLogShared(config);
    const loggers = [loggerOf([], { config, shared }), loggerOf([], { config, shared })];
    for (let i = 1; i <= 10; i++) {
      send(loggers[i % 2]!, `${i}`);
      loggers[i % 2]!.flush();
    }
    const lines: string[] = [];
    for (let i = 0; i < 6; i++) lines.push((await receiver.next()).trim());
    expect(lines).toEqual(['1', '4', '5', '6', '9', '10']);
    for (const logger of loggers) logger.close();
    receiver.close();
  });

  test('global targets have their own list and the tag of the process', async () => {
    const receiver = await LogReceiver.open();
    const log = logFixture({ target: udp(receiver.port), format: 'local' });
    const config = configurationFixture([proxyFixture({})], { logs: [log], logTag: 'tag' });
    const logger = loggerOf([], { config });
    expect(logger.hasTargets(-1)).toBe(true);
    expect(logger.hasTargets(0)).toBe(false);
    logger.text(-1, 5, 'Proxy main started. é€😀');
    const line = Buffer.from(await receiver.next(), 'latin1').toString();
    expect(line).toMatch(/^<133>... .. ..:..:.. tag\[4711\]: Proxy main started\. é€😀\n$/);
    logger.close();
    receiver.close();
  });
});

describe('unix datagram targets (4.2 log)', () => {
  const received = reserve(4096);

  function bindUnix(path: string): number {
    const off = reserve(128);
    const address = { datagram: true, bytes: [], port: 0, path, fd: -1, text: path };
    const len = createSockaddr({ family: 'unix', ...address }, off);
    const fd = libc.socket(1, 2 | 0x800, 0);
    if (libc.bind(fd, (base + off) as never, len) !== 0) throw new Error('bind failed');
    return fd;
  }

  function receive(fd: number): string {
    const len = libc.recv(fd, (base + received) as never, 4096, 0);
    return len < 0 ? 'nothing' : text(received, len);
  }

  test('a socket that appears later gets the very next batch', () => {
    const path = join(folder, 'late');
    const logger = loggerOf([{ target: { kind: 'unix', path } }]);
    send(logger, 'lost');
    logger.flush();
    expect(logger.lost).toBe(1);
    const fd = bindUnix(path);
    send(logger, 'found');
    logger.flush();
    expect(receive(fd)).toBe('found\n');
    expect(logger.lost).toBe(1);
    logger.close();
    libc.close(fd);
  });

  test('a restarted syslog daemon gets the very next line', () => {
    const path = join(folder, 'restarted');
    const first = bindUnix(path);
    const logger = loggerOf([{ target: { kind: 'unix', path } }]);
    clock.nowMs += 5000;
    send(logger, 'one');
    logger.flush();
    expect(receive(first)).toBe('one\n');
    libc.close(first);
    rmSync(path);
    const second = bindUnix(path);
    send(logger, 'two');
    logger.flush();
    expect(receive(second)).toBe('two\n');
    expect(logger.lost).toBe(0);
    logger.close();
    libc.close(second);
  });

  test('a reader that does not read never delays; lines are lost and counted', () => {
    const path = join(folder, 'slow');
    const fd = bindUnix(path);
    const logger = loggerOf([{ target: { kind: 'unix', path } }]);
    for (let i = 0; i < 5000; i++) send(logger, `line ${i}`);
    logger.flush();
    let n = 0;
    while (receive(fd) !== 'nothing') n++;
    expect(n).toBeGreaterThan(0);
    expect(logger.lost).toBe(5000 - n);
    logger.close();
    libc.close(fd);
  });
});

describe('descriptor targets (4.2 log)', () => {
  const pair = reserve(8);

  function pipe(): [number, number] {
    libc.pipe2((base + pair) as never, 0);
    return [mem32[pair >> 2]!, mem32[(pair >> 2) + 1]!];
  }

  function drain(fd: number): string {
    const bytes = Buffer.alloc(1 << 20);
    return bytes.toString('latin1', 0, readSync(fd, bytes));
  }

  test('a pipe gets the lines; its own flags stay as they were', () => {
    const [reader, writer] = pipe();
    const before = libc.fcntl(writer, 3, 0);
    const logger = loggerOf([{ target: { kind: 'fd', fd: writer } }]);
    send(logger, 'one');
    send(logger, 'two');
    logger.flush();
    expect(drain(reader)).toBe('one\ntwo\n');
    expect(libc.fcntl(writer, 3, 0)).toBe(before);
    logger.close();
    libc.close(reader);
    libc.close(writer);
  });

  test('a full pipe never blocks, loses whole lines only and goes on when it is read', () => {
    const [reader, writer] = pipe();
    const logger = loggerOf([{ target: { kind: 'fd', fd: writer } }]);
    const line = (i: number) => `line ${i} ${'x'.repeat(100)}`;
    for (let i = 0; i < 3000; i++) send(logger, line(i));
    logger.flush();
    const lost = logger.lost;
    expect(lost).toBeGreaterThan(0);
    let all = '';
    const turns = () => {
      all += drain(reader);
      send(logger, 'turn');
      logger.flush();
    };
    for (let i = 0; i < 10; i++) turns();
    const lines = all.trimEnd().split('\n');
    let next = 0;
    for (const got of lines) {
      if (got === 'turn') continue;
      expect(got).toBe(line(next++));
    }
    expect(next).toBe(3000 - lost);
    expect(logger.lost).toBe(lost);
    logger.close();
    libc.close(reader);
    libc.close(writer);
  });

  test('a file gets everything, however long', () => {
    const path = join(folder, 'file');
    const fd = openSync(path, 'w');
    const logger = loggerOf([{ target: { kind: 'fd', fd }, length: 65535 }]);
    for (let i = 0; i < 3000; i++) send(logger, `${i} ${'y'.repeat(200)}`);
    logger.flush();
    const lines = readFileSync(path, 'latin1').trimEnd().split('\n');
    expect(lines.length).toBe(3000);
    expect(lines[2999]!.startsWith('2999 y')).toBe(true);
    expect(logger.lost).toBe(0);
    logger.close();
    libc.close(fd);
  });

  test('a socket is written without blocking', () => {
    libc.socketpair(1, 1, 0, (base + pair) as never);
    const [reader, writer] = [mem32[pair >> 2]!, mem32[(pair >> 2) + 1]!];
    const logger = loggerOf([{ target: { kind: 'fd', fd: writer } }]);
    for (let i = 0; i < 20000; i++) send(logger, `line ${i} ${'z'.repeat(50)}`);
    logger.flush();
    expect(logger.lost).toBeGreaterThan(0);
    expect(drain(reader).startsWith('line 0 zzz')).toBe(true);
    logger.close();
    libc.close(reader);
    libc.close(writer);
  });

  test('a closed descriptor loses its lines', () => {
    const [reader, writer] = pipe();
    libc.close(reader);
    libc.close(writer);
    const logger = loggerOf([{ target: { kind: 'fd', fd: writer } }]);
    send(logger, 'lost');
    logger.flush();
    expect(logger.lost).toBe(1);
  });
});

test('a ring has its own format and limit, whatever the log line says (12.5)', () => {
  const target = { kind: 'ring', ring: 'r' } as const;
  const logs = [logFixture({ target, format: 'rfc5424', length: 100 })];
  const ring = ringFixture({ format: 'short', maxlen: 90 });
  const config = configurationFixture([proxyFixture({ logs })], {}, [ring]);
  const logger = loggerOf([], { config });
  send(logger, 'text');
  send(logger, 'w'.repeat(200));
  const lines = logger.rings[0]!.createSnapshot().map((line) => Buffer.from(line).toString());
  expect(lines).toEqual(['<6>text', `<6>${'w'.repeat(87)}`]);
});

test('RFC 5424 structured data goes before the text, to that format only', async () => {
  const receiver = await LogReceiver.open();
  const logger = loggerOf([
    { target: udp(receiver.port), format: 'rfc5424' },
    { target: udp(receiver.port), format: 'raw' },
  ]);
  const sd = '[ex@1 a="b"]';
  logger.send(0, 6, reserveBytes('text'), 4, reserveBytes(sd), sd.length);
  logger.flush();
  expect(await receiver.next()).toMatch(/^<134>1 \S+ - haproxy 4711 - \[ex@1 a="b"\] text\n$/);
  expect(await receiver.next()).toBe('text\n');
  logger.close();
  receiver.close();
});
