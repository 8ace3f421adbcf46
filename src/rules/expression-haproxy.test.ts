/** Expressions give what HAProxy gives, byte for byte (configuration.txt 7.3). */
import { expect, test } from 'bun:test';
import { askHaproxy, quoteWord } from './haproxy-fixture.ts';
import { captureRequestLine, testContext, testScope, valueOf } from './rule-fixture.ts';
import { Place } from './scope.ts';

const haproxyMissing = !Bun.which('haproxy');

const head =
  'GET /p/a;S=1;T=2?a=1&b=&c&n=42&a=2;d=5?e=6 HTTP/1.1\r\nHost: H.com:81\r\nX: a, b ,c\r\nX:\r\n' +
  'x: ,d,\r\nQ: "a,b",c, "d\\",e"\r\nE:\r\nN: 5, 7x\r\n' +
  'I: 1.2.3.4, ::1, [::2]:80, 5.6.7.8:90, x, [::3]\r\nT: \ta\t,  b c  , \r\nU: ,,a,,b,,\r\n' +
  'Cookie: a=1; b="2 3"; c ;n=12;a=4;d=;=z; e = f ;q="x;y"\r\nCookie: a=9, f=8; e=1\r\n' +
  'Url: a%20b+c?x+y\r\nBad: a%2\r\nB64: YWI=\r\nB65: YW=\r\nUtf: \xc3\xa9\xe2\x82\xac\xff\xc0\xaf\r\n\r\n';

const expressions = `
str(12a),add(1)
str(),add(1)
str(-12),add(1)
str(+12),add(1)
str( 12),add(1)
str(99999999999999999999),add(1)
int(99999999999999999999)
int(-99999999999999999999)
int(123456789012345),add(0)
int(5),add(9223372036854775807)
int(-5),add(-9223372036854775807)
int(5),sub(9)
int(5),mul(-3)
int(9223372036854775807),mul(2)
int(-7),div(2)
int(7),div(0)
int(-7),div(0)
int(-7),mod(3)
int(7),mod(0)
int(-1),and(255)
int(5),or(-8)
int(5),xor(7)
int(-5),xor(7)
int(5),cpl
int(4294967297),and(4294967296)
int(5),neg
int(5),not
int(0),not
int(3),odd
int(3),even
int(-3),odd
int(7),bool
str(1),iif(a,b)
str(0),iif(a,b)
str(true),iif(a,b)
int(1),bytes(0)
bool(1),bytes(0)
int(5),ipmask(32),lower
str(1.2.3),ipmask(32),lower
str(1.2.3.4),ipmask(24),lower
str(1.2.3.4),ipmask(255.255.0.255),lower
str(01.2.3.4),ipmask(24),lower
str(1.2.3.4.5),ipmask(24),lower
str(::ffff:1.2.3.4),ipmask(24),lower
str(fe80::1),ipmask(24),lower
str(fe80::1),ipmask(24,10),lower
str(fe80::1),ipmask(24,ffff::),lower
str(FE80:0:0:1:0:0:0:1),ipmask(24,128),lower
str(1:2:3:4:5:6:7:8),ipmask(24,128),lower
str(1:2:3:4:5:6:7),ipmask(24,128),lower
str(::1:2:3:4:5:6:7),ipmask(24,128),lower
str(1::2::3),ipmask(24,128),lower
str(1:2:3:4:5:6:1.2.3.4),ipmask(24,128),lower
ipv6(::ffff:1.2.3.4),lower
ipv6(::1.2.3.4),lower
ipv6(1:0:0:2:0:0:0:1),lower
ipv6(1:0:0:2:3:0:0:1),lower
ipv6(1:0:2:3:4:5:6:7),lower
ipv6(::),lower
ipv6(1::),lower
ipv4(1.2.3.4),add(1)
ipv4(1.2.3.4)
ipv6(::1)
ipv4(255.2.3.4),lower
bin(6162),upper
bin(61006263),upper
bin(61006263),length
str(001.2.3.0004),ipmask(32),lower
bin(ff41),lower
method
method,lower
base32
url32
base32+src
url32+src
base32+src,hex
meth(FOO),lower
str(abc),length
str(abc),bytes(1)
str(abc),bytes(3)
str(abc),bytes(4)
str(abc),bytes(1,9)
str(abc),bytes(1,1)
bin(0102),bytes(1)
req.hdr(n),add(3)
str(f1_f2_f3__f5),field(4,_)
str(f1_f2_f3__f5),field(5,_)
str(f1_f2_f3__f5),field(6,_)
str(f1_f2_f3__f5),field(2,_,0)
str(f1_f2_f3__f5),field(2,_,2)
str(f1_f2_f3__f5),field(-2,_,3)
str(f1_f2_f3__f5),field(-3,_,0)
str(f1_f2_f3__f5),field(-9,_)
str(f1_f2_f3__f5),field(-9,_,3)
str(f1_f2_f3__f5),field(3,_,9)
str(f1_f2_f3__f5),field(-1,_)
str(f1_f2_f3__f5),field(-2,_)
str(f1_f2_f3__f5),field(-4,_,9)
str(f1_f2_),field(3,_)
str(_f2),field(1,_)
str(_f2),field(-2,_)
str(a.b/c),field(3,./)
str(abc),field(1,_)
str(abc),field(-1,_)
str(),field(1,/)
str(f1_f2_f3__f5),word(4,_)
str(f1_f2_f3__f5),word(5,_)
str(f1_f2_f3__f5),word(3,_,2)
str(f1_f2_f3__f5),word(2,_,0)
str(f1_f2_f3__f5),word(-2,_,3)
str(f1_f2_f3__f5),word(-3,_,0)
str(f1_f2_f3__f5),word(2,_,9)
str(/f1/f2/f3/f4),word(1,/)
str(/f1/f2/f3/f4),word(4,/)
str(//f1//f2//),word(1,/,2)
str(//f1//f2//),word(2,/,0)
str(//f1//f2//),word(2,/,3)
str(//f1//f2//),word(-1,/)
str(//f1//f2//),word(-1,/,2)
str(//f1//f2//),word(-1,/,9)
str(//f1//f2//),word(-1,/,0)
str(//f1//f2//),word(-2,/)
str(//f1//f2//),word(-3,/)
str(abc),word(1,/)
str(abc),word(2,/)
str(),word(1,/)
str(abc)
str(4142),hex2i
str(fff),hex2i
str(ffffffffffffffff),hex2i
str(abc),base64
str(ab),base64
str(a),base64
str(),base64
str(YWJj),b64dec
str(YWJ),b64dec
str(YW==),b64dec
str(Y_-=),b64dec
req.fhdr(b64),b64dec
req.fhdr(b65),b64dec
str(abcd),ub64enc
str(YWJjZA),ub64dec
str(YWJj),ub64dec
req.fhdr(url),url_dec
req.fhdr(url),url_dec(1)
req.fhdr(bad),url_dec
str(a%00b),url_dec
str(a%zzb),url_dec
req.fhdr(q),url_enc
str(a b&c/d?e=f:g~h-i.j_k+l%m),url_enc
req.fhdr(utf),url_enc(query)
str(a),concat(b,,c)
str(a),concat(b)
str(a),concat
int(3),concat(b)
str(abc),crc32
str(abc),crc32(0)
str(abc),crc32c
str(abc),crc32c(0)
str(abc),djb2
str(abc),djb2(0)
str(abc),sdbm
str(abc),sdbm(0)
str(abc),sdbm(1)
str(a),sdbm(1)
str(hello),djb2(1)
str(),djb2(2)
str(hello),crc32(1)
str(hello),crc32c(-1)
str(),wt6
str(a),wt6
str(abc),wt6
str(abc),wt6(1)
req.fhdr(utf),wt6
req.fhdr(utf),wt6(1)
str(abc),xxh32
str(abc),xxh32(7)
str(abcdefghijklmnopqrstuvwxyz0123456789),xxh32
str(abcdefghijklmnop),xxh32(1)
req.fhdr(utf),sdbm
str(aXbXc),regsub(X,-)
str(aXbXc),regsub(x,-,gi)
str(aXbXc),regsub(X,,g)
str(abc),regsub(b*,-,g)
str(abc),regsub(z*,-,g)
str(ab),regsub(b*,-,g)
str(ab),regsub(b,-,g)
str(ab),regsub(b*,-)
str(),regsub(b*,-,g)
str(),regsub(b*,-)
str(aab),regsub(^a,-,g)
str(a.b),regsub([.],-,g)
str(foo12),regsub("(foo|bar)([0-9]+)?","\\2\\1",i)
str(FOOx),regsub("(foo|bar)([0-9]+)?","\\2-\\1",i)
str(/////a///b/c/xzxyz/),regsub('/+','/','g')
str(?;&a=b),regsub([?;&]*,'')
req.fhdr(utf),regsub(.,x,g)
str(abc),regsub(b,\\0\\0)
str(abc),regsub(b,\\x41)
str(abc),regsub(b,[\\1])
str(a1b2),regsub([[:digit:]],.,g)
str(a1b2),regsub([^[:alpha:]],.,g)
str(aBc),regsub("(?i)b",.)
str(xxabc),ltrim(xy)
str(abcxx),rtrim(xy)
str(ab),ltrim(ab)
req.fhdr(q),json
req.fhdr(utf),json
req.fhdr(utf),json(utf8)
req.fhdr(utf),json(utf8s)
req.fhdr(utf),json(utf8p)
req.fhdr(utf),json(utf8ps)
bin(c3a9e282ac),json(utf8)
bin(f09f9880),json(utf8)
bin(f09f9880),json(utf8s)
bin(ff410a0d09080c01),json
int(1700000000),utime(%a %d %b %Y %H:%M:%S %z %Z %j %U %W %u %w %e %k %l %I %p %s %D %F %T)
int(1700000000),utime(%R %r %c %x %X %% %C %y %G %g %V %h %A %B %P %M %Oy %5d %-d)
int(1704067200),utime(%G %V %U %W %u %j)
int(1700000000),ltime(%d/%b/%Y:%H:%M:%S %z)
int(1700000000),utime(%Y %d,86400)
int(0),utime(%F)
int(1700000000),http_date
int(1700000000),http_date(3600)
int(1700000000123),http_date(0,ms)
int(1700000000123456),http_date(0,us)
bool(1),iif(yes,no)
bool(0),iif(yes,no)
str(host:80),host_only
str(Host:80),port_only
str([::1]:80),host_only
str([::1]),host_only
str([::1]:80),port_only
str([::1]),port_only
str(host),port_only
str(host:),host_only
bin(01020304050607),be2dec(:,2)
bin(01020304050607),be2dec(-,2,1)
bin(01020304050607),be2dec(,2,1)
bin(7f000001),be2dec(.,1)
bin(01020304050607),be2hex(:,2)
bin(01020304050607),be2hex(--,2,1)
bin(0102030405060708),be2hex(,3,1)
bin(01020304050607),be2hex
int(16909060),htonl
str(a\\nb),cut_crlf
str(a\\rb),cut_crlf
path,lower
path,word(1,/),upper
url
query
pathq
base
baseq
urlp(a)
urlp(b)
urlp(c)
urlp(n),add(1)
urlp(S,;)
urlp(A)
urlp
req.hdr(x,1)
req.hdr(x,-3)
req.hdr(x,-2)
req.hdr(u,-3)
req.hdr(host),field(1,:)
req.hdr(q,1)
req.fhdr(q)
req.hdr(t,2)
req.hdr_ip(i,1)
req.hdr_ip(i,2)
req.hdr_ip(i,4)
req.hdr_val(n)
req.cook(a)
req.cook(b)
req.cook(n),add(1)
req.cook
cook(e)
cookie(f)
cook_val(n)
cook_cnt(a)
http_first_req
req.ver
req_ver
req.proto_http
src
date,sub(0),div(100000)
nbproc
proc
`
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => line.replaceAll('\\\\', '\\'));

const absoluteHead = 'GET http://1.2.3.4:99/p?q HTTP/1.1\r\nHost: 1.2.3.4:99\r\nX-Empty:\r\n\r\n';
const absolute = `
url
path
pathq
query
base
baseq
url_ip,lower
url_port
urlp(q)
base32
url32
req.hdr(x-empty),length
`
  .split('\n')
  .filter((line) => line !== '');

const responseHead =
  'HTTP/1.1 299 Odd\r\nContent-Length: 0\r\nX: a, b\r\nX: c\r\nN: 7\r\nI: 10.0.0.1:8080\r\n' +
  'Set-Cookie: a=1; Path=/; b=2\r\nSet-Cookie: c = "x;y" ; Secure\r\nSet-Cookie: a=3, d=4\r\n' +
  'Set-Cookie: flag; e=5\r\nSet-Cookie: n=12\r\n\r\n';
// Not among these: `res.cook_cnt` without a name, for which HAProxy also counts attributes.
const responseExpressions = `
status
res.ver
resp_ver
res.hdr(x)
res.hdr(x,1)
res.hdr(x,-2)
hdr(x)
shdr(x,2)
res.fhdr(x,1)
res.hdr_cnt(x)
res.fhdr_cnt(x)
res.hdr_val(n)
shdr_val(n)
res.hdr_ip(i),lower
res.hdr(none)
res.hdr_cnt(none)
res.cook(a)
res.cook(b)
res.cook(c)
res.cook(d)
res.cook(e)
res.cook(flag)
res.cook
scook(a)
res.cook_cnt(a)
scook_cnt(c)
res.cook_val(n)
scook_val(a)
cookie(c)
capture.req.method
capture.req.uri
capture.req.ver
capture.res.ver
`
  .split('\n')
  .filter((line) => line !== '');

/** Where the two differ, as lines. */
function compare(
  list: readonly string[],
  theirs: Map<string, string>,
  ours: (expression: string) => string | null,
): string[] {
  const differences: string[] = [];
  list.forEach((expression, i) => {
    const mine = `<${ours(`${expression},hex`) ?? ''}>`;
    const other = theirs.get(`r${i}`);
    if (mine !== other) differences.push(`${expression}: haproxy ${other}, sluice ${mine}`);
  });
  return differences;
}

function rulesFor(list: readonly string[], ruleset: string): string[] {
  return list.map(
    (expression, i) => `${ruleset} set-header r${i} ${quoteWord(`<%[${expression},hex]>`)}`,
  );
}

test.skipIf(haproxyMissing)(
  '7.3: expressions have the values that HAProxy gives them',
  async () => {
    const answer = await askHaproxy(rulesFor(expressions, 'http-request'), head);
    const ctx = testContext(head);
    ctx.nowDateMs = Date.now();
    expect(compare(expressions, answer.request, (text) => valueOf(ctx, text))).toEqual([]);
  },
);

test.skipIf(haproxyMissing).each(['bytes(1,0)', 'bytes(-1)', 'bytes(1,-1)'])(
  '7.3.1: %s is refused by HAProxy 3.2 and is empty, as in the manual (docs/differences.md)',
  async (converter) => {
    const expression = `str(abc),${converter}`;
    const asked = askHaproxy(rulesFor([expression], 'http-request'), head);
    expect(asked).rejects.toThrow("invalid args in converter 'bytes'");
    await asked.catch(() => {});
    expect(valueOf(testContext(head), expression)).toBe('');
  },
);

test.skipIf(haproxyMissing)('7.3.6: an absolute URL has the parts that HAProxy sees', async () => {
  const answer = await askHaproxy(rulesFor(absolute, 'http-request'), absoluteHead);
  const ctx = testContext(absoluteHead);
  expect(compare(absolute, answer.request, (text) => valueOf(ctx, text))).toEqual([]);
});

test.skipIf(haproxyMissing)(
  '7.3.6: responses have the values that HAProxy gives them',
  async () => {
    const answer = await askHaproxy(
      rulesFor(responseExpressions, 'http-response'),
      'GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n',
      responseHead,
    );
    const ctx = testContext('GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n', responseHead);
    captureRequestLine(ctx, 'GET /a?b HTTP/1.1');
    const scope = testScope(Place.FrontendResponseHeader);
    const ours = (text: string) => valueOf(ctx, text, scope);
    expect(compare(responseExpressions, answer.response, ours)).toEqual([]);
  },
);
