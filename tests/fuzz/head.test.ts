/**
 * Heads of HTTP/1 messages under mutation (RFC 9112 2 to 6): the parser and the serialiser stay
 * inside their memory whatever comes, and agree with each other.
 */
import { expect, test } from 'bun:test';
import { HeadError, parseRequest, parseResponse } from '../../src/http/h1/parse.ts';
import { HeadState, scanHead } from '../../src/http/h1/prefix.ts';
import { serializeHead } from '../../src/http/h1/serialize.ts';
import { BodyMode, Col, HttpMessage, ROW } from '../../src/http/message.ts';
import { Method } from '../../src/http/method.ts';
import { reasonLen, reasonOff } from '../../src/http/status.ts';
import { mem, reserve, text } from '../../src/sys/arena.ts';
import { bytesOf, printable } from '../harness/bytes.ts';
import { mutate, requestHead, responseHead } from './mutation.ts';
import { type Random, repeat, seedOf, timeoutMs } from './random.ts';

const ROOM = 2048;
const GUARD = 256;
const FIELDS_MAX = 20;
const CANARY = 0xa5;

const input = reserve(ROOM + 2 * GUARD) + GUARD;
const output = reserve(2 * ROOM + 2 * GUARD) + GUARD;
const request = new HttpMessage(false, FIELDS_MAX, 4096);
const response = new HttpMessage(true, FIELDS_MAX, 4096);
const again = {
  request: new HttpMessage(false, FIELDS_MAX, 4096),
  response: new HttpMessage(true, FIELDS_MAX, 4096),
};

/**
 * Fills the surroundings so that reading on changes the verdict: behind the bytes stands what would
 * complete the head, a digit, or something invalid.
 */
function place(bytes: string, canary: string): void {
  const around = bytesOf(canary.repeat(Math.ceil((ROOM + 2 * GUARD) / canary.length)));
  mem.set(around.subarray(0, ROOM + 2 * GUARD), input - GUARD);
  mem.set(bytesOf(bytes), input);
}

const canaries = [String.fromCharCode(CANARY), '\r\n', '7', 'x: y\r\n\r\n', '\0'];

interface Parsed {
  used: number;
  start: string;
  fields: string[];
  body: number;
  length: number;
  connection: number;
}

function fieldsOf(msg: HttpMessage): string[] {
  const all: string[] = [];
  for (let i = 0; i < msg.count; i++) {
    const r = i * ROW;
    const nameLen = msg.rows[r + Col.NameLen]!;
    if (nameLen === 0) continue;
    const name = text(msg.rows[r + Col.NameOff]!, nameLen);
    all.push(`${name}: ${text(msg.rows[r + Col.ValOff]!, msg.rows[r + Col.ValLen]!)}`);
  }
  return all;
}

function startOf(msg: HttpMessage): string {
  const version = msg.version >= 11 ? 11 : 10;
  if (msg.isResponse) return `${version} ${msg.status} ${phraseOf(msg)}`;
  return `${text(msg.methodOff, msg.methodLen)} ${text(msg.uriOff, msg.uriLen)} ${version}`;
}

/** A phrase that is missing is written as the status has it. */
function phraseOf(msg: HttpMessage): string {
  const { reasonLen: len, status } = msg;
  return len > 0 ? text(msg.reasonOff, len) : text(reasonOff(status), reasonLen(status));
}

type Kind = 'request' | 'response';

function parse(
  msg: HttpMessage,
  at: number,
  len: number,
  relaxed: boolean,
  method: Method,
): Parsed {
  const used = msg.isResponse
    ? parseResponse(msg, at, len, FIELDS_MAX, relaxed, method)
    : parseRequest(msg, at, len, FIELDS_MAX, relaxed);
  if (used <= 0) return { used, start: '', fields: [], body: 0, length: 0, connection: 0 };
  const { body, connection } = msg;
  const length = body === BodyMode.Length ? msg.contentLength : 0;
  if (msg.headOff + msg.headLen !== at + used)
    throw new Error(`used ${used} is not the head's end`);
  return { used, start: startOf(msg), fields: fieldsOf(msg), body, length, connection };
}

/** Parses at the head of the guarded room and checks that nothing around it was written. */
function guarded(kind: Kind, bytes: string, canary: string, relaxed: boolean, method: Method) {
  place(bytes, canary);
  const end = input + bytes.length;
  const before = Buffer.from(mem.slice(input - GUARD, input + ROOM + GUARD));
  const result = parse(
    kind === 'request' ? request : response,
    input,
    bytes.length,
    relaxed,
    method,
  );
  const after = mem.subarray(input - GUARD, input + ROOM + GUARD);
  const low = before.subarray(0, GUARD).equals(after.subarray(0, GUARD));
  const tail = GUARD + bytes.length;
  if (!low || !before.subarray(tail).equals(after.subarray(tail))) {
    throw new Error(`written outside of ${printable(bytes)}`);
  }
  if (result.used > bytes.length) throw new Error(`used ${result.used} of ${printable(bytes)}`);
  const msg = kind === 'request' ? request : response;
  for (let i = 0; result.used > 0 && i < msg.count; i++) {
    const off = msg.rows[i * ROW + Col.ValOff]!;
    const inScratch = off < input - GUARD || off >= input + ROOM + GUARD;
    const inside = off >= input && off + msg.rows[i * ROW + Col.ValLen]! <= end;
    if (!inScratch && !inside) throw new Error(`field ${i} lies outside of ${printable(bytes)}`);
  }
  return result;
}

/** What is written must be read as the same message, and must need no further change. */
function checkWritten(kind: Kind, parsed: Parsed, relaxed: boolean, method: Method, bytes: string) {
  const msg = kind === 'request' ? request : response;
  mem.fill(CANARY, output - GUARD, output + 2 * ROOM + GUARD);
  const len = serializeHead(msg, output, 2 * ROOM, null);
  const written = text(output, len);
  const what = `${printable(bytes)} written as ${printable(written)}`;
  if (len === 0) throw new Error(`does not fit: ${what}`);
  if (mem[output - 1] !== CANARY || mem[output + len] !== CANARY)
    throw new Error(`overrun: ${what}`);
  const second = parse(again[kind], output, len, relaxed, method);
  expect({ ...second, what }).toEqual({ ...parsed, used: len, what });
  for (const room of [len - 1, len - 3, Math.floor(len / 2), 1]) {
    mem.fill(CANARY, output, output + len + GUARD);
    if (room >= 0 && serializeHead(msg, output, room, null) !== 0)
      throw new Error(`${room} bytes took ${what}`);
    for (let p = output + room; p < output + len + GUARD; p++) {
      if (mem[p] !== CANARY) throw new Error(`wrote beyond ${room}: ${what}`);
    }
  }
}

function checkPrefixes(
  kind: Kind,
  random: Random,
  bytes: string,
  relaxed: boolean,
  method: Method,
) {
  const canary = random.pick(canaries);
  const step = bytes.length > 200 ? random.between(1, 17) : 1;
  for (let n = 1; n < bytes.length; n += step) {
    const { used } = guarded(kind, bytes.slice(0, n), canary, relaxed, method);
    if (used !== HeadError.Incomplete) {
      throw new Error(`prefix ${n} gave ${used}: ${printable(bytes)}`);
    }
  }
}

function oneHead(kind: Kind, random: Random): void {
  let bytes = kind === 'request' ? requestHead(random) : responseHead(random);
  if (!random.oneIn(4)) bytes = mutate(random, bytes);
  const relaxed = random.oneIn(3);
  const method = random.pick([Method.Get, Method.Head, Method.Connect, Method.Post]);
  const canary = random.pick(canaries);
  const parsed = guarded(kind, bytes, canary, relaxed, method);
  for (const other of canaries) {
    expect({ bytes, ...guarded(kind, bytes, other, relaxed, method) }).toEqual({
      bytes,
      ...parsed,
    });
  }
  if (parsed.used <= 0) return;
  // HTTP/0.9 is written as HTTP/1.0 and cannot come back.
  const msg = kind === 'request' ? request : response;
  if (msg.version > 9) checkWritten(kind, parsed, relaxed, method, bytes);
  checkPrefixes(kind, random, bytes.slice(0, parsed.used), relaxed, method);
}

/**
 * The state machine that looks at incomplete heads never refuses what the parser takes, ends where
 * the head ends, and does not depend on how the bytes are cut.
 */
function onePrefix(random: Random): void {
  let bytes = requestHead(random);
  if (!random.oneIn(4)) bytes = mutate(random, bytes);
  const relaxed = random.oneIn(3);
  place(bytes, canaries[0]!);
  let state = HeadState.Start;
  let at = 0;
  for (const piece of random.split(bytes, 6)) {
    state = scanHead(state, input + at, input + at + piece.length, relaxed);
    at += piece.length;
  }
  expect(state, printable(bytes)).toBe(
    scanHead(HeadState.Start, input, input + bytes.length, relaxed),
  );
  const used = parseRequest(request, input, bytes.length, FIELDS_MAX, relaxed);
  if (used === HeadError.Incomplete) expect(state, printable(bytes)).not.toBe(HeadState.Done);
  if (used <= 0) return;
  const whole = scanHead(HeadState.Start, input, input + used, relaxed);
  expect(whole, printable(bytes)).toBe(HeadState.Done);
  const short = scanHead(HeadState.Start, input, input + used - 1, relaxed);
  expect([HeadState.LastLf, HeadState.OldLf]).toContain(short);
}

test(
  'what may become a head is not refused before its end, however it is cut (RFC 9112 2)',
  () => repeat(seedOf(4), 3000, onePrefix),
  timeoutMs,
);

for (const kind of ['request', 'response'] as const) {
  const name = `a mutated ${kind} head never leads outside of its bytes and is written as it was read`;
  const seed = seedOf(kind === 'request' ? 1 : 2);
  const body = () => repeat(seed, 3000, (random) => oneHead(kind, random));
  test(`${name} (RFC 9112 2 to 6)`, body, timeoutMs);
}

test(
  'random bytes are never more than an error (RFC 9112 2.2)',
  () => {
    repeat(seedOf(3), 4000, (random) => {
      const bytes = random.bytes(random.size(300));
      for (const kind of ['request', 'response'] as const) {
        guarded(kind, bytes, random.pick(canaries), random.oneIn(2), Method.Get);
      }
    });
  },
  timeoutMs,
);
