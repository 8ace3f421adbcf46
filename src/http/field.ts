/**
 * Header fields that the data plane knows by number, so that finding one compares an integer.
 * `fieldId` is called once per field while parsing, on the lower-cased name.
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../sys/arena.ts';

export const enum FieldId {
  Other = 0,
  Host = 1,
  Connection = 2,
  ContentLength = 3,
  TransferEncoding = 4,
  Expect = 5,
  Upgrade = 6,
  Cookie = 7,
  SetCookie = 8,
  XForwardedFor = 9,
  KeepAlive = 10,
  ProxyConnection = 11,
  Te = 12,
  Trailer = 13,
  UserAgent = 14,
  Forwarded = 15,
  Location = 16,
  ContentType = 17,
  CacheControl = 18,
  SecWebsocketKey = 19,
  SecWebsocketAccept = 20,
  XOriginalTo = 21,
  Http2Settings = 22,
}

/** Name per FieldId; the index is the id. */
export const fieldNames = [
  '',
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'upgrade',
  'cookie',
  'set-cookie',
  'x-forwarded-for',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'user-agent',
  'forwarded',
  'location',
  'content-type',
  'cache-control',
  'sec-websocket-key',
  'sec-websocket-accept',
  'x-original-to',
  'http2-settings',
] as const;

/** Arena offset of each known name, indexed by FieldId. */
export const fieldNameOff = Int32Array.from(fieldNames, (name) => reserveBytes(name));

// Buckets by length, first and last byte: one candidate at most in each, checked at start-up.
const buckets = createBuckets();

function createBuckets(): Uint8Array {
  const table = new Uint8Array(32 * 32);
  fieldNames.forEach((name, id) => {
    if (id === 0) return;
    const slot =
      (name.length & 31) * 32 + ((name.charCodeAt(0) + 1 * name.charCodeAt(name.length - 1)) & 31);
    if (table[slot] !== 0)
      throw new Error(`field bucket clash: ${name} ${fieldNames[table[slot]!]}`);
    table[slot] = id;
  });
  return table;
}

/** The id of a lower-case name at `off`, or FieldId.Other. */
export function fieldId(off: number, len: number): FieldId {
  if (len > 31 || len < 2) return FieldId.Other;
  const id = buckets[len * 32 + ((mem[off]! + 1 * mem[off + len - 1]!) & 31)]!;
  if (id === 0) return FieldId.Other;
  const name = fieldNameOff[id]!;
  for (let i = 0; i < len; i++) if (mem[name + i] !== mem[off + i]) return FieldId.Other;
  return (fieldNames[id]!.length === len ? id : FieldId.Other) as FieldId;
}
