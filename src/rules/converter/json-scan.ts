/**
 * Finds one value in a JSON text (RFC 8259) by walking over its bytes: no tree is made of it, and
 * what stands behind the value is not read. As in HAProxy the first of equal keys counts, a comma
 * may stand before a closing bracket, and what is nested deeper than 20 is not read.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import type { JsonStep } from './json-path.ts';

export const enum JsonType {
  None = 0,
  Text = 1,
  Number = 2,
  True = 3,
  False = 4,
  Null = 5,
  Array = 6,
  Object = 7,
}

const DEPTH_MAX = 20;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The value found by `findJson`, texts with their quotes: [valueOff, valueEnd). */
export let valueOff = 0;
export let valueEnd = 0;

let at = 0;
let end = 0;
/** The closing brackets that are expected. */
const closers = new Uint8Array(DEPTH_MAX);

function skipBlanks(): void {
  while (at < end) {
    const byte = mem[at]!;
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return;
    at++;
  }
}

/** The byte at `at`, -1 at the end. */
function peek(): number {
  return at < end ? mem[at]! : -1;
}

function skipText(): boolean {
  at++;
  while (at < end) {
    const byte = mem[at++]!;
    if (byte === QUOTE) return true;
    if (byte === BACKSLASH) at++;
  }
  return false;
}

const words = createWords();

function createWords(): Uint8Array[] {
  return ['true', 'false', 'null'].map((word) => Uint8Array.from(Buffer.from(word)));
}

function skipWord(word: Uint8Array): boolean {
  if (at + word.length > end) return false;
  for (let i = 0; i < word.length; i++) if (mem[at + i] !== word[i]) return false;
  at += word.length;
  return true;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function skipDigits(): void {
  while (at < end && isDigit(mem[at]!)) at++;
}

function skipNumber(): void {
  if (peek() === 0x2d) at++;
  skipDigits();
  if (peek() === 0x2e) {
    at++;
    skipDigits();
  }
  if ((peek() | 0x20) !== 0x65) return;
  const exponent = at++;
  if (peek() === 0x2b || peek() === 0x2d) at++;
  if (isDigit(peek())) skipDigits();
  else at = exponent;
}

/** Skips a text, a number or a word. */
function skipPlain(): JsonType {
  const byte = peek();
  if (byte === QUOTE) return skipText() ? JsonType.Text : JsonType.None;
  if (byte === 0x2d || isDigit(byte)) {
    skipNumber();
    return JsonType.Number;
  }
  if (byte === 0x74) return skipWord(words[0]!) ? JsonType.True : JsonType.None;
  if (byte === 0x66) return skipWord(words[1]!) ? JsonType.False : JsonType.None;
  return byte === 0x6e && skipWord(words[2]!) ? JsonType.Null : JsonType.None;
}

/** Skips a key and its colon. */
function skipKey(): boolean {
  if (peek() !== QUOTE || !skipText()) return false;
  skipBlanks();
  if (peek() !== COLON) return false;
  at++;
  skipBlanks();
  return true;
}

/** Skips the value at `at`. @param depth how many brackets are open around it */
function skipValue(depth: number): JsonType {
  const first = peek();
  if (first !== OPEN_ARRAY && first !== OPEN_OBJECT) return skipPlain();
  let open = depth;
  do {
    const byte = peek();
    if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (open === DEPTH_MAX) return JsonType.None;
      closers[open++] = byte === OPEN_ARRAY ? CLOSE_ARRAY : CLOSE_OBJECT;
      at++;
    } else if (skipPlain() === JsonType.None) {
      return JsonType.None;
    } else if (!endItem()) {
      return JsonType.None;
    }
    skipBlanks();
    while (open > depth && peek() === closers[open - 1]) {
      at++;
      open--;
      if (open > depth && !endItem()) return JsonType.None;
      skipBlanks();
    }
    if (open > depth && closers[open - 1] === CLOSE_OBJECT && !skipKey()) return JsonType.None;
  } while (open > depth);
  return first === OPEN_ARRAY ? JsonType.Array : JsonType.Object;
}

/** Behind an item there is a comma, which is skipped, or a closing bracket. */
function endItem(): boolean {
  skipBlanks();
  const byte = peek();
  if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) return true;
  if (byte !== COMMA) return false;
  at++;
  skipBlanks();
  return true;
}

function isKey(key: Uint8Array, from: number): boolean {
  if (from + key.length >= end || mem[from + key.length] !== QUOTE) return false;
  for (let i = 0; i < key.length; i++) if (mem[from + i] !== key[i]) return false;
  return true;
}

/** Goes to the value that a step leads to. @param depth how many brackets are open here */
function enter({ key, index }: JsonStep, depth: number): boolean {
  if (peek() !== (key === null ? OPEN_ARRAY : OPEN_OBJECT) || depth === DEPTH_MAX) return false;
  const closer = key === null ? CLOSE_ARRAY : CLOSE_OBJECT;
  at++;
  skipBlanks();
  for (let item = 0; at < end && peek() !== closer; item++) {
    const name = at + 1;
    if (key === null ? item === index : skipKey() && isKey(key, name)) return true;
    if (skipValue(depth + 1) === JsonType.None || !endItem()) return false;
  }
  return false;
}

/**
 * Finds the value of a path in the text at `[off, off + len)`; it is left in `valueOff` and
 * `valueEnd`.
 * @returns its type; `None` when there is no such value, or an error before its end
 */
export function findJson(off: number, len: number, path: readonly JsonStep[]): JsonType {
  at = off;
  end = off + len;
  skipBlanks();
  for (let depth = 0; depth < path.length; depth++) {
    if (!enter(path[depth]!, depth)) return JsonType.None;
  }
  valueOff = at;
  const type = skipValue(path.length);
  valueEnd = at;
  return type;
}
