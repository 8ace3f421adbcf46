/**
 * One TCP connection of the simulation: `Socket` is the proxy's end, a descriptor of the fake
 * kernel; `Far` is the other end, played by a scripted client or server.
 *
 *   Far.send → way → arrived (Socket.rx) → recv          send → Socket.tx → Far.onData
 *
 * The states and what poll reports for them are those of Linux (tcp(7), epoll(7)).
 */
import { Errno } from '../../src/sys/errno-code.ts';
import { ByteQueue } from './byte-queue.ts';
import type { Timeline } from './timeline.ts';

export const enum Poll {
  In = 1,
  Out = 4,
  Err = 8,
  Hup = 16,
  RdHup = 0x2000,
}

/** Something that a descriptor stands for. */
export interface File {
  /** What poll(2) would report now. */
  poll(): number;
  /** The last descriptor is gone. */
  release(): void;
  /** Tells the epoll instances that this may be ready now; set when it is registered. */
  onWake: (() => void) | null;
}

export interface NetworkTuning {
  /** Longest time that a segment is on its way, in µs. */
  latencyUs: number;
  /** Send and receive buffers of the kernel, in bytes. */
  bufferBytes: number;
  /** One in n writes meets a kernel short of memory; 0 = none. */
  pressure: number;
}

const enum Life {
  Fresh = 0,
  Connecting = 1,
  Established = 2,
  /** Reset or refused: nothing passes any more. */
  Dead = 3,
}

export class Socket implements File {
  onWake: (() => void) | null = null;
  readonly rx = new ByteQueue();
  readonly tx = new ByteQueue();
  far: Far | null = null;
  /** The peer's FIN has arrived. */
  ended = false;
  /** We have sent our FIN (it follows what is in `tx`). */
  shut = false;
  /** Close sends a reset (SO_LINGER with 0). */
  abrupt = false;
  #life = Life.Fresh;
  #error = 0;
  #closed = false;
  /** A write has met a full buffer: somebody waits for room. */
  #wantsRoom = false;

  constructor(
    readonly timeline: Timeline,
    readonly tuning: NetworkTuning,
  ) {}

  get closed(): boolean {
    return this.#closed;
  }

  /** Room for bytes that arrive. */
  get room(): number {
    return this.tuning.bufferBytes - this.rx.length;
  }

  poll(): number {
    if (this.#life === Life.Connecting) return 0;
    let mask = 0;
    const dead = this.#life !== Life.Established;
    if (dead || (this.ended && this.shut)) mask |= Poll.Hup;
    if (dead || this.ended) mask |= Poll.In | Poll.RdHup;
    if (this.rx.length > 0) mask |= Poll.In;
    if (dead || this.shut || this.#isWritable()) mask |= Poll.Out;
    else this.#wantsRoom = true;
    if (this.#error !== 0) mask |= Poll.Err;
    return mask;
  }

  #isWritable(): boolean {
    return !this.#wantsRoom && this.tx.length * 3 <= this.tuning.bufferBytes * 2;
  }

  connecting(): void {
    this.#life = Life.Connecting;
  }

  /** The connection is there, as an accepted one or because connect succeeded. */
  establish(far: Far): void {
    this.far = far;
    this.#life = Life.Established;
    this.onWake?.();
  }

  /** A reset has arrived, or connect failed. */
  fail(error: number): void {
    if (this.#life === Life.Dead) return;
    this.#error = this.ended && error === Errno.ECONNRESET ? Errno.EPIPE : error;
    this.#life = Life.Dead;
    this.tx.clear();
    this.onWake?.();
  }

  /** SO_ERROR: tells the error once. */
  takeError(): number {
    const error = this.#error;
    this.#error = 0;
    return error;
  }

  arrive(bytes: Buffer): void {
    this.rx.push(bytes);
    this.onWake?.();
  }

  arriveEnd(): void {
    this.ended = true;
    this.onWake?.();
  }

  /** What recv and splice find when there are no bytes: 0 at the end, else minus errno. */
  emptyResult(): number {
    if (this.ended) return 0;
    if (this.#error !== 0) return -this.takeError();
    if (this.#life === Life.Dead) return 0;
    return this.#life === Life.Established ? -Errno.EAGAIN : -107;
  }

  /** Bytes taken; the other end may send more now. */
  read(count: number): Buffer {
    const bytes = this.rx.take(count);
    this.far?.keepSending();
    return bytes;
  }

  /**
   * How many of `count` bytes the kernel takes now, or minus errno. A partial answer promises an
   * event when there is room again.
   */
  writable(count: number): number {
    if (this.#life === Life.Connecting || this.#life === Life.Fresh) return -Errno.EAGAIN;
    if (this.#error !== 0) return -this.takeError();
    if (this.#life === Life.Dead || this.shut) return -Errno.EPIPE;
    const { bufferBytes, pressure } = this.tuning;
    let room = bufferBytes - this.tx.length;
    const { random } = this.timeline;
    if (pressure > 0 && random.oneIn(pressure)) {
      room = random.oneIn(2) ? 0 : random.below(room + 1);
      if (room < count) this.timeline.after(random.below(3000), () => this.#relieve());
    }
    if (room >= count) return count;
    this.#wantsRoom = true;
    return room > 0 ? room : -Errno.EAGAIN;
  }

  write(bytes: Buffer): void {
    this.tx.push(bytes);
    this.far?.keepReading();
  }

  #relieve(): void {
    if (!this.#wantsRoom || this.tx.length * 3 > this.tuning.bufferBytes * 2) return;
    this.#wantsRoom = false;
    this.onWake?.();
  }

  /** The other end has taken bytes. */
  drained(): void {
    this.#relieve();
  }

  shutdownWrite(): number {
    if (this.#life !== Life.Established) return -107;
    this.shut = true;
    this.far?.keepReading();
    this.onWake?.();
    return 0;
  }

  release(): void {
    this.#closed = true;
    this.onWake = null;
    if (this.#life !== Life.Established) {
      this.far?.peerVanished();
      return;
    }
    // Linux answers bytes that nobody will read with a reset (RFC 2525 2.17).
    if (this.abrupt || this.rx.length > 0) {
      this.tx.clear();
      this.#life = Life.Dead;
      this.far?.reset();
      return;
    }
    this.shut = true;
    this.far?.keepReading();
    this.far?.keepSending();
  }

  /** Bytes have come for a connection that nobody holds: they are answered with a reset. */
  refuseBytes(): void {
    // Behind a FIN that is on its way the reset changes nothing any more.
    if (this.tx.length === 0 && this.shut) return;
    this.tx.clear();
    this.#life = Life.Dead;
    this.far?.reset();
  }
}

/** Who plays the other end. */
export interface Script {
  onData(bytes: Buffer): void;
  /** The proxy has closed its sending side. */
  onEnd(): void;
  onReset(): void;
}

export class Far {
  script: Script | null = null;
  /** Nothing is read for the time being. */
  paused = false;
  readonly #way = new ByteQueue();
  /** What is on its way arrives in one piece. */
  #atOnce = false;
  #ending = false;
  #endArrived = false;
  #closed = false;
  #sawEnd = false;
  #sendingSoon = false;
  #readingSoon = false;

  constructor(
    readonly socket: Socket,
    readonly name: string,
  ) {}

  /** This end has gone or was thrown out: nothing more happens to it. */
  get closed(): boolean {
    return this.#closed;
  }

  #delay(): number {
    const { timeline, tuning } = this.socket;
    const { random } = timeline;
    return random.oneIn(3) ? 0 : random.below(tuning.latencyUs + 1);
  }

  send(text: string): void {
    if (this.#closed || this.#ending) return;
    this.#way.push(Buffer.from(text, 'latin1'));
    this.keepSending();
  }

  /** Bytes that all arrive at the same moment, whatever was sent before. */
  sendAtOnce(text: string): void {
    this.#atOnce = true;
    this.send(text);
  }

  /** FIN after all bytes; still reads. */
  end(): void {
    if (this.#closed || this.#ending) return;
    this.#ending = true;
    this.keepSending();
  }

  /** FIN, and nobody reads any more: bytes that come are answered with a reset. */
  close(): void {
    this.end();
    this.#closed = true;
    this.script = null;
    if (this.socket.tx.length > 0) this.#resetPeer();
    this.keepReading();
  }

  /** RST. What is on its way may or may not arrive before. */
  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.script = null;
    if (this.socket.timeline.random.oneIn(2)) this.#way.clear();
    this.#resetPeer();
  }

  #resetPeer(): void {
    const { socket } = this;
    socket.timeline.after(this.#delay(), () => {
      this.#way.clear();
      if (!socket.closed) {
        socket.timeline.note(`from ${this.name}: RST`, 0);
        socket.fail(Errno.ECONNRESET);
      }
    });
  }

  /** Moves segments towards the proxy while there is something to move and room for it. */
  keepSending(): void {
    if (this.#sendingSoon || this.#endArrived) return;
    if (this.#way.length === 0 && !this.#ending) return;
    const isFull = this.socket.room <= 0 && !this.socket.closed;
    if (this.#way.length > 0 && isFull && !this.#atOnce) return;
    this.#sendingSoon = true;
    this.socket.timeline.after(this.#delay(), () => {
      this.#sendingSoon = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const { socket } = this;
    if (this.#way.length > 0) {
      if (socket.closed) return socket.refuseBytes();
      const bytes = this.#way.take(this.#segment());
      this.#atOnce = false;
      socket.timeline.note(`from ${this.name}:`, bytes.length);
      socket.arrive(bytes);
    }
    if (this.#way.length === 0 && this.#ending) {
      // The end may come with the last bytes or after them.
      if (socket.timeline.random.oneIn(2)) {
        this.#endArrived = true;
        socket.timeline.note(`from ${this.name}: FIN`, 0);
        if (!socket.closed) socket.arriveEnd();
        return;
      }
    }
    this.keepSending();
  }

  /** Segments often are what one write has made, or all that waits. */
  #segment(): number {
    const most = Math.min(this.#way.length, this.socket.room);
    if (this.#atOnce) return this.#way.length;
    const { random } = this.socket.timeline;
    if (random.oneIn(3)) return most;
    return random.oneIn(2) ? Math.min(most, this.#way.firstLength) : 1 + random.below(most);
  }

  /** Takes bytes of the proxy, unless it is paused. */
  keepReading(): void {
    const { tx, shut } = this.socket;
    if (this.#readingSoon || this.paused || this.#sawEnd) return;
    if (tx.length === 0 && !shut) return;
    this.#readingSoon = true;
    this.socket.timeline.after(this.#delay(), () => {
      this.#readingSoon = false;
      this.#take();
    });
  }

  #take(): void {
    const { socket } = this;
    const { tx, timeline } = socket;
    if (this.paused) return;
    if (this.#closed) {
      if (tx.length > 0) this.#resetPeer();
      return;
    }
    if (tx.length > 0) {
      const { random } = timeline;
      const bytes = tx.take(random.oneIn(2) ? tx.length : 1 + random.below(tx.length));
      timeline.note(`to ${this.name}:`, bytes.length);
      socket.drained();
      this.script?.onData(bytes);
    } else if (socket.shut && !this.#sawEnd) {
      this.#sawEnd = true;
      timeline.note(`to ${this.name}: FIN`, 0);
      this.script?.onEnd();
    }
    this.keepReading();
  }

  pauseFor(us: number): void {
    this.paused = true;
    this.socket.timeline.after(us, () => {
      this.paused = false;
      this.keepReading();
    });
  }

  /** The proxy has reset the connection. */
  reset(): void {
    this.socket.timeline.after(this.#delay(), () => this.peerVanished());
  }

  peerVanished(): void {
    if (this.#closed || this.#sawEnd) return;
    this.#closed = true;
    this.socket.timeline.note(`to ${this.name}: RST`, 0);
    const { script } = this;
    this.script = null;
    script?.onReset();
  }
}
