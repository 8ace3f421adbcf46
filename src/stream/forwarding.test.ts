import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { ForwardConfig, ForwardedConfig, ProxyConfig } from '../model/config.ts';
import { proxyConfig } from '../model/config-fixture.ts';
import { Family } from '../model/stream.ts';
import { contextOf, serialise } from '../rules/action/message-fixture.ts';
import { hasHaproxy, Reference } from '../rules/action/reference-fixture.ts';
import type { RuleContext } from '../rules/context.ts';
import { parseExpression } from '../rules/expression.ts';
import { compileLogFormat, parseLogFormat } from '../rules/log-format.ts';
import { testScope } from '../rules/rule-fixture.ts';
import { mem } from '../sys/arena.ts';
import { createForwardedField } from './forwarded.ts';
import { createForwarding, type ForwardingSide } from './forwarding.ts';

const request = 'GET /a HTTP/1.1\r\nHost: h.com\r\nX-Forwarded-For: 1.2.3.4\r\nX-C: 1\r\n\r\n';

const forward = (changes: Partial<ForwardConfig> = {}): ForwardConfig => ({
  header: 'X-Forwarded-For',
  except: [],
  ifNone: false,
  ...changes,
});

function sideOf(config: ProxyConfig): ForwardingSide {
  const { forwarded, uniqueIdFormat } = config;
  return {
    config,
    forwarded: forwarded === null ? null : createForwardedField(forwarded),
    uniqueId: uniqueIdFormat === null ? null : compileLogFormat(uniqueIdFormat, 'unique-id'),
  };
}

/** The fields that forwarding appends to the request. */
function added(
  frontend: Partial<ProxyConfig>,
  backend: Partial<ProxyConfig>,
  prepare: (ctx: RuleContext) => void = () => {},
): string {
  const ctx = contextOf(request);
  prepare(ctx);
  const before = serialise(ctx.request!).slice(0, -2);
  const forwarding = createForwarding(sideOf(proxyConfig(frontend)), sideOf(proxyConfig(backend)));
  expect(forwarding.apply(ctx)).toBe(true);
  const after = serialise(ctx.request!);
  expect(after).toStartWith(before);
  return after.slice(before.length, -2);
}

function fromIpv6(bytes: number[]) {
  return (ctx: RuleContext): void => {
    ctx.session.sourceFamily = Family.Inet6;
    mem.set(bytes, ctx.session.addressOff);
  };
}

const documentation = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const xff = 'x-forwarded-for: 192.0.2.7\r\n';

describe('4.2 option forwardfor', () => {
  test('either side is enough, the backend names the field', () => {
    expect(added({}, {})).toBe('');
    expect(added({ forwardFor: forward() }, {})).toBe(xff);
    expect(added({}, { forwardFor: forward() })).toBe(xff);
    expect(added({ forwardFor: forward({ header: 'X-C' }) }, { forwardFor: forward() })).toBe(xff);
    expect(added({ forwardFor: forward() }, { forwardFor: forward({ header: 'X-D' }) })).toBe(
      'x-d: 192.0.2.7\r\n',
    );
  });
  test('if-none counts only when all that ask say it', () => {
    const ifNone = { forwardFor: forward({ ifNone: true }) };
    const always = { forwardFor: forward() };
    expect(added(ifNone, ifNone)).toBe('');
    expect(added(ifNone, {})).toBe('');
    expect(added({}, ifNone)).toBe('');
    expect(added(ifNone, always)).toBe(xff);
    expect(added(always, ifNone)).toBe(xff);
  });
  test('networks of either side are excepted, to the bit', () => {
    const except = (bytes: number[], prefix: number) => ({
      forwardFor: forward({ except: [{ bytes, prefix }] }),
    });
    expect(added(except([192, 0, 2, 0], 24), { forwardFor: forward() })).toBe('');
    expect(added({ forwardFor: forward() }, except([192, 0, 2, 4], 30))).toBe('');
    expect(added(except([192, 0, 2, 0], 30), {})).toBe(xff);
    expect(added(except([192, 0, 2, 7], 32), {})).toBe('');
    expect(added(except([192, 0, 2, 6], 32), {})).toBe(xff);
    expect(added(except([10, 0, 0, 0], 0), {})).toBe('');
  });
  test('IPv6 is written in its short form and excepted by its own networks', () => {
    const all = { forwardFor: forward({ except: [{ bytes: [0, 0, 0, 0], prefix: 0 }] }) };
    expect(added(all, {}, fromIpv6(documentation))).toBe('x-forwarded-for: 2001:db8::1\r\n');
    const six = { forwardFor: forward({ except: [{ bytes: documentation, prefix: 33 }] }) };
    expect(added(six, {}, fromIpv6(documentation))).toBe('');
    expect(added(six, {})).toBe(xff);
  });
  test('a client on a unix socket has no address to tell', () => {
    const unix = (ctx: RuleContext): void => {
      ctx.session.sourceFamily = Family.Unix;
    };
    expect(added({ forwardFor: forward() }, {}, unix)).toBe('');
  });
});

describe('4.2 option originalto, unique-id-header', () => {
  test('the destination is told, exceptions are about it', () => {
    const to = (changes: Partial<ForwardConfig> = {}) => ({
      originalTo: forward({ header: 'X-Original-To', ...changes }),
    });
    expect(added(to(), {})).toBe('x-original-to: 198.51.100.9\r\n');
    expect(added({}, to({ header: 'X-Dst' }))).toBe('x-dst: 198.51.100.9\r\n');
    expect(added(to({ except: [{ bytes: [192, 0, 2, 7], prefix: 32 }] }), {})).not.toBe('');
    expect(added(to({ except: [{ bytes: [198, 51, 100, 9], prefix: 32 }] }), {})).toBe('');
  });
  test('fields come in a fixed order, the unique ID first', () => {
    const all = {
      forwardFor: forward(),
      originalTo: forward({ header: 'X-Original-To' }),
      uniqueIdHeader: 'X-Unique-ID',
      uniqueIdFormat: parseLogFormat('%{+X}o%ci:%cp', testScope()),
    };
    const forwarded = { ...noParts, proto: true };
    expect(added(all, { forwarded })).toBe(
      `x-unique-id: C0000207:9C40\r\nforwarded: proto=http\r\n${xff}x-original-to: 198.51.100.9\r\n`,
    );
  });
  test('an ID that the stream has already is the one that is sent', () => {
    const unique = {
      uniqueIdHeader: 'X-U',
      uniqueIdFormat: parseLogFormat('%[path]', testScope()),
    };
    const known = (ctx: RuleContext): void => {
      ctx.stream!.uniqueIdOff = ctx.request!.uriOff + 1;
      ctx.stream!.uniqueIdLen = 1;
    };
    expect(added(unique, {}, known)).toBe('x-u: a\r\n');
    expect(added(unique, {})).toBe('x-u: /a\r\n');
    expect(added({ uniqueIdHeader: 'X-U' }, {})).toBe('');
  });
});

const noParts: ForwardedConfig = {
  proto: false,
  host: null,
  by: null,
  byPort: null,
  for: null,
  forPort: null,
};

describe('4.2 option forwarded (RFC 7239)', () => {
  const value = (config: Partial<ForwardedConfig>, prepare?: (ctx: RuleContext) => void) => {
    const text = added({}, { forwarded: { ...noParts, ...config } }, prepare);
    return text === '' ? null : /^forwarded: (.*)\r\n$/.exec(text)![1];
  };
  const expr = (text: string) => parseExpression(text, testScope());
  test('the examples of the manual', () => {
    expect(value({ proto: true, for: true })).toBe('proto=http;for=192.0.2.7');
    expect(value({ host: true, for: expr('str(000000007F2F367E)'), forPort: true })).toBe(
      'host="h.com";for="_000000007F2F367E:40000"',
    );
    const custom = {
      host: expr('str(host.com)'),
      by: expr('str(_haproxy)'),
      for: true as const,
      forPort: expr('int(10)'),
    };
    expect(value(custom, fromIpv6(documentation))).toBe(
      'host="host.com";by=_haproxy;for="[2001:db8::1]:10"',
    );
    expect(value({ for: expr('str(000000002B1F4D63)') })).toBe('for=_000000002B1F4D63');
  });
  test('a node without a known address is unknown', () => {
    const unix = (ctx: RuleContext): void => {
      ctx.session.sourceFamily = Family.Unix;
      ctx.session.sourcePort = 0;
    };
    expect(value({ for: true, forPort: true }, unix)).toBe('for=unknown');
    expect(value({ for: expr('req.hdr(none)') })).toBe('for=unknown');
    expect(value({ for: expr('str(a b)') })).toBe('for=unknown');
  });
  test('addresses from expressions are addresses, as values and as text', () => {
    expect(value({ for: expr('src') })).toBe('for=192.0.2.7');
    expect(value({ for: expr('req.hdr(x-forwarded-for)') })).toBe('for=1.2.3.4');
    expect(value({ by: expr('str(2001:DB8::2)') })).toBe('by="[2001:db8::2]"');
    expect(value({ by: true, byPort: true })).toBe('by="198.51.100.9:80"');
  });
  test('ports are numbers or obfuscated names, anything else is left out', () => {
    const port = (text: string) => value({ for: true, forPort: expr(text) });
    expect(port('str(_x)')).toBe('for="192.0.2.7:_x"');
    expect(port('int(65535)')).toBe('for="192.0.2.7:65535"');
    expect(port('str(a b)')).toBe('for=192.0.2.7');
    expect(port('req.hdr(none)')).toBe('for=192.0.2.7');
  });
  test('a host is quoted with its quotes escaped', () => {
    expect(value({ host: expr('req.hdr(x-c)') })).toBe('host="1"');
    expect(value({ host: expr('path') })).toBe('host="/a"');
    expect(value({ host: expr('req.hdr(none)') })).toBeNull();
  });
});

test('tune.maxrewrite: without room nothing is sent half', () => {
  const ctx = contextOf(request, 8);
  const forwarding = createForwarding(
    sideOf(proxyConfig({ forwardFor: forward() })),
    sideOf(proxyConfig()),
  );
  expect(forwarding.apply(ctx)).toBe(false);
});

/** The options as lines, to give both proxies the same. */
function linesOf(config: Partial<ProxyConfig>): string[] {
  const option = (name: string, value: ForwardConfig | null | undefined) =>
    value
      ? [
          `option ${name} header ${value.header}` +
            value.except.map((net) => ` except ${net.bytes.join('.')}/${net.prefix}`).join('') +
            (value.ifNone ? ' if-none' : ''),
        ]
      : [];
  return [
    ...option('forwardfor', config.forwardFor),
    ...option('originalto', config.originalTo),
    ...(config.uniqueIdFormat ? [`unique-id-format ${config.uniqueIdFormat.text}`] : []),
    ...(config.uniqueIdHeader ? [`unique-id-header ${config.uniqueIdHeader}`] : []),
  ];
}

describe.skipIf(!hasHaproxy)('4.2: the same fields as HAProxy', () => {
  const loopback = { bytes: [127, 0, 0, 0], prefix: 8 };
  const sides: Partial<ProxyConfig>[] = [
    {},
    { forwardFor: forward() },
    { forwardFor: forward({ header: 'X-C' }) },
    { forwardFor: forward({ ifNone: true }) },
    { forwardFor: forward({ except: [loopback] }) },
    { forwardFor: forward({ header: 'X-D' }), originalTo: forward({ header: 'X-To' }) },
    { originalTo: forward({ header: 'X-Original-To', except: [loopback] }) },
  ];
  const pairs = sides.flatMap((frontend) => sides.map((backend) => ({ frontend, backend })));
  pairs.push({
    frontend: {
      forwardFor: forward(),
      originalTo: forward({ header: 'X-Original-To' }),
      uniqueIdHeader: 'X-U',
      uniqueIdFormat: parseLogFormat('%[path]-%ci', testScope()),
    },
    backend: {},
  });
  for (const host of ['127.0.0.1', '::1']) {
    describe(host, () => {
      const haproxy = new Reference();
      beforeAll(() =>
        haproxy.startPairs(
          pairs.map(({ frontend, backend }) => ({
            frontend: linesOf(frontend),
            backend: linesOf(backend),
          })),
          host,
        ),
      );
      afterAll(() => haproxy.stop());
      pairs.forEach(({ frontend, backend }, i) => {
        test(`${linesOf(frontend).join(', ')} | ${linesOf(backend).join(', ')}`, async () => {
          const { server } = await haproxy.ask(i, request);
          const mine = added(frontend, backend, (ctx) => {
            const sess = ctx.session;
            const six = host === '::1';
            const bytes = six ? [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] : [127, 0, 0, 1];
            sess.sourceFamily = six ? Family.Inet6 : Family.Inet;
            sess.destinationFamily = sess.sourceFamily;
            mem.set(bytes, sess.addressOff);
            mem.set(bytes, sess.addressOff + 16);
          });
          const plain = serialise(contextOf(request).request!).slice(0, -2);
          expect(`${plain}${mine}\r\n`).toBe(server);
        });
      });
    });
  }
});
