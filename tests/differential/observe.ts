/**
 * Runs cases through one program and writes down what each side saw, in a form in which two programs
 * that did the same compare equal: chunk boundaries, times and ports are taken out, nothing else.
 */
import { printable } from '../harness/bytes.ts';
import { type HttpMessage, takeMessage, takePartialChunked } from '../harness/http.ts';
import type { Peer, RawServer } from '../harness/peer.ts';
import type { Program, Proxy } from '../harness/proxy.ts';
import type { World } from '../harness/scenario.ts';
import type { UdpReceiver } from '../harness/socket.ts';
import { type Case, okay, type Step, type Variant, variants } from './case.ts';

export interface Observation {
  /** What the client received, and how its connection ended. */
  client: string[];
  /** What each connection of the back end received. */
  server: string[];
  /** Frontend, server, status, bytes, termination state and request of each log line. */
  log: string[];
}

/** Longer than any event here takes; every timeout of the proxies is shorter. */
const caseMs = 6000;

const variantNames = Object.keys(variants) as Variant[];

/** One place to run cases one after the other: a back end and a listener per variant. */
interface Lane {
  server: RawServer;
  index: number;
  current: Case;
}

function configuration(lanes: Lane[], logPort: number): string {
  const sections = lanes.flatMap((lane) =>
    variantNames.map(
      (variant) => `
listen ${variant}.${lane.index}
  bind fd@{{${variant.replaceAll('-', '_')}_${lane.index}}}
  ${variants[variant].join('\n  ')}
  server s 127.0.0.1:${lane.server.port}`,
    ),
  );
  return `
global
  nbthread 1
  log 127.0.0.1:${logPort} len 65535 local0
defaults
  mode http
  log global
  option httplog
  retries 0
  http-reuse never
  timeout connect 700ms
  timeout client 600ms
  timeout server 1200ms
  timeout http-request 600ms
  timeout http-keep-alive 600ms
  timeout tunnel 900ms
${sections.join('\n')}
frontend sentinel
  bind fd@{{sentinel}}
  http-request return status 200 content-type text/plain string ok
`;
}

/** The answers of a list in turn, then what happens after them. */
async function answerRequests(peer: Peer, kase: Case): Promise<void> {
  const given = kase.answer ?? okay;
  const answers = Array.isArray(given) ? given : [given as string];
  for (let i = 0; ; i++) {
    await waitForRequest(peer);
    if (peer.ending !== 'open' || peer.closed) break;
    peer.send(answers[Math.min(i, answers.length - 1)]!);
    if (kase.after === 'close' && i >= answers.length - 1) return peer.close();
    if (kase.after === 'reset' && i >= answers.length - 1) {
      await peer.sent(caseMs);
      return peer.reset();
    }
  }
  peer.close();
}

/** Waits for one whole request, or for the end. A request that cannot be read counts as its head. */
async function waitForRequest(peer: Peer): Promise<void> {
  const over = () => peer.ending !== 'open' || peer.closed;
  let size = 0;
  const ready = () => {
    try {
      size = takeMessage(peer.all().subarray(peer.taken), null, false)?.size ?? 0;
    } catch {
      size = peer.count() - peer.taken;
    }
    return size > 0 || over();
  };
  await peer.changes.until(ready, () => 'no request', caseMs * 4);
  peer.taken += size;
}

async function play(
  peer: Peer,
  steps: Step[],
  methods: string[],
  server: RawServer | null = null,
  before = 0,
): Promise<void> {
  const over = () => peer.ending !== 'open' || peer.closed;
  for (const step of steps) {
    if (step === 'end') peer.end();
    else if (step === 'close') return peer.close();
    else if (step === 'reset') return peer.reset();
    else if (typeof step === 'string') peer.send(step);
    else if ('wait' in step) {
      const found = () => peer.all().indexOf(step.wait, 0, 'latin1') >= 0;
      await peer.changes.until(
        () => found() || over(),
        () => `no ${step.wait}`,
        caseMs,
      );
    } else if ('seen' in step) {
      const newest = await server!.peer(before, caseMs);
      const here = () => newest.all().indexOf(step.seen, 0, 'latin1') >= 0;
      await newest.changes.until(here, () => `the back end never saw ${step.seen}`, caseMs);
    } else if ('requests' in step) await waitForRequest(peer);
    else {
      const enough = () => finals(peer, methods) >= step.replies;
      await peer.changes.until(
        () => enough() || over(),
        () => `no reply ${step.replies}`,
        caseMs,
      );
    }
  }
}

function methodsOf(kase: Case): string[] {
  if (kase.methods) return kase.methods;
  const first = typeof kase.send === 'string' ? kase.send : String(kase.send[0]);
  return [first.trimStart().split(' ')[0] ?? 'GET'];
}

/** Number of whole final answers that a client has received. */
function finals(peer: Peer, methods: string[]): number {
  return readAll(peer.all(), methods, peer.ending !== 'open').messages.filter(
    (message) => message.status >= 200,
  ).length;
}

interface Reading {
  messages: HttpMessage[];
  rest: string;
}

/** Splits bytes into messages; what is not a message stays as it is. */
function readAll(bytes: Buffer, methods: string[] | null, ended: boolean): Reading {
  const messages: HttpMessage[] = [];
  let at = 0;
  let finalCount = 0;
  while (at < bytes.length) {
    let message: HttpMessage | null = null;
    try {
      const method = methods ? (methods[finalCount] ?? 'GET') : null;
      message = takeMessage(bytes.subarray(at), method, ended);
    } catch {
      break;
    }
    if (message === null) break;
    messages.push(message);
    at += message.size;
    if (message.status >= 200) finalCount++;
    // What follows a 101 or the answer to CONNECT is a tunnel.
    if (message.status === 101 || (methods?.[0] === 'CONNECT' && message.status === 200)) break;
  }
  return { messages, rest: bytes.subarray(at).toString('latin1') };
}

/** Head and body of each message, with chunks joined, then what is left. */
function canonical(bytes: Buffer, methods: string[] | null, ended: boolean): string[] {
  const { messages, rest } = readAll(bytes, methods, ended);
  const lines = messages.flatMap((message) => {
    const parts = [printable(message.raw)];
    if (message.body !== '') parts.push(`body ${printable(message.body)}`);
    if (message.trailers !== '') parts.push(`trailers ${printable(message.trailers)}`);
    return parts;
  });
  const partial = rest === '' ? null : takePartialChunked(Buffer.from(rest, 'latin1'));
  if (partial !== null) {
    lines.push(printable(partial.raw), `partial body ${printable(partial.body)}`);
    if (partial.tail !== '') lines.push(`tail ${printable(partial.tail)}`);
  } else if (rest !== '') lines.push(`rest ${printable(rest)}`);
  return lines;
}

const logPattern =
  /: [\d.]+:(\d+) \[[^\]]+\] (\S+) (\S+) (\S+) (\S+) (\d+) (\S+) (\S+) (\S{4}) \d+\/\d+\/(\S+) \S+ (.*)$/s;

/** The fields of an httplog line that two programs must agree on, and the client's port. */
function parseLog(line: string): { port: number; frontend: string; summary: string } {
  const found = logPattern.exec(line);
  if (found === null) return { port: 0, frontend: '', summary: `unreadable: ${line}` };
  const [, port, frontend, server, timers, status, bytes, cookie1, cookie2, state, counts, rest] =
    found;
  const signs = timers!.replace(/-1|\d+/g, (n) => (n === '-1' ? n : 'n'));
  const request = printable(rest!.trimEnd());
  const parts = [server, signs, status, bytes, cookie1, cookie2, state, counts, request];
  return {
    port: Number(port),
    frontend: frontend!,
    summary: parts.join(' ').replace(/\.\d+(?=[/ ])/, ''),
  };
}

function isSentinel(line: string, mark: string): boolean {
  return line.includes(mark) && line.includes('] sentinel ');
}

export class Runner {
  #lanes: Lane[] = [];
  #proxy: Proxy | null = null;

  private constructor(
    readonly world: World,
    readonly program: Program,
    readonly log: UdpReceiver,
  ) {}

  static async start(world: World, program: Program, laneCount: number): Promise<Runner> {
    const runner = new Runner(world, program, await world.syslog());
    for (let index = 0; index < laneCount; index++) {
      const lane: Lane = { index, current: { name: '', send: '' }, server: null as never };
      lane.server = world.server((peer) => runner.#serve(lane, peer));
      runner.#lanes.push(lane);
    }
    const text = configuration(runner.#lanes, runner.log.port);
    runner.#proxy = await world.proxy(text, { program });
    return runner;
  }

  /** Runs all cases, several at a time; a case that fails to run is observed as its error. */
  async run(cases: readonly Case[]): Promise<Map<string, Observation>> {
    const seen = new Map<string, Observation>();
    let next = 0;
    await Promise.all(
      this.#lanes.map(async (lane) => {
        while (next < cases.length) {
          const kase = cases[next++]!;
          seen.set(kase.name, await this.#observe(lane, kase));
        }
      }),
    );
    return seen;
  }

  async #serve(lane: Lane, peer: Peer): Promise<void> {
    const kase = lane.current;
    const given = kase.answer;
    try {
      if (typeof given === 'object' && !Array.isArray(given)) await play(peer, given.steps, []);
      else await answerRequests(peer, kase);
    } catch {
      // A peer that never got what it waited for shows in what was observed.
      peer.close();
    }
  }

  async #observe(lane: Lane, kase: Case): Promise<Observation> {
    lane.current = kase;
    const before = lane.server.peers.length;
    const logged = this.log.lines.length;
    const methods = methodsOf(kase);
    const variant = kase.variant ?? 'plain';
    const listener = `${variant}.${lane.index}`;
    const socket = `${variant.replaceAll('-', '_')}_${lane.index}`;
    const client = await this.world.connect(this.#proxy!.port(socket));
    const port = client.port;
    const steps: Step[] =
      typeof kase.send === 'string' ? [kase.send, { replies: kase.replies ?? 1 }] : kase.send;
    let trouble: string[] = [];
    try {
      await play(client, steps, methods, lane.server, before);
      client.end();
      await client.readToEnd(caseMs);
    } catch (error) {
      trouble = [`trouble: ${(error as Error).message.slice(0, 60)}`];
    }
    client.close();
    const lines = await this.#linesOf(port, listener, logged);
    const peers = lane.server.peers.slice(before);
    for (const peer of peers) peer.close();
    return {
      client: [...canonical(client.all(), methods, true), `ending ${client.ending}`, ...trouble],
      server: peers.flatMap((peer, i) => [`connection ${i}`, ...canonical(peer.all(), null, true)]),
      log: lines,
    };
  }

  /**
   * The log lines of a client, complete once the line of a later request has come. Ports are used
   * again: lines before `from` and those of other listeners are about other clients.
   */
  async #linesOf(port: number, frontend: string, from: number): Promise<string[]> {
    const sentinel = await this.world.connect(this.#proxy!.port('sentinel'));
    const mark = `:${sentinel.port} [`;
    sentinel.send('GET / HTTP/1.0\r\n\r\n');
    await sentinel.readToEnd(caseMs);
    sentinel.close();
    // Thousands of cases share one log: only what has come since is looked at.
    const { lines, changes } = this.log;
    let at = from;
    const found = () => {
      while (at < lines.length && !isSentinel(lines[at]!, mark)) at++;
      return at < lines.length;
    };
    await changes.until(found, () => `no log line with ${mark}`, caseMs);
    return lines
      .slice(from)
      .map(parseLog)
      .filter((line) => line.port === port && line.frontend === frontend)
      .map((line) => line.summary);
  }
}
