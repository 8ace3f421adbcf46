/**
 * The stats socket: `stats socket` lines served by the control thread (configuration.txt 3.1,
 * management.txt 9.3). The sockets were opened before privileges were given up; here they only
 * start to accept. Bun.listen is used because it costs no start-up time, unlike node:net.
 */
import type { Socket, TCPSocketListener } from 'bun';
import type { StatsSocketConfig } from '../model/config.ts';
import { Level, type RuntimeSource } from './command.ts';
import { CliSession } from './session.ts';

const levels = { user: Level.User, operator: Level.Operator, admin: Level.Admin } as const;

interface Connection {
  session: CliSession;
  /** Bytes that the peer has not taken yet. */
  unsent: Buffer;
  timer: ReturnType<typeof setTimeout> | null;
  /** Arrived while the connection waits for its turn. */
  early: string;
  waits: boolean;
  ended: boolean;
}

export class StatsSocket {
  private readonly source: RuntimeSource;
  private readonly listeners: TCPSocketListener<Connection>[] = [];
  private active = 0;
  /** Connections beyond `stats maxconn`, in order of arrival. */
  private readonly waiting: Socket<Connection>[] = [];

  constructor(source: RuntimeSource) {
    this.source = source;
  }

  /**
   * Starts to accept.
   * @param fds listening sockets in the order of the `stats socket` lines
   */
  listen(fds: readonly number[]): void {
    for (let i = 0; i < fds.length; i++) this.listenOne(i, fds[i]!);
  }

  listenOne(index: number, fd: number): void {
    const config = this.source.config.global.statsSockets[index]!;
    this.listeners[index] = this.listenOn(config, fd);
  }

  /** Gives one of the listening sockets up; open connections go on. */
  closeOne(index: number): void {
    this.listeners[index]?.stop();
  }

  /** Accepts no more; open connections go on. */
  close(): void {
    for (const listener of this.listeners) listener.stop();
    this.listeners.length = 0;
  }

  private listenOn(config: StatsSocketConfig, fd: number): TCPSocketListener<Connection> {
    const options = {
      fd,
      // A script may close its side after the command: the answer is still wanted.
      allowHalfOpen: true,
      socket: {
        open: (socket: Socket<Connection>) => this.open(socket, config),
        data: (socket: Socket<Connection>, data: Buffer) => this.receive(socket, data),
        drain: (socket: Socket<Connection>) => this.flush(socket),
        end: (socket: Socket<Connection>) => this.halfClosed(socket),
        close: (socket: Socket<Connection>) => this.closed(socket),
        error: (socket: Socket<Connection>) => this.closed(socket),
      },
    };
    return Bun.listen<Connection>(options as never) as TCPSocketListener<Connection>;
  }

  private open(socket: Socket<Connection>, config: StatsSocketConfig): void {
    const { global } = this.source.config;
    const level = levels[config.level];
    const waits = this.active >= global.statsMaxconn;
    socket.data = {
      session: new CliSession(this.source, level, global.statsTimeoutMs, global.tune.bufsize),
      unsent: Buffer.alloc(0),
      timer: null,
      early: '',
      waits,
      ended: false,
    };
    this.source.info.cli.connections++;
    if (waits) this.waiting.push(socket);
    else this.active++;
    this.restartTimer(socket);
  }

  private receive(socket: Socket<Connection>, data: Buffer): void {
    const connection = socket.data;
    const text = data.toString('latin1');
    if (connection.waits) connection.early += text;
    else this.answer(socket, text);
  }

  private answer(socket: Socket<Connection>, text: string): void {
    const connection = socket.data;
    if (connection.session.closing) return;
    const answer = Buffer.from(connection.session.receive(text), 'latin1');
    connection.unsent =
      connection.unsent.length === 0 ? answer : Buffer.concat([connection.unsent, answer]);
    this.restartTimer(socket);
    this.flush(socket);
  }

  private flush(socket: Socket<Connection>): void {
    const connection = socket.data;
    if (connection.unsent.length > 0) {
      const sent = socket.write(connection.unsent);
      if (sent < 0) return;
      connection.unsent = connection.unsent.subarray(sent);
    }
    if (connection.unsent.length === 0 && connection.session.closing) socket.end();
  }

  private halfClosed(socket: Socket<Connection>): void {
    const connection = socket.data;
    if (connection.waits) return;
    connection.session.cli.closing = true;
    this.flush(socket);
  }

  private closed(socket: Socket<Connection>): void {
    const connection = socket.data;
    if (connection === undefined || connection.ended) return;
    connection.ended = true;
    if (connection.timer !== null) clearTimeout(connection.timer);
    connection.timer = null;
    const at = this.waiting.indexOf(socket);
    if (at >= 0) {
      this.waiting.splice(at, 1);
      return;
    }
    this.active--;
    this.admitNext();
  }

  private admitNext(): void {
    const next = this.waiting.shift();
    if (next === undefined) return;
    this.active++;
    next.data.waits = false;
    this.answer(next, next.data.early);
  }

  private restartTimer(socket: Socket<Connection>): void {
    const connection = socket.data;
    if (connection.timer !== null) clearTimeout(connection.timer);
    connection.timer = setTimeout(() => socket.terminate(), connection.session.cli.timeoutMs);
  }
}
