/**
 * Values of the configuration side by side with the `haproxy` of the machine: what it makes of
 * variables in addresses, and of delays, sizes and integers that are drawn from a fixed seed.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { HaproxyChecker, haproxy } from './ask-haproxy.ts';
import { parseText } from './fixture.ts';

const variables = {
  A: '127.0.0.1',
  PORT: '1234',
  D: '/tmp',
  E: '',
  Q: '$A',
  X: 'a:b',
  PATH: '/bin',
};

let checker: HaproxyChecker;

beforeAll(() => {
  checker = new HaproxyChecker(variables);
});

afterAll(() => checker.close());

/** HAProxy's errors about the lines of a text, without severity. */
function errorsOfHaproxy(text: string): string[] {
  const { findings } = checker.ask(text);
  return findings.flatMap((found) => /^ALERT (parsing \[.*)$/.exec(found)?.[1] ?? []);
}

describe.skipIf(haproxy === null)('variables in addresses, outside of quotes', () => {
  // A descriptor is a number: the error about another text shows what was made of it.
  const texts = [
    'fd@$A',
    'fd@${A}x',
    'fd@x$A$PORT',
    'fd@$$A',
    'fd@${A',
    'fd@${A-1}z',
    'fd@${NOPE-1}z',
    'fd@$.FILE',
    'fd@\\$A',
    "'fd@$A'",
    "'fd@\\$A'",
    'fd@$NOPE',
    'fd@x${E}',
    'fd@${Q}',
    'fd@${}x',
    'fd@${A[*]}',
    'fd@$1A',
    'fd@$-',
    'fd@a$',
    '$X:80',
    '$NOPE',
    '127.0.0.1:9000,${NOPE}',
    '127.0.0.1:x$A',
    '$A:99999',
    '$A',
  ];

  test('bind makes the same of them', () => {
    const text = `listen x\n mode tcp\n${texts.map((one) => ` bind ${one}\n`).join('')}`;
    expect(parseText(text, variables).errors).toEqual(errorsOfHaproxy(text));
  });

  test('every keyword with an address expands them', () => {
    const text = `global
 log $A:$PORT local0
 stats socket $D/sluice-stats
 stats socket $A:$PORT
defaults
 mode tcp
 timeout connect 1s
 timeout client 1s
 timeout server 1s
 log ring@r local0
listen l
 bind $A:8080,\${A}:\${PORT}-1235
 bind unix@$D/sluice-bind
 log $D/log local0
 server a \${A}:\${PORT} check addr $A source $A
 server b $A:+$PORT
 server c unix@$D/s
ring r
 timeout connect 1s
 timeout server 1s
 server s $A:$PORT
`;
    expect(checker.ask(text).exitCode).toBe(0);
    const { config, errors } = parseText(text, variables);
    expect(errors).toEqual([]);
    const [proxy] = config.proxies;
    const host = { bytes: [127, 0, 0, 1] };
    expect(config.global.logs).toMatchObject([{ target: { address: { ...host, port: 1234 } } }]);
    expect(config.global.statsSockets.map((one) => one.address)).toMatchObject([
      { path: '/tmp/sluice-stats' },
      { ...host, port: 1234 },
    ]);
    expect(proxy!.binds.map((bind) => bind.address)).toMatchObject([
      { ...host, port: 8080, text: '$A:8080' },
      { ...host, port: 1234 },
      { ...host, port: 1235 },
      { path: '/tmp/sluice-bind' },
    ]);
    expect(proxy!.logs).toMatchObject([
      { target: { kind: 'ring', ring: 'r' } },
      { target: { path: '/tmp/log' } },
    ]);
    expect(proxy!.servers).toMatchObject([
      { address: { ...host, port: 1234 }, check: { address: host }, sourceAddress: host },
      { address: { ...host, port: 1234 }, portOffset: true },
      { address: { path: '/tmp/s' } },
    ]);
    expect(config.rings[0]!.servers).toMatchObject([{ address: { ...host, port: 1234 } }]);
  });
});
