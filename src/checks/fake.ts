/** A clock and connections for the tests of health checks: time passes only when they say so. */
import type { Clock } from './clock.ts';
import type { ConnectResult, ConnectTarget, Open } from './connection.ts';

interface Timer {
  atMs: number;
  order: number;
  fire: () => void;
}

export class FakeClock implements Clock {
  private timers: Timer[] = [];
  private now = 0;
  private order = 0;
  /** What `random` gives. */
  chance = 0.5;

  nowMs(): number {
    return this.now;
  }

  wallSeconds(): number {
    return 1000 + Math.floor(this.now / 1000);
  }

  random(): number {
    return this.chance;
  }

  after(delayMs: number, fire: () => void): () => void {
    const timer = { atMs: this.now + delayMs, order: this.order++, fire };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass; timers fire in their order. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const due = this.timers.filter((timer) => timer.atMs <= until);
      due.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const first = due[0];
      if (first === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== first);
      this.now = Math.max(this.now, first.atMs);
      first.fire();
    }
    this.now = until;
  }

  get pending(): number {
    return this.timers.length;
  }
}

/** Answers by port: a result after a delay, or silence. */
export class FakeNetwork {
  readonly answers = new Map<number, { result: ConnectResult; afterMs: number } | 'silence'>();
  /** Times at which connections were tried, per port. */
  readonly tried = new Map<number, number[]>();
  open = 0;
  private readonly clock: FakeClock;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  accept(port: number, afterMs = 0): void {
    this.answers.set(port, { result: { kind: 'connected' }, afterMs });
  }

  refuse(port: number, info = 'Connection refused'): void {
    this.answers.set(port, { result: { kind: 'refused', info }, afterMs: 0 });
  }

  hang(port: number): void {
    this.answers.set(port, 'silence');
  }

  readonly connect: Open = (target: ConnectTarget, events) => {
    const port = target.address.port;
    this.tried.set(port, [...(this.tried.get(port) ?? []), this.clock.nowMs()]);
    this.open++;
    const answer = this.answers.get(port) ?? 'silence';
    const cancel =
      answer === 'silence'
        ? () => {}
        : this.clock.after(answer.afterMs, () => events.decided(answer.result));
    let isOpen = true;
    return {
      send: (bytes, from) => bytes.length - from,
      receive: () => ({ kind: 'nothing' }),
      close: () => {
        cancel();
        if (isOpen) this.open--;
        isOpen = false;
      },
    };
  };
}
