/**
 * UDP and unix datagram targets (configuration.txt 4.2 `log`): every line its own datagram, all
 * lines of a turn in one sendmmsg(2).
 *
 * The socket is connected, which saves the kernel a route or path look-up per line and lets a unix
 * target outside of the chroot be reached for ever. Its price: the kernel reports an absent
 * receiver on the next send (the batch is tried once more, the error is consumed by then), and a
 * source address is chosen once, so the socket is connected anew from time to time. A unix target
 * that is absent at start, or was replaced by a restarted syslog daemon, is looked for again, at
 * most once per second, when there is something to send.
 *
 *   batch    [line][line][line]...          bytes
 *   iovecs   {address, length} per line     16 bytes each
 *   headers  struct mmsghdr per line        64 bytes each, prepared once
 *
 * @dataplane
 */
import { base, mem, mem32, putPointer, reserve } from '../sys/arena.ts';
import { clock } from '../sys/clock.ts';
import { Errno, errno } from '../sys/errno.ts';
import { libc } from '../sys/libc.ts';
import type { Sink } from './sink.ts';

const AF_UNSPEC = 0;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EMSGSIZE = 90;
const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
/** Offsets in struct msghdr: msg_iov and msg_iovlen. */
const MSG_IOV = 16;
const MSG_IOVLEN = 24;

/** Lines in one batch. More in one turn flush early. */
export const DATAGRAMS_MAX = 64;
/** Pause before a failed connect is tried again. */
const RETRY_MS = 1000;
/** How long a connected UDP socket keeps its source address. */
const RENEW_MS = 10000;

const unspecified = reserve(16);

export class DatagramSink implements Sink {
  lost: number;
  private readonly addressOff: number;
  private readonly addressLen: number;
  private readonly isUnix: boolean;
  private readonly batch: number;
  private readonly batchBytes: number;
  private readonly iovecs: number;
  private readonly headers: number;
  private fd: number;
  private connected: boolean;
  private connectedMs: number;
  private count: number;
  private used: number;

  /**
   * Opens the socket. Start-up only, before the chroot.
   * @param addressOff prepared sockaddr; @param lineMax longest line in bytes.
   */
  constructor(addressOff: number, addressLen: number, lineMax: number) {
    this.lost = 0;
    this.addressOff = addressOff;
    this.addressLen = addressLen;
    this.isUnix = mem[addressOff] === AF_UNIX;
    this.batchBytes = Math.max(DATAGRAMS_MAX * 512, lineMax * 2);
    this.batch = reserve(this.batchBytes);
    this.iovecs = reserve(DATAGRAMS_MAX * IOVEC_BYTES);
    this.headers = reserve(DATAGRAMS_MAX * MMSGHDR_BYTES);
    for (let i = 0; i < DATAGRAMS_MAX; i++) {
      const header = this.headers + i * MMSGHDR_BYTES;
      putPointer(header + MSG_IOV, base + this.iovecs + i * IOVEC_BYTES);
      putPointer(header + MSG_IOVLEN, 1);
    }
    this.count = 0;
    this.used = 0;
    this.connected = false;
    this.connectedMs = clock.nowMs - RETRY_MS;
    const family = mem[addressOff]! | (mem[addressOff + 1]! << 8);
    this.fd = libc.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    this.connect();
  }

  room(bytes: number): number {
    if (this.count === DATAGRAMS_MAX || this.used + bytes > this.batchBytes) this.flush();
    return this.batch + this.used;
  }

  add(len: number): void {
    const iovec = this.iovecs + this.count * IOVEC_BYTES;
    putPointer(iovec, base + this.batch + this.used);
    putPointer(iovec + 8, len);
    this.count++;
    this.used += len;
  }

  flush(): void {
    if (this.count === 0) return;
    if (this.connected && !this.isUnix && clock.nowMs - this.connectedMs > RENEW_MS) this.renew();
    let from = 0;
    // One more try than errors that a new socket state may cure: refused once, then reconnected.
    let tries = 3;
    while (from < this.count && tries > 0 && (this.connected || this.connect())) {
      const headers = base + this.headers + from * MMSGHDR_BYTES;
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const sent = libc.sendmmsg(this.fd, headers as never, this.count - from, flags);
      if (sent > 0) {
        from += sent;
        continue;
      }
      tries--;
      const code = errno();
      if (code === Errno.EINTR) continue;
      if (code === Errno.EAGAIN || code === Errno.ENOBUFS) break;
      if (code === EMSGSIZE) {
        // Only this line is too large for the target.
        this.lost++;
        from++;
        tries++;
      } else if (this.isUnix || code !== Errno.ECONNREFUSED) this.connected = false;
    }
    this.lost += this.count - from;
    this.count = 0;
    this.used = 0;
  }

  close(): void {
    if (this.fd >= 0) libc.close(this.fd);
    this.fd = -1;
    this.connected = false;
  }

  /** Connects, at most once per `RETRY_MS`. */
  private connect(): boolean {
    if (this.fd < 0 || clock.nowMs - this.connectedMs < RETRY_MS) return false;
    this.connectedMs = clock.nowMs;
    const address = (base + this.addressOff) as never;
    this.connected = libc.connect(this.fd, address, this.addressLen) === 0;
    return this.connected;
  }

  /** Dissolves the association, so that connecting chooses the source address again. */
  private renew(): void {
    mem32[unspecified >> 2] = AF_UNSPEC;
    libc.connect(this.fd, (base + unspecified) as never, 16);
    this.connected = false;
    this.connect();
  }
}
