/**
 * Scripted clients: each sends requests in any shape, leaves in any way, and checks that every byte
 * it receives belongs to the answer to its own request.
 */

import {
  bodyOf,
  connectionsIn,
  type Exchange,
  exchangeOf,
  expectedBody,
  FIRST_MUTANT,
  mayGoOn,
  requestOf,
  tokenOf,
} from '../fuzz/exchange.ts';
import { mutate } from '../fuzz/mutation.ts';
import type { Random } from '../fuzz/random.ts';
import { fieldOf, type HttpMessage, takeMessage, takePartialChunked } from '../harness/http.ts';
import { type Stage, sendPieces } from './server.ts';
import type { Far, Script } from './socket.ts';

const SECOND_US = 1_000_000;

/** 403, 200 and 302 by rules, the others by itself. */
const statusesOfProxy = [200, 302, 400, 403, 408, 413, 414, 431, 500, 502, 503, 504];

/** What a client of a run is asked to be. */
export type Kind = 'polite' | 'abrupt' | 'mutant' | 'nonsense' | 'silent' | 'stalled';

export interface Client extends Script {
  /** It has left, or has been left. */
  done: boolean;
  readonly what: string;
  /** Whether a request of this client may have ended like that in the log (8.5). */
  allows(state: string, token: string | null): boolean;
}

export function createClient(
  far: Far,
  stage: Stage,
  random: Random,
  connection: number,
  kind: Kind,
): Client {
  if (kind === 'polite') return new PoliteClient(far, stage, random, connection);
  return new RudeClient(far, stage, random, connection, kind);
}

function exchangesOf(stage: Stage, random: Random, connection: number): Exchange[] {
  const list = Array.from({ length: random.between(1, 5) }, (_, i) =>
    exchangeOf(random.below(1 << 30), tokenOf(connection, i), stage.limits),
  );
  // Nothing follows what ends the connection (RFC 9112 9.6).
  const last = list.findIndex((exchange) => exchange.upgrade || exchange.close);
  return last < 0 ? list : list.slice(0, last + 1);
}

/** Whether nothing that happens in a strict run is an excuse. */
function mustSucceed(stage: Stage, exchange: Exchange): boolean {
  if (!stage.strict || exchange.fault !== 'none' || exchange.early) return false;
  // RFC 9110 9.2.2; a body that has been forwarded cannot be sent again.
  return !stage.hangUps || ['GET', 'HEAD', 'DELETE'].includes(exchange.method);
}

/** Speaks HTTP as it should and takes every answer to its end. */
class PoliteClient implements Client {
  done = false;
  #bytes: Buffer = Buffer.alloc(0);
  #index = 0;
  /** Requests from here on are not waited for. */
  #leftAt = Number.POSITIVE_INFINITY;
  /** Messages that are under way, and whether the next one waits for their end. */
  #sending = 0;
  #asksLater = false;
  #bodySent = false;
  #tunnelData: string | null = null;
  readonly #list: Exchange[];
  readonly #pipelined: boolean;

  constructor(
    readonly far: Far,
    readonly stage: Stage,
    readonly random: Random,
    readonly connection: number,
  ) {
    this.#list = exchangesOf(stage, random, connection);
    this.#pipelined = random.oneIn(2) && !this.#list.some((exchange) => exchange.expect);
    if (this.#pipelined) {
      stage.count.sent += this.#list.length;
      const text = this.#list.map((e) => requestOf(e).head + requestOf(e).body).join('');
      this.#send(text, true);
    } else this.#ask();
  }

  get #exchange(): Exchange {
    return this.#list[this.#index]!;
  }

  get what(): string {
    return `client ${this.connection} (${this.#index + 1} of ${this.#list.length} requests)`;
  }

  allows(state: string, token: string | null): boolean {
    const exchange = this.#list.find((one) => one.token === token);
    if (exchange === undefined || exchange.upgrade) return true;
    // It has left although it had sent more requests.
    if (this.#list.indexOf(exchange) >= this.#leftAt) return true;
    return state === '----' || !mustSucceed(this.stage, exchange);
  }

  #ask(): void {
    const exchange = this.#exchange;
    const { head, body } = requestOf(exchange);
    this.stage.count.sent++;
    if (!exchange.expect) return this.#send(head + body, this.#isLast);
    const index = this.#index;
    this.#bodySent = false;
    // Waits for 100 or a final status, but not for ever (RFC 9110 10.1.1).
    sendPieces(this.far, this.random, this.stage, head, () => {
      this.far.socket.timeline.after(SECOND_US / 10, () => {
        if (this.#index === index) this.#sendBody(body);
      });
    });
  }

  #sendBody(body: string): void {
    if (this.#bodySent) return;
    this.#bodySent = true;
    this.#send(body, this.#isLast);
  }

  get #isLast(): boolean {
    return this.#index === this.#list.length - 1;
  }

  /** After its last request a client may close its sending side and still wait for the answer. */
  #send(text: string, isLast: boolean): void {
    const { far, random, stage } = this;
    const ends = isLast && stage.halfCloses && !this.#list.at(-1)!.upgrade && random.oneIn(5);
    this.#sending++;
    sendPieces(far, random, stage, text, () => {
      this.#sending--;
      if (ends) far.end();
      if (!this.#asksLater || this.done) return;
      this.#asksLater = false;
      this.#ask();
    });
  }

  onData(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (this.random.oneIn(20)) this.far.pauseFor(this.random.below(2 * this.stage.pauseUs + 1));
    // Longer than `timeout client`.
    else if (!this.stage.strict && this.random.oneIn(200)) this.far.pauseFor(6 * SECOND_US);
    this.#pump(false);
  }

  onEnd(): void {
    this.#pump(true);
    this.#left();
  }

  onReset(): void {
    this.#pump(false);
    this.#left();
  }

  /** The proxy has ended the connection. */
  #left(): void {
    if (this.done) return;
    if (this.#tunnelData !== null) this.#checkTunnel();
    else if (this.#index < this.#list.length) this.#unanswered();
    this.#finish();
  }

  #finish(): void {
    if (this.done) return;
    this.done = true;
    if (this.random.oneIn(4)) this.far.abort();
    else this.far.close();
  }

  #violate(what: string): void {
    this.stage.violate(`${this.what}, ${JSON.stringify(this.#exchange ?? null)}: ${what}`);
  }

  /** The connection ended in the middle: what came must be the beginning of the right answer. */
  #unanswered(): void {
    const exchange = this.#exchange;
    const mustWork = mustSucceed(this.stage, exchange);
    const rest = this.#bytes.toString('latin1');
    if (mustWork) this.#violate(`ended after ${rest.length} bytes: ${rest.slice(0, 200)}`);
    const seen = [...connectionsIn(rest)].filter((one) => one !== this.connection);
    if (seen.length > 0) this.#violate(`got bytes of ${seen}`);
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0 || !/^HTTP\/1\.. \d+ Fine/.test(rest)) return;
    const token = `x-token: ${exchange.token}`.toLowerCase();
    if (!rest.slice(0, end).toLowerCase().includes(token)) this.#violate('a foreign cut answer');
    const chunked = takePartialChunked(this.#bytes);
    const body = chunked === null ? rest.slice(end + 4) : chunked.body;
    if (!expectedBody(exchange).startsWith(body)) this.#violate('a cut answer with wrong bytes');
  }

  #pump(ended: boolean): void {
    while (!this.done && this.#tunnelData === null && this.#index < this.#list.length) {
      let answer: HttpMessage | null;
      try {
        answer = takeMessage(this.#bytes, this.#exchange.method, ended);
      } catch (error) {
        this.#violate(`cannot read the answer: ${(error as Error).message}`);
        return this.#finish();
      }
      if (answer === null) return;
      this.#bytes = this.#bytes.subarray(answer.size);
      if (answer.status < 200 && answer.status !== 101) this.#onInterim(answer);
      else this.#onAnswer(answer);
    }
  }

  #onInterim(answer: HttpMessage): void {
    const token = fieldOf(answer, 'x-token');
    if (token !== null && token !== this.#exchange.token) this.#violate('a foreign 103');
    if (answer.status === 100) this.#sendBody(requestOf(this.#exchange).body);
  }

  #onAnswer(answer: HttpMessage): void {
    const exchange = this.#exchange;
    const mustWork = mustSucceed(this.stage, exchange);
    const token = fieldOf(answer, 'x-token');
    if (token === null) {
      this.stage.count.refused++;
      if (mustWork) this.#violate(`answered by the proxy with ${answer.start}`);
      if (!statusesOfProxy.includes(answer.status)) {
        this.#violate(`an unknown answer ${answer.start}`);
      }
      if (connectionsIn(answer.raw + answer.body).size > 0) this.#violate('a page with a token');
    } else {
      if (token !== exchange.token) this.#violate(`a foreign answer ${token}`);
      if (answer.status !== exchange.status) this.#violate(`status ${answer.status}`);
      if (fieldOf(answer, 'x-answered') === null) this.#violate('no x-answered');
      const body = expectedBody(exchange);
      // The end of the connection does not tell a cut answer from a whole one.
      const isOpen = exchange.framing === 'close' || exchange.version === '1.0';
      const isCut = isOpen && body.startsWith(answer.body);
      if (answer.body !== body && !exchange.upgrade && !(isCut && !mustWork)) {
        this.#violate(`${answer.body.length} of ${body.length} body bytes, or wrong ones`);
      }
      this.stage.count.complete++;
    }
    if (exchange.upgrade && token !== null) return this.#beginTunnel();
    this.#index++;
    const isLast = this.#index === this.#list.length;
    if (isLast || !mayGoOn(answer, exchange, this.#pipelined)) {
      // A page for a request whose head never came has a body, whatever its method was.
      if (this.#bytes.length > 0 && !this.#pipelined && token !== null) {
        this.#violate(`bytes behind the last answer: ${this.#bytes.toString('latin1', 0, 200)}`);
      }
      this.#leftAt = this.#index;
      return this.#leave();
    }
    if (this.#pipelined) return;
    const pauseUs = this.random.oneIn(2) ? 0 : this.random.below(this.stage.pauseUs * 4 + 1);
    this.far.socket.timeline.after(pauseUs, () => {
      if (this.done) return;
      // An early answer does not end the request: the rest of its body comes before the next one.
      if (this.#sending > 0) this.#asksLater = true;
      else this.#ask();
    });
  }

  /** Says good-bye at once, or waits until the proxy does. */
  #leave(): void {
    this.#index = this.#list.length;
    if (!this.random.oneIn(5)) this.#finish();
  }

  /** After 101 every byte comes back. */
  #beginTunnel(): void {
    const { far, random, stage } = this;
    this.#tunnelData = bodyOf(this.#exchange.token, '~', 1 + random.size(30_000));
    sendPieces(far, random, stage, this.#tunnelData, () => {
      if (random.oneIn(4)) this.#finish();
      else far.end();
    });
  }

  #checkTunnel(): void {
    const data = this.#tunnelData!;
    const back = this.#bytes.toString('latin1');
    const fits = this.stage.strict ? back === data : data.startsWith(back);
    if (!fits) this.#violate(`the tunnel gave ${back.length} of ${data.length} bytes`);
  }
}

/** `timeout http-request` of every variant, and what the network and a busy worker add to it. */
const REQUEST_TIMEOUT_US = 3_000_000;
const SLACK_US = 500_000;

/** Leaves in the middle, sends wrong bytes, or nothing; whatever comes must be nobody else's. */
class RudeClient implements Client {
  done = false;
  readonly #number: number;
  readonly #begunUs: number;
  #bytes = '';

  constructor(
    readonly far: Far,
    readonly stage: Stage,
    readonly random: Random,
    readonly connection: number,
    readonly kind: Exclude<Kind, 'polite'>,
  ) {
    this.#number = kind === 'mutant' ? FIRST_MUTANT + connection : connection;
    this.#begunUs = far.socket.timeline.nowUs;
    sendPieces(far, random, stage, this.#text(), () => this.#sent());
  }

  get what(): string {
    return `${this.kind} client ${this.#number}`;
  }

  allows(): boolean {
    return true;
  }

  #text(): string {
    const { random } = this;
    const requests = exchangesOf(this.stage, random, this.#number).map((exchange) => {
      const { head, body } = requestOf(exchange);
      return head + body;
    });
    switch (this.kind) {
      case 'abrupt': {
        const text = requests.join('');
        return text.slice(0, random.size(text.length));
      }
      case 'mutant':
        return requests.map((one) => (random.oneIn(2) ? one : mutate(random, one))).join('');
      case 'nonsense':
        return random.pick([
          random.bytes(random.between(1, 3000)),
          `GET /${'x'.repeat(40_000)} HTTP/1.1\r\n\r\n`,
          `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(4000)}\r\n`,
          '\r\n'.repeat(2000),
          'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        ]);
      case 'stalled':
        return requests[0]!.slice(0, 20);
      default:
        return '';
    }
  }

  #sent(): void {
    const { random, far } = this;
    if (this.kind === 'silent' || this.kind === 'stalled' || random.oneIn(3)) return;
    far.socket.timeline.after(random.below(this.stage.pauseUs * 3 + 1), () => {
      if (this.done) return;
      if (random.oneIn(3)) far.end();
      else this.#leave();
    });
  }

  #leave(): void {
    if (this.done) return;
    this.done = true;
    const seen = [...connectionsIn(this.#bytes)].filter((one) => one !== this.#number);
    if (seen.length > 0) this.stage.violate(`${this.what} got bytes of ${seen}`);
    if (this.random.oneIn(2)) this.far.abort();
    else this.far.close();
  }

  onData(bytes: Buffer): void {
    this.#bytes += bytes.toString('latin1');
  }

  onEnd(): void {
    this.#ended();
  }

  onReset(): void {
    this.#ended();
  }

  /** Who stalls is ended by its own request timeout, whoever has the buffers meanwhile. */
  #ended(): void {
    const us = this.far.socket.timeline.nowUs - this.#begunUs;
    const isLate = Math.abs(us - REQUEST_TIMEOUT_US) > SLACK_US;
    if (this.kind === 'stalled' && this.stage.strict && isLate) {
      this.stage.violate(`${this.what} ended after ${us} us`);
    }
    this.#leave();
  }
}

/** A client of `mode tcp`: everything it sends comes back, and each side ends by itself. */
export class EchoClient implements Client {
  done = false;
  readonly #data: string;
  readonly #isRude: boolean;
  #back = '';

  constructor(
    readonly far: Far,
    readonly stage: Stage,
    readonly random: Random,
    readonly connection: number,
  ) {
    this.#data = bodyOf(tokenOf(connection, 0), '~', 1 + random.size(60_000));
    stage.count.sent++;
    const isRude = random.oneIn(5);
    this.#isRude = isRude;
    const text = isRude ? this.#data.slice(0, random.below(this.#data.length)) : this.#data;
    sendPieces(far, random, stage, text, () => {
      if (!isRude) return far.end();
      this.done = true;
      far.abort();
    });
  }

  get what(): string {
    return `echo client ${this.connection}`;
  }

  allows(state: string): boolean {
    return state === '--' || this.#isRude || !this.stage.strict;
  }

  onData(bytes: Buffer): void {
    this.#back += bytes.toString('latin1');
    if (!this.#data.startsWith(this.#back)) this.stage.violate(`${this.what}: wrong bytes`);
  }

  onEnd(): void {
    if (this.#back === this.#data) this.stage.count.complete++;
    else if (this.stage.strict) {
      this.stage.violate(`${this.what}: ${this.#back.length} of ${this.#data.length} bytes`);
    }
    this.done = true;
    this.far.close();
  }

  onReset(): void {
    if (this.stage.strict) this.stage.violate(`${this.what}: reset`);
    this.done = true;
  }
}
