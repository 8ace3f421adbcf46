/**
 * Patterns before they are compiled: slices of one block of bytes, so that a file of a million
 * lines is not a million strings. And the memory that compiled lists lie in.
 */

export interface Slices {
  readonly bytes: Uint8Array;
  readonly from: Uint32Array;
  readonly until: Uint32Array;
  readonly count: number;
}

const NEWLINE = 10;
const RETURN = 13;
const TAB = 9;
const SPACE = 32;
const HASH = 35;

/** From this size on threads share a list instead of having copies; less is not worth the pages. */
const SHARED_MIN = 64 << 10;

export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** Zeroed bytes for a compiled list, shared between threads when they are many. */
export function createBytes(length: number): Uint8Array {
  if (length < SHARED_MIN) return new Uint8Array(length);
  return new Uint8Array(new SharedArrayBuffer(length));
}

/** The same for numbers of 32 bits. */
export function createWords(length: number): Uint32Array {
  if (length * 4 < SHARED_MIN) return new Uint32Array(length);
  return new Uint32Array(new SharedArrayBuffer(length * 4));
}

/** The same for signed ones. */
export function createInts(length: number): Int32Array {
  if (length * 4 < SHARED_MIN) return new Int32Array(length);
  return new Int32Array(new SharedArrayBuffer(length * 4));
}

/** Byte strings (latin1), in order. */
export function slicesOf(texts: readonly string[]): Slices {
  const count = texts.length;
  const from = new Uint32Array(count);
  const until = new Uint32Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    from[i] = at;
    at += texts[i]!.length;
    until[i] = at;
  }
  return { bytes: Buffer.from(texts.join(''), 'latin1'), from, until, count };
}

export function textOf(slices: Slices, index: number): string {
  const { bytes, from, until } = slices;
  const length = until[index]! - from[index]!;
  const start = bytes.byteOffset + from[index]!;
  return Buffer.from(bytes.buffer, start, length).toString('latin1');
}

export function textsOf(slices: Slices): string[] {
  return Array.from({ length: slices.count }, (_, i) => textOf(slices, i));
}

/**
 * The patterns of a file (2.7): one per line, leading blanks stripped, `#` begins a comment line,
 * empty lines do not count. As in HAProxy a NUL ends the pattern that it stands in.
 */
export function linesOf(bytes: Uint8Array): Slices {
  let most = 1;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) most++;
  const from = new Uint32Array(most);
  const until = new Uint32Array(most);
  let count = 0;
  let nul = bytes.indexOf(0);
  for (let at = 0; at < bytes.length; ) {
    if (nul >= 0 && nul < at) nul = bytes.indexOf(0, at);
    const found = bytes.indexOf(NEWLINE, at);
    const end = found < 0 ? bytes.length : found;
    let start = at;
    let stop = end;
    at = end + 1;
    if (bytes[start] === HASH) continue;
    while (start < stop && isBlank(bytes[start]!)) start++;
    if (nul >= start && nul < stop) stop = nul;
    else if (stop > start && bytes[stop - 1] === RETURN) stop--;
    if (start === stop) continue;
    from[count] = start;
    until[count++] = stop;
  }
  return { bytes, from, until, count };
}

/** The first words of lines: the patterns of a file that is a map (`-M`). */
export function firstWords(lines: Slices): Slices {
  const { bytes, from, count } = lines;
  const until = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let at = from[i]!;
    while (at < lines.until[i]! && !isBlank(bytes[at]!)) at++;
    until[i] = at;
  }
  return { bytes, from, until, count };
}

/** The line of a file that a slice of it stands in, 1-based. */
export function lineOf(slices: Slices, index: number): number {
  let line = 1;
  const { bytes } = slices;
  const until = slices.from[index]!;
  for (
    let at = bytes.indexOf(NEWLINE);
    at >= 0 && at < until;
    at = bytes.indexOf(NEWLINE, at + 1)
  ) {
    line++;
  }
  return line;
}

/** The patterns without the delimiters at their ends. */
export function trim(slices: Slices, delimiter: Uint8Array): Slices {
  const { bytes, count } = slices;
  const from = new Uint32Array(count);
  const until = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let start = slices.from[i]!;
    let end = slices.until[i]!;
    while (start < end && delimiter[bytes[start]!] === 1) start++;
    while (end > start && delimiter[bytes[end - 1]!] === 1) end--;
    from[i] = start;
    until[i] = end;
  }
  return { bytes, from, until, count };
}

/** The bytes that the hexadecimal patterns of `-m bin` stand for. */
export function decodeHex(slices: Slices): Slices {
  return slicesOf(textsOf(slices).map((text) => Buffer.from(text, 'hex').toString('latin1')));
}
