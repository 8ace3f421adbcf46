import { expect, test } from 'bun:test';
import { compileExpression, parseExpression, parseExpressionAt } from './expression.ts';
import { plainRequest, testContext, testScope, valueOf } from './rule-fixture.ts';
import { SampleType } from './sample.ts';
import { Place } from './scope.ts';
import { initScratch } from './scratch.ts';

const errors: [string, string][] = [
  ['', 'missing fetch method'],
  ['hdrx(a)', "unknown fetch method 'hdrx'"],
  ['ssl_fc_npn', "fetch method 'ssl_fc_npn' is not supported yet by sluice"],
  ['lua.x', "fetch method 'lua.x' is not supported yet by sluice"],
  ['path,xxh64', "converter 'xxh64' is not supported yet by sluice"],
  ['pathh', "unknown fetch method 'pathh'; did you mean 'path' maybe ?"],
  ['path,loower', "unknown converter 'loower'; did you mean 'lower' maybe ?"],
  ['hdr(a,b)', "fetch method 'hdr' : failed to parse 'b' as type 'integer' at position 2"],
  ['hdr(a,1,2)', "fetch method 'hdr' : expected ')' before ',2)'"],
  ['hdr(a,-11)', "invalid args in fetch method 'hdr' : header occurrence must be >= -10"],
  ['path(x)', "fetch method 'path' : expected ')' before 'x)'"],
  ['str("a)', "fetch method 'str' : expected ')'"],
  ['int', "fetch method 'int' : expected type 'integer' at position 1, but got nothing"],
  ['int()', "fetch method 'int' : expected type 'integer' at position 1, but got nothing"],
  ['int(0x10)', "fetch method 'int' : failed to parse '0x10' as type 'integer' at position 1"],
  [
    'ipv4(1.2.3)',
    "fetch method 'ipv4' : failed to parse '1.2.3' as type 'IPv4 address' at position 1",
  ],
  ['bool(x)', "invalid args in fetch method 'bool' : Expects 'true', 'false', '0' or '1'"],
  ['bin(x)', "invalid args in fetch method 'bin' : an even number of hex digit is expected"],
  ['date(1,x)', "invalid args in fetch method 'date' : expects 's', 'ms' or 'us', got 'x'"],
  ['uuid(3)', "invalid args in fetch method 'uuid' : Unsupported UUID version: '3'"],
  [
    'path,field(1)',
    "invalid arg 2 in converter 'field' : missing arguments (got 1/2), type 'string' expected",
  ],
  [
    'path,field(x,:)',
    "invalid arg 1 in converter 'field' : failed to parse 'x' as type 'integer' at position 1",
  ],
  ['path,field(1,:', "invalid arg 2 in converter 'field' : expected ')'"],
  ['path,field(0,:)', "invalid args in converter 'field' : Unexpected value 0 for index"],
  ['path,word(1,.,1,2)', "invalid arg 3 in converter 'word' : expected ')' before ',2)'"],
  ['path,upper(1)', "invalid arg 1 in converter 'upper' : expected ')' before '1)'"],
  ['path,add(xx)', "invalid args in converter 'add' : expects an integer or a variable name"],
  ['path,add(txn.x-y)', "invalid args in converter 'add' : expects an integer or a variable name"],
  ['bool(1),ipmask(24)', "converter 'ipmask' cannot be applied"],
  ['bin(00),add(1)', "converter 'add' cannot be applied"],
  ['method,add(1)', "converter 'add' cannot be applied"],
  ['ipv6(::1),add(1)', "converter 'add' cannot be applied"],
  ['str(a)b', "missing comma after fetch keyword 'str'"],
  [
    'path,regsub(a,b,x)',
    "invalid args in converter 'regsub' : invalid regex flag 'x', only 'i' and 'g' are supported",
  ],
];

test.each(errors)('7.3: the expression "%s" is refused with the reason', (text, message) => {
  expect(() => parseExpression(text, testScope())).toThrow(message);
});

test('7.3: a fetch is refused where it has no value', () => {
  expect(() => parseExpression('res.hdr(a)', testScope())).toThrow(
    "fetch method 'res.hdr(a)' extracts information from 'HTTP response headers', none of which " +
      'is available here',
  );
  expect(() => parseExpression('path', testScope(Place.FrontendResponseHeader))).toThrow(
    "extracts information from 'HTTP request headers'",
  );
  expect(parseExpression('hdr(a)', testScope(Place.FrontendResponseHeader)).fetch).toBe('res.hdr');
  expect(parseExpression('hdr(a)', testScope()).fetch).toBe('req.hdr');
});

const quoted: [string, string][] = [
  ['str(a b)', 'a b'],
  ['str("a,b")', 'a,b'],
  ["str('a)b')", 'a)b'],
  ['str("a\\"b")', 'a"b'],
  ['str(a\\"b)', 'a"b'],
  ['str(a\\\\b)', 'a\\b'],
  ["str('a\\nb')", 'a\\nb'],
  ['str(a\\nb)', 'a\nb'],
  ['str("a\\)b")', 'a\\)b'],
  ['str(a"b"\'c\'d)', 'abcd'],
  ['str(\\1)', '\\1'],
  ['str()', ''],
  ['str', ''],
];

test.each(quoted)('2.2: the argument of %s loses its quotes', (text, value) => {
  expect(valueOf(testContext(plainRequest), text)).toBe(value);
});

test('8.2.6: an expression within a longer text ends where it ends', () => {
  const text = 'x%[path,regsub("[]]",b),lower]y';
  const parsed = parseExpressionAt(text, 3, testScope());
  expect(text.slice(parsed.end)).toBe(']y');
  expect(parsed.expr.text).toBe('path,regsub("[]]",b),lower');
  expect(parsed.expr.converters.map((step) => step.name)).toEqual(['regsub', 'lower']);
  expect(parsed.out).toBe('str');
});

test('7.3: plain data carries the arguments with their types', () => {
  const expr = parseExpression('urlp(a,,i),field(1,:),add(5)', testScope());
  expect(expr).toEqual({
    fetch: 'urlp',
    args: ['a', '', 'i'],
    converters: [
      { name: 'field', args: [1, ':'] },
      { name: 'add', args: [5] },
    ],
    text: 'urlp(a,,i),field(1,:),add(5)',
  });
});

test('7.3: the type of an expression is that of its last step', () => {
  const typeOf = (text: string) => compileExpression(parseExpression(text, testScope())).outType;
  expect(typeOf('path')).toBe(SampleType.Str);
  expect(typeOf('path,length')).toBe(SampleType.Sint);
  expect(typeOf('path,length,bool')).toBe(SampleType.Bool);
  expect(typeOf('src')).toBe(SampleType.Ipv4);
  expect(typeOf('str(a),hex,b64dec')).toBe(SampleType.Bin);
});

test('7.1: with every occurrence asked for, values come one after the other', () => {
  const ctx = testContext('GET / HTTP/1.1\r\nX: a, b\r\nX: c\r\nCookie: k=1; j=2; k=3\r\n\r\n');
  const collect = (text: string) => {
    const expression = compileExpression(parseExpression(text, testScope()), true);
    const values: number[] = [];
    for (let ok = expression.evaluate(ctx, ctx.sample); ok; ) {
      values.push(ctx.sample.num);
      ok = ctx.sample.more && expression.evaluateNext(ctx, ctx.sample);
    }
    return values;
  };
  expect(collect('req.hdr(x),hex,hex2i')).toEqual([0x61, 0x62, 0x63]);
  expect(collect('req.cook(k),add(0)')).toEqual([1, 3]);
  expect(collect('req.hdr(x,2),hex,hex2i')).toEqual([0x62]);
});

test('7.3: text longer than tune.bufsize has no value instead of overflowing', () => {
  initScratch(16384);
  const ctx = testContext(`GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: h\r\n\r\n`);
  expect(valueOf(ctx, 'path,hex')).toBeNull();
  expect(valueOf(ctx, 'path,url_enc,length')).toBe('9003');
  expect(valueOf(ctx, 'path,regsub(a,bb,g)')).toBeNull();
});

test('7.3.1: dates in every HTTP form are read', () => {
  const ctx = testContext(plainRequest);
  const second = String(784111777);
  expect(valueOf(ctx, 'str("Sun, 06 Nov 1994 08:49:37 GMT"),date')).toBe(second);
  expect(valueOf(ctx, 'str("Sunday, 06-Nov-94 08:49:37 GMT"),date')).toBe(second);
  expect(valueOf(ctx, 'str("Sun Nov  6 08:49:37 1994"),date')).toBe(second);
  expect(valueOf(ctx, 'str("Sun, 06 Foo 1994 08:49:37 GMT"),date')).toBeNull();
  expect(valueOf(ctx, 'str(),date')).toBeNull();
});

test('7.3.1: fractions of seconds are formatted with %N', () => {
  const ctx = testContext(plainRequest);
  expect(valueOf(ctx, 'date(0,ms),ms_utime(%S.%3N|%N|%6N)')).toBe('20.123|123000000|123000');
  expect(valueOf(ctx, 'int(1700000000123456),us_utime(%Y %6N)')).toBe('2023 123456');
});

const newer: [string, string | null][] = [
  ['str(a=b&c=d&a=r),param(a)', 'b'],
  ['str(a&b=c),param(a)', ''],
  ['str(a=&b&c=a),param(b)', ''],
  ['str(a=1;b=2;c=4),param(b,;)', '2'],
  ['str(a=1;b=2),param(b,0x3b)', '2'],
  ['str(a=1),param(b)', null],
  ['str(example.com),reverse', 'moc.elpmaxe'],
  ['str(mail.example.com.),reverse_dom', 'com.example.mail'],
  ['str(a..b),reverse_dom', null],
  ['bin(0180),base2', '0000000110000000'],
  ['bin(01020304050607),le2dec(:,2)', '513:1027:1541:7'],
  ['bin(01020304050607),le2dec(,2,1)', '51310271541'],
  ['str(zz),hex2i', null],
  ['bin(610a),has_ctl', '1'],
  ['bin(6109),has_ctl', '0'],
  ['bin(6109),has_ctl(any)', '1'],
  ['bin(617f),has_ctl(http)', '0'],
  ['bin(617f),has_ctl(0x100000000)', '1'],
];

test.each(newer)('7.3.1: %s', (text, value) => {
  expect(valueOf(testContext(plainRequest), text)).toBe(value);
});

test('2.2: bytes above 127 of the configuration stay the bytes they are', () => {
  const ctx = testContext('GET /caf\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n');
  expect(valueOf(ctx, 'str(\xc3\xa9),hex')).toBe('C3A9');
  expect(valueOf(ctx, 'str(\xc3\xa9),json(utf8)')).toBe('\\u00e9');
  expect(valueOf(ctx, 'path,regsub(\xc3\xa9,e)')).toBe('/cafe');
  expect(valueOf(ctx, 'path,rtrim(\xa9)')).toBe('/caf\xc3');
  expect(valueOf(ctx, 'str(a),concat(\xc3\xa9),length')).toBe('3');
});
