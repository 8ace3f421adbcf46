/** Equal parts of sections exist once. */
import { expect, test } from 'bun:test';
import { parseText } from './fixture.ts';

const text = `
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend a
  bind 127.0.0.1:1
  default_backend c
frontend b
  bind 127.0.0.1:2
  timeout client 6s
  default_backend c
backend c
  server s1 127.0.0.1:1 check
  server s2 127.0.0.1:2 check
  server s3 127.0.0.1:3 check inter 9s
`;

test('equal parts of sections are one object, others are not', () => {
  const [a, b, c] = parseText(text).config.proxies;
  expect(a!.timeout).toBe(c!.timeout);
  expect(b!.timeout).not.toBe(a!.timeout);
  expect(b!.timeout.client).toBe(6000);
  const [s1, s2, s3] = c!.servers;
  expect(s1!.check).toBe(s2!.check);
  expect(s3!.check).not.toBe(s1!.check);
  expect(s3!.check!.interMs).toBe(9000);
  expect(s1!.address).not.toBe(s2!.address);
});
