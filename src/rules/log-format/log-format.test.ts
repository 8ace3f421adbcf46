import { heapStats } from 'bun:jsc';
import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../../base/config-error.ts';
import { Cause, Family, Stage, StreamFlag } from '../../model/stream.ts';
import { mem, reserve, reserveBytes, text } from '../../sys/arena.ts';
import {
  clfTcpLogFormat,
  compileLogFormat,
  defaultErrorLogFormat,
  defaultHttpLogFormat,
  parseLogFormat,
} from '../log-format.ts';
import { line, scopeFixture, testStream } from './test-stream.ts';

describe('timers (8.4)', () => {
  const all = '%Th %Ti %Tq %TR %Tw %Tc %Tr %Td %Ta %Tt %Tu';

  test('each is the time between two events', () => {
    expect(line(all, testStream())).toBe('2 3 10 5 2 30 69 10 116 121 118');
  });

  test('an event that never happened gives -1', () => {
    const t = testStream();
    Object.assign(t.strm, { idleMs: -1, requestMs: -1, queueMs: -1, connectMs: -1, dataMs: -1 });
    expect(line(all, t)).toBe('2 -1 -1 -1 -1 -1 -1 -1 121 121 121');
  });

  test('a server that never answered leaves Tr and Td at -1', () => {
    const t = testStream();
    t.strm.dataMs = -1;
    expect(line('%TR/%Tw/%Tc/%Tr/%Ta %Td', t)).toBe('5/2/30/-1/116 -1');
  });

  test('in TCP mode the queue follows the handshake and the data the connection', () => {
    const t = testStream({ mode: 'tcp' });
    Object.assign(t.strm, { idleMs: -1, requestMs: -1, dataMs: -1 });
    expect(line('%Th %Tw/%Tc/%Tt %Td', t)).toBe('2 10/30/121 79');
  });

  test('an open stream shows the time so far, with a plus when it is logged early', () => {
    const t = testStream();
    t.strm.closeMs = -1;
    expect(line('%Ta %Tt %Tu %B', t)).toBe('116 121 118 2750');
    t.strm.flags |= StreamFlag.LoggedEarly;
    expect(line('%Ta %Tt %Tu %B %U', t)).toBe('+116 +121 +118 +2750 84');
  });

  test('fractions of milliseconds are cut', () => {
    const t = testStream();
    t.strm.closeMs = 121.9;
    expect(line('%Tt', t)).toBe('121');
  });
});

describe('aliases (8.2.6)', () => {
  test('a termination state has a letter for cause and stage (8.5)', () => {
    const t = testStream();
    t.strm.cause = Cause.ServerTimeout;
    t.strm.stage = Stage.Headers;
    expect(line('%ts %tsc', t)).toBe('sH sH--');
    const causes = Array.from({ length: 12 }, (_, cause) => {
      t.strm.cause = cause;
      t.strm.stage = Math.min(cause, 7);
      return line('%ts', t);
    });
    expect(causes.join(' ')).toBe('-- CR cQ SC sH PD LL RT IT DT UT KT');
  });

  test('a redispatch marks the retries', () => {
    const t = testStream();
    t.strm.retries = 3;
    expect(line('%rc', t)).toBe('3');
    t.strm.flags |= StreamFlag.Redispatched;
    expect(line('%rc', t)).toBe('+3');
  });

  test('counters above 2^31 are exact', () => {
    const t = testStream();
    t.strm.bytesOut = 2 ** 53 - 1;
    t.strm.bytesIn = 4294967296;
    expect(line('%B %U', t)).toBe('9007199254740991 4294967296');
  });

  test('IPv6 and unix clients', () => {
    const t = testStream();
    t.sess.sourceFamily = Family.Inet6;
    mem.fill(0, t.sess.addressOff, t.sess.addressOff + 16);
    mem[t.sess.addressOff + 15] = 1;
    expect(line('%ci:%cp|%{+X}ci:%{+X}cp', t)).toBe(
      '::1:33317|00000000000000000000000000000001:8225',
    );
    t.sess.sourceFamily = Family.Unix;
    expect(line('%ci:%cp|', t)).toBe('unix:1|');
    expect(line('%ci %{+X}ci lost', t)).toBe('unix ');
  });

  test('the address of the server and of the frontend', () => {
    expect(line('%si:%sp %fi:%fp', testStream())).toBe('10.0.0.2:8080 10.0.0.1:80');
    const t = testStream();
    t.strm.server = null;
    expect(line('%s %si %sp %bi', t)).toBe('<NOSRV> - - -');
  });

  test('a unique ID, quoted or not', () => {
    const t = testStream();
    expect(line('%ID %{+Q}ID', t)).toBe('- ""');
    t.strm.uniqueIdOff = reserveBytes('7F000001:8225');
    t.strm.uniqueIdLen = 13;
    expect(line('%ID %{+Q}ID', t)).toBe('7F000001:8225 "7F000001:8225"');
  });

  test('the origin of the line', () => {
    const t = testStream();
    expect(line('%OG', t)).toBe('txn_close');
    t.strm.flags |= StreamFlag.LoggedEarly;
    expect(line('%OG', t)).toBe('txn_response');
    t.ctx.stream = null;
    expect(line('%OG', t)).toBe('sess_error');
  });

  test('a connection that failed before its first stream (8.2.5)', () => {
    const t = testStream();
    t.ctx.stream = null;
    const format = defaultErrorLogFormat('f1', 'Connection error during SSL handshake');
    expect(line(format, t)).toBe(
      '127.0.0.1:33317 [06/Feb/2009:12:14:14.655] fe/f1: Connection error during SSL handshake',
    );
    expect(line('%ci:%cp [%tr] %ft %ac/%fc %b/%s %ST %Tt %Tq', t)).toBe(
      '127.0.0.1:33317 [06/Feb/2009:12:14:14.655] fe 3/2 fe/<NOSRV> 0 121 -1',
    );
  });

  test('the parts of a target', () => {
    const t = testStream();
    const parts = '%HM|%HP|%HPO|%HQ|%HU|%HV';
    t.requestLine('GET http://a.b:80/x/y?q=1 HTTP/1.0');
    expect(line(parts, t)).toBe('GET|http://a.b:80/x/y|/x/y|?q=1|http://a.b:80/x/y?q=1|HTTP/1.0');
    t.requestLine('OPTIONS * HTTP/1.1');
    expect(line(parts, t)).toBe('OPTIONS|*|||*|HTTP/1.1');
    t.requestLine('CONNECT a.b:80 HTTP/1.1');
    expect(line(parts, t)).toBe('CONNECT|a.b:80|||a.b:80|HTTP/1.1');
    t.requestLine('GET /cut');
    expect(line(parts, t)).toBe('GET|/cut|/cut||/cut|HTTP/0.9');
  });

  test('option tcplog clf (8.2.2)', () => {
    const t = testStream({ mode: 'tcp' });
    expect(line(clfTcpLogFormat, t)).toBe(
      '127.0.0.1 - - [06/Feb/2009:12:14:14 +0000] "TCP " 000 2750 "" "" 33317 655 "fe" "be" ' +
        '"s1" 2 2 30 121 84 ---- 3 2 1 0 0 0 0 "" "" ',
    );
  });
});

describe('where a format is used decides about spaces, empty values and escaping (8.2.6)', () => {
  const format = 'a   %[str()] %hr b';

  test('logs merge spaces and show a dash', () => {
    expect(line(format, testStream())).toBe('a - b');
  });

  test('headers keep spaces and show nothing', () => {
    expect(line(format, testStream(), 'header')).toBe('a     b');
    expect(line('  x %[str()]|%{+Q}[str()]', testStream(), 'header')).toBe('  x |');
  });

  test('a unique ID merges spaces and shows nothing', () => {
    expect(line('a   %[str()] %[str(x)]', testStream(), 'unique-id')).toBe('a  x');
  });

  test('headers escape controls with a percent sign, logs and raw text do not', () => {
    const t = testStream();
    const value = '%[str("a\x01#\t\x7f\xe9")]';
    expect(line(value, t, 'header')).toBe('a%01#\t%7F\xe9');
    expect(line(value, t, 'raw')).toBe('a\x01#\t\x7f\xe9');
    expect(line(value, t)).toBe('a\x01#\t\x7f\xe9');
  });
});

describe('json and cbor (8.2.6)', () => {
  test('set globally, the line is an object of the named items', () => {
    const t = testStream();
    t.strm.flags |= StreamFlag.LoggedEarly;
    t.strm.retries = 1;
    const got = line(
      '%{+json}o %(request)r text %ci %(bytes)B %(id)ID %(n)[int(-5)] %(t)[bool(1)] ' +
        '%(s:str)[int(5)] %(i:sint)[str(12)] %(b:bool)[int(0)] %(e)[str("a\\"\\\\ \x01")]',
      t,
    );
    expect(JSON.parse(got)).toEqual({
      request: 'GET /index.html?a=1 HTTP/1.1',
      bytes: 2750,
      id: null,
      n: -5,
      t: true,
      s: '5',
      i: 12,
      b: false,
      e: 'a"\\ \x01',
    });
    expect(line('%{+json}o %(a)ST %(b)s', t)).toBe('{"a": 200, "b": "s1"}');
  });

  test('set on an item, only that item is encoded', () => {
    expect(line('x %{+json}s %(n){+json}ST %s', testStream())).toBe('x "s1" "n": 200 s1');
  });

  test('a line that is too long stays valid JSON', () => {
    const t = testStream();
    for (let max = 2; max < 60; max++) {
      const got = line('%{+json}o %(request)r %(b)B %(s)s', t, 'log', max);
      expect(got.length).toBeLessThanOrEqual(max);
      JSON.parse(got);
    }
  });

  test('CBOR is hexadecimal unless bin asks for bytes (RFC 8949)', () => {
    const t = testStream();
    const format = '%(a)ST %(b)s %(c)[int(-500)] %(d)[bool(0)] %(e)ID %(f)U';
    const hex = line(`%{+cbor}o ${format}`, t);
    expect(hex).toBe(
      'BF616118C86162627331616339' + '01F3' + '6164F4' + '6165F6' + '61661854' + 'FF',
    );
    const bytes = line(`%{+cbor,+bin}o ${format}`, t);
    expect(Buffer.from(bytes, 'latin1').toString('hex').toUpperCase()).toBe(hex);
  });
});

describe('the room of a line', () => {
  test('texts are cut, numbers are whole or absent', () => {
    const t = testStream();
    expect(line('%r|', t, 'log', 9)).toBe('GET /inde');
    expect(line('%{+Q}r|', t, 'log', 9)).toBe('"GET /ind');
    expect(line('ab %B x', t, 'log', 6)).toBe('ab ');
    expect(line('ab %B x', t, 'log', 7)).toBe('ab 2750');
    expect(line('%ci x', t, 'log', 8)).toBe('');
  });

  test('nothing is written beyond it', () => {
    const t = testStream();
    const writer = compileLogFormat(parseLogFormat(defaultHttpLogFormat, scopeFixture()), 'log');
    const at = reserve(300);
    for (let max = 0; max < 200; max++) {
      mem.fill(0xaa, at, at + 300);
      const len = writer.write(t.ctx, at, max);
      expect(len).toBeLessThanOrEqual(max);
      for (let i = len; i < 300; i++) {
        if (i >= max && mem[at + i] !== 0xaa) throw new Error(`byte ${i} of ${max} was written`);
      }
    }
  });
});

test('a line allocates nothing', () => {
  const t = testStream({
    captureRequest: [{ name: 'a', length: 10 }],
    captureCookie: { name: 'S', length: 10 },
  });
  t.capture('request', 0, 'value');
  const format = `${defaultHttpLogFormat} %[src] %ID %HP %T %{+X}ci`;
  const writer = compileLogFormat(parseLogFormat(format, scopeFixture()), 'log');
  const at = reserve(2048);
  const run = () => {
    for (let i = 0; i < 20000; i++) {
      t.strm.requestDateMs += 7;
      writer.write(t.ctx, at, 1023);
    }
  };
  run();
  Bun.gc(true);
  const before = heapStats().objectCount;
  run();
  expect(heapStats().objectCount - before).toBeLessThan(50);
  expect(text(at, 9)).toBe('127.0.0.1');
});

describe('errors are worded as those of haproxy', () => {
  const errors: [string, string][] = [
    ['%', "truncated line after '%'"],
    ['%{', "truncated line after ''"],
    ['%{+Q', "truncated line after '+Q'"],
    ['%{+Q}', "parse argument modifier without variable name near '%{+Q}'"],
    ['%{+Q}  b', "parse argument modifier without variable name near '%{+Q}'"],
    ['%{+Q}%', "parse argument modifier without variable name near '%{+Q}'"],
    ['%ci%', "truncated line after '%'"],
    ['%[src', "missing ']' after 'src'"],
    ['%{+Q}[src', "missing ']' after 'src'"],
    ['%[src) ]', "expected ']' after 'src', but found ')'"],
    ['%[src ]', "expected ']' after 'src', but found ' '"],
    ['%[]', 'failed to parse sample expression <> : missing fetch method'],
    ['%[nope] x]', "failed to parse sample expression <nope> : unknown fetch method 'nope'"],
    ['%[src,nope]', "failed to parse sample expression <src,nope> : unknown converter 'nope'"],
    [
      '%[src,lower(5] b',
      "failed to parse sample expression <src,lower(5> : invalid arg 1 in converter 'lower' : " +
        "expected ')' before '5'",
    ],
    [
      '%[src,field(x,"]")] x',
      'failed to parse sample expression <src,field(x,"]")> : invalid arg 1 in converter ' +
        "'field' : failed to parse 'x' as type 'integer' at position 1",
    ],
    [
      '%zz',
      "no such format alias 'zz'. If you wanted to emit the '%' character verbatim, you need " +
        "to use '%%'",
    ],
    [
      'ab % ci',
      "unexpected variable name near ' ' at position 4 line : 'ab % ci'. Maybe you want to write " +
        "a single '%', use the syntax '%%'",
    ],
  ];
  test.each(errors)('%s', (format, message) => {
    const run = () => parseLogFormat(format, scopeFixture());
    expect(run).toThrow(ConfigError);
    expect(run).toThrow(message);
  });

  test('aliases of HTTP are refused in TCP mode', () => {
    const run = () => parseLogFormat('%r', scopeFixture('tcp'));
    expect(run).toThrow("format variable 'r' is reserved for HTTP mode");
  });

  test('a name needs its parenthesis and a known type', () => {
    expect(() => parseLogFormat('%(a', scopeFixture())).toThrow("truncated line after 'a'");
    expect(() => parseLogFormat('%(a:int)ST', scopeFixture())).toThrow("unknown item type 'int'");
  });
});
