import { expect, test } from 'bun:test';
import { mem, reserve, text } from '../../sys/arena.ts';
import { ChunkDecoder, ChunkResult, putChunkSize } from './chunked.ts';

const at = reserve(4096);

function decodeAll(pieces: string[]): { data: string; result: ChunkResult; left: string } {
  const decoder = new ChunkDecoder();
  let data = '';
  let rest = '';
  let result = ChunkResult.More;
  for (const piece of pieces) {
    const input = rest + piece;
    mem.set(Buffer.from(input, 'latin1'), at);
    result = decoder.decode(at, at + input.length);
    if (result === ChunkResult.Invalid) break;
    data += text(decoder.dataOff, decoder.dataEnd - decoder.dataOff);
    rest = text(decoder.used, at + input.length - decoder.used);
  }
  return { data, result, left: rest };
}

const whole = '5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nx-t: 1\r\n\r\nNEXT';

test('chunks are joined, extensions dropped, and what follows is left (RFC 9112 7.1)', () => {
  expect(decodeAll([whole])).toEqual({
    data: 'hello world',
    result: ChunkResult.Done,
    left: 'NEXT',
  });
});

test('any split of the bytes gives the same data (RFC 9112 7.1)', () => {
  for (let cut = 1; cut < whole.length - 4; cut++) {
    const body = whole.slice(0, -4);
    const got = decodeAll([body.slice(0, cut), body.slice(cut)]);
    expect([cut, got.data, got.result]).toEqual([cut, 'hello world', ChunkResult.Done]);
  }
  const bytes = decodeAll(whole.slice(0, -4).split(''));
  expect(bytes.data).toBe('hello world');
  expect(bytes.result).toBe(ChunkResult.Done);
});

test.each([
  ['no digits', 'x\r\n'],
  ['bare LF after the size', '5\nhello\r\n'],
  ['a sign', '+5\r\nhello\r\n'],
  ['0x prefix', '0x5\r\nhello\r\n'],
  ['data longer than its size', '5\r\nhello!\r\n'],
  ['a size that overflows', 'fffffffffffffff\r\n'],
  ['a bad trailer name', '0\r\nbad name: x\r\n\r\n'],
  ['a bare CR in an extension', '5;a\rb\r\nhello\r\n'],
])('%s is refused (RFC 9112 7.1)', (_, input) => {
  expect(decodeAll([input]).result).toBe(ChunkResult.Invalid);
});

test('a chunk size is written so that it ends at the data', () => {
  const start = putChunkSize(at + 100, 0x1a2b);
  expect(text(start, at + 100 - start)).toBe('1a2b\r\n');
});
