/**
 * The head of an HTTP message as integers into the arena, shared by all HTTP versions.
 *
 *   start line:  method / uri / version   or   version / status / reason
 *   row i:       [nameOff nameLen valOff valLen id flags]      (one per field, in order)
 *
 * A worker has one request message and one response message, filled by the parser and used until
 * the head has been written to the other side; a stream that must look at its head again later has
 * it parsed again. Names are lower case (the parser folds them in place). Rules edit rows: a removed
 * row has nameLen 0, an added or changed one points into the scratch area.
 *
 * @dataplane
 */
import { mem, reserve } from '../sys/arena.ts';
import { FieldId } from './field.ts';
import { Method } from './method.ts';

/** Integers per row. */
export const ROW = 6;
export const enum Col {
  NameOff = 0,
  NameLen = 1,
  ValOff = 2,
  ValLen = 3,
  Id = 4,
  /** 1 = the raw bytes are `name: value\r\n` exactly, so that runs of rows can be copied whole. */
  Canonical = 5,
}

/** How the end of a body is found (RFC 9112 6.3). */
export const enum BodyMode {
  None = 0,
  Length = 1,
  Chunked = 2,
  /** Until the peer closes (responses only). */
  Close = 3,
  /** After a 101 or a successful CONNECT. */
  Tunnel = 4,
}

export const enum ConnectionFlag {
  Close = 1,
  KeepAlive = 2,
  Upgrade = 4,
}

export class HttpMessage {
  isResponse: boolean;
  method: Method = Method.Other;
  methodOff: number = 0;
  methodLen: number = 0;
  /** The request target as received (origin-, absolute-, authority- or asterisk-form). */
  uriOff: number = 0;
  uriLen: number = 0;
  /** 10 for HTTP/1.0, 11 for HTTP/1.1. */
  version: number = 11;
  /** A request's blank and `HTTP/1.x`, as received; that of HTTP/0.9 is ` HTTP/1.0`. */
  versionOff: number = 0;
  status: number = 0;
  reasonOff: number = 0;
  reasonLen: number = 0;
  /** Rows in use, removed ones included. */
  count: number = 0;
  readonly rows: Int32Array;
  readonly rowsMax: number;
  /** Where the raw head lies, blank line included. */
  headOff: number = 0;
  headLen: number = 0;
  body: BodyMode = BodyMode.None;
  /** With BodyMode.Length. Exact up to 2^53. */
  contentLength: number = 0;
  /** What of the body lies in the buffer; with `isBodyFramed` as chunks that we have framed. */
  bodyOff: number = 0;
  bodyLen: number = 0;
  isBodyFramed: boolean = false;
  /** `ConnectionFlag` bits seen in Connection fields. */
  connection: number = 0;
  /** The same of Proxy-Connection fields (`option http-use-proxy-header`). */
  proxyConnection: number = 0;
  expectContinue: boolean = false;
  /** A Content-Length was there; `contentLength` holds it. */
  hasLength: boolean = false;
  hasCoding: boolean = false;
  /** The last transfer coding is chunked. */
  chunkedLast: boolean = false;
  /** A transfer coding other than chunked was named. */
  otherCoding: boolean = false;
  /** A framing field must be written in its plain form before it travels on. */
  respell: boolean = false;
  /** Upgrade or HTTP2-Settings is there. */
  hasUpgrade: boolean = false;
  hasTe: boolean = false;
  /** An upgrade that is whole names websocket. */
  websocket: boolean = false;
  /** Both a length and a coding were there: the connection must not be reused. */
  insecureFraming: boolean = false;
  /** Bump allocator for text that rules make; emptied by `begin`. */
  scratchOff: number;
  scratchUsed: number = 0;
  readonly scratchSize: number;

  /** @param rowsMax tune.http.maxhdr; @param scratchSize bytes for edited values. */
  constructor(isResponse: boolean, rowsMax: number, scratchSize: number) {
    this.isResponse = isResponse;
    // Rules and options may add fields beyond what a peer may send.
    this.rowsMax = rowsMax + 64;
    this.rows = new Int32Array(this.rowsMax * ROW);
    this.scratchOff = reserve(scratchSize);
    this.scratchSize = scratchSize;
  }

  /** Empties the message before a parse. */
  begin(): void {
    this.count = 0;
    this.scratchUsed = 0;
    this.body = BodyMode.None;
    this.contentLength = 0;
    this.bodyOff = 0;
    this.bodyLen = 0;
    this.isBodyFramed = false;
    this.connection = 0;
    this.proxyConnection = 0;
    this.expectContinue = false;
    this.hasLength = false;
    this.hasCoding = false;
    this.chunkedLast = false;
    this.otherCoding = false;
    this.respell = false;
    this.hasUpgrade = false;
    this.hasTe = false;
    this.websocket = false;
    this.insecureFraming = false;
    this.status = 0;
    this.headLen = 0;
  }

  /**
   * Takes `bytes` of scratch for text that must live until the head is written.
   * @returns the arena offset, or 0 when the head has outgrown its limit (answer 500).
   */
  takeScratch(bytes: number): number {
    const used = this.scratchUsed;
    if (used + bytes > this.scratchSize) return 0;
    this.scratchUsed = used + bytes;
    return this.scratchOff + used;
  }

  /** Copies bytes into scratch. @returns offset or 0, as `takeScratch`. */
  keep(off: number, len: number): number {
    const at = this.takeScratch(len);
    if (at !== 0) mem.copyWithin(at, off, off + len);
    return at;
  }

  /**
   * Index of the first live row at or after `from` with this lower-case name, or -1.
   * @param id the `FieldId` of the name; 0 compares bytes.
   */
  find(id: FieldId, nameOff: number, nameLen: number, from: number): number {
    const rows = this.rows;
    for (let i = from; i < this.count; i++) {
      const r = i * ROW;
      if (rows[r + Col.NameLen] !== nameLen || rows[r + Col.Id] !== id) continue;
      if (id !== FieldId.Other || sameBytes(rows[r + Col.NameOff]!, nameOff, nameLen)) return i;
    }
    return -1;
  }

  /** Appends a field whose name and value lie in memory that outlives the head. */
  add(id: FieldId, nameOff: number, nameLen: number, valOff: number, valLen: number): boolean {
    if (this.count >= this.rowsMax) return false;
    const r = this.count++ * ROW;
    const rows = this.rows;
    rows[r + Col.NameOff] = nameOff;
    rows[r + Col.NameLen] = nameLen;
    rows[r + Col.ValOff] = valOff;
    rows[r + Col.ValLen] = valLen;
    rows[r + Col.Id] = id;
    rows[r + Col.Canonical] = 0;
    return true;
  }

  remove(index: number): void {
    this.rows[index * ROW + Col.NameLen] = 0;
  }

  /** Removes every field of this name. @returns how many there were. */
  removeAll(id: FieldId, nameOff: number, nameLen: number): number {
    let n = 0;
    for (let i = this.find(id, nameOff, nameLen, 0); i >= 0; ) {
      this.remove(i);
      n++;
      i = this.find(id, nameOff, nameLen, i + 1);
    }
    return n;
  }

  setValue(index: number, valOff: number, valLen: number): void {
    const r = index * ROW;
    this.rows[r + Col.ValOff] = valOff;
    this.rows[r + Col.ValLen] = valLen;
    this.rows[r + Col.Canonical] = 0;
  }

  /** Bytes of all names and values, without punctuation. */
  fieldBytes(): number {
    const rows = this.rows;
    let bytes = 0;
    for (let i = 0; i < this.count; i++) {
      const nameLen = rows[i * ROW + Col.NameLen]!;
      if (nameLen !== 0) bytes += nameLen + rows[i * ROW + Col.ValLen]!;
    }
    return bytes;
  }

  /** Replaces the request target; the method is untouched. */
  setUri(off: number, len: number): void {
    this.uriOff = off;
    this.uriLen = len;
  }
}

export function sameBytes(a: number, b: number, len: number): boolean {
  for (let i = 0; i < len; i++) if (mem[a + i] !== mem[b + i]) return false;
  return true;
}
