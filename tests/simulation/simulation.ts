/**
 * One simulated life of a worker: its event loop as it is, a fake kernel, scripted clients and
 * servers, and virtual time. The seed decides everything, so a run can be repeated exactly.
 */
import './install.ts';

import { recountBackend } from '../../src/balance/server-state.ts';
import { parseText } from '../../src/config/fixture.ts';
import { createLogShared } from '../../src/log/logger.ts';
import { pipesWanted } from '../../src/model/capacity.ts';
import type { Configuration } from '../../src/model/config.ts';
import { numberEntities } from '../../src/model/entity.ts';
import { Health, SharedState, State } from '../../src/model/shared.ts';
import { createEventLoop, turn } from '../../src/process/event-loop.ts';
import { writeInitialState } from '../../src/process/initial-state.ts';
import type { ToWorker } from '../../src/process/protocol.ts';
import { variableBytes } from '../../src/rules/variable/variables.ts';
import { DataType } from '../../src/stick-table/data-type.ts';
import { audit } from '../../src/stick-table/fixture.ts';
import { allocateStickTables, stickTables } from '../../src/stick-table/registry.ts';
import { createSlot } from '../../src/stick-table/slot.ts';
import { closeListeners } from '../../src/stream/accept.ts';
import { Side } from '../../src/stream/conn.ts';
import { engine } from '../../src/stream/engine.ts';
import { stickKeysInUse } from '../../src/stream/stick.ts';
import type { WorkerInit } from '../../src/stream/worker-init.ts';
import { connectionsIn } from '../fuzz/exchange.ts';
import { Random } from '../fuzz/random.ts';
import { type Client, createClient, EchoClient, type Kind } from './client.ts';
import { EventFd, type Listener } from './descriptor.ts';
import type { KernelTuning, Welcome } from './fake-kernel.ts';
import { fakeKernel } from './install.ts';
import { EchoScript, HttpServerScript, type Stage } from './server.ts';
import type { Far } from './socket.ts';
import { Timeline } from './timeline.ts';
import { configOf, serverPorts, type Variant } from './variant.ts';

const SECOND_US = 1_000_000;
/** Longer than all timeouts of the configuration in a row, with retries and a queue. */
const LIFE_US = 180 * SECOND_US;
/** After the last client: longer than the longest stream without one. */
const AFTERMATH_US = 45 * SECOND_US;
/** A loop that turns more often than this has nothing to wait for and does not know it. */
const TURNS_MAX = 400_000;
/** Client n comes from this port + n. */
const FIRST_PORT = 10_000;
const VIOLATIONS_MAX = 5;

const rudeKinds: Kind[] = ['abrupt', 'mutant', 'nonsense', 'silent', 'stalled'];

export interface Outcome {
  violations: string[];
  hash: number;
  tail: string[];
  count: Stage['count'];
  turns: number;
}

class Simulation {
  readonly #random: Random;
  readonly #timeline: Timeline;
  readonly #violations: string[] = [];
  readonly #stage: Stage;
  readonly #clients: Client[] = [];
  readonly #servers = new Set<Far>();
  readonly #messages: ToWorker[] = [];
  readonly #wake = new EventFd();
  readonly #init: WorkerInit;
  readonly #listener: Listener;
  readonly #tuning: KernelTuning;
  readonly #losesLines: boolean;
  #lines = 0;
  #coming: number;
  #turns = 0;
  #over = false;

  constructor(
    readonly variant: Variant,
    seed: number,
    print: ((line: string) => void) | null,
  ) {
    const random = new Random(seed);
    this.#random = random;
    this.#timeline = new Timeline(random.fork());
    this.#timeline.print = print;
    this.#coming = variant.clients;
    const strict = variant.strict ?? false;
    this.#stage = {
      limits: variant.limits,
      pauseUs: random.pick([0, 500, 12_000, strict ? 30_000 : 900_000]),
      strict,
      hangUps: variant.hangUps ?? false,
      halfCloses: !variant.defaults.includes('abortonclose'),
      violate: (what) => this.#violate(what),
      count: { sent: 0, complete: 0, refused: 0, answered: 0 },
    };
    const tuning: KernelTuning = {
      latencyUs: random.pick([0, 50, 2000, 20_000]),
      bufferBytes: random.pick([2000, 9000, 70_000, 1 << 20]),
      pressure: random.pick([0, 4, 30]),
      busyUs: random.pick([0, 300, 5000]),
      interrupts: random.pick([0, 40, 300]),
      shortages: 0,
      logFaults: random.pick([0, 10]),
    };
    this.#tuning = tuning;
    this.#losesLines = tuning.logFaults > 0;
    fakeKernel.begin({
      timeline: this.#timeline,
      tuning,
      welcome: (port) => this.#welcome(port),
      serve: (far) => this.#serve(far),
      logged: (line) => this.#checkLine(line),
      stuck: () => this.#stuck(),
    });
    const { fd, listener } = fakeKernel.openListener();
    this.#listener = listener;
    this.#init = this.#createInit(configOf(variant), fd, fakeKernel.open(this.#wake));
  }

  #violate(what: string): void {
    this.#timeline.note('VIOLATION', this.#violations.length);
    if (this.#violations.length < VIOLATIONS_MAX) this.#violations.push(what);
  }

  #createInit(text: string, listenerFd: number, wakeFd: number): WorkerInit {
    const { config, errors } = parseText(text);
    if (errors.length > 0) throw new Error(errors.join('\n'));
    const random = this.#random;
    const entities = numberEntities(config);
    const shared = SharedState.allocate(entities.count, 1);
    const { maxconn } = config.global;
    writeInitialState(config, entities, new SharedState(shared), maxconn, 1_700_000_000);
    const isShort = !this.#stage.strict && random.oneIn(3);
    return {
      config,
      entities,
      shared,
      stickTables: allocateStickTables(config, 1),
      workerIndex: 0,
      poison: random.oneIn(2) ? 0x55 : -1,
      maxconn,
      debug: false,
      pipes: pipesWanted(config, maxconn),
      streamsMax: isShort ? random.between(2, 12) : 60,
      buffersMax: this.variant.buffers ?? (isShort ? random.between(2, 16) : 120),
      logShared: createLogShared(config),
      tls: null,
      programName: 'sluice',
      listeners: [{ proxy: 0, bind: 0, fd: listenerFd, shared: random.oneIn(2) }],
      wakeFds: [wakeFd],
      hostname: 'sim',
      pid: 1,
    };
  }

  // What the world does.

  #welcome(port: number): Welcome {
    const { random } = this.#timeline;
    if (port === serverPorts.dead) return 'refuse';
    if (port === serverPorts.mute) return 'ignore';
    if (this.#stage.strict || !random.oneIn(15)) return 'accept';
    return random.pick(['refuse', 'ignore', 'unreachable']);
  }

  #serve(far: Far): void {
    this.#servers.add(far);
    const isTcp = this.variant.mode === 'tcp';
    far.script = isTcp ? new EchoScript(far) : new HttpServerScript(far, this.#stage);
    far.keepReading();
    // Some servers hang up on a connection before they have heard anything.
    if (!this.#stage.strict && this.#timeline.random.oneIn(25)) far.abort();
  }

  #come(number: number): void {
    this.#coming--;
    const random = this.#random.fork();
    const far = this.#listener.connect(`client ${number}`, FIRST_PORT + number);
    if (far === null) return;
    const isPolite = random.below(20) < 14;
    const kind = this.variant.kind ?? (isPolite ? 'polite' : random.pick(rudeKinds));
    const client =
      this.variant.mode === 'tcp'
        ? new EchoClient(far, this.#stage, random, number)
        : createClient(far, this.#stage, random, number, kind);
    far.script ??= client;
    this.#clients[number] = client;
  }

  #checkLine(line: string): void {
    this.#lines++;
    if (!/^<\d+>/.test(line)) this.#violate(`not a log line: ${line}`);
    if (connectionsIn(line).size > 1) this.#violate(`a log line of two connections: ${line}`);
    const port = /127\.0\.0\.1:(\d+)/.exec(line);
    const state = / ([A-Za-z-]{2,4}) \d+\/\d+\/\d+\/\d+\//.exec(line);
    const token = /\{(Tk\w+)\}/.exec(line);
    if (port === null || state === null) return this.#violate(`a log line without: ${line}`);
    const client = this.#clients[Number(port[1]) - FIRST_PORT];
    if (client?.allows(state[1]!, token?.[1] ?? null) !== false) return;
    this.#violate(`${client.what} ended as ${state[1]}: ${line}`);
  }

  #stuck(): void {
    if (this.#waiting().length > 0)
      this.#violate(`nothing will wake the proxy for: ${this.#names()}`);
    this.#over = true;
  }

  #waiting(): Client[] {
    return this.#clients.filter((client) => client && !client.done);
  }

  #names(): string {
    return this.#waiting()
      .map((client) => client.what)
      .join(', ');
  }

  /** Messages of the control thread at random times. */
  #command(message: ToWorker): void {
    this.#messages.push(message);
    this.#wake.add();
  }

  #plan(): void {
    const { clients } = this.variant;
    const random = this.#random;
    const span = random.pick([1, SECOND_US / 10, 3 * SECOND_US]);
    for (let i = 0; i < clients; i++) {
      this.#timeline.after(random.below(span), () => this.#come(i));
    }
    if (this.#stage.strict) return;
    if (random.oneIn(10)) {
      this.#timeline.after(random.below(2 * span), () => this.#command({ type: 'soft-stop' }));
    }
    if (random.oneIn(3)) {
      for (let n = random.between(1, 6); n > 0; n--) {
        this.#timeline.after(random.below(4 * SECOND_US), () => this.#toggle());
      }
    }
  }

  /** A health check has changed a server's state. */
  #toggle(): void {
    const { config, entities } = this.#init;
    const servers = entities.server[0]!;
    const entity = this.#timeline.random.pick(servers);
    const { shared } = engine;
    const isDown = shared.get(entity, State.Health) === Health.Down;
    shared.set(entity, State.Health, isDown ? Health.Up : Health.Down);
    recountBackend(shared, config.proxies[0]!, entities.backend[0]!, servers);
    this.#command({ type: 'refresh' });
  }

  // The run.

  #turn(): void {
    turn();
    if (++this.#turns === TURNS_MAX) {
      this.#violate('the event loop spins');
      this.#over = true;
    }
  }

  get #isBroken(): boolean {
    return this.#violations.length >= VIOLATIONS_MAX || this.#turns >= TURNS_MAX;
  }

  #turnUntil(deadlineUs: number, isOver: () => boolean): void {
    this.#timeline.after(deadlineUs - this.#timeline.nowUs, () => {});
    while (!engine.ended && !isOver() && !this.#isBroken && this.#timeline.nowUs < deadlineUs) {
      this.#turn();
    }
  }

  /** What a worker that has ended sent before is still on its way. */
  #settle(): void {
    if (engine.ended) this.#timeline.advance(AFTERMATH_US);
  }

  run(): Outcome {
    const bornUs = this.#timeline.nowUs;
    createEventLoop(this.#init, {
      receive: () => this.#messages.shift() ?? null,
      failed: (error) =>
        this.#violate(`exception: ${error instanceof Error ? error.stack : String(error)}`),
      reportMemory: () => {},
      suspended: () => {},
      serve: () => {},
      collect: () => {
        if (this.#timeline.nowUs < bornUs + SECOND_US) {
          this.#violate('a collection of garbage as the first clients come');
        }
      },
    });
    // Not before: a worker that cannot open its log socket says so by losing every line.
    if (!this.#stage.strict) this.#tuning.shortages = this.#random.pick([0, 20, 200]);
    this.#plan();
    const from = this.#timeline.nowUs;
    this.#turnUntil(from + LIFE_US, () => {
      return this.#over || (this.#coming === 0 && this.#waiting().length === 0);
    });
    this.#settle();
    if (this.#waiting().length > 0 && !this.#over) this.#violate(`still there: ${this.#names()}`);
    this.#over = false;
    for (const far of this.#servers) {
      this.#timeline.after(this.#random.below(7 * SECOND_US), () => far.close());
    }
    this.#settle();
    this.#turnUntil(this.#timeline.nowUs + AFTERMATH_US, () => this.#over);
    if (!this.#isBroken) this.#checkQuiet(this.#init.config);
    this.#end();
    return {
      violations: this.#violations,
      hash: this.#timeline.hash,
      tail: this.#timeline.tail,
      count: this.#stage.count,
      turns: this.#turns,
    };
  }

  /** Nothing is counted, nothing is held, nothing is armed. */
  #checkQuiet(config: Configuration): void {
    const left: string[] = [];
    const see = (what: string, count: number) => {
      if (count !== 0) left.push(`${count} ${what}`);
    };
    see('clients', engine.clients);
    see('buffers', engine.buffers.inUse);
    see('captures', engine.captures.inUse);
    see('bytes of variables', variableBytes());
    see('keys that wait', stickKeysInUse());
    for (const table of stickTables()) {
      left.push(...audit(table));
      const slot = createSlot(table, DataType.ConnCur, 0);
      for (let at = 0; at < table.positions; at++) {
        const entry = table.openAt(at, 0);
        if (entry === 0) continue;
        see('uses of an entry', table.uses(entry));
        if (slot.offset !== 0) see('conn_cur of an entry', slot.read(table, entry, 0));
        table.close();
      }
    }
    see('streams', engine.streams.length - new Set(engine['freeStreams']).size);
    see('doubly freed streams', engine['freeStreams'].length - new Set(engine['freeStreams']).size);
    see('living streams', engine.streams.filter((strm) => !strm!.ended).length);
    see('doubly freed connections', engine['freeConns'].length - new Set(engine['freeConns']).size);
    const standing = engine.conns;
    // A worker that has ended leaves what lies idle to the end of the process.
    const idle = engine.ended ? standing.filter((conn) => conn!.side === Side.Idle).length : 0;
    see('connections', standing.filter((conn) => conn!.side !== Side.Free).length - idle);
    see('connection slots', standing.length - engine['freeConns'].length - idle);
    see('timers', standing.filter((conn) => engine.timers.isSet(conn!.id)).length);
    see('stream timers', engine.streams.filter((strm) => this.#hasTimer(strm!.slot)).length);
    see('queued entries', engine.grantQueue.length + engine.resumeQueue.length);
    see('load', engine.shared.handoff[engine.loadCell]!);
    for (let entity = 0; entity < this.#init.entities.count; entity++) {
      see(`current of entity ${entity}`, engine.shared.get(entity, State.Current));
      see(`queued of entity ${entity}`, engine.shared.get(entity, State.Queued));
    }
    let lying = 0;
    for (const entity of this.#init.entities.server[0]!) {
      lying += engine.shared.get(entity, State.IdleConnections);
    }
    // Private connections (http-reuse never) are not counted.
    see('counted as idle', Math.max(0, lying - idle));
    // Every stream has a number and a line.
    if (!this.#losesLines) see('log lines missing', engine.nextId - this.#lines);
    see('bytes in pipes', fakeKernel.pipedBytes);
    const open = fakeKernel.descriptors.filter((name) => name.startsWith('Socket'));
    see(`open sockets (${open.join(', ')})`, open.length - idle);
    const pipes = fakeKernel.descriptors.filter((name) => name.startsWith('PipeEnd')).length;
    see('pipes too many', Math.max(0, pipes / 2 - engine.pipesMax));
    if (left.length > 0) this.#violate(`left in ${config.proxies[0]!.name}: ${left.join(', ')}`);
  }

  #hasTimer(slot: number): boolean {
    return engine.timers.isSet(engine.connsMax + slot);
  }

  /** A soft stop ends an idle worker at once. */
  #end(): void {
    if (!engine.ended) {
      this.#command({ type: 'soft-stop' });
      for (let i = 0; i < 10 && !engine.ended; i++) this.#turn();
      if (!engine.ended && !this.#isBroken) this.#violate('a soft stop did not end the worker');
    }
    closeListeners();
    engine.logger.flush();
    const open = fakeKernel.descriptors.filter((name) => name.startsWith('Listener'));
    if (open.length > 0) this.#violate(`${open.join(', ')} after the end`);
  }
}

/** Runs one seed. */
export function simulate(
  variant: Variant,
  seed: number,
  print: ((line: string) => void) | null = null,
): Outcome {
  return new Simulation(variant, seed, print).run();
}
