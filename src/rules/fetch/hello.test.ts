/**
 * TLS hellos as a hostile client would send them (configuration.txt 7.3.5): cut off anywhere, with
 * lengths that contradict each other, spread over records.
 */
import { describe, expect, test } from 'bun:test';
import { mem, reserve, text } from '../../sys/arena.ts';
import { asString } from '../cast.ts';
import { compileExpression, parseExpression } from '../expression.ts';
import { testContext, testScope } from '../rule-fixture.ts';
import { Place } from '../scope.ts';

const u8 = (n: number) => [n & 255];
const u16 = (n: number) => [(n >> 8) & 255, n & 255];
const u24 = (n: number) => [(n >> 16) & 255, ...u16(n)];
const vector16 = (bytes: number[]) => [...u16(bytes.length), ...bytes];
const latin1 = (word: string) => [...Buffer.from(word, 'latin1')];
const extension = (number: number, bytes: number[]) => [...u16(number), ...vector16(bytes)];

const extensions = [
  ...extension(23, []),
  ...extension(0, vector16([0, ...vector16(latin1('mail.example.com'))])),
  ...extension(10, vector16([...u16(29), ...u16(23)])),
  ...extension(13, vector16([...u16(0x0403), ...u16(0x0804)])),
  ...extension(16, vector16([...u8(2), ...latin1('h2'), ...u8(8), ...latin1('http/1.1')])),
  ...extension(35, latin1('ticket')),
  ...extension(
    51,
    vector16([...u16(29), ...vector16(latin1('k'.repeat(32))), ...u16(23), ...u16(0)]),
  ),
];

function handshake(type: number, body: number[]): number[] {
  return [type, ...u24(body.length), ...body];
}

function clientHello(ends: number[] = vector16(extensions)): number[] {
  const random = latin1('r'.repeat(32));
  const session = [...u8(32), ...latin1('s'.repeat(32))];
  return handshake(1, [
    3,
    3,
    ...random,
    ...session,
    ...vector16([0x13, 1, 0x13, 2]),
    1,
    0,
    ...ends,
  ]);
}

const record = (bytes: number[]) => [22, 3, 1, ...vector16(bytes)];

const fetches = [
  'req.ssl_hello_type',
  'req.ssl_ver',
  'req.ssl_sni',
  'req.ssl_alpn',
  'req.ssl_ec_ext',
  'req.ssl_st_ext',
  'req.ssl_cipherlist,hex',
  'req.ssl_supported_groups,hex',
  'req.ssl_sigalgs,hex',
  'req.ssl_keyshare_groups,hex',
];

const scope = testScope(Place.FrontendContent);
const compiled = fetches.map((name) => compileExpression(parseExpression(name, scope)));
const block = reserve(1 << 16);

/** The values for these bytes; '?' = more bytes may give one, '-' = none. */
function values(bytes: number[]): string[] {
  const ctx = testContext(null);
  mem.set(bytes, block);
  ctx.requestBytesOff = block;
  ctx.requestBytesLen = bytes.length;
  return compiled.map((expression) => {
    if (!expression.evaluate(ctx, ctx.sample)) return ctx.sample.mayChange ? '?' : '-';
    asString(ctx.sample);
    return text(ctx.sample.off, ctx.sample.len);
  });
}

const all = [
  '1',
  `${3 * 65536 + 3}`,
  'mail.example.com',
  'h2',
  '1',
  '2',
  '13011302',
  '001D0017',
  '04030804',
  '001D0017',
];
const unknown = fetches.map(() => '?');
const none = fetches.map(() => '-');

describe('7.3.5: the fetches of a ClientHello', () => {
  test('read it', () => {
    expect(values(record(clientHello()))).toEqual(all);
    expect(values([...record(clientHello()), ...latin1('more')])).toEqual(all);
  });

  test('have no value yet when it is cut off, at whichever byte', () => {
    const whole = record(clientHello());
    for (let n = 0; n < whole.length; n++)
      expect(values(whole.slice(0, n)), `${n}`).toEqual(unknown);
  });

  test('read it from any number of records, cut anywhere', () => {
    const message = clientHello();
    for (const size of [1, 2, 3, 4, 5, 50, 100, message.length - 1]) {
      const spread: number[] = [];
      for (let at = 0; at < message.length; at += size) {
        spread.push(...record(message.slice(at, at + size)));
      }
      expect(values(spread), `${size}`).toEqual(all);
      for (let n = 0; n < spread.length; n += 7) {
        expect(values(spread.slice(0, n)), `${n} of ${size}`).toEqual(unknown);
      }
      expect(values([...spread.slice(0, 5 + size), ...latin1('GET /')]), `${size}`).toEqual(none);
    }
  });

  test('have none for what is something else', () => {
    expect(values(latin1('GET / HTTP/1.1\r\n'))).toEqual(none);
    expect(values([23, ...record(clientHello()).slice(1)])).toEqual(none);
    expect(values([22, 2, ...record(clientHello()).slice(2)])).toEqual(none);
    expect(values([22, 3, 1, 0, 0])).toEqual(none);
    expect(values([22, 3, 1, 0x40, 1, 1, 0, 0x30, 0])).toEqual(none);
    expect(values([22, 3, 1, 0x10, 0, 1, 0xff, 0xff, 0xff])).toEqual(none);
  });

  test('never read outside of it, whatever byte of it is changed', () => {
    const whole = record(clientHello());
    for (let at = 0; at < whole.length; at++) {
      for (const byte of [0, 1, 0x7f, 0x80, 0xff, whole[at]! ^ 1]) {
        const changed = [...whole];
        changed[at] = byte;
        mem.fill(0xaa, block, block + 4096);
        for (const value of values(changed)) expect(value).not.toContain('\xaa');
      }
    }
  });

  test('follow the lengths, not the hope', () => {
    const without = values(record(clientHello([])));
    expect(without.slice(2, 6)).toEqual(['-', '-', '0', '0']);
    const sni = (bytes: number[]) => values(record(clientHello(vector16(extension(0, bytes)))))[2];
    const name = latin1('a.b');
    expect(sni(vector16([0, ...vector16(name)]))).toBe('a.b');
    expect(sni(vector16([1, ...vector16(name)]))).toBe('-');
    expect(sni(vector16([0, ...u16(0)]))).toBe('-');
    expect(sni(vector16([0, ...u16(4), ...name]))).toBe('-');
    expect(sni([...u16(99), 0, ...vector16(name)])).toBe('-');
    expect(sni(vector16([0, ...vector16([...name, 0, 0x63])]))).toBe('-');
    expect(sni([])).toBe('-');
  });

  test('SSL 2: its version', () => {
    expect(values([0x80, 0x2e, 1, 3, 1, 0, 0])[1]).toBe(`${3 * 65536 + 1}`);
    expect(values([0x80, 0x2e, 1, 0])[1]).toBe('?');
    expect(values([0x80, 0x2e, 4, 0, 2])[1]).toBe('-');
  });
});
