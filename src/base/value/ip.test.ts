import { describe, expect, test } from 'bun:test';
import { formatIp, parseIpv4, parseIpv6 } from './ip.ts';

describe('IPv4 literals (7.1.6)', () => {
  test.each([
    ['192.168.0.1', [192, 168, 0, 1]],
    ['10.12', [10, 0, 0, 12]],
    ['192.168.1', [192, 168, 0, 1]],
    ['127.1', [127, 0, 0, 1]],
    ['1', [0, 0, 0, 1]],
    ['10.256', [10, 0, 1, 0]],
    ['255.255.255.255', [255, 255, 255, 255]],
  ])('%s may leave all-0 octets out', (text, bytes) => {
    expect(parseIpv4(text)).toEqual(bytes);
  });

  test.each([
    '',
    '256.0.0.1',
    '1.2.3.4.5',
    '1.2.3.',
    '01.2.3.4',
    '1.2.3.256',
    'a.b.c.d',
    '4294967296',
  ])('%p is none', (text) => {
    expect(parseIpv4(text)).toBeNull();
  });
});

describe('IPv6 literals (RFC 4291 2.2)', () => {
  test.each([
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['::1.2.3.4', '::1.2.3.4'],
    ['fe80::', 'fe80::'],
    ['1:0:0:0:2:0:0:0', '1::2:0:0:0'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s is read and printed as %s (RFC 5952)', (text, printed) => {
    const bytes = parseIpv6(text);
    expect(bytes).toHaveLength(16);
    expect(formatIp(bytes!)).toBe(printed);
  });

  test.each([
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '1.2.3.4',
    '::1.2.3',
    '1:2:3:4:5:6:7::8',
    '::1%lo',
  ])('%p is none', (text) => {
    expect(parseIpv6(text)).toBeNull();
  });
});
