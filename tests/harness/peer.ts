/**
 * A raw TCP peer of the proxy, on either side: it sends exactly the bytes it is told to and keeps
 * exactly the bytes that came. Half-closes and resets are visible and can be made.
 */
import type { Socket } from 'bun';
import { bytesOf, printable } from './bytes.ts';
import { type HttpHead, type HttpMessage, parseHead, takeMessage } from './http.ts';
import { patienceMs, Signal, within } from './wait.ts';

export type Ending = 'open' | 'end' | 'reset';

export class Peer {
  /** Every byte received so far. */
  received: Buffer = Buffer.alloc(0);
  /** What the other side did last: FIN seen ('end'), RST seen ('reset'), or neither. */
  ending: Ending = 'open';
  /** True once the socket is gone, whoever closed it. */
  closed = false;
  /** Bytes of `received` that the read functions have already handed out. */
  taken = 0;
  readonly changes = new Signal();
  #socket: Socket<Peer> | null = null;
  #chunks: Buffer[] = [];
  #unsent: Buffer = Buffer.alloc(0);
  #endWhenSent = false;

  /** The local port of this end. */
  get port(): number {
    return this.#socket?.localPort ?? 0;
  }

  /** The port of the other end. */
  get remotePort(): number {
    return this.#socket?.remotePort ?? 0;
  }

  attach(socket: Socket<Peer>): void {
    this.#socket = socket;
    this.changes.notify();
  }

  onData(data: Uint8Array): void {
    this.#chunks.push(Buffer.from(data));
    this.changes.notify();
  }

  onEnd(ending: Ending): void {
    if (this.ending !== 'reset') this.ending = ending;
    this.changes.notify();
  }

  onClose(error: unknown): void {
    this.onEnd(error ? 'reset' : this.ending === 'open' ? 'end' : this.ending);
    this.closed = true;
    this.changes.notify();
  }

  onDrain(): void {
    if (this.#unsent.length > 0) this.send('');
    this.changes.notify();
  }

  /** Sends bytes; what the kernel does not take now follows when it can. */
  send(data: string | Uint8Array): void {
    const more = typeof data === 'string' ? bytesOf(data) : Buffer.from(data);
    const all = this.#unsent.length > 0 ? Buffer.concat([this.#unsent, more]) : more;
    const socket = this.#socket;
    if (this.closed || socket === null) return;
    const sent = all.length > 0 ? Math.max(0, socket.write(all)) : 0;
    this.#unsent = all.subarray(sent);
    if (this.#unsent.length === 0 && this.#endWhenSent) socket.shutdown();
  }

  /** Waits until everything given to `send` has reached the kernel. */
  async sent(ms: number = patienceMs): Promise<void> {
    const done = () => this.#unsent.length === 0 || this.closed;
    await this.changes.until(done, () => `${this.#unsent.length} bytes were still to be sent`, ms);
  }

  /** Sends FIN after what is still to be sent; the other direction stays open. */
  end(): void {
    this.#endWhenSent = true;
    this.send('');
  }

  /** Closes with RST. */
  reset(): void {
    this.#socket?.terminate();
    this.closed = true;
  }

  /** Closes both directions at once. */
  close(): void {
    this.#socket?.end();
    this.closed = true;
  }

  /** Stops reading, so that the other side meets a full window. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Everything received, as one buffer. */
  all(): Buffer {
    if (this.#chunks.length > 0) {
      this.received = Buffer.concat([this.received, ...this.#chunks]);
      this.#chunks = [];
    }
    return this.received;
  }

  /** Number of bytes received so far. */
  count(): number {
    let count = this.received.length;
    for (const chunk of this.#chunks) count += chunk.length;
    return count;
  }

  /** The bytes that no read function has handed out yet, as latin1. */
  rest(): string {
    return this.all().subarray(this.taken).toString('latin1');
  }

  /** Reads up to and including `mark`. */
  async readUntil(mark: string, ms: number = patienceMs): Promise<string> {
    const found = () => this.all().indexOf(mark, this.taken, 'latin1');
    await this.#wait(() => found() >= 0, `no ${printable(mark)}`, ms);
    const until = found();
    return this.#take(until < 0 ? 0 : until + mark.length - this.taken);
  }

  /** Reads exactly `count` bytes. */
  async read(count: number, ms: number = patienceMs): Promise<string> {
    const here = () => this.count() - this.taken >= count;
    await this.#wait(here, `fewer than ${count} bytes`, ms);
    return this.#take(count);
  }

  /** Reads the head of an HTTP message, with the empty line that ends it. */
  async readHead(ms: number = patienceMs): Promise<HttpHead> {
    return parseHead(await this.readUntil('\r\n\r\n', ms));
  }

  /** Reads a whole HTTP message; `method` is the request's when this is an answer. */
  async readMessage(method: string | null = null, ms: number = patienceMs): Promise<HttpMessage> {
    const take = () => takeMessage(this.all().subarray(this.taken), method, this.ending !== 'open');
    await this.#wait(() => take() !== null, 'no complete message', ms);
    const message = take();
    if (message === null) throw new Error(`no complete message: ${printable(this.rest())}`);
    this.taken += message.size;
    return message;
  }

  /** Waits for the end of the other side's bytes and gives all that were not read yet. */
  async readToEnd(ms: number = patienceMs): Promise<string> {
    const what = () => `no end; received so far: ${printable(this.rest())}`;
    await this.changes.until(() => this.ending !== 'open' || this.closed, what, ms);
    return this.#take(this.count() - this.taken);
  }

  async #wait(ready: () => boolean, missing: string, ms: number): Promise<void> {
    const over = () => this.ending !== 'open' || this.closed;
    const what = () => `${missing} in ${printable(this.rest())}`;
    await this.changes.until(() => ready() || over(), what, ms);
    if (!ready())
      throw new Error(`${missing} before the ${this.ending}: ${printable(this.rest())}`);
  }

  #take(count: number): string {
    const text = this.all()
      .subarray(this.taken, this.taken + count)
      .toString('latin1');
    this.taken += count;
    return text;
  }
}

const handlers = {
  data: (socket: Socket<Peer>, data: Uint8Array) => socket.data.onData(data),
  end: (socket: Socket<Peer>) => socket.data.onEnd('end'),
  close: (socket: Socket<Peer>, error?: Error) => socket.data.onClose(error),
  error: (socket: Socket<Peer>) => socket.data.onEnd('reset'),
  drain: (socket: Socket<Peer>) => socket.data.onDrain(),
};

/** Where to connect to, or what to listen on. */
export type Place = { hostname: string; port: number } | { unix: string };

/** Opens a connection. Rejects when it is refused. */
export async function connectPeer(place: Place, ms: number = patienceMs): Promise<Peer> {
  const peer = new Peer();
  const opening = Bun.connect<Peer>({
    ...(place as { hostname: string; port: number }),
    data: peer,
    allowHalfOpen: true,
    socket: { ...handlers, open: (socket) => peer.attach(socket) },
  });
  await within(opening, () => `no connection to ${JSON.stringify(place)}`, ms);
  return peer;
}

/** A scripted back end: `serve` is called for each connection and may await what it likes. */
export class RawServer {
  readonly peers: Peer[] = [];
  readonly port: number;
  readonly changes = new Signal();
  /** Errors that escaped from `serve`; a scenario reports them at its end. */
  readonly failures: unknown[] = [];
  readonly #listener: { stop(closeActive?: boolean): void };

  constructor(serve: (peer: Peer, index: number) => unknown, place?: Place) {
    const accepted = (socket: Socket<Peer>) => {
      const peer = new Peer();
      socket.data = peer;
      peer.attach(socket);
      const index = this.peers.push(peer) - 1;
      this.changes.notify();
      Promise.resolve()
        .then(() => serve(peer, index))
        .catch((error) => this.failures.push(error));
    };
    const listener = Bun.listen<Peer>({
      ...((place ?? { hostname: '127.0.0.1', port: 0 }) as { hostname: string; port: number }),
      allowHalfOpen: true,
      socket: { ...handlers, open: accepted },
    });
    this.#listener = listener;
    this.port = listener.port;
  }

  /** Waits for the connection of that index. */
  async peer(index: number, ms: number = patienceMs): Promise<Peer> {
    const what = () => `connection ${index} never came (${this.peers.length} did)`;
    await this.changes.until(() => this.peers.length > index, what, ms);
    return this.peers[index]!;
  }

  /** Everything every connection received, in order of arrival of the connections. */
  received(): string[] {
    return this.peers.map((peer) => peer.all().toString('latin1'));
  }

  /** Stops accepting; `connections` are closed too unless told otherwise. */
  stop(connections = true): void {
    this.#listener.stop(connections);
  }
}

/** Serves every request of a connection with what `answer` gives, until the client is done. */
export function serveHttp(
  answer: (request: HttpMessage, peer: Peer) => string | Promise<string>,
): (peer: Peer) => Promise<void> {
  return async (peer) => {
    for (;;) {
      await peer.changes.until(
        () => peer.count() > peer.taken || peer.ending !== 'open' || peer.closed,
        () => 'an idle connection',
        600_000,
      );
      if (peer.count() === peer.taken) break;
      const request = await peer.readMessage();
      peer.send(await answer(request, peer));
    }
    peer.close();
  };
}
