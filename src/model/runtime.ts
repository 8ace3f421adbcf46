/**
 * The configured things as a worker sees them: compiled once at start-up, read per event.
 * Names stand in the arena so that logs and headers copy bytes.
 */
import { reserveBytes } from '../sys/arena.ts';
import type { ProxyConfig, ServerConfig } from './config.ts';

/** A byte string kept in the arena for the life of the worker. */
export class Bytes {
  readonly off: number;
  readonly len: number;
  readonly text: string;

  constructor(value: string) {
    this.text = value;
    this.off = reserveBytes(value);
    this.len = value.length;
  }
}

export class Server {
  readonly config: ServerConfig;
  readonly name: Bytes;
  /** Entity number for `SharedState`. */
  readonly entity: number;
  readonly index: number;
  readonly backend: Proxy;
  /** Arena offset and length of the prepared sockaddr. */
  addressOff: number;
  addressLen: number;
  /** Prepared source address (`source`), 0 = none. */
  sourceOff: number;
  sourceLen: number;
  /** Its balancing algorithm goes by the load: changes of it are announced (`noteLoad`). */
  notesLoad: boolean;

  constructor(config: ServerConfig, entity: number, backend: Proxy) {
    this.config = config;
    this.name = new Bytes(config.name);
    this.entity = entity;
    this.index = config.index;
    this.backend = backend;
    this.addressOff = 0;
    this.addressLen = 0;
    this.sourceOff = 0;
    this.sourceLen = 0;
    this.notesLoad = false;
  }
}

/** One proxy section; a `listen` is both a frontend and a backend. */
export class Proxy {
  readonly config: ProxyConfig;
  readonly name: Bytes;
  readonly index: number;
  /** Entity of the frontend side and of the backend side, -1 when absent. */
  readonly frontend: number;
  readonly backend: number;
  readonly servers: Server[];
  /** What `%lc` shows: the number of the line that this worker writes, or of the next one. */
  logCount: number;

  constructor(config: ProxyConfig, frontend: number, backend: number, serverEntities: number[]) {
    this.config = config;
    this.name = new Bytes(config.name);
    this.index = config.index;
    this.frontend = frontend;
    this.backend = backend;
    this.servers = config.servers.map((srv, i) => new Server(srv, serverEntities[i]!, this));
    this.logCount = 0;
  }
}
