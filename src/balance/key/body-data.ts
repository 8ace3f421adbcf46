/**
 * The data of a body that waits in its client's buffer, framed as it will go to the server: chunks
 * without extensions (`http/h1/chunked.ts`), the last one perhaps not yet there.
 *
 * @dataplane
 */
import { hexValue } from '../../base/hex.ts';
import { BodyMode, type HttpMessage } from '../../http/message.ts';
import { takeScratch, trimScratch } from '../../rules/scratch.ts';
import { mem } from '../../sys/arena.ts';

const CRLF_LEN = 2;

/** Where the data is, after `readBody`. */
export let dataOff = 0;
export let dataLen = 0;

/** Finds the data of the body that lies at `off`; that of chunks is put together. */
export function readBody(req: HttpMessage, off: number, len: number): void {
  dataOff = off;
  dataLen = len;
  if (req.body === BodyMode.Chunked) joinChunks(off, len);
}

function joinChunks(off: number, len: number): void {
  const end = off + len;
  const start = takeScratch(len);
  let out = start;
  // 0: larger than a value can be.
  let at = start === 0 ? end : off;
  while (at < end) {
    let size = 0;
    for (; at < end && hexValue[mem[at]!]! < 16; at++) size = size * 16 + hexValue[mem[at]!]!;
    at += CRLF_LEN;
    const until = Math.min(at + size, end);
    if (size === 0 || until <= at) break;
    mem.copyWithin(out, at, until);
    out += until - at;
    at = until + CRLF_LEN;
  }
  if (start !== 0) trimScratch(out);
  dataOff = start;
  dataLen = out - start;
}
