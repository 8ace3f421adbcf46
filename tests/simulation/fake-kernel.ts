/**
 * A kernel in memory: the system calls of the data plane on virtual sockets and virtual time. It
 * reads and writes the proxy's real arena at the addresses that it is given and leaves errors in an
 * errno of its own, so everything above `src/sys` is the program as it is.
 *
 * Every call lets a few microseconds pass, in which segments arrive and peers act; and every call
 * may fail in the ways that its manual page knows.
 */
import { Errno } from '../../src/sys/errno-code.ts';
import { type Kernel, libc } from '../../src/sys/libc.ts';
import { memoryAt } from '../../src/sys/memory.ts';
import { createPipeEnds, Datagrams, Epoll, EventFd, Listener, PipeEnd } from './descriptor.ts';
import { Far, type File, type NetworkTuning, Socket } from './socket.ts';
import type { Timeline } from './timeline.ts';

type Address = Parameters<Kernel['recv']>[1];
type Size = Parameters<Kernel['mmap']>[1];

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANON = 0x22;
const PAGE = 4096;
const FIRST_FD = 3;
const CLOCK_REALTIME = 0;
/** Seconds since 1970 when the machine started. */
const BOOT_SECONDS = 1_700_000_000;
const SOCK_TYPE = 15;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_LINGER = 13;
const TCP_REPAIR = 19;
const EPOLL_CTL_ADD = 1;
const F_SETPIPE_SZ = 1031;
const EVENT_WORDS = process.arch === 'x64' ? 3 : 4;
const EINTR_TIMEOUT_US = 500;

/** How a connection to a server begins. */
export type Welcome = 'accept' | 'refuse' | 'ignore' | 'unreachable';

export interface KernelTuning extends NetworkTuning {
  /** Longest time in µs that other processes have the processor between two turns. */
  busyUs: number;
  /** One in n calls is interrupted, one in n has no memory or descriptor left; 0 = none. */
  interrupts: number;
  shortages: number;
  /** One in n log batches is refused; 0 = none. */
  logFaults: number;
}

export interface Surroundings {
  timeline: Timeline;
  tuning: KernelTuning;
  /** How the server of that port greets a new connection. */
  welcome(port: number): Welcome;
  /** A server has a new connection. */
  serve(far: Far): void;
  logged(line: string): void;
  /** Nothing will ever happen again, and the proxy sleeps without a limit. */
  stuck(): void;
}

/** Real memory for the arena and for errno. */
function createMemory(bytes: number): number {
  return Number(libc.mmap(null, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANON | 0x4000, -1, 0));
}

export class FakeKernel implements Kernel {
  readonly #errnoAddress = createMemory(PAGE);
  readonly #errno = new Int32Array(memoryAt(this.#errnoAddress, 4));
  #base = 0;
  #mem = Buffer.alloc(0);
  #files: (File | null)[] = [];
  #around: Surroundings | null = null;

  /** Begins a new run: no descriptors, another timeline. */
  begin(around: Surroundings): void {
    this.#files = [];
    this.#around = around;
  }

  get #now(): Surroundings {
    if (this.#around === null) throw new Error('no run has begun');
    return this.#around;
  }

  // What a run does itself.

  open(file: File): number {
    let fd = FIRST_FD;
    while (this.#files[fd]) fd++;
    this.#files[fd] = file;
    return fd;
  }

  openListener(): { fd: number; listener: Listener } {
    const listener = new Listener(this.#now.timeline, this.#now.tuning);
    return { fd: this.open(listener), listener };
  }

  /** What every open descriptor is, in order. */
  get descriptors(): string[] {
    return this.#files.flatMap((file, fd) => (file ? [`${file.constructor.name} ${fd}`] : []));
  }

  /** Bytes that lie in pipes. */
  get pipedBytes(): number {
    let bytes = 0;
    for (const file of this.#files) if (file instanceof PipeEnd) bytes += file.bytes.length;
    return bytes;
  }

  // What all calls have in common.

  #fail(code: number): number {
    this.#errno[0] = code;
    return -1;
  }

  /** Notes a result; a negative one is minus errno. */
  #done(call: string, fd: number, result: number): number {
    this.#now.timeline.note(call, fd, result);
    return result < 0 ? this.#fail(-result) : result;
  }

  /** Time passes with every call. */
  #enter(): void {
    const { timeline } = this.#now;
    timeline.advance(timeline.random.below(20));
  }

  /** An errno out of `codes` now and then, else 0. */
  #shortage(...codes: number[]): number {
    const { timeline, tuning } = this.#now;
    if (tuning.shortages === 0 || !timeline.random.oneIn(tuning.shortages)) return 0;
    return timeline.random.pick(codes);
  }

  get #isInterrupted(): boolean {
    const { timeline, tuning } = this.#now;
    return tuning.interrupts > 0 && timeline.random.oneIn(tuning.interrupts);
  }

  #offset(address: Address): number {
    return Number(address) - this.#base;
  }

  #int(address: Address): number {
    return this.#mem.readInt32LE(this.#offset(address));
  }

  #setInt(address: Address, value: number): void {
    this.#mem.writeInt32LE(value, this.#offset(address));
  }

  #socket(fd: number): Socket {
    const file = this.#files[fd];
    // The next descriptor of that number would be somebody else's: a defect, not an error to handle.
    if (!(file instanceof Socket)) throw new Error(`descriptor ${fd} is not an open socket`);
    return file;
  }

  #putAddress(address: Address, length: Address, port: number): void {
    const off = this.#offset(address);
    this.#mem.fill(0, off, off + 16);
    this.#mem.writeUInt16LE(2, off);
    this.#mem.writeUInt16BE(port, off + 2);
    this.#mem.set([127, 0, 0, 1], off + 4);
    this.#setInt(length, 16);
  }

  // Memory and errno.

  mmap(_at: Address, bytes: Size): ReturnType<Kernel['mmap']> {
    this.#base = createMemory(Number(bytes));
    this.#mem = Buffer.from(memoryAt(this.#base, Number(bytes)));
    return this.#base as ReturnType<Kernel['mmap']>;
  }

  /** MADV_DONTNEED: the pages are zero when they are touched again. */
  madvise(at: Address, bytes: Size): number {
    const off = this.#offset(at);
    this.#mem.fill(0, off, off + Number(bytes));
    return 0;
  }

  __errno_location(): ReturnType<Kernel['__errno_location']> {
    return this.#errnoAddress as ReturnType<Kernel['__errno_location']>;
  }

  // Sockets.

  socket(_family: number, type: number): number {
    this.#enter();
    const fault = this.#shortage(Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM);
    if (fault !== 0) return this.#done('socket', 0, -fault);
    const isStream = (type & SOCK_TYPE) === SOCK_STREAM;
    const { timeline, tuning } = this.#now;
    const fd = this.open(isStream ? new Socket(timeline, tuning) : new Datagrams());
    return this.#done('socket', 0, fd);
  }

  bind(): number {
    return this.#done('bind', 0, 0);
  }

  connect(fd: number, address: Address): number {
    this.#enter();
    if (this.#files[fd] instanceof Datagrams) return 0;
    const socket = this.#socket(fd);
    const { timeline, tuning, welcome, serve } = this.#now;
    const { random } = timeline;
    const port = this.#mem.readUInt16BE(this.#offset(address) + 2);
    const how = welcome(port);
    if (how === 'unreachable') {
      const code = random.pick([Errno.ENETUNREACH, Errno.EADDRNOTAVAIL, Errno.EHOSTUNREACH]);
      return this.#done('connect', fd, -code);
    }
    socket.connecting();
    if (how !== 'ignore') {
      timeline.after(random.below(2 * tuning.latencyUs + 1), () => {
        if (socket.closed) return;
        if (how === 'refuse') return socket.fail(Errno.ECONNREFUSED);
        const far = new Far(socket, `server ${fd}`);
        socket.establish(far);
        serve(far);
      });
    } else {
      timeline.after(60_000_000, () => {
        if (!socket.closed) socket.fail(Errno.ETIMEDOUT);
      });
    }
    return this.#done('connect', fd, -Errno.EINPROGRESS);
  }

  accept4(fd: number, address: Address, length: Address): number {
    this.#enter();
    const listener = this.#files[fd];
    if (!(listener instanceof Listener)) return this.#fail(Errno.EBADF);
    if (this.#isInterrupted) return this.#done('accept', fd, -Errno.EINTR);
    if (listener.backlog.length === 0) return this.#done('accept', fd, -Errno.EAGAIN);
    const fault = this.#shortage(
      Errno.EMFILE,
      Errno.ENFILE,
      Errno.ENOBUFS,
      Errno.ENOMEM,
      Errno.ECONNABORTED,
    );
    if (fault === Errno.ECONNABORTED) listener.backlog.shift()!.far.reset();
    if (fault !== 0) return this.#done('accept', fd, -fault);
    const { far, port } = listener.backlog.shift()!;
    this.#putAddress(address, length, port);
    return this.#done('accept', fd, this.open(far.socket));
  }

  getsockname(_fd: number, address: Address, length: Address): number {
    this.#putAddress(address, length, 80);
    return 0;
  }

  getpeername(_fd: number, address: Address, length: Address): number {
    this.#putAddress(address, length, 4711);
    return 0;
  }

  setsockopt(fd: number, level: number, name: number, value: Address): number {
    const socket = this.#socket(fd);
    if (name === TCP_REPAIR) return this.#fail(Errno.EPERM);
    if (level === SOL_SOCKET && name === SO_LINGER) socket.abrupt = this.#int(value) === 1;
    return 0;
  }

  getsockopt(fd: number, _level: number, name: number, value: Address): number {
    const socket = this.#socket(fd);
    if (name !== SO_ERROR) return this.#fail(Errno.EINVAL);
    this.#setInt(value, socket.takeError());
    return 0;
  }

  recv(fd: number, address: Address, length: number): number {
    this.#enter();
    const socket = this.#socket(fd);
    if (this.#isInterrupted) return this.#done('recv', fd, -Errno.EINTR);
    if (socket.rx.length === 0) return this.#done('recv', fd, socket.emptyResult());
    const bytes = socket.read(length);
    this.#mem.set(bytes, this.#offset(address));
    return this.#done('recv', fd, bytes.length);
  }

  send(fd: number, address: Address, length: number): number {
    this.#enter();
    const socket = this.#socket(fd);
    if (this.#isInterrupted) return this.#done('send', fd, -Errno.EINTR);
    const taken = socket.writable(length);
    if (taken > 0) {
      const off = this.#offset(address);
      socket.write(Buffer.from(this.#mem.subarray(off, off + taken)));
    }
    return this.#done('send', fd, taken);
  }

  /** struct mmsghdr: 64 bytes, `msg_iov` at 16, `msg_control` at 32 and its length at 40. */
  sendmmsg(fd: number, headers: Address, count: number): number {
    this.#enter();
    const { timeline, tuning, logged } = this.#now;
    if (tuning.logFaults > 0 && timeline.random.oneIn(tuning.logFaults)) {
      const codes = [Errno.EINTR, Errno.EAGAIN, Errno.ENOBUFS, Errno.ECONNREFUSED];
      return this.#done('sendmmsg', fd, -timeline.random.pick(codes));
    }
    const sent = tuning.logFaults > 0 ? 1 + timeline.random.below(count) : count;
    for (let i = 0; i < sent; i++) {
      const at = this.#offset(headers) + i * 64;
      const iovec = Number(this.#mem.readBigUInt64LE(at + 16)) - this.#base;
      const from = Number(this.#mem.readBigUInt64LE(iovec)) - this.#base;
      const bytes = Number(this.#mem.readBigUInt64LE(iovec + 8));
      const control = Number(this.#mem.readBigUInt64LE(at + 32)) - this.#base;
      const isCut = this.#mem.readBigUInt64LE(at + 40) > 0n;
      const each = isCut ? this.#mem.readUInt16LE(control + 16) : bytes;
      for (let part = 0; part < bytes; part += each) {
        const until = Math.min(part + each, bytes);
        logged(this.#mem.toString('latin1', from + part, from + until));
      }
    }
    return this.#done('sendmmsg', fd, sent);
  }

  shutdown(fd: number): number {
    this.#enter();
    return this.#done('shutdown', fd, this.#socket(fd).shutdownWrite());
  }

  close(fd: number): number {
    this.#enter();
    const file = this.#files[fd];
    if (!file) {
      // Closing what is not open would close somebody else's descriptor one day.
      throw new Error(`close(${fd}): not open`);
    }
    this.#files[fd] = null;
    for (const other of this.#files) if (other instanceof Epoll) other.remove(fd);
    file.release();
    return this.#done('close', fd, 0);
  }

  // Pipes and the eventfd.

  read(fd: number, address: Address, length: number): number {
    const file = this.#files[fd];
    if (!(file instanceof EventFd) || length !== 8) return this.#fail(Errno.EBADF);
    if (file.count === 0) return this.#done('read', fd, -Errno.EAGAIN);
    this.#setInt(address, file.count);
    file.count = 0;
    return this.#done('read', fd, 8);
  }

  write(fd: number, _address: Address, length: number): number {
    const file = this.#files[fd];
    if (!(file instanceof EventFd)) return this.#fail(Errno.EBADF);
    file.add();
    return this.#done('write', fd, length);
  }

  pipe2(pair: Address): number {
    this.#enter();
    const fault = this.#shortage(Errno.EMFILE, Errno.ENFILE);
    if (fault !== 0) return this.#done('pipe2', 0, -fault);
    const [reader, writer] = createPipeEnds();
    const fd = this.open(reader);
    this.#setInt(pair, fd);
    this.#mem.writeInt32LE(this.open(writer), this.#offset(pair) + 4);
    return this.#done('pipe2', fd, 0);
  }

  fcntl(fd: number, command: number, value: number): number {
    const file = this.#files[fd];
    if (!(file instanceof PipeEnd) || command !== F_SETPIPE_SZ) return this.#fail(Errno.EINVAL);
    // Above pipe-user-pages-soft the kernel refuses.
    const fault = this.#shortage(Errno.EPERM);
    if (fault !== 0) return this.#done('fcntl', fd, -fault);
    file.capacity.bytes = value;
    return this.#done('fcntl', fd, value);
  }

  splice(from: number, _at: Address, to: number, _to: Address, bytes: number): number {
    this.#enter();
    if (this.#isInterrupted) return this.#done('splice', from, -Errno.EINTR);
    const pipe = this.#files[to];
    if (pipe instanceof PipeEnd) {
      return this.#done('splice', from, this.#fill(this.#socket(from), pipe, bytes));
    }
    const filled = this.#files[from];
    const target = this.#socket(to);
    if (!(filled instanceof PipeEnd)) throw new Error(`descriptor ${from} is not a pipe`);
    if (filled.bytes.length === 0) return this.#done('splice', to, -Errno.EAGAIN);
    const taken = target.writable(Math.min(bytes, filled.bytes.length));
    if (taken > 0) target.write(filled.bytes.take(taken));
    return this.#done('splice', to, taken);
  }

  #fill(source: Socket, { bytes, capacity }: PipeEnd, most: number): number {
    const { random } = this.#now.timeline;
    // A pipe is a ring of page references: small segments fill it before its bytes are used up.
    const isFull = bytes.length >= capacity.bytes || (bytes.length > 0 && random.oneIn(8));
    if (isFull) return -Errno.EAGAIN;
    if (source.rx.length === 0) return source.emptyResult();
    const room = Math.min(most, capacity.bytes - bytes.length, source.rx.length);
    const moved = source.read(random.oneIn(3) ? 1 + random.below(room) : room);
    bytes.push(moved);
    return moved.length;
  }

  // epoll.

  epoll_create1(): number {
    return this.open(new Epoll());
  }

  epoll_ctl(fd: number, operation: number, target: number, event: Address): number {
    const epoll = this.#files[fd];
    const file = this.#files[target];
    if (!(epoll instanceof Epoll) || !file) return this.#fail(Errno.EBADF);
    if (operation !== EPOLL_CTL_ADD) {
      return epoll.remove(target) ? 0 : this.#fail(Errno.ENOENT);
    }
    const mayFail = file instanceof Socket || file instanceof Listener;
    const fault = mayFail ? this.#shortage(Errno.ENOMEM, 28) : 0;
    if (fault !== 0) return this.#done('epoll_ctl', target, -fault);
    const word = this.#offset(event);
    const data = word + (EVENT_WORDS - 2) * 4;
    const added = epoll.add(target, file, this.#mem.readInt32LE(word), [
      this.#mem.readInt32LE(data),
      this.#mem.readInt32LE(data + 4),
    ]);
    return added ? 0 : this.#fail(17);
  }

  epoll_wait(fd: number, events: Address, most: number, timeoutMs: number): number {
    const epoll = this.#files[fd];
    if (!(epoll instanceof Epoll)) return this.#fail(Errno.EBADF);
    this.#enter();
    const { timeline, tuning, stuck } = this.#now;
    const { random } = timeline;
    if (this.#isInterrupted) {
      timeline.advance(timeoutMs === 0 ? 0 : EINTR_TIMEOUT_US);
      return this.#done('epoll_wait', 0, -Errno.EINTR);
    }
    if (random.oneIn(3)) timeline.advance(random.below(tuning.busyUs + 1));
    if (tuning.interrupts > 0 && random.oneIn(20)) epoll.stir((count) => random.below(count));
    const untilUs = timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeline.nowUs + timeoutMs * 1000;
    const base = this.#offset(events);
    for (;;) {
      const count = epoll.deliver(most, (index, mask, id, word) => {
        const at = base + index * EVENT_WORDS * 4;
        this.#mem.writeInt32LE(mask, at);
        this.#mem.writeInt32LE(id, at + (EVENT_WORDS - 2) * 4);
        this.#mem.writeInt32LE(word, at + (EVENT_WORDS - 1) * 4);
      });
      if (count > 0) return this.#done('epoll_wait', 0, count);
      if (timeline.nextUs <= untilUs && timeline.nextUs < Number.POSITIVE_INFINITY) {
        timeline.step();
      } else {
        if (untilUs === Number.POSITIVE_INFINITY) stuck();
        else timeline.advance(untilUs - timeline.nowUs);
        return this.#done('epoll_wait', 0, 0);
      }
    }
  }

  poll(): number {
    throw new Error('poll(2) serves log targets that are files, which are not simulated');
  }

  // Time.

  clock_gettime(clock: number, address: Address): number {
    // The clock is read when sys is loaded, before the first run.
    const us = this.#around?.timeline.nowUs ?? 0;
    const seconds = Math.floor(us / 1e6) + (clock === CLOCK_REALTIME ? BOOT_SECONDS : 0);
    const off = this.#offset(address);
    this.#mem.writeBigInt64LE(BigInt(seconds), off);
    this.#mem.writeBigInt64LE(BigInt((us % 1e6) * 1000), off + 8);
    return 0;
  }

  gmtime_r(...args: Parameters<Kernel['gmtime_r']>): ReturnType<Kernel['gmtime_r']> {
    return libc.gmtime_r(...args);
  }

  localtime_r(...args: Parameters<Kernel['localtime_r']>): ReturnType<Kernel['localtime_r']> {
    // Always UTC, wherever the test runs.
    return libc.gmtime_r(...args);
  }

  strftime(...args: Parameters<Kernel['strftime']>): number {
    return libc.strftime(...args);
  }

  tzset(): undefined {}
}
