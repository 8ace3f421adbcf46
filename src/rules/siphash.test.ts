import { expect, test } from 'bun:test';
import { reserveBytes } from '../sys/arena.ts';
import { siphash } from './siphash.ts';

/** The key of the paper: bytes 0 to 15. */
const key = Int32Array.of(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c);

/** The hash of the bytes 0 to n - 1, as the paper's table prints it: lowest byte first. */
function hashOf(n: number): string {
  const into = new Int32Array(2);
  siphash(reserveBytes(Uint8Array.from({ length: n }, (_, i) => i)), n, key, into, 0);
  return Buffer.from(into.buffer).toString('hex');
}

test('SipHash-2-4 gives the values of the paper (appendix A)', () => {
  expect(hashOf(0)).toBe('310e0edd47db6f72');
  expect(hashOf(7)).toBe('37d1018bf50002ab');
  expect(hashOf(8)).toBe('6224939a79f5f593');
  expect(hashOf(15)).toBe('e545be4961ca29a1');
});
