import { describe, expect, test } from 'bun:test';
import { resolveHost } from './resolve.ts';

describe('host names through getaddrinfo(3)', () => {
  test('localhost has its loopback address', () => {
    expect(resolveHost('localhost', 'ipv4')).toEqual([127, 0, 0, 1]);
  });

  test('literals of both families come back as bytes', () => {
    expect(resolveHost('192.0.2.7', 'any')).toEqual([192, 0, 2, 7]);
    expect(resolveHost('2001:db8::7', 'ipv6')).toEqual([
      0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
    ]);
  });

  test('an address of the other family and a name of no host are null', () => {
    expect(resolveHost('192.0.2.7', 'ipv6')).toBeNull();
    expect(resolveHost('no-such-host.invalid', 'any')).toBeNull();
  });
});
