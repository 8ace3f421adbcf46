/**
 * The first TLS handshake message of a byte stream (RFC 8446 4 and 5.1), taken apart where it lies
 * for the `ssl` fetches of 7.3.5. Nothing of it is believed: every length is held against the one
 * around it, and what does not fit has no value.
 *
 *   record  [ 22 | 3 x | length ]  handshake  [ type | length | body ... ]
 *
 * A message may be spread over several records; then its bytes are put together in a block of their
 * own, the only copy that is made.
 *
 * @dataplane
 */
import { mem, reserve } from '../sys/arena.ts';

export const enum Found {
  /** It is something else. */
  No = 0,
  /** More bytes may make it one. */
  Partial = 1,
  Yes = 2,
}

const HANDSHAKE = 22;
const RECORD_HEAD = 5;
/** RFC 8446 5.1: most bytes of a record. */
const RECORD_MAX = 1 << 14;
const HANDSHAKE_HEAD = 4;
/** Largest message that is put together; a longer one is none of ours. */
const MESSAGE_MAX = 1 << 14;
/** Version and random of a hello. */
const HELLO_FIXED = 34;

let joined = 0;

/** One message at a time: registers of whoever asked last. */
class Hello {
  type = 0;
  /** Its body, behind the head of the handshake. */
  off = 0;
  end = 0;
  /** What `findList` and `findExtension` have found. */
  partOff = 0;
  partLen = 0;
}

export const hello: Hello = new Hello();

function read16(off: number): number {
  return (mem[off]! << 8) | mem[off + 1]!;
}

/** Looks for a whole handshake message at the start of the bytes. */
export function readHello(off: number, len: number): Found {
  if (len === 0) return Found.Partial;
  if (mem[off] !== HANDSHAKE || (len > 1 && mem[off + 1] !== 3)) return Found.No;
  if (len < RECORD_HEAD) return Found.Partial;
  const size = read16(off + 3);
  if (size === 0 || size > RECORD_MAX) return Found.No;
  const at = off + RECORD_HEAD;
  if (size < HANDSHAKE_HEAD) return joinRecords(off, len);
  if (len < RECORD_HEAD + HANDSHAKE_HEAD) return Found.Partial;
  const body = (mem[at + 1]! << 16) | read16(at + 2);
  if (body + HANDSHAKE_HEAD > size) return joinRecords(off, len);
  return take(at, len - RECORD_HEAD);
}

/** The message begins at `at`, of which `have` bytes are there. */
function take(at: number, have: number): Found {
  const body = (mem[at + 1]! << 16) | read16(at + 2);
  if (body > MESSAGE_MAX) return Found.No;
  if (have < HANDSHAKE_HEAD + body) return Found.Partial;
  hello.type = mem[at]!;
  hello.off = at + HANDSHAKE_HEAD;
  hello.end = hello.off + body;
  return Found.Yes;
}

/** Puts together what several records carry. */
function joinRecords(off: number, len: number): Found {
  if (joined === 0) joined = reserve(MESSAGE_MAX + HANDSHAKE_HEAD);
  const end = off + len;
  let at = off;
  let have = 0;
  while (at + RECORD_HEAD <= end) {
    if (mem[at] !== HANDSHAKE || mem[at + 1] !== 3) return Found.No;
    const size = read16(at + 3);
    if (size === 0 || size > RECORD_MAX) return Found.No;
    at += RECORD_HEAD;
    const n = Math.min(size, end - at, MESSAGE_MAX + HANDSHAKE_HEAD - have);
    mem.copyWithin(joined + have, at, at + n);
    have += n;
    if (have >= HANDSHAKE_HEAD) {
      const found = take(joined, have);
      if (found !== Found.Partial) return found;
    }
    if (n < size) return Found.Partial;
    at += size;
  }
  return Found.Partial;
}

/** The version of a hello: major * 65536 + minor. @returns -1 when it has none */
export function helloVersion(): number {
  const { off, end } = hello;
  return end - off < 2 ? -1 : mem[off]! * 65536 + mem[off + 1]!;
}

/** Finds the cipher suites of a ClientHello. @returns whether they lie inside of it */
export function findCiphers(): boolean {
  const { off, end } = hello;
  if (hello.type !== 1 || off + HELLO_FIXED + 1 > end) return false;
  const at = off + HELLO_FIXED + 1 + mem[off + HELLO_FIXED]!;
  if (at + 2 > end) return false;
  const len = read16(at);
  if (len === 0 || len % 2 !== 0 || at + 2 + len > end) return false;
  hello.partOff = at + 2;
  hello.partLen = len;
  return true;
}

/**
 * Finds an extension of a ClientHello by its number.
 * @returns No when the hello ends without it; Partial, which can not change, when it is malformed
 *   before the extension.
 */
export function findExtension(number: number): Found {
  if (!findCiphers()) return Found.Partial;
  const { end } = hello;
  let at = hello.partOff + hello.partLen;
  if (at >= end || mem[at] === 0) return Found.Partial;
  at += 1 + mem[at]!;
  // A hello without extensions ends here.
  if (at === end) return Found.No;
  if (at + 2 > end) return Found.Partial;
  const until = at + 2 + read16(at);
  if (until > end) return Found.Partial;
  at += 2;
  while (at < until) {
    if (at + 4 > until) return Found.Partial;
    const len = read16(at + 2);
    if (at + 4 + len > until) return Found.Partial;
    if (read16(at) === number) {
      hello.partOff = at + 4;
      hello.partLen = len;
      return Found.Yes;
    }
    at += 4 + len;
  }
  return Found.No;
}

/** The found extension is a list with two bytes of length in front: its content. */
export function openList(): boolean {
  if (hello.partLen < 2) return false;
  const len = read16(hello.partOff);
  if (len === 0 || len > hello.partLen - 2) return false;
  hello.partOff += 2;
  hello.partLen = len;
  return true;
}

/** The found extension is `server_name` (RFC 6066 3): the name, of type host_name. */
export function openServerName(): boolean {
  if (!openList() || hello.partLen < 3 || mem[hello.partOff] !== 0) return false;
  const len = read16(hello.partOff + 1);
  if (len === 0 || len > hello.partLen - 3) return false;
  hello.partOff += 3;
  hello.partLen = len;
  // Whoever stops at a NUL would see another name.
  for (let i = 0; i < len; i++) if (mem[hello.partOff + i] === 0) return false;
  return true;
}

/** The found extension is a list of protocols (RFC 7301 3.1): the first of them. */
export function openProtocol(): boolean {
  if (!openList()) return false;
  const len = mem[hello.partOff]!;
  if (len === 0 || len > hello.partLen - 1) return false;
  hello.partOff += 1;
  hello.partLen = len;
  return true;
}
