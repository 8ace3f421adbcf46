/**
 * The logger of one thread: sends a line to every target of a proxy and flushes all batches at the
 * end of the loop's turn.
 *
 * @dataplane
 */
import { reserve } from '../sys/arena.ts';
import { clock } from '../sys/clock.ts';
import type { Ring } from './ring.ts';
import type { Sink } from './sink.ts';
import type { LogTarget } from './targets.ts';
import { putString } from './text.ts';

/** What `createLogger` puts together. */
export interface LoggerParts {
  worker: number | 'control';
  lineMax: number;
  rings: readonly Ring[];
  byProxy: readonly (readonly LogTarget[])[];
  global: readonly LogTarget[];
  targets: readonly LogTarget[];
  sinks: readonly Sink[];
}

export class Logger {
  /** Most bytes worth building for a line: longer ones are cut by every target. */
  readonly lineMax: number;
  /** Which thread it belongs to. */
  readonly worker: number | 'control';
  /** The rings by section, in file order. */
  readonly rings: readonly Ring[];
  private readonly byProxy: readonly (readonly LogTarget[])[];
  private readonly global: readonly LogTarget[];
  private readonly targets: readonly LogTarget[];
  private readonly sinks: readonly Sink[];
  private readonly scratch: number;

  constructor(parts: LoggerParts) {
    this.lineMax = parts.lineMax;
    this.worker = parts.worker;
    this.rings = parts.rings;
    this.byProxy = parts.byProxy;
    this.global = parts.global;
    this.targets = parts.targets;
    this.sinks = parts.sinks;
    this.scratch = reserve(parts.lineMax);
  }

  /** Whether lines of this proxy go anywhere: without targets there is no need to build them. */
  hasTargets(proxyIndex: number): boolean {
    return (proxyIndex < 0 ? this.global : this.byProxy[proxyIndex]!).length > 0;
  }

  /**
   * Sends a line to the targets of a proxy.
   * @param proxyIndex -1 = the targets of the global section.
   * @param level 0..7; @param off the text, without line end; @param sdOff RFC 5424 structured
   * data, length 0 = none.
   */
  send(
    proxyIndex: number,
    level: number,
    off: number,
    len: number,
    sdOff: number,
    sdLen: number,
  ): void {
    const targets = proxyIndex < 0 ? this.global : this.byProxy[proxyIndex]!;
    for (let i = 0; i < targets.length; i++) targets[i]!.send(level, off, len, sdOff, sdLen);
  }

  /** Sends the batches. At the end of each turn of the loop; never blocks. */
  flush(): void {
    const sinks = this.sinks;
    for (let i = 0; i < sinks.length; i++) sinks[i]!.flush();
  }

  /** Lines that a target did not take, since start. */
  get lost(): number {
    let total = 0;
    for (let i = 0; i < this.sinks.length; i++) total += this.sinks[i]!.lost;
    for (let i = 0; i < this.targets.length; i++) total += this.targets[i]!.lost;
    return total;
  }

  /** Sends a text at once: events such as a server going down. Not for traffic. */
  text(proxyIndex: number, level: number, text: string): void {
    clock.update();
    const until = putString(this.scratch, this.scratch + this.lineMax, text);
    this.send(proxyIndex, level, this.scratch, until - this.scratch, 0, 0);
    this.flush();
  }

  /** Sends what is left and closes the sockets. */
  close(): void {
    this.flush();
    for (let i = 0; i < this.sinks.length; i++) this.sinks[i]!.close();
  }
}
