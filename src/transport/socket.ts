/**
 * A connected socket as the transport sees it: descriptor, readiness, and what has been received and
 * not been claimed. What is done with it is in io.ts; whose it is, and what its bytes mean, is known to
 * the layers behind.
 *
 *      buf                                           buf + bufsize
 *       |   headroom, taken   |  inRd ---- inWr  | free |
 *                                received, not
 *                                yet looked at
 *
 * @dataplane
 */
import type { TlsState } from '../model/tls.ts';

/**
 * TCP_NODELAY is set before the second send. The first one is never held back, and a connection
 * that carries one request needs no more: a system call saved per connection.
 */
export const enum NoDelay {
  NothingSent = 0,
  SentOnce = 1,
  Set = 2,
}

/** What carries the bytes of a connection. */
export const enum Transport {
  Raw = 0,
  Tls = 1,
}

export class Socket {
  fd: number = -1;
  transport: Transport = Transport.Raw;
  /** Made when the slot is first used for TLS, and kept with it. */
  tls: TlsState | null = null;
  /** Edge-triggered readiness, kept until the kernel says EAGAIN; only io.ts clears it. */
  readable: boolean = false;
  writable: boolean = false;
  /** The peer closed its sending side and everything it sent has been read. */
  eof: boolean = false;
  /** The kernel announced the end (RDHUP, HUP): reading must go on until it shows. */
  hup: boolean = false;
  /** errno of a failed read or write; 0 = sound. */
  error: number = 0;
  /** The connection is being made. */
  connecting: boolean = false;
  /** A PROXY header is to come before anything else. */
  awaitsHeader: boolean = false;
  /** How often bytes were sent: `NoDelay`. */
  sends: NoDelay = NoDelay.NothingSent;
  /** We have closed our sending side. */
  shut: boolean = false;
  /** The receive buffer; 0 = none. */
  buf: number = 0;
  inRd: number = 0;
  inWr: number = 0;
  /** The last read found all that it had room for: more is probably there. */
  filled: boolean = false;
  /** Monotonic ms of the last byte in either direction. */
  activeMs: number = 0;

  /** Makes a pooled socket the one of a descriptor. */
  begin(fd: number): void {
    this.fd = fd;
    this.transport = Transport.Raw;
    this.readable = false;
    this.writable = false;
    this.eof = false;
    this.hup = false;
    this.error = 0;
    this.connecting = false;
    this.awaitsHeader = false;
    this.sends = NoDelay.NothingSent;
    this.shut = false;
    this.inRd = 0;
    this.inWr = 0;
    this.filled = false;
  }
}
