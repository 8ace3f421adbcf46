/** What is wrong with lines about balancing (4.2, 5.2), in the words of the `haproxy` of the machine. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { HaproxyChecker, haproxy } from '../ask-haproxy.ts';
import { parseText } from '../fixture.ts';

const lines = [
  'balance',
  'balance leastconn x',
  'balance first x',
  'balance source x',
  'balance uri',
  'balance uri len',
  'balance uri len x',
  'balance uri len 0',
  'balance uri len -3',
  'balance uri len 3x',
  'balance uri depth',
  'balance uri depth 0',
  'balance uri depth 3 len 5 whole path-only',
  'balance uri foo',
  'balance uri whole foo',
  'balance uri len 5 foo',
  'balance url_param',
  'balance url_param x',
  'balance url_param x foo',
  'balance url_param x check_post',
  'balance url_param x check_post 64',
  'balance hdr(',
  'balance hdr()',
  'balance hdr(host)',
  'balance hdr(host',
  'balance hdr(host) use_domain_only',
  'balance hdr(host) foo',
  'balance hdr(host)x',
  'balance hdr(a(b)',
  'balance random',
  'balance random(3)',
  'balance random(0)',
  'balance random(-1)',
  'balance random(x)',
  'balance random(3x)',
  'balance random()',
  'balance random(',
  'balance random(3',
  'balance random 3',
  'balance hash',
  'balance hash src',
  'balance hash src foo',
  'balance hash url_param(a),lower',
  'balance hash path,length',
  'balance sticky',
  'hash-type',
  'hash-type foo',
  'hash-type map-based',
  'hash-type consistent',
  'hash-type consistent foo',
  'hash-type consistent sdbm foo',
  'hash-type consistent sdbm avalanche',
  'hash-type consistent sdbm avalanche foo',
  'hash-type map-based none avalanche',
  'hash-type avalanche',
  'hash-type consistent avalanche',
  'hash-balance-factor',
  'hash-balance-factor 0',
  'hash-balance-factor 50',
  'hash-balance-factor 100',
  'hash-balance-factor 101',
  'hash-balance-factor -150',
  'hash-preserve-affinity',
  'hash-preserve-affinity maxconn',
  'hash-preserve-affinity foo',
  'server s3 127.0.0.1:3 hash-key',
  'server s3 127.0.0.1:3 hash-key foo',
  'server s3 127.0.0.1:3 hash-key addr-port',
  'default-server hash-key addr',
];

const before = `defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
backend app
`;

describe.skipIf(haproxy === null)('lines about balancing', () => {
  let checker: HaproxyChecker;
  beforeAll(() => {
    checker = new HaproxyChecker();
  });
  afterAll(() => checker.close());

  test.each(lines)('%s', (line) => {
    const text = `${before}  ${line}\n  server s1 127.0.0.1:1\n  server s2 127.0.0.1:2\n`;
    const isAboutLine = (found: string) => !/Fatal errors|Error\(s\) found|^DIAG/.test(found);
    const theirs = checker.ask(text).findings.filter(isAboutLine);
    const ours = parseText(text);
    // Errors of server lines begin with `parsing` here.
    const plain = (found: string) => found.replace(/^parsing (?=\[[^\]]*\] : 'server)/, '');
    expect([...ours.errors, ...ours.warnings].map(plain)).toEqual(
      theirs.map((found) => found.replace(/^\w+ /, '')),
    );
  });
});

test.each([
  ['foo', "failed to parse 'balance hash' expression 'foo' in : unknown fetch method 'foo'."],
  [
    'res.hdr(a)',
    "error detected while parsing 'balance hash' expression 'res.hdr(a)' which requires " +
      'information from HTTP response headers, which is not available here.',
  ],
])('balance hash %s is refused as HAProxy does (4.2 balance)', (expression, text) => {
  const { errors } = parseText(`${before}  balance hash ${expression}\n`);
  expect(errors).toEqual([`backend 'app' [t.cfg:6]: ${text}`]);
});

describe('an algorithm of HTTP in TCP mode (4.2 balance)', () => {
  test.each(['uri', 'url_param x', 'hdr(host)'])('%s falls back to round robin', (words) => {
    const text = before.replace('mode http', 'mode tcp');
    const parsed = parseText(`${text}  balance ${words}\n  server s1 127.0.0.1:1\n`);
    expect(parsed.warnings).toEqual([
      "Layer 7 hash not possible for backend 'app' (needs 'mode http'). " +
        'Falling back to round robin.',
    ]);
    expect(parsed.config.proxies[0]!.balance.algorithm).toBe('roundrobin');
  });

  test('the mode may come behind it', () => {
    const text = before.replace('mode http', 'mode tcp');
    const lines = '  balance uri\n  mode http\n  server s1 127.0.0.1:1\n';
    expect(parseText(text + lines).warnings).toEqual([]);
  });
});

test('what is not there is refused by name (4.2, 5.2)', () => {
  for (const [line, named] of [
    ['balance rdp-cookie(x)', 'balance rdp-cookie(x)'],
    ['balance log-hash hex', 'balance log-hash'],
    ['server s3 127.0.0.1:3 hash-key guid', 'hash-key guid'],
  ] as const) {
    const parsed = parseText(`${before}  ${line}\n`);
    expect(parsed.errors.join()).toContain(`'${named}' is not supported yet by sluice`);
  }
});
