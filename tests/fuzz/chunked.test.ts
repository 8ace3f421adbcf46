/**
 * The chunked coding against a second, plain implementation (RFC 9112 7.1): same data, same
 * verdict, same end, however the bytes are split, and nothing written outside of the buffer.
 */
import { test } from 'bun:test';
import { ChunkDecoder, ChunkResult } from '../../src/http/h1/chunked.ts';
import { mem, reserve, text } from '../../src/sys/arena.ts';
import { bytesOf, printable } from '../harness/bytes.ts';
import { mutate } from './mutation.ts';
import { type Random, repeat, seedOf, timeoutMs } from './random.ts';

const ROOM = 8192;
const GUARD = 64;
const buffer = reserve(ROOM + 2 * GUARD) + GUARD;

interface Decoded {
  verdict: 'invalid' | 'more' | 'done';
  data: string;
  /** Bytes up to the end of the message, when it is done. */
  size: number;
  trailers: string;
}

const wholeSize = /^([0-9a-fA-F]+)[ \t]*(;[^\r\n\0]*)?\r\n/;
const partialSize = /^([0-9a-fA-F]+[ \t]*(;[^\r\n\0]*)?\r?)?$/;
const name = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const wholeTrailers = new RegExp(`^((?:${name}:[^\\r\\n\\0]*\\r\\n)*)\\r\\n`);
// A single byte of a line may wait for its neighbour.
const partialTrailers = new RegExp(
  `^(?:${name}:[^\\r\\n\\0]*\\r\\n)*(?:[^\\n]|${name}|${name}:[^\\r\\n\\0]*\\r?)?$`,
);

/**
 * The whole input at once. `more` also stands for what is already wrong but not known to be before
 * the line is complete.
 */
function reference(input: string): Decoded {
  let data = '';
  let at = 0;
  const end = (verdict: Decoded['verdict']): Decoded => ({ verdict, data, size: at, trailers: '' });
  for (;;) {
    const line = wholeSize.exec(input.slice(at));
    if (line === null) return end(partialSize.test(input.slice(at)) ? 'more' : 'invalid');
    const digits = line[1]!.replace(/^0+/, '');
    if (digits.length > 12 || line[0].length - 2 > 1024) return end('invalid');
    const size = Number.parseInt(line[1]!, 16);
    if (size === 0) {
      const rest = input.slice(at + line[0].length);
      const trailers = wholeTrailers.exec(rest);
      if (trailers === null) return end(partialTrailers.test(rest) ? 'more' : 'invalid');
      at += line[0].length + trailers[0].length;
      return { verdict: 'done', data, size: at, trailers: trailers[1]! };
    }
    at += line[0].length;
    data += input.slice(at, at + size);
    if (input.length < at + size) return end('more');
    at += size;
    const crlf = input.slice(at, at + 2);
    if (crlf !== '\r\n') return end('\r\n'.startsWith(crlf) ? 'more' : 'invalid');
    at += 2;
  }
}

/** The product's decoder, given the input in pieces; unread bytes stay in front of the next one. */
function decode(pieces: string[], offset: number): Decoded {
  const decoder = new ChunkDecoder();
  let data = '';
  let unread = '';
  let before = 0;
  for (const piece of pieces) {
    const input = unread + piece;
    const from = buffer + offset;
    mem.fill(0xa5, buffer - GUARD, buffer + ROOM + GUARD);
    mem.set(bytesOf(input), from);
    const result = decoder.decode(from, from + input.length);
    checkGuards(from, input.length);
    if (result === ChunkResult.Invalid) return { verdict: 'invalid', data, size: 0, trailers: '' };
    if (decoder.used < from || decoder.used > from + input.length)
      throw new Error('used is outside');
    if (decoder.dataEnd !== 0) data += text(decoder.dataOff, decoder.dataEnd - decoder.dataOff);
    if (result === ChunkResult.Done) {
      const trailers = text(decoder.trailerOff, decoder.trailerEnd - decoder.trailerOff);
      return { verdict: 'done', data, size: before + decoder.used - from, trailers };
    }
    unread = text(decoder.used, from + input.length - decoder.used);
    before += decoder.used - from;
  }
  return { verdict: 'more', data, size: before, trailers: '' };
}

function checkGuards(from: number, length: number): void {
  for (let p = buffer - GUARD; p < from; p++) if (mem[p] !== 0xa5) throw new Error('wrote before');
  for (let p = from + length; p < buffer + ROOM + GUARD; p++) {
    if (mem[p] !== 0xa5) throw new Error('wrote behind');
  }
}

const dictionary = [
  '\r\n',
  '\r',
  '\n',
  '0',
  'f',
  ';',
  ';a=b',
  '0\r\n\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  'fffffffffffff',
  '00000000000',
];

export function chunkedBody(random: Random, most: number): { bytes: string; data: string } {
  let bytes = '';
  let data = '';
  for (let n = random.below(6); n > 0; n--) {
    const chunk = random.bytes(1 + random.size(most));
    const hex = chunk.length.toString(16);
    const size = random.oneIn(2) ? hex.toUpperCase() : `${'0'.repeat(random.below(4))}${hex}`;
    const extension = random.oneIn(4) ? `;x=${'y'.repeat(random.below(20))}` : '';
    bytes += `${size}${extension}\r\n${chunk}\r\n`;
    data += chunk;
  }
  bytes += '0\r\n';
  for (let n = random.oneIn(3) ? random.between(1, 3) : 0; n > 0; n--)
    bytes += `X-T${n}: v${n}\r\n`;
  return { bytes: `${bytes}\r\n`, data };
}

test(
  'the decoder agrees with a plain one on mutated bodies in any split (RFC 9112 7.1)',
  () => {
    repeat(seedOf(10), 8000, (random) => {
      let bytes = chunkedBody(random, 60).bytes;
      if (random.oneIn(2)) bytes = mutate(random, bytes, dictionary);
      if (random.oneIn(3)) bytes += random.bytes(random.below(20));
      const want = reference(bytes);
      const got = decode(random.split(bytes), random.below(32));
      const what = `${printable(bytes)}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`;
      if (got.verdict !== want.verdict) throw new Error(what);
      if (want.verdict !== 'invalid' && got.data !== want.data) throw new Error(what);
      if (want.verdict !== 'done') return;
      if (got.size !== want.size) throw new Error(what);
      if (got.trailers !== want.trailers.replace(/^[^:]+/gm, (name) => name.toLowerCase())) {
        throw new Error(what);
      }
    });
  },
  timeoutMs,
);
