/**
 * A back end of the chaos tests: it does what the seed in each request says, and checks that what
 * came is exactly what the client of that token sent.
 */
import { printable } from '../harness/bytes.ts';
import { type HttpMessage, parseHead } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import {
  connectionsIn,
  type Exchange,
  type ExchangeLimits,
  endsAfter,
  exchangeOfHead,
  isMutant,
  requestProblems,
  responseOf,
} from './exchange.ts';
import { Random } from './random.ts';

/** Longest pause that is made on purpose, in ms. */
const STALL_MS = 12;

/** Sends in random pieces with random pauses. */
export async function sendPieces(peer: Peer, random: Random, text: string): Promise<void> {
  for (const piece of random.split(text)) {
    peer.send(piece);
    if (random.oneIn(3)) await Bun.sleep(random.below(STALL_MS));
    if (peer.closed) return;
  }
}

export interface ChaosLog {
  limits: ExchangeLimits;
  /** What must never happen. */
  violations: string[];
  /** Requests that back ends have answered. */
  answered: number;
}

/** Serves one connection of the proxy until either side is done with it. */
export async function serveChaos(peer: Peer, log: ChaosLog): Promise<void> {
  for (;;) {
    const head = await nextHead(peer);
    if (head === null) break;
    const exchange = exchangeOfHead(parseHead(head), log.limits);
    const random = new Random((exchange?.seed ?? 1) + 3);
    if (exchange?.early) await answerOf(peer, random, exchange, log);
    else if (/^expect: 100-continue/im.test(head)) peer.send('HTTP/1.1 100 Continue\r\n\r\n');
    const request = await peer.readMessage(null, 60_000).catch(() => null);
    if (request === null) break;
    if (exchange === null) checkForeign(request, log);
    else checkRequest(request, exchange, log);
    if (exchange === null) peer.send('HTTP/1.1 404 Who\r\nContent-Length: 0\r\n\r\n');
    else if (!exchange.early) await answerOf(peer, random, exchange, log);
    if (exchange?.upgrade) return echo(peer);
    if (peer.closed || (exchange !== null && endsAfter(exchange))) break;
  }
  peer.close();
}

/** Waits for a request head without taking it. */
async function nextHead(peer: Peer): Promise<string | null> {
  const end = () => peer.all().indexOf('\r\n\r\n', peer.taken, 'latin1');
  const over = () => peer.ending !== 'open' || peer.closed;
  await peer.changes.until(
    () => end() >= 0 || over(),
    () => 'an idle connection',
    600_000,
  );
  if (end() < 0) return null;
  return peer
    .all()
    .subarray(peer.taken, end() + 4)
    .toString('latin1');
}

function checkForeign(request: HttpMessage, log: ChaosLog): void {
  const seen = connectionsIn(`${request.raw}${request.body}${request.trailers}`);
  if (seen.size > 1) {
    log.violations.push(
      `bytes of connections ${[...seen]} in one request ${printable(request.raw)}`,
    );
  }
}

function checkRequest(request: HttpMessage, exchange: Exchange, log: ChaosLog): void {
  const { token } = exchange;
  checkForeign(request, log);
  // A mutated request may have lost its body's size; its tokens are still its own.
  if (isMutant(token)) return;
  const problems = requestProblems(request, exchange);
  if (problems.length > 0) {
    log.violations.push(`server saw of seed ${exchange.seed} (${token}): ${problems.join(', ')}`);
  }
}

async function answerOf(peer: Peer, random: Random, exchange: Exchange, log: ChaosLog) {
  if (random.oneIn(3)) await Bun.sleep(random.below(STALL_MS));
  const text = responseOf(exchange);
  for (let i = 0; i < exchange.interim; i++) {
    await sendPieces(peer, random, `HTTP/1.1 103 Hints\r\nX-Token: ${exchange.token}\r\n\r\n`);
  }
  switch (exchange.fault) {
    case 'silent':
      return random.oneIn(2) ? peer.close() : peer.reset();
    case 'cut':
      await sendPieces(peer, random, text.slice(0, random.below(text.length)));
      return peer.close();
    case 'reset':
      await sendPieces(peer, random, text.slice(0, random.below(text.length)));
      return peer.reset();
    case 'garbage':
      await sendPieces(peer, random, random.bytes(random.between(1, 200)));
      return peer.close();
    case 'huge-head':
      await sendPieces(peer, random, `HTTP/1.1 200 OK\r\nX: ${'h'.repeat(70_000)}\r\n\r\n`);
      return peer.close();
    case 'junk':
      // A second answer that nobody asked for, in the same piece as the first one's end.
      peer.send(exchange.framing === 'close' ? text : text + text);
      log.answered++;
      return;
    default:
      await sendPieces(peer, random, text);
      log.answered++;
  }
}

/** After 101: everything comes back until the other side ends. */
async function echo(peer: Peer): Promise<void> {
  for (;;) {
    const more = () => peer.count() > peer.taken || peer.ending !== 'open' || peer.closed;
    await peer.changes.until(more, () => 'a silent tunnel', 60_000);
    if (peer.count() === peer.taken) break;
    peer.send(await peer.read(peer.count() - peer.taken));
  }
  peer.end();
}
