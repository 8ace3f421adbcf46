/**
 * One request and its answer in the chaos tests. The client chooses both from a seed and tells the
 * back end the seed in a field, so that each side knows what the other must see.
 *
 * Every byte that matters carries a token that names the client's connection and the request. A
 * token has a check digit, so that damaged bytes are not mistaken for a foreign token.
 */
import { fieldOf, type HttpHead, type HttpMessage } from '../harness/http.ts';
import { Random } from './random.ts';

function checkOf(text: string): string {
  let sum = 7;
  for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) % 1679616;
  return sum.toString(36).padStart(4, '0');
}

/** `Tk`, five digits of the connection, two of the request, four of check. */
export function tokenOf(connection: number, request: number): string {
  const digits = String(connection).padStart(5, '0') + String(request).padStart(2, '0');
  return `Tk${digits}${checkOf(digits)}`;
}

/** Connections whose tokens stand in these bytes. */
export function connectionsIn(bytes: string): Set<number> {
  const found = new Set<number>();
  for (const [, digits, check] of bytes.matchAll(/Tk(\d{7})([0-9a-z]{4})/g)) {
    if (checkOf(digits!) === check) found.add(Number(digits!.slice(0, 5)));
  }
  return found;
}

/** Connections from this number on send requests with wrong bytes on purpose. */
export const FIRST_MUTANT = 50_000;

export function isMutant(token: string): boolean {
  return Number(token.slice(2, 7)) >= FIRST_MUTANT;
}

/** Body bytes that belong to a token and to nobody else. */
export function bodyOf(token: string, mark: string, size: number): string {
  const unit = `${token}${mark}`;
  return unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
}

const faults = ['silent', 'cut', 'reset', 'garbage', 'huge-head', 'liar', 'junk'] as const;
export type Fault = 'none' | (typeof faults)[number];
export type Framing = 'length' | 'chunked' | 'close' | 'none';

export interface Exchange {
  seed: number;
  token: string;
  method: string;
  version: '1.0' | '1.1';
  bodySize: number;
  bodyChunked: boolean;
  bodyTrailers: boolean;
  expect: boolean;
  upgrade: boolean;
  /** Bytes of padding in the request's head. */
  padding: number;
  close: boolean;
  // The back end's part.
  status: number;
  framing: Framing;
  size: number;
  trailers: boolean;
  interim: number;
  /** Answers before it has read the request's body. */
  early: boolean;
  fault: Fault;
  serverCloses: boolean;
  serverVersion: '1.0' | '1.1';
}

export interface ExchangeLimits {
  /** Largest body in bytes. */
  bodyMax: number;
  /** Most padding of a head. */
  paddingMax: number;
  /** Back ends misbehave. */
  faults: boolean;
  /** Back ends close kept connections without a word: a request on its way may be lost. */
  liars: boolean;
}

function faultOf(random: Random, limits: ExchangeLimits): Fault {
  if (!limits.faults || !random.oneIn(5)) return 'none';
  const fault = random.pick(faults);
  return fault === 'liar' && !limits.liars ? 'cut' : fault;
}

/** The exchange that a seed stands for. */
export function exchangeOf(seed: number, token: string, limits: ExchangeLimits): Exchange {
  const random = new Random(seed);
  const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE']);
  const version = random.oneIn(8) ? '1.0' : '1.1';
  const hasBody = method === 'POST' || method === 'PUT';
  const bodySize = hasBody && !random.oneIn(6) ? random.size(limits.bodyMax) : 0;
  const upgrade = method === 'GET' && version === '1.1' && random.oneIn(10);
  const status = random.oneIn(8) ? random.pick([204, 304, 404, 500]) : 200;
  const bodyless = status === 204 || status === 304;
  const serverVersion = random.oneIn(10) ? '1.0' : '1.1';
  let framing: Framing = random.pick(['length', 'length', 'chunked', 'close']);
  if (framing === 'chunked' && serverVersion === '1.0') framing = 'close';
  if (bodyless) framing = 'none';
  return {
    seed,
    token,
    method,
    version,
    bodySize,
    bodyChunked: bodySize > 0 && version === '1.1' && random.oneIn(2),
    bodyTrailers: random.oneIn(3),
    expect: bodySize > 0 && version === '1.1' && random.oneIn(6),
    upgrade,
    padding: random.oneIn(4) ? random.below(limits.paddingMax) : 0,
    close: random.oneIn(10),
    status: upgrade ? 101 : status,
    framing,
    size: framing === 'none' ? 0 : random.size(limits.bodyMax),
    trailers: random.oneIn(4),
    interim: version === '1.1' && random.oneIn(8) ? random.between(1, 3) : 0,
    early: bodySize > 0 && random.oneIn(10),
    fault: upgrade ? 'none' : faultOf(random, limits),
    serverCloses: random.oneIn(8),
    serverVersion,
  };
}

function chunksOf(random: Random, body: string, trailers: string): string {
  let text = '';
  for (const piece of body === '' ? [] : random.split(body, 6)) {
    text += `${piece.length.toString(16)}${random.oneIn(5) ? ';e=1' : ''}\r\n${piece}\r\n`;
  }
  return `${text}0\r\n${trailers}\r\n`;
}

function padding(exchange: Exchange): string {
  if (exchange.padding === 0) return '';
  return `X-Pad: ${bodyOf(exchange.token, '_', exchange.padding)}\r\n`;
}

/** Head and body of the request as the client sends them. */
export function requestOf(exchange: Exchange): { head: string; body: string } {
  const { token, method, version, bodySize } = exchange;
  let fields = `Host: h.test\r\nX-Token: ${token}\r\nX-Seed: ${exchange.seed}\r\n${padding(exchange)}`;
  if (exchange.upgrade) fields += 'Connection: Upgrade\r\nUpgrade: chaos\r\n';
  else if (exchange.close) fields += 'Connection: close\r\n';
  else if (version === '1.0') fields += 'Connection: keep-alive\r\n';
  if (exchange.expect) fields += 'Expect: 100-continue\r\n';
  let body = '';
  const data = bodyOf(token, '>', bodySize);
  if (exchange.bodyChunked) {
    fields += 'Transfer-Encoding: chunked\r\n';
    const trailers = exchange.bodyTrailers ? `X-Trailer: ${token}\r\n` : '';
    body = chunksOf(new Random(exchange.seed + 1), data, trailers);
  } else if (method === 'POST' || method === 'PUT') {
    fields += `Content-Length: ${bodySize}\r\n`;
    body = data;
  }
  return { head: `${method} /${token}?q=${token} HTTP/${version}\r\n${fields}\r\n`, body };
}

/** The bytes of the final answer as the back end sends them. */
export function responseOf(exchange: Exchange): string {
  const { token, size, framing, method } = exchange;
  if (exchange.upgrade) {
    return `HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: chaos\r\nX-Token: ${token}\r\n\r\n`;
  }
  let head = `HTTP/${exchange.serverVersion} ${exchange.status} Fine\r\nX-Token: ${token}\r\n`;
  const data = bodyOf(token, '<', size);
  let body = '';
  if (framing === 'length') {
    head += `Content-Length: ${size}\r\n`;
    body = data;
  } else if (framing === 'chunked') {
    head += 'Transfer-Encoding: chunked\r\n';
    const trailers = exchange.trailers ? `X-Trailer: ${token}\r\n` : '';
    body = chunksOf(new Random(exchange.seed + 2), data, trailers);
  } else if (framing === 'close') {
    body = data;
  }
  if (exchange.serverCloses) head += 'Connection: close\r\n';
  else if (exchange.serverVersion === '1.0' && framing !== 'close') {
    head += 'Connection: keep-alive\r\n';
  }
  return `${head}\r\n${method === 'HEAD' ? '' : body}`;
}

/** The body that the client must get. */
export function expectedBody(exchange: Exchange): string {
  if (exchange.method === 'HEAD' || exchange.framing === 'none') return '';
  return bodyOf(exchange.token, '<', exchange.size);
}

/** The exchange that a request head belongs to, or null for a head that is nobody's. */
export function exchangeOfHead(head: HttpHead, limits: ExchangeLimits): Exchange | null {
  const token = fieldOf(head, 'x-token');
  const seed = fieldOf(head, 'x-seed');
  if (token === null || seed === null || !/^\d+$/.test(seed)) return null;
  if (connectionsIn(token).size !== 1 || token.length !== 13) return null;
  const exchange = exchangeOf(Number(seed), token, limits);
  return exchange.method === head.method ? exchange : null;
}

/** Whether the server closes its connection behind the answer. */
export function endsAfter(exchange: Exchange): boolean {
  if (exchange.fault === 'junk') return exchange.framing === 'close';
  if (exchange.serverCloses || exchange.fault !== 'none') return true;
  if (exchange.framing !== 'close') return false;
  // A response to HEAD has no body that the end would delimit.
  return exchange.method !== 'HEAD' || exchange.serverVersion === '1.0';
}

/** Whether the client may send another request behind this answer. */
export function mayGoOn(answer: HttpMessage, exchange: Exchange, pipelined: boolean): boolean {
  if (exchange.early || exchange.fault !== 'none' || exchange.close) return false;
  const connection = fieldOf(answer, 'connection') ?? '';
  if (/close/i.test(connection)) return false;
  // RFC 9112 9.3: with HTTP/1.0 on either side a connection persists only when that is said.
  if (exchange.version === '1.0' || answer.version === 'HTTP/1.0') {
    return /keep-alive/i.test(connection);
  }
  const isDelimited =
    fieldOf(answer, 'content-length') !== null || fieldOf(answer, 'transfer-encoding') !== null;
  return isDelimited || exchange.method === 'HEAD' || exchange.framing === 'none' || pipelined;
}

/** What is wrong with a request that is this exchange's; its tokens are looked at elsewhere. */
export function requestProblems(request: HttpMessage, exchange: Exchange): string[] {
  const { token } = exchange;
  const problems: string[] = [];
  if (request.target !== `/${token}?q=${token}`) problems.push(`target ${request.target}`);
  const data = bodyOf(token, '>', exchange.bodySize);
  if (request.body !== data) problems.push(`body ${request.body.length} of ${data.length} bytes`);
  const trailers = exchange.bodyChunked && exchange.bodyTrailers ? `x-trailer: ${token}\r\n` : '';
  if (request.trailers !== trailers) problems.push(`trailers ${request.trailers}`);
  const padding = exchange.padding > 0 ? bodyOf(token, '_', exchange.padding) : null;
  if (fieldOf(request, 'x-pad') !== padding) problems.push('padding');
  if (fieldOf(request, 'x-rewritten') !== `/${token}`) problems.push('x-rewritten');
  return problems;
}
