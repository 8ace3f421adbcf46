/**
 * Sends the lines of rings to their servers over TCP (configuration.txt 12.5 `server`, `timeout`).
 * Runs on the control thread.
 *
 *   log-proto legacy        line LF                    (RFC 6587 3.4.2)
 *   log-proto octet-count   length SP line             (RFC 6587 3.4.1)
 *
 * Every server has its own reader in the ring and gets every line. Workers do not announce a line,
 * which would cost each of them a system call; the ring is looked at many times per second instead.
 * A lost or refused connection is tried again at a fixed pace, and lines wait in the ring meanwhile.
 */
import { createConnection, type Socket } from 'node:net';
import type { RingConfig } from '../model/config.ts';
import type { Ring } from './ring.ts';

/** How often a ring is looked at. */
const POLL_MS = 20;
const RECONNECT_MS = 1000;
/** Bytes given to a socket that has not sent them yet, beyond which lines stay in the ring. */
const PENDING_MAX = 65536;

type RingServer = RingConfig['servers'][number];

export interface RingForwarderOptions {
  config: RingConfig;
  ring: Ring;
  server: RingServer;
  /** Tells about connections that fail or break; once per change, not per attempt. */
  onMessage?: (text: string) => void;
  /** Pause before the next connection attempt; one second when not given. */
  reconnectMs?: number;
}

export class RingForwarder {
  private readonly options: RingForwarderOptions;
  private readonly reader: number;
  private readonly reconnectMs: number;
  private readonly timer: ReturnType<typeof setInterval>;
  private socket: Socket | null = null;
  private connected = false;
  private failing = false;
  private stopped = false;
  private nextAttemptMs = 0;
  /** When the pending data was last seen to shrink. */
  private progressMs = 0;
  private pending = 0;

  constructor(options: RingForwarderOptions) {
    this.options = options;
    this.reconnectMs = options.reconnectMs ?? RECONNECT_MS;
    this.reader = options.ring.attach(false);
    if (this.reader < 0) throw new Error(`ring '${options.config.name}' has too many readers`);
    this.timer = setInterval(() => this.poll(), POLL_MS);
    // Logs alone must not keep the process alive.
    this.timer.unref?.();
    this.poll();
  }

  /** Ends the forwarding; what the socket already has is still sent. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    clearInterval(this.timer);
    if (this.connected) this.forward();
    this.options.ring.detach(this.reader);
    if (this.connected) this.socket?.end();
    else this.socket?.destroy();
    this.socket = null;
  }

  private poll(): void {
    if (this.socket === null) {
      if (Date.now() >= this.nextAttemptMs) this.connect();
      return;
    }
    if (this.connected) this.forward();
  }

  private connect(): void {
    const { config, server } = this.options;
    this.nextAttemptMs = Date.now() + this.reconnectMs;
    const socket = openSocket(server);
    this.socket = socket;
    const limit = config.timeoutConnectMs;
    const timeout =
      limit > 0 ? setTimeout(() => socket.destroy(new Error('connect timeout')), limit) : null;
    socket.on('connect', () => {
      if (timeout) clearTimeout(timeout);
      this.connected = true;
      this.failing = false;
      this.pending = 0;
      this.progressMs = Date.now();
      this.forward();
    });
    socket.on('error', (error) => this.report(error.message));
    socket.on('close', () => {
      if (timeout) clearTimeout(timeout);
      if (this.socket !== socket) return;
      this.socket = null;
      this.connected = false;
      if (!this.stopped) this.nextAttemptMs = Date.now() + this.reconnectMs;
    });
    // A syslog server has nothing to say.
    socket.resume();
  }

  /** Gives lines to the socket until it has enough. */
  private forward(): void {
    const { ring, config, server } = this.options;
    const socket = this.socket;
    if (socket === null) return;
    const waiting = socket.writableLength;
    if (waiting === 0 || waiting < this.pending) this.progressMs = Date.now();
    else if (config.timeoutServerMs > 0 && Date.now() - this.progressMs > config.timeoutServerMs) {
      socket.destroy(new Error('timeout while sending'));
      return;
    }
    const chunks: Uint8Array[] = [];
    let bytes = waiting;
    while (bytes < PENDING_MAX) {
      const line = ring.peek(this.reader);
      if (line === null) break;
      const framed = frame(line, server.logProto);
      chunks.push(framed);
      bytes += framed.length;
      ring.advance(this.reader);
    }
    if (chunks.length > 0) socket.write(Buffer.concat(chunks));
    this.pending = socket.writableLength;
  }

  private report(reason: string): void {
    if (this.failing || this.stopped) return;
    this.failing = true;
    const { config, server, onMessage } = this.options;
    onMessage?.(`ring '${config.name}': server '${server.name}' ${server.address.text}: ${reason}`);
  }
}

function frame(line: Uint8Array, proto: RingServer['logProto']): Uint8Array {
  return proto === 'octet-count'
    ? Buffer.concat([Buffer.from(`${line.length} `), line])
    : Buffer.concat([line, Buffer.from('\n')]);
}

function openSocket(server: RingServer): Socket {
  const { address } = server;
  switch (address.family) {
    case 'ipv4':
      return createConnection({ host: address.bytes.join('.'), port: address.port });
    case 'ipv6':
      return createConnection({ host: ipv6Text(address.bytes), port: address.port });
    case 'unix':
      return createConnection({ path: address.path });
    default:
      throw new Error(`ring servers at ${address.text} are not supported yet by sluice`);
  }
}

function ipv6Text(bytes: number[]): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  return groups.join(':');
}

/** Starts the forwarding of all rings that have servers. */
export function startRingForwarders(
  configs: readonly RingConfig[],
  rings: readonly Ring[],
  onMessage?: (text: string) => void,
): RingForwarder[] {
  return configs.flatMap((config, i) =>
    config.servers.map(
      (server) =>
        new RingForwarder({ config, ring: rings[i]!, server, ...(onMessage ? { onMessage } : {}) }),
    ),
  );
}
