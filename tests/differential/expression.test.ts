/**
 * Expressions and conditions at the edges of what their code decides, through the running programs:
 * as text, as the bytes of the value (`hex`), and whether a pattern matches (configuration.txt 7.1,
 * 7.3).
 */
import { describe, expect, test } from 'bun:test';
import { fieldOf } from '../harness/http.ts';
import { type Program, programPath } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

const expressions = lines(String.raw`
int(0)
int(-5)
int(7),neg
int(-7),div(2)
int(99999999)
int(100000000)
int(-100000000)
int(1234567890123)
int(4611686018427387904)
int(-9223372036854775807),sub(1)
int(9223372036854775807)
int(-1),ipmask(24)
int(4294967297),ipmask(32)
int(16909060),ipmask(32)
int(5),mul(0)
int(5),div(0)
int(5),mod(0)
int(1),bytes(7)
int(-1),bytes(0,1)
str(a'b')
str("a'b")
str('a"b')
str(abc),bytes(1,2)
str(abc),bytes(2,1)
str(abc),bytes(2,2)
str(9.9.9.9),ipmask(32)
str(0.0.0.0),ipmask(32)
str(255.255.255.255),ipmask(8)
str(256.1.1.1),ipmask(32)
str(1.2.3.999),ipmask(32)
str(1..2.3),ipmask(32)
str(1.2.3.),ipmask(32)
str(1.2.3.4.5),ipmask(32)
str(/.2.3.4),ipmask(32)
str(:),ipmask(24,64)
str(::),ipmask(24,64)
str(1:),ipmask(24,64)
str(:1),ipmask(24,64)
str(1:2:3:4:5:6:7:8),ipmask(24,64)
str(1:2:3:4:5:6:7:8:9),ipmask(24,64)
str(1:2:3:4:5:6:7::),ipmask(24,128)
str(1:2:3:4:5:6:7:1.2.3.4),ipmask(24,64)
str(1:2:3:4:5:6:1.2.3.4),ipmask(24,128)
str(1:2:3:4:5:6:1.2.3),ipmask(24,128)
str(1:2:3:4:5:6:1.2.3.4:5),ipmask(24,128)
str(::1:0:ffff:1.2.3.4),ipmask(24,128)
str(::ffff:1.2.3.4),ipmask(24,128)
str(::1.2.3.4),ipmask(24,128)
str(::1),ipmask(24,128)
str(1::1::1),ipmask(24,128)
str(12345::),ipmask(24,128)
str(ffff::fFfF),ipmask(24,128)
str(g::),ipmask(24,128)
str(2002:102:304::1),ipmask(24,128)
str(2002:102:304::1),ipmask(24)
str(fe80::1),ipmask(24)
str(::5:102:304),ipmask(24,128)
str(1:0:0:2:0:0:0:3),ipmask(24,128)
str(1:0:0:2:3:0:0:4),ipmask(24,128)
str(1:0:2:3:4:5:6:7),ipmask(24,128)
str(0:0:0:1:0:ffff:1:2),ipmask(24,128)
str(fe80::1),ipmask(24,1)
str(fe80::1),ipmask(24,0)
str(fe80::1),ipmask(24,128)
str(10.1.2.3),ipmask(0)
str(10.1.2.3),ipmask(31)
str(10.1.2.3),ipmask(255.0.255.0)
method
method,lower
method,length
meth(GET),length
meth(FOO),length
str(abcd),base64
str(abcde),base64
str(abcdef),base64
str(YQ==),b64dec
str(YWI=),b64dec
str(YWJj),b64dec
str(YW=j),b64dec
str(Y===),b64dec
str(====),b64dec
str(YWJjZA),b64dec
str(YQ),ub64dec
str(YWI),ub64dec
str(Y),ub64dec
str(-_-_),ub64dec
str(+/+/),ub64dec
str(a%41b),url_dec
str(a%4),url_dec
str(a%),url_dec
str(a%4g),url_dec
str(a%g4),url_dec
str(%41),url_dec
str(a+b?c+d),url_dec
str(a+b?c+d),url_dec(1)
str(80),hex2i
str(7fffffffffffffff),hex2i
str(8000000000000000),hex2i
str(fffffffffffffff0),hex2i
str(0),hex2i
str(12g),hex2i
str(),hex2i
str(20000000000000001),hex2i
str(-1),hex2i
str(fffffffff),hex2i
bin(00010203),be2hex(:,1)
bin(000102),be2hex(:,2)
bin(000102),be2hex(:,2,1)
bin(000102),be2dec(:,2)
bin(000102),be2dec(:,2,1)
bin(ffffffffffff),be2dec(:,6)
bin(0001),be2dec(,1)
str(a/b/c),field(1,/)
str(a/b/c),field(3,/)
str(a/b/c),field(4,/)
str(a/b/c),field(-1,/)
str(a/b/c),field(-3,/)
str(a/b/c),field(-4,/)
str(a/b/c),field(2,/,2)
str(a/b/c),field(-1,/,2)
str(a/b/c),field(-1,/,0)
str(a/b/c/),field(4,/)
str(a/b/c/),field(-1,/)
str(/a//b/),word(1,/)
str(/a//b/),word(2,/)
str(/a//b/),word(3,/)
str(/a//b/),word(-1,/)
str(/a//b/),word(-2,/)
str(/a//b/),word(-3,/)
str(/a//b/),word(1,/,0)
str(/a//b/),word(-1,/,0)
str(/a//b/),word(-1,/,2)
str(////),word(1,/)
str(////),word(-1,/)
str(aaa),rtrim(a)
str(aaa),ltrim(a)
str(baa),rtrim(a)
str(aab),ltrim(a)
str(h:80),port_only
str(h:0),port_only
str(h:65535),port_only
str(h:),port_only
str(h),port_only
str(:80),host_only
str([::1),host_only
str(::1),host_only
str(::1),port_only
str(a),iif(x,y)
bool(1),iif(x,y)
bool(0),iif(x,y)
str(a),concat(,,b)
bin(c280),json(utf8)
bin(c27f),json(utf8)
bin(c2),json(utf8)
bin(e0a080),json(utf8)
bin(e0a0),json(utf8)
bin(eda080),json(utf8)
bin(ed9fbf),json(utf8)
bin(ee8080),json(utf8)
bin(efbfbf),json(utf8)
bin(f0908080),json(utf8)
bin(efbfbe),json(utf8)
bin(efbfbf),json(utf8p)
bin(efb790),json(utf8)
bin(f09080),json(utf8p)
bin(f48fbfbf),json(utf8)
bin(f4908080),json(utf8)
bin(f8888080),json(utf8)
bin(8080),json(utf8)
bin(80),json(utf8s)
bin(80),json(utf8p)
bin(80),json(utf8ps)
bin(1f7f),json
bin(225c2f),json
int(1700000000),utime(%Y-%m-%dT%H:%M:%SZ)
int(951782400),utime(%F %j %a)
int(1709164800),utime(%F %j %a)
int(0),http_date
str(aXb),regsub(X,\\0\\0)
str(ab),regsub(b,c)
str(abab),regsub(b,,g)
`);

const conditions = lines(`
{ str(10.0.0.1) -m ip 10.0.0.0/8 }
{ str(11.0.0.1) -m ip 10.0.0.0/8 }
{ str(9.255.255.255) -m ip 10.0.0.0/8 }
{ str(10.255.255.255) -m ip 10.0.0.0/8 }
{ str(10.0.0.1) -m ip ::ffff:10.0.0.1 }
{ str(::ffff:10.0.0.1) -m ip 10.0.0.1 }
{ str(::10.0.0.1) -m ip 10.0.0.1 }
{ str(::5:10.0.0.1) -m ip 10.0.0.1 }
{ str(1::10.0.0.1) -m ip 10.0.0.1 }
{ str(2002:a00:1::5) -m ip 10.0.0.1 }
{ str(2003:a00:1::5) -m ip 10.0.0.1 }
{ str(fe80::1) -m ip fe80::/10 }
{ str(fec0::1) -m ip fe80::/10 }
{ str(febf:ffff::) -m ip fe80::/10 }
{ str(::1) -m ip ::/0 }
{ str(1.2.3.4) -m ip 0.0.0.0/0 }
{ int(167772161) -m ip 10.0.0.1 }
{ str(abc) -m beg ab }
{ str(ab) -m beg abc ab }
{ str(a) -m beg ab abc }
{ str(abc) -m beg abcd }
{ str(abc) -m end bc }
{ str(bc) -m end bc abc }
{ str(c) -m end bc abc }
{ str(abc) -m end zabc }
{ str(abc) -m sub b }
{ str(abc) -m sub abc }
{ str(abc) -m sub abcd }
{ str(abc) -m sub c }
{ str(abc) -m str abcd abc }
{ str(abc) -m str ab }
{ str(ABC) -m str -i abc }
{ str(ABC) -m str abc }
{ str(/a/b/c) -m dir b }
{ str(/a/b/c) -m dir c }
{ str(/a/b/c) -m dir a/b }
{ str(/a/bc) -m dir b }
{ str(/a/b?c) -m dir b }
{ str(www.example.com) -m dom example }
{ str(www.example.com) -m dom example.com }
{ str(www.example.com) -m dom ample }
{ str(www.example.com:80) -m dom com }
{ str(abc) -m len 3 }
{ str(abc) -m len 4:9 }
{ str(abc) -m len lt 3 }
{ str(abc) -m len le 3 }
{ int(5) -m int 5 }
{ int(5) -m int 1:5 }
{ int(5) -m int 5:9 }
{ int(5) -m int 6: }
{ int(5) -m int :4 }
{ int(5) -m int 1:2 4:6 }
{ int(5) -m int 1:2 7:9 }
{ int(5) -m int gt 5 }
{ int(5) -m int ge 5 }
{ int(-5) -m int -- -5 }
{ int(-5) -m int lt 0 }
{ str(5x) -m int 5 }
{ str(x) -m int 0 }
{ str(1) -m bool }
{ str(0) -m bool }
{ int(2) -m bool }
{ req.hdr(none) -m found }
{ req.hdr(host) -m found }
{ bin(6162) -m bin 6162 }
{ bin(6162) -m bin 61 }
{ bin(6162) -m str ab }
{ method GET }
{ method get }
{ method -i get }
{ method -i foo }
{ method -i GET }
{ method POST GET }
{ method FOO }
`);

/** What a program makes of every expression and condition, a line each. */
async function observe(program: Program): Promise<string[]> {
  const world = new World(program);
  let seen: (name: string) => string | null = () => null;
  const server = world.http((request) => {
    seen = (name) => fieldOf(request, name);
    return 'HTTP/1.1 204 No Content\r\n\r\n';
  });
  try {
    const quote = (word: string) => `"${word.replace(/[\\"$]/g, '\\$&')}"`;
    const rules = expressions.flatMap((expression, i) => [
      `  http-request set-header t${i} ${quote(`<%[${expression},json(utf8ps)]>`)}`,
      `  http-request set-header h${i} ${quote(`<%[${expression},hex]>`)}`,
    ]);
    conditions.forEach((condition, i) => {
      rules.push(`  http-request set-header c${i} yes if ${condition}`);
    });
    const proxy = await world.proxy(
      `
global
  tune.bufsize 131072
  tune.maxrewrite 65536
  tune.http.maxhdr 4000
  nbthread 1
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 20s
listen l
  bind fd@{{l}}
${rules.join('\n')}
  server s 127.0.0.1:${server.port}
`,
      { program },
    );
    const request = 'GET /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
    expect(await world.exchange(proxy.port('l'), request)).toStartWith('HTTP/1.1 204 ');
    return [
      ...expressions.map((text, i) => `${text}: ${seen(`t${i}`)} ${seen(`h${i}`)}`),
      ...conditions.map((text, i) => `${text}: ${seen(`c${i}`)}`),
    ];
  } finally {
    await world.end();
  }
}

/** What both refuse. */
const refused = lines(`
%[str(a),field(,/)]
%[str(a),field(1)]
%[str(a),bytes(x)]
%[str(a),ipmask(33)]
%[str(a),ipmask(24,129)]
%[str(a),ipmask(24,1000)]
%[ipv6(1.2.3.4)]
%[ipv4(::1)]
%[bin(123)]
%[int()]
%[str(a),regsub(,b)]
%[str(a),regsub([,b)]
%[str(a),regsub(a,b,x)]
%[str(a),json(utf9)]
%[str(a),url_enc(path)]
%[bin(00),be2hex(:,0)]
%[bin(00),be2dec(:,0)]
%[str(a),field(1,a,b)]
%[str(a),sub(b)]
%[date(0,x)]
%[ipv4(1.2.3.4),add(x)]
`);

async function refuses(program: Program, expression: string): Promise<boolean> {
  const world = new World(program);
  try {
    const config = `frontend f
  mode http
  bind fd@{{l}}
  timeout client 1s
  http-request set-header a "${expression}"
`;
    const { stderr, status } = await world.run(config, { args: ['-c'], probe: false });
    if (status === 0) return false;
    expect(stderr, expression).toContain('.cfg:5]');
    return true;
  } finally {
    await world.end();
  }
}

describe.skipIf(programPath('haproxy') === null)('7.1, 7.3: the edges', () => {
  test('values and matches are those of HAProxy', async () => {
    const theirs = await observe('haproxy');
    const ours = await observe('sluice');
    const differences = ours.map((line, i) => (line === theirs[i] ? '' : `${line} | ${theirs[i]}`));
    expect(differences.filter((line) => line !== '')).toEqual([]);
  });

  test('what HAProxy refuses is refused', async () => {
    for (const expression of refused) {
      expect(await refuses('haproxy', expression), expression).toBe(true);
      expect(await refuses('sluice', expression), expression).toBe(true);
    }
  });
});
