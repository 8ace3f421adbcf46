/**
 * UDP and unix datagram targets (configuration.txt 4.2 `log`): every line its own datagram, all
 * lines of a turn in one sendmmsg(2).
 *
 * The socket is connected, which saves the kernel a route or path look-up per line and lets a unix
 * target outside of the chroot be reached for ever. Its price: the kernel reports an absent
 * receiver on the next send (the batch is tried once more, the error is consumed by then), and a
 * source address is chosen once, so the socket is connected anew from time to time. A unix target
 * that is absent, or was replaced by a restarted syslog daemon, is looked for whenever there is
 * something to send: a line that cannot leave is lost, the next one need not be.
 *
 * Neighbours of one length travel through the kernel as one packet that is cut into datagrams at the
 * very end (UDP_SEGMENT, Linux 4.18): the receiver sees no difference, and lines of one format often
 * have one length. Where the path does not allow it, the sink stops asking for it.
 *
 *   batch     [line][line][line]...             bytes
 *   iovecs    {address, length} per message     16 bytes each
 *   headers   struct mmsghdr per message        64 bytes each, prepared once
 *   controls  length of a message's datagrams   24 bytes each, prepared once
 *
 * @dataplane
 */
import { base, mem, mem32, putPointer, reserve } from '../sys/arena.ts';
import { clock } from '../sys/clock.ts';
import { Errno, errno } from '../sys/errno.ts';
import { kernel } from '../sys/kernel.ts';
import type { Sink } from './sink.ts';

const AF_UNSPEC = 0;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EMSGSIZE = 90;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
/** A control message of two bytes: its length, and the room that it takes. */
const CONTROL_LEN = 18;
const CONTROL_BYTES = 24;
/** Bytes of a packet before it is cut: what UDP over IP can announce, with room for headers. */
const PACKET_MAX = 60_000;
/** Segments of one message that every kernel takes. */
const SEGMENTS_MAX = 32;
const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
/** Offsets in struct msghdr: msg_iov and msg_iovlen. */
const MSG_IOV = 16;
const MSG_IOVLEN = 24;
const MSG_CONTROL = 32;
const MSG_CONTROLLEN = 40;

/** Lines in one batch. More in one turn flush early. */
export const DATAGRAMS_MAX = 64;
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
  private readonly controls: number;
  /** Length per line, and how many lines a message holds. */
  private readonly lengths: Int32Array;
  private readonly linesOf: Int32Array;
  /** Lines of one length may share a message. */
  private segmenting: boolean;
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
    this.controls = reserve(DATAGRAMS_MAX * CONTROL_BYTES);
    for (let i = 0; i < DATAGRAMS_MAX; i++) {
      const header = this.headers + i * MMSGHDR_BYTES;
      putPointer(header + MSG_IOV, base + this.iovecs + i * IOVEC_BYTES);
      putPointer(header + MSG_IOVLEN, 1);
      const control = this.controls + i * CONTROL_BYTES;
      putPointer(header + MSG_CONTROL, base + control);
      putPointer(control, CONTROL_LEN);
      mem32[(control >> 2) + 2] = SOL_UDP;
      mem32[(control >> 2) + 3] = UDP_SEGMENT;
    }
    this.lengths = new Int32Array(DATAGRAMS_MAX);
    this.linesOf = new Int32Array(DATAGRAMS_MAX);
    this.segmenting = !this.isUnix;
    this.count = 0;
    this.used = 0;
    this.connected = false;
    this.connectedMs = 0;
    const family = mem[addressOff]! | (mem[addressOff + 1]! << 8);
    this.fd = kernel.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    this.connect();
  }

  room(bytes: number): number {
    if (this.count === DATAGRAMS_MAX || this.used + bytes > this.batchBytes) this.flush();
    return this.batch + this.used;
  }

  add(len: number): void {
    this.lengths[this.count] = len;
    this.count++;
    this.used += len;
  }

  flush(): void {
    if (this.count === 0) return;
    if (this.connected && !this.isUnix && clock.nowMs - this.connectedMs > RENEW_MS) this.renew();
    let line = 0;
    let offset = 0;
    // One more try than errors that a new socket state may cure: refused once, then reconnected.
    let tries = 3;
    while (line < this.count && tries > 0 && (this.connected || this.connect())) {
      const messages = this.prepare(line, offset);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const sent = kernel.sendmmsg(this.fd, (base + this.headers) as never, messages, flags);
      if (sent > 0) {
        for (let i = 0; i < sent; i++) {
          for (let n = this.linesOf[i]!; n > 0; n--) offset += this.lengths[line++]!;
        }
        continue;
      }
      const code = errno();
      if (code === Errno.EINTR) continue;
      if (code === Errno.EAGAIN || code === Errno.ENOBUFS) break;
      if (this.segmenting && this.linesOf[0]! > 1 && code !== Errno.ECONNREFUSED) {
        // No segmentation on this path, or datagrams of this size do not fit it as a packet.
        this.segmenting = false;
        continue;
      }
      tries--;
      if (code === EMSGSIZE) {
        // Only this line is too large for the target.
        this.lost++;
        offset += this.lengths[line++]!;
        tries++;
      } else if (this.isUnix || code !== Errno.ECONNREFUSED) this.connected = false;
    }
    this.lost += this.count - line;
    this.count = 0;
    this.used = 0;
  }

  /** Makes messages of the lines from `line` on, which lie at `offset`. @returns how many. */
  private prepare(line: number, offset: number): number {
    let messages = 0;
    let at = this.batch + offset;
    let i = line;
    while (i < this.count) {
      const len = this.lengths[i]!;
      let lines = 1;
      if (this.segmenting) {
        const fits = Math.floor(PACKET_MAX / len);
        const most = Math.min(this.count - i, SEGMENTS_MAX, fits);
        while (lines < most && this.lengths[i + lines] === len) lines++;
      }
      const iovec = this.iovecs + messages * IOVEC_BYTES;
      putPointer(iovec, base + at);
      putPointer(iovec + 8, len * lines);
      const header = this.headers + messages * MMSGHDR_BYTES;
      putPointer(header + MSG_CONTROLLEN, lines > 1 ? CONTROL_BYTES : 0);
      if (lines > 1) mem32[((this.controls + messages * CONTROL_BYTES) >> 2) + 4] = len;
      this.linesOf[messages] = lines;
      messages++;
      at += len * lines;
      i += lines;
    }
    return messages;
  }

  close(): void {
    if (this.fd >= 0) kernel.close(this.fd);
    this.fd = -1;
    this.connected = false;
  }

  private connect(): boolean {
    if (this.fd < 0) return false;
    this.connectedMs = clock.nowMs;
    const address = (base + this.addressOff) as never;
    this.connected = kernel.connect(this.fd, address, this.addressLen) === 0;
    return this.connected;
  }

  /** Dissolves the association, so that connecting chooses the source address again. */
  private renew(): void {
    mem32[unspecified >> 2] = AF_UNSPEC;
    kernel.connect(this.fd, (base + unspecified) as never, 16);
    this.connected = false;
    this.connect();
  }
}
