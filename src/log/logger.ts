/**
 * Puts the logger of a thread together from the `log` lines of the configuration.
 *
 * Proxies with the same `log` line and tag (`log global` in most configurations) share one target
 * with its cached header; targets with the same address share one socket and batch.
 */
import type { Configuration, LogTargetConfig, ProxyConfig } from '../model/config.ts';
import { reserve } from '../sys/arena.ts';
import { createSockaddr } from '../sys/socket.ts';
import { DatagramSink } from './datagram-sink.ts';
import { Ring } from './ring.ts';
import { RingSink } from './ring-sink.ts';
import type { Sink } from './sink.ts';
import { StreamSink } from './stream-sink.ts';
import { Framing } from './syslog.ts';
import { LogTarget, type SampleCounters } from './targets.ts';
import { Logger } from './thread-logger.ts';

export { Logger } from './thread-logger.ts';

/** Longest line that rules and texts may build when no target asks for more. */
const LINE_DEFAULT = 1024;

export interface LoggerOptions {
  config: Configuration;
  /** Name of the machine. */
  hostname: string;
  pid: number;
  worker: number | 'control';
  /** Log tag when none is configured: the name the program was launched by. */
  programName?: string;
  /** Made by the control thread with `createLogShared`. Without it the thread logs for itself. */
  shared?: LogShared;
}

/** What the loggers of all threads share. */
export interface LogShared {
  /** One per `ring` section, in file order. */
  rings: SharedArrayBuffer[];
  /** Turn counters of `sample`. */
  samples: SharedArrayBuffer;
}

/** Makes the shared part. Once, by the control thread. */
export function createLogShared(config: Configuration): LogShared {
  return {
    rings: config.rings.map((ring) => Ring.createBuffer(ring.size)),
    samples: new SharedArrayBuffer(Math.max(1, createLineKeys(config).size) * 4),
  };
}

/** Opens the targets of a thread. Start-up only, before the chroot. */
export function createLogger(options: LoggerOptions): Logger {
  const { config } = options;
  const shared = options.shared ?? createLogShared(config);
  const parts = new PartsBuilder(options, shared);
  const byProxy = config.proxies.map((proxy) => proxy.logs.map((log) => parts.target(log, proxy)));
  const global = config.global.logs.map((log) => parts.target(log, null));
  return new Logger({
    worker: options.worker,
    // HAProxy's buffer for a line ends with a byte that is no text.
    lineMax: lineMaxOf(config) - 1,
    rings: parts.rings,
    byProxy,
    global,
    targets: [...parts.targets.values()],
    sinks: [...parts.sinks.values()],
  });
}

class PartsBuilder {
  readonly rings: Ring[];
  readonly sinks: Map<string, Sink>;
  readonly targets: Map<string, LogTarget>;
  private readonly options: LoggerOptions;
  private readonly lineKeys: Map<string, number>;
  private readonly counters: SampleCounters;

  constructor(options: LoggerOptions, shared: LogShared) {
    this.options = options;
    this.rings = shared.rings.map((buffer) => new Ring(buffer));
    this.sinks = new Map();
    this.targets = new Map();
    this.lineKeys = createLineKeys(options.config);
    this.counters = new Int32Array(shared.samples);
  }

  target(log: LogTargetConfig, proxy: ProxyConfig | null): LogTarget {
    return createTarget(this, log, this.tagOf(proxy));
  }

  private tagOf(proxy: ProxyConfig | null): string {
    const { config, programName } = this.options;
    return proxy?.logTag ?? config.global.logTag ?? programName ?? 'haproxy';
  }

  framing(log: LogTargetConfig, tag: string): Framing {
    const { config, hostname, pid } = this.options;
    const asked = config.global.logSendHostname;
    const ring = log.target.kind === 'ring' ? ringOf(config, log.target.ring) : null;
    return new Framing({
      // The format of the ring counts, whatever the log line says (12.5).
      format: ring ? ring.format : log.format,
      facility: log.facility,
      lengthMax: Math.min(log.length - 1, ring?.maxlen ?? Number.POSITIVE_INFINITY),
      hostname: asked === '' ? hostname : asked,
      tag,
      pid,
      newline: ring === null,
    });
  }

  sink(log: LogTargetConfig): Sink {
    const key = JSON.stringify(log.target);
    let sink = this.sinks.get(key);
    if (!sink) {
      sink = createSink(log, this.options.config, this.rings);
      this.sinks.set(key, sink);
    }
    return sink;
  }

  counterOf(log: LogTargetConfig): { counters: SampleCounters; counter: number } {
    return { counters: this.counters, counter: this.lineKeys.get(lineKey(log)) ?? 0 };
  }
}

function createTarget(parts: PartsBuilder, log: LogTargetConfig, tag: string): LogTarget {
  const key = `${tag}\0${lineKey(log)}`;
  let target = parts.targets.get(key);
  if (!target) {
    const { counters, counter } = parts.counterOf(log);
    target = new LogTarget(log, parts.sink(log), parts.framing(log, tag), counters, counter);
    parts.targets.set(key, target);
  }
  return target;
}

function createSink(log: LogTargetConfig, config: Configuration, rings: Ring[]): Sink {
  const { target } = log;
  const lineMax = lineMaxOf(config) + 1;
  switch (target.kind) {
    case 'udp': {
      const off = reserve(128);
      return new DatagramSink(off, createSockaddr(target.address, off), lineMax);
    }
    case 'unix': {
      const off = reserve(128);
      const text = target.path;
      const address = { family: 'unix', datagram: true, bytes: [], port: 0, fd: -1 } as const;
      const sockaddr = { ...address, bytes: [], path: text, text };
      return new DatagramSink(off, createSockaddr(sockaddr, off), lineMax);
    }
    case 'fd':
      return new StreamSink(target.fd, lineMax);
    default: {
      const index = config.rings.indexOf(ringOf(config, target.ring));
      return new RingSink(rings[index]!, lineMax);
    }
  }
}

function ringOf(config: Configuration, name: string) {
  const ring = config.rings.find((section) => section.name === name);
  if (!ring) throw new Error(`unknown ring '${name}'`);
  return ring;
}

function lineMaxOf(config: Configuration): number {
  const logs = [...config.global.logs, ...config.proxies.flatMap((proxy) => proxy.logs)];
  const lengths = logs.map((log) => log.length);
  const rings = config.rings.map((ring) => ring.maxlen);
  return Math.max(LINE_DEFAULT, ...lengths, ...rings);
}

/** `log` lines are told apart by where they stand; `log global` repeats the global ones. */
function lineKey(log: LogTargetConfig): string {
  return JSON.stringify(log);
}

/** A number per distinct `log` line, the same in every thread. */
function createLineKeys(config: Configuration): Map<string, number> {
  const keys = new Map<string, number>();
  for (const log of [...config.global.logs, ...config.proxies.flatMap((proxy) => proxy.logs)]) {
    if (!keys.has(lineKey(log))) keys.set(lineKey(log), keys.size);
  }
  return keys;
}
