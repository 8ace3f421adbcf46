/**
 * A client of the chaos tests: one connection that sends requests in any shape and leaves in any
 * way, and checks that every answer is its own.
 */
import { printable } from '../harness/bytes.ts';
import { fieldOf, type HttpMessage } from '../harness/http.ts';
import { connectPeer, type Peer } from '../harness/peer.ts';
import { type ChaosLog, sendPieces } from './chaos-server.ts';
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
} from './exchange.ts';
import { mutate } from './mutation.ts';
import type { Random } from './random.ts';

/** How long a client waits for an answer, in ms: longer than every timeout of the proxy. */
const PATIENCE_MS = 12_000;
/** How long one that sent nonsense waits for whatever comes. */
const NONSENSE_MS = 150;

export interface ChaosCount {
  sent: number;
  complete: number;
  /** Answers of the proxy itself, in all and by status. */
  refused: number;
  statuses: Record<number, number>;
}

export interface ChaosRun {
  port: number;
  log: ChaosLog;
  count: ChaosCount;
  /** Fault-free exchanges must succeed: no server dies, no kept connection is closed unasked. */
  strict: boolean;
}

/** Runs one connection to its end. */
export async function runClient(run: ChaosRun, random: Random, connection: number): Promise<void> {
  const peer = await connectPeer({ hostname: '127.0.0.1', port: run.port }, PATIENCE_MS);
  const kind = random.below(20);
  const number = kind < 16 ? connection : FIRST_MUTANT + connection;
  if (kind < 13) await converse(run, random, peer, number);
  else if (kind < 16) await abort(run, random, peer, number);
  else if (kind < 19) await mutant(run, random, peer, number);
  else await nonsense(random, peer);
  peer.close();
  const foreign = [...connectionsIn(peer.all().toString('latin1'))].filter((c) => c !== number);
  if (foreign.length > 0) {
    run.log.violations.push(`client ${number} got bytes of ${foreign}: ${printable(peer.all())}`);
  }
}

function exchanges(run: ChaosRun, random: Random, connection: number): Exchange[] {
  return Array.from({ length: random.between(1, 5) }, (_, i) => {
    return exchangeOf(random.below(1 << 30), tokenOf(connection, i), run.log.limits);
  });
}

/** Requests one after another or all at once; every answer is checked. */
async function converse(run: ChaosRun, random: Random, peer: Peer, connection: number) {
  const all = exchanges(run, random, connection);
  const cut = all.findIndex((e) => e.upgrade);
  const list = cut < 0 ? all : all.slice(0, cut + 1);
  const pipelined = random.oneIn(3) && !list.some((e) => e.expect);
  if (pipelined) {
    const text = list.map((e) => requestOf(e).head + requestOf(e).body).join('');
    void sendPieces(peer, random, text);
  }
  let before: Exchange | null = null;
  for (const exchange of list) {
    run.count.sent++;
    if (!pipelined) {
      const { head, body } = requestOf(exchange);
      const sending = sendRequest(peer, random, exchange, head, body);
      // The answer may come before the request is complete.
      if (!exchange.early) await sending;
    }
    if (random.oneIn(8)) await pauseReading(random, peer);
    if (!(await takeAnswer(run, random, peer, exchange, before, pipelined))) return;
    before = exchange;
  }
}

async function sendRequest(
  peer: Peer,
  random: Random,
  exchange: Exchange,
  head: string,
  body: string,
) {
  if (!exchange.expect) return sendPieces(peer, random, head + body);
  await sendPieces(peer, random, head);
  const ready = () => peer.count() > peer.taken || peer.ending !== 'open' || peer.closed;
  // Waits for 100 or a final status, but not for ever (RFC 9110 10.1.1).
  await peer.changes.until(ready, () => 'no 100', 100).catch(() => undefined);
  return sendPieces(peer, random, body);
}

async function pauseReading(random: Random, peer: Peer): Promise<void> {
  peer.pause();
  await Bun.sleep(random.below(30));
  peer.resume();
}

function describe(exchange: Exchange | null): string {
  return exchange === null ? 'nothing' : JSON.stringify({ ...exchange, token: undefined });
}

/** @returns true when the connection may carry another request. */
async function takeAnswer(
  run: ChaosRun,
  random: Random,
  peer: Peer,
  exchange: Exchange,
  before: Exchange | null,
  pipelined: boolean,
): Promise<boolean> {
  const violate = (what: string) => {
    run.log.violations.push(
      `seed ${exchange.seed} (${exchange.token} ${exchange.method}): ${what}`,
    );
    return false;
  };
  const mustWork = run.strict && exchange.fault === 'none' && !exchange.early;
  let response: HttpMessage;
  do {
    try {
      response = await peer.readMessage(exchange.method, PATIENCE_MS);
    } catch (error) {
      const waited = peer.ending === 'open' && !peer.closed;
      const partial = checkPartial(peer, exchange);
      if (partial !== null) return violate(partial);
      const what = (error as Error).message.slice(0, 300);
      return waited || mustWork ? violate(`no answer after ${describe(before)}: ${what}`) : false;
    }
    if (response.status < 200 && fieldOf(response, 'x-token') !== null && response.status !== 101) {
      if (fieldOf(response, 'x-token') !== exchange.token) return violate('a foreign 103');
    }
  } while (response.status < 200 && response.status !== 101);
  const token = fieldOf(response, 'x-token');
  if (token === null) {
    run.count.refused++;
    run.count.statuses[response.status] = (run.count.statuses[response.status] ?? 0) + 1;
    if (mustWork) return violate(`answered by the proxy with ${response.start}`);
  } else {
    if (token !== exchange.token) return violate(`foreign answer ${token}`);
    if (response.status !== exchange.status) return violate(`status ${response.status}`);
    const body = expectedBody(exchange);
    const cut = exchange.fault !== 'none' && body.startsWith(response.body);
    if (response.body !== body && !cut && !exchange.upgrade) {
      return violate(`${response.body.length} of ${body.length} body bytes, or wrong ones`);
    }
    run.count.complete++;
  }
  if (exchange.upgrade) return token === null ? false : tunnel(random, peer, exchange, violate);
  return mayGoOn(response, exchange, pipelined);
}

/** An answer that ended too early must still be the beginning of the right one. */
function checkPartial(peer: Peer, exchange: Exchange): string | null {
  const rest = peer.rest();
  const end = rest.indexOf('\r\n\r\n');
  if (end < 0 || !/^HTTP\/1\.. \d+ Fine/.test(rest)) return null;
  if (!rest.slice(0, end).toLowerCase().includes(`x-token: ${exchange.token.toLowerCase()}`)) {
    return `the cut answer is foreign: ${printable(rest.slice(0, 300))}`;
  }
  if (exchange.framing === 'chunked') return null;
  const body = rest.slice(end + 4);
  return expectedBody(exchange).startsWith(body) ? null : 'the cut answer has wrong bytes';
}

/** After 101 every byte comes back. @returns false: the connection ends here. */
async function tunnel(
  random: Random,
  peer: Peer,
  exchange: Exchange,
  violate: (what: string) => boolean,
): Promise<boolean> {
  const data = bodyOf(exchange.token, '~', 1 + random.size(30_000));
  await sendPieces(peer, random, data);
  if (random.oneIn(4)) return false;
  peer.end();
  const back = await peer.readToEnd(PATIENCE_MS).catch((error: Error) => `(${error.message})`);
  return back === data ? false : violate(`tunnel gave ${back.length} of ${data.length} bytes`);
}

/** Leaves in the middle, by FIN or by RST. */
async function abort(run: ChaosRun, random: Random, peer: Peer, connection: number): Promise<void> {
  const list = exchanges(run, random, connection);
  const text = list.map((e) => requestOf(e).head + requestOf(e).body).join('');
  await sendPieces(peer, random, text.slice(0, random.size(text.length)));
  if (random.oneIn(2)) await Bun.sleep(random.below(20));
  if (random.oneIn(3)) peer.reset();
  else if (random.oneIn(2)) {
    peer.end();
    await peer.readToEnd(NONSENSE_MS).catch(() => '');
  }
}

/** Requests with a few wrong bytes. */
async function mutant(run: ChaosRun, random: Random, peer: Peer, connection: number) {
  const list = exchanges(run, random, connection);
  const text = list
    .map((e) => requestOf(e).head + requestOf(e).body)
    .map((request) => (random.oneIn(2) ? request : mutate(random, request)))
    .join('');
  await sendPieces(peer, random, text);
  if (random.oneIn(2)) peer.end();
  await peer.readToEnd(NONSENSE_MS).catch(() => '');
}

async function nonsense(random: Random, peer: Peer): Promise<void> {
  const texts = [
    random.bytes(random.between(1, 3000)),
    `GET /${'x'.repeat(60_000)} HTTP/1.1\r\n\r\n`,
    `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(9000)}\r\n`,
    '\r\n'.repeat(2000),
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ];
  await sendPieces(peer, random, random.pick(texts));
  await peer.readToEnd(NONSENSE_MS).catch(() => '');
}
