/**
 * The chunked coding (RFC 9112 7.1), decoded in place: framing is squeezed out so that the data of
 * all chunks in the buffer lies together, then one chunk header is written in front of it again.
 * Extensions are dropped and sizes rewritten, so nothing ambiguous reaches the other side.
 *
 *   5\r\nhello\r\n6\r\n world\r\n   →   b\r\nhello world\r\n
 *
 * @dataplane
 */
import { hexValue } from '../../base/hex.ts';
import { mem } from '../../sys/arena.ts';
import { FieldId, fieldId } from '../field.ts';
import { Char, charClass, tokenLower } from './characters.ts';

export const enum ChunkState {
  /** At the first digit of a size. */
  Size = 0,
  /** Inside the data of a chunk. */
  Data = 1,
  /** At the CRLF after the data. */
  DataEnd = 2,
  /** After the trailer section. */
  Done = 3,
}

export const enum ChunkResult {
  Invalid = -1,
  /** All input was used; more is needed. */
  More = 0,
  Done = 1,
}

/** Longest size line that is accepted, extensions included. */
const SIZE_LINE_MAX = 1024;
/** Sizes from 16 times this value are refused: the product stays exact in a double. */
const SIZE_LIMIT = 2 ** 44;

export class ChunkDecoder {
  state: ChunkState;
  /** Bytes left of the current chunk's data. */
  left: number;
  /** After `decode`: data lies at [dataOff, dataEnd); input was used up to `used`. */
  dataOff: number;
  dataEnd: number;
  used: number;
  /** After Done: the trailer section at [trailerOff, trailerEnd), blank line not included. */
  trailerOff: number;
  trailerEnd: number;
  /** Bytes of its names and values without punctuation. */
  trailerBytes: number;

  constructor() {
    this.state = ChunkState.Size;
    this.left = 0;
    this.dataOff = 0;
    this.dataEnd = 0;
    this.used = 0;
    this.trailerOff = 0;
    this.trailerEnd = 0;
    this.trailerBytes = 0;
  }

  reset(): void {
    this.state = ChunkState.Size;
    this.left = 0;
    this.trailerOff = 0;
    this.trailerEnd = 0;
    this.trailerBytes = 0;
  }

  /** Decodes [off, end) in place, moving data down to directly follow the first data byte. */
  decode(off: number, end: number): ChunkResult {
    let p = off;
    this.dataOff = 0;
    this.dataEnd = 0;
    this.used = off;
    for (;;) {
      if (this.state === ChunkState.Data) {
        const n = Math.min(this.left, end - p);
        if (n > 0) this.keep(p, n);
        p += n;
        this.left -= n;
        this.used = p;
        if (this.left > 0) return ChunkResult.More;
        this.state = ChunkState.DataEnd;
      }
      if (this.state === ChunkState.DataEnd) {
        if (end - p < 2)
          return end - p === 1 && mem[p] !== 13 ? ChunkResult.Invalid : ChunkResult.More;
        if (mem[p] !== 13 || mem[p + 1] !== 10) return ChunkResult.Invalid;
        p += 2;
        this.used = p;
        this.state = ChunkState.Size;
      }
      if (this.state === ChunkState.Size) {
        const next = this.size(p, end);
        if (next <= 0) return next === 0 ? ChunkResult.More : ChunkResult.Invalid;
        // The last chunk stays unread until its trailer section is complete: what is written
        // again in its place then never needs more room than it had.
        if (this.left === 0) return this.trailer(next, end);
        p = next;
        this.used = p;
        this.state = ChunkState.Data;
      }
    }
  }

  /** Reads a size line. @returns the position after it, 0 = incomplete, -1 = invalid. */
  private size(from: number, end: number): number {
    let p = from;
    let value = 0;
    while (p < end) {
      const digit = hexValue[mem[p]!]!;
      if (digit === 255) break;
      // Leading zeroes are harmless; 2^44 and more is no chunk but an overflow to be.
      if (value >= SIZE_LIMIT) return -1;
      value = value * 16 + digit;
      p++;
    }
    if (p === end) return 0;
    if (p === from) return -1;
    while (p < end && (mem[p] === 32 || mem[p] === 9)) p++;
    if (p < end && mem[p] === 59) {
      while (p < end && (charClass[mem[p]!]! & Char.Value) !== 0) p++;
    }
    if (p - from > SIZE_LINE_MAX) return -1;
    if (p + 1 >= end) return p === end || mem[p] === 13 ? 0 : -1;
    if (mem[p] !== 13 || mem[p + 1] !== 10) return -1;
    this.left = value;
    return p + 2;
  }

  /** The trailer section must be complete in the buffer before it is accepted. */
  private trailer(from: number, end: number): ChunkResult {
    let p = from;
    let bytes = 0;
    for (;;) {
      if (end - p < 2)
        return end - p === 1 && mem[p] === 10 ? ChunkResult.Invalid : ChunkResult.More;
      if (mem[p] === 13) {
        if (mem[p + 1] !== 10) return ChunkResult.Invalid;
        this.trailerOff = from;
        this.trailerEnd = p;
        this.trailerBytes = bytes;
        this.used = p + 2;
        this.state = ChunkState.Done;
        return ChunkResult.Done;
      }
      const name = p;
      for (; p < end; p++) {
        const lower = tokenLower[mem[p]!]!;
        if (lower === 0) break;
        mem[p] = lower;
      }
      if (p === end) return ChunkResult.More;
      if (mem[p] !== 58 || p === name) return ChunkResult.Invalid;
      if (isOfHead(fieldId(name, p - name))) return ChunkResult.Invalid;
      bytes += p - name;
      p++;
      while (p < end && (mem[p] === 32 || mem[p] === 9)) p++;
      const value = p;
      while (p < end && (charClass[mem[p]!]! & Char.Value) !== 0) p++;
      bytes += p - value;
      if (p + 1 >= end) return p === end || mem[p] === 13 ? ChunkResult.More : ChunkResult.Invalid;
      if (mem[p] !== 13 || mem[p + 1] !== 10) return ChunkResult.Invalid;
      p += 2;
    }
  }

  private keep(off: number, len: number): void {
    if (this.dataEnd === 0) {
      this.dataOff = off;
      this.dataEnd = off + len;
      return;
    }
    mem.copyWithin(this.dataEnd, off, off + len);
    this.dataEnd += len;
  }
}

/**
 * RFC 9110 6.5.1: what frames or routes a message, or holds for one connection, comes in its head. In
 * a trailer it may only mislead who merges both.
 */
function isOfHead(id: FieldId): boolean {
  switch (id) {
    case FieldId.ContentLength:
    case FieldId.TransferEncoding:
    case FieldId.Host:
    case FieldId.Connection:
    case FieldId.ProxyConnection:
    case FieldId.KeepAlive:
    case FieldId.Te:
    case FieldId.Trailer:
    case FieldId.Upgrade:
    case FieldId.Http2Settings:
    case FieldId.Expect:
      return true;
    default:
      return false;
  }
}

/** Bytes of `size CRLF`. */
export function chunkSizeLen(size: number): number {
  let len = 3;
  for (let n = Math.floor(size / 16); n > 0; n = Math.floor(n / 16)) len++;
  return len;
}

/** Writes `size CRLF` so that it ends right before `dataOff`. @returns where it starts. */
export function putChunkSize(dataOff: number, size: number): number {
  let p = dataOff - 2;
  mem[p] = 13;
  mem[p + 1] = 10;
  let n = size;
  do {
    const digit = n % 16;
    mem[--p] = digit < 10 ? 48 + digit : 87 + digit;
    n = Math.floor(n / 16);
  } while (n > 0);
  return p;
}
