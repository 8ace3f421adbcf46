/**
 * A scripted server: one connection of the proxy. It does what the seed in each request says and
 * checks that what came is exactly what the client of that token sent.
 */

import {
  connectionsIn,
  type Exchange,
  type ExchangeLimits,
  endsAfter,
  exchangeOfHead,
  isMutant,
  requestProblems,
  responseOf,
} from '../fuzz/exchange.ts';
import { Random } from '../fuzz/random.ts';
import { type HttpMessage, parseHead, takeMessage } from '../harness/http.ts';
import type { Far, Script } from './socket.ts';

/** What the players of a run share. */
export interface Stage {
  limits: ExchangeLimits;
  /** Longest pause between two pieces of a message, in µs. */
  pauseUs: number;
  /** Exchanges without a fault must succeed. */
  strict: boolean;
  /** A client that closes its sending side still wants its answer (no `option abortonclose`). */
  halfCloses: boolean;
  /** Servers close kept connections without a word: only requests that can be repeated succeed. */
  hangUps: boolean;
  violate(what: string): void;
  count: { sent: number; complete: number; refused: number; answered: number };
}

/** Sends in random pieces with random pauses, then goes on with `then`. */
export function sendPieces(
  far: Far,
  random: Random,
  stage: Stage,
  text: string,
  then: () => void,
): void {
  const pieces = random.split(text);
  const next = () => {
    if (far.closed) return;
    const piece = pieces.shift();
    if (piece === undefined) return then();
    far.send(piece);
    far.socket.timeline.after(random.oneIn(3) ? random.below(stage.pauseUs + 1) : 0, next);
  };
  next();
}

/** A field line: a token, a colon, and no byte that RFC 9110 5.5 calls dangerous. */
const fieldLine = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\0\r\n]*$/;

function faultOfHead(raw: string): string | null {
  const [start, ...fields] = raw.slice(0, -4).split('\r\n');
  if (!/^[!-~]+ [^\0- \x7f]+ HTTP\/\d\.\d$/.test(start!)) return `request line ${start}`;
  const bad = fields.find((line) => !fieldLine.test(line));
  return bad === undefined ? null : `field line ${JSON.stringify(bad)}`;
}

export class HttpServerScript implements Script {
  #bytes: Buffer = Buffer.alloc(0);
  /** The exchange whose head has been seen and whose message is not complete. */
  #greeted = false;
  #busy = false;
  #tunnel = false;
  /** The proxy has closed its side. */
  #ended = false;

  constructor(
    readonly far: Far,
    readonly stage: Stage,
  ) {}

  onData(bytes: Buffer): void {
    if (this.#tunnel) return this.far.send(bytes.toString('latin1'));
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const { random } = this.far.socket.timeline;
    if (random.oneIn(20)) this.far.pauseFor(random.below(2 * this.stage.pauseUs + 1));
    this.#pump();
  }

  onEnd(): void {
    this.#ended = true;
    if (this.#tunnel) this.far.end();
    else if (!this.#busy) this.far.close();
  }

  onReset(): void {}

  #pump(): void {
    if (this.#busy) return;
    const end = this.#bytes.indexOf('\r\n\r\n', 0, 'latin1');
    if (end < 0) return;
    const raw = this.#bytes.toString('latin1', 0, end + 4);
    const exchange = exchangeOfHead(parseHead(raw), this.stage.limits);
    const random = new Random((exchange?.seed ?? 1) + 3);
    if (!this.#greeted) {
      this.#greeted = true;
      const fault = faultOfHead(raw);
      if (fault !== null) this.stage.violate(`server saw a malformed head: ${fault}`);
      if (exchange?.early) return this.#answer(random, exchange, () => this.#afterEarly());
      if (/^expect: 100-continue/im.test(raw)) this.far.send('HTTP/1.1 100 Continue\r\n\r\n');
    }
    const request = this.#take();
    if (request === null) return;
    this.#greeted = false;
    this.#check(request, exchange);
    if (exchange === null) {
      this.far.send('HTTP/1.1 404 Who\r\nContent-Length: 0\r\n\r\n');
      return this.#pump();
    }
    if (exchange.early) return this.#finish(exchange);
    this.#answer(random, exchange, () => this.#finish(exchange));
  }

  #take(): HttpMessage | null {
    let request: HttpMessage | null = null;
    try {
      request = takeMessage(this.#bytes, null, false);
    } catch (error) {
      this.stage.violate(`server cannot read the request: ${(error as Error).message}`);
      this.far.abort();
    }
    if (request !== null) this.#bytes = this.#bytes.subarray(request.size);
    return request;
  }

  #afterEarly(): void {
    this.#busy = false;
    this.#pump();
  }

  #finish(exchange: Exchange): void {
    this.#busy = false;
    if (exchange.upgrade) {
      this.#tunnel = true;
      const rest = this.#bytes.toString('latin1');
      this.#bytes = Buffer.alloc(0);
      if (rest !== '') this.far.send(rest);
      if (this.#ended) this.far.end();
    } else if (this.#ended || this.#hangsUp()) this.far.close();
    else if (endsAfter(exchange)) this.far.close();
    else this.#pump();
  }

  #hangsUp(): boolean {
    return this.stage.hangUps && this.far.socket.timeline.random.oneIn(3);
  }

  #check(request: HttpMessage, exchange: Exchange | null): void {
    const seen = connectionsIn(`${request.raw}${request.body}${request.trailers}`);
    if (seen.size > 1) this.stage.violate(`one request has bytes of connections ${[...seen]}`);
    if (exchange === null || isMutant(exchange.token)) return;
    const { token } = exchange;
    const problems = requestProblems(request, exchange);
    if (problems.length > 0) this.stage.violate(`server saw of ${token}: ${problems.join(', ')}`);
  }

  #answer(random: Random, exchange: Exchange, then: () => void): void {
    this.#busy = true;
    const { far, stage } = this;
    let text = '';
    for (let i = 0; i < exchange.interim; i++) {
      text += `HTTP/1.1 103 Hints\r\nX-Token: ${exchange.token}\r\n\r\n`;
    }
    const final = responseOf(exchange);
    const whole = text + final;
    const part = text + final.slice(0, random.below(final.length));
    const leave = () => (exchange.fault === 'reset' ? far.abort() : far.close());
    const send = (bytes: string, after: () => void) =>
      far.socket.timeline.after(random.oneIn(3) ? random.below(stage.pauseUs + 1) : 0, () =>
        sendPieces(far, random, stage, bytes, after),
      );
    switch (exchange.fault) {
      case 'silent':
        // Leaves at once, or never says anything.
        if (random.oneIn(3)) return;
        return random.oneIn(2) ? far.close() : far.abort();
      case 'cut':
      case 'reset':
        return send(part, leave);
      case 'garbage':
        return send(random.bytes(random.between(1, 200)), leave);
      case 'huge-head':
        return send(`HTTP/1.1 200 OK\r\nX: ${'h'.repeat(40_000)}\r\n\r\n`, leave);
      case 'junk':
        // A second answer that nobody asked for, in the same piece as the first one's end.
        far.sendAtOnce(exchange.framing === 'close' ? whole : whole + final);
        stage.count.answered++;
        return then();
      default:
        stage.count.answered++;
        return send(whole, then);
    }
  }
}

/** Sends back what comes; for `mode tcp`. */
export class EchoScript implements Script {
  constructor(readonly far: Far) {}

  onData(bytes: Buffer): void {
    this.far.send(bytes.toString('latin1'));
  }

  onEnd(): void {
    this.far.end();
  }

  onReset(): void {}
}
