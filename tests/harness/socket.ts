/**
 * Listening sockets and datagram sockets made with libc: the runtime cannot make a socket without
 * accepting on it, and has no unix datagram sockets.
 */
import { existsSync, unlinkSync } from 'node:fs';
import { base, mem, mem32, reserve } from '../../src/sys/arena.ts';
import { errno, errnoText } from '../../src/sys/errno.ts';
import { libc } from '../../src/sys/libc.ts';
import { patienceMs, Signal } from './wait.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;

const address = reserve(112);
const length = reserve(4);
const buffer = reserve(65536);

const at = (offset: number) => (base + offset) as never;

function must(result: number, call: string): number {
  if (result < 0) throw new Error(`${call}: ${errnoText(errno())}`);
  return result;
}

/** A TCP socket that listens on a free port of a loopback address. The caller closes `fd`. */
export function listenInherited(host = '127.0.0.1'): { fd: number; port: number } {
  const fd = must(libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 'socket');
  mem.fill(0, address, address + 16);
  mem[address] = AF_INET;
  mem.set(host.split('.').map(Number), address + 4);
  must(libc.bind(fd, at(address), 16), 'bind');
  must(libc.listen(fd, 1024), 'listen');
  mem32[length >> 2] = 16;
  must(libc.getsockname(fd, at(address), at(length)), 'getsockname');
  return { fd, port: mem[address + 2]! * 256 + mem[address + 3]! };
}

export function closeDescriptor(fd: number): void {
  libc.close(fd);
}

/** A log receiver: the lines that came, in order. */
export interface LogReceiver {
  readonly lines: string[];
  /** Waits until `count` lines have come and gives them. */
  take(count: number, ms?: number): Promise<string[]>;
  /** Waits for a line that matches and gives the first. */
  find(pattern: RegExp, ms?: number): Promise<string>;
  stop(): void;
}

class Lines {
  readonly lines: string[] = [];
  readonly changes = new Signal();

  push(line: string): void {
    this.lines.push(line);
    this.changes.notify();
  }

  async take(count: number, ms: number = patienceMs): Promise<string[]> {
    const what = () => `${this.lines.length} of ${count} log lines: ${this.lines.join('\n')}`;
    await this.changes.until(() => this.lines.length >= count, what, ms);
    return this.lines.slice(0, count);
  }

  async find(pattern: RegExp, ms: number = patienceMs): Promise<string> {
    const found = () => this.lines.find((line) => pattern.test(line));
    const what = () => `no log line matches ${pattern}: ${this.lines.join('\n')}`;
    await this.changes.until(() => found() !== undefined, what, ms);
    return found()!;
  }
}

/** A syslog receiver on UDP; one datagram is one line. */
export class UdpReceiver extends Lines implements LogReceiver {
  port = 0;
  #socket: { close(): void } | null = null;

  static async open(): Promise<UdpReceiver> {
    const receiver = new UdpReceiver();
    const socket = await Bun.udpSocket({
      hostname: '127.0.0.1',
      socket: { data: (_, data) => receiver.push(Buffer.from(data).toString('latin1')) },
    });
    receiver.#socket = socket;
    receiver.port = socket.port;
    return receiver;
  }

  stop(): void {
    this.#socket?.close();
  }
}

/** A syslog receiver on a unix datagram socket, as /dev/log is. */
export class UnixReceiver extends Lines implements LogReceiver {
  readonly #fd: number;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(readonly path: string) {
    super();
    this.#fd = must(libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'socket');
    const name = Buffer.from(path);
    if (name.length > 107) throw new Error(`the unix path is too long: ${path}`);
    mem.fill(0, address, address + 112);
    mem[address] = AF_UNIX;
    mem.set(name, address + 2);
    must(libc.bind(this.#fd, at(address), 2 + name.length + 1), 'bind');
    // The runtime cannot watch a descriptor it did not make: look every 5 ms.
    this.#timer = setInterval(() => this.#drain(), 5);
  }

  #drain(): void {
    for (;;) {
      const count = libc.recv(this.#fd, at(buffer), 65536, 0);
      if (count < 0) return;
      this.push(Buffer.from(mem.buffer as ArrayBuffer, buffer, count).toString('latin1'));
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    libc.close(this.#fd);
    if (existsSync(this.path)) unlinkSync(this.path);
  }
}
