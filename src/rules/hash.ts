/**
 * The 32-bit hash functions of the manual, on bytes of the arena (configuration.txt 7.3.1 `crc32`,
 * `crc32c`, `djb2`, `sdbm`, `wt6`, `xxh32`; 4.2 `hash-type` uses the same functions). All results
 * are unsigned.
 *
 * Definitions: CRC-32 of ISO 3309 (reflected, 0xEDB88320), CRC-32C of RFC 9260 (0x82F63B78), DJB2
 * (hash * 33 + byte from 5381), SDBM (hash * 65599 + byte), XXH32 of the xxHash specification. The
 * manual names WT6 and the avalanche but does not define them: `expression-haproxy.test.ts` compares
 * all of them with HAProxy's values.
 *
 * @dataplane
 */
import { mem } from '../sys/arena.ts';

export function sdbm(off: number, len: number): number {
  let hash = 0;
  for (let i = 0; i < len; i++) hash = (Math.imul(hash, 65599) + mem[off + i]!) | 0;
  return hash >>> 0;
}

export function djb2(off: number, len: number): number {
  let hash = 5381;
  for (let i = 0; i < len; i++) hash = (Math.imul(hash, 33) + mem[off + i]!) | 0;
  return hash >>> 0;
}

function createCrcTable(polynomial: number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? polynomial : 0);
    return value;
  });
}

const crc32Table = createCrcTable(0xedb88320);
const crc32cTable = createCrcTable(0x82f63b78);

function crc(table: Int32Array, off: number, len: number): number {
  let value = -1;
  for (let i = 0; i < len; i++) {
    value = (value >>> 8) ^ table[(value ^ mem[off + i]!) & 255]!;
  }
  return ~value >>> 0;
}

export function crc32(off: number, len: number): number {
  return crc(crc32Table, off, len);
}

export function crc32c(off: number, len: number): number {
  return crc(crc32cTable, off, len);
}

/** Two words that are turned by amounts which depend on themselves. */
export function wt6(off: number, len: number): number {
  let a = 0xa53c965a | 0;
  let b = 0x5ca6953a | 0;
  let turnA = 6;
  let turnB = 18;
  for (let i = 0; i < len; i++) {
    const byte = mem[off + i]!;
    a = ~(a ^ byte);
    b = ~(b + byte);
    const turned = rotate(b, turnA);
    b = rotate(a, turnB);
    a = turned;
    const mixed = ((a >>> 16) ^ b) & 0xffff;
    turnA = mixed & 31;
    turnB = mixed >>> 11;
  }
  return (a ^ b) >>> 0;
}

/**
 * Mixes all bits of a hash (4.2 hash-type `avalanche`): Bob Jenkins' full avalanche in six shifts,
 * times 3 * 2^30 + 1.
 */
export function avalanche(hash: number): number {
  let a = (hash + 0x7ed55d16 + (hash << 12)) | 0;
  a = a ^ 0xc761c23c ^ (a >>> 19);
  a = (a + 0x165667b1 + (a << 5)) | 0;
  a = ((a + 0xd3a2646c) | 0) ^ (a << 9);
  a = (a + 0xfd7046c5 + (a << 3)) | 0;
  a = a ^ 0xb55a4f09 ^ (a >>> 16);
  return Math.imul(a, 0xc0000001) >>> 0;
}

const PRIME1 = 0x9e3779b1 | 0;
const PRIME2 = 0x85ebca77 | 0;
const PRIME3 = 0xc2b2ae3d | 0;
const PRIME4 = 0x27d4eb2f | 0;
const PRIME5 = 0x165667b1 | 0;

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function readU32(off: number): number {
  return mem[off]! | (mem[off + 1]! << 8) | (mem[off + 2]! << 16) | (mem[off + 3]! << 24);
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, PRIME2)) | 0, 13), PRIME1);
}

export function xxh32(off: number, len: number, seed: number): number {
  const end = off + len;
  let at = off;
  let hash = (seed + PRIME5) | 0;
  if (len >= 16) {
    let v1 = (seed + PRIME1 + PRIME2) | 0;
    let v2 = (seed + PRIME2) | 0;
    let v3 = seed | 0;
    let v4 = (seed - PRIME1) | 0;
    for (; at + 16 <= end; at += 16) {
      v1 = round(v1, readU32(at));
      v2 = round(v2, readU32(at + 4));
      v3 = round(v3, readU32(at + 8));
      v4 = round(v4, readU32(at + 12));
    }
    hash = (rotate(v1, 1) + rotate(v2, 7) + rotate(v3, 12) + rotate(v4, 18)) | 0;
  }
  hash = (hash + len) | 0;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(readU32(at), PRIME3)) | 0, 17), PRIME4);
  }
  for (; at < end; at++) {
    hash = Math.imul(rotate((hash + Math.imul(mem[at]!, PRIME5)) | 0, 11), PRIME1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME3);
  return (hash ^ (hash >>> 16)) >>> 0;
}
