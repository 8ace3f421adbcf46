/**
 * Variables through the running programs (configuration.txt 2.8, 3.1 and 3.2, 4.4 `set-var`, 7.3
 * `var` and `set-var`; management.txt 9.3): values and types, conditions, when each scope begins and
 * ends, limits, messages and commands are those of HAProxy.
 */
import { describe, expect, test } from 'bun:test';
import { fieldOf, type HttpMessage } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import { type Program, programPath } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';

const lines = (text: string) => text.split('\n').filter((line) => line !== '');
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\nX-A: aa\r\n\r\n`;

/** A configuration in HTTP mode: global lines, then the sections. */
const site = (sections: string, global = '') => `
global
  tune.maxrewrite 8000
  tune.http.maxhdr 4000
  stats socket {{dir}}/stats level admin
${global}
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 20s
${sections}`;

/** Runs `observe` with each program in a world of its own and expects the same. */
async function expectSame(observe: (world: World) => Promise<unknown>): Promise<void> {
  const seen: unknown[] = [];
  for (const program of ['haproxy', 'sluice'] satisfies Program[]) {
    const world = new World(program);
    try {
      seen.push(await observe(world));
    } finally {
      await world.end();
    }
  }
  expect(seen[1]).toEqual(seen[0]);
}

async function ask(peer: Peer, path: string): Promise<HttpMessage> {
  peer.send(get(path));
  return await peer.readMessage('GET');
}

const known = lines(`
str(b) b
str(abc) abc
str(a2V5) key
int(5) five
ipv4(1.1.1.1) ip
ipv6(2001:db8::1) ip6
bin(616200) bin
str() empty
int(1) one
int(2) two
int(-1) neg
int(100) big
int(0) zero
str(12x) mixed
bool(true) yes
method m
meth(FOO) foo
src client
hdr(x-a) field
path path
dst_port port
`);

const expressions = lines(`
var(txn.none)
var(txn.none,a b)
var(txn.none,),length
var(txn.none,""),length
var(txn.b,x)
var(txn.b),upper
var(txn.five),add(txn.five)
var(txn.ip),add(1)
var(txn.ip),ipmask(24)
var(txn.ip6),ipmask(32,16)
var(txn.bin),length
var(txn.bin),hex
var(txn.yes),iif(a,b)
var(txn.yes),not
var(txn.m),length
var(txn.foo),lower
var(txn.client),ipmask(8)
var(txn.port),div(65536)
int(7),sub(txn.two)
int(7),mul(txn.five)
int(7),div(txn.zero)
int(7),div(txn.two)
int(7),mod(txn.two)
int(7),mod(txn.zero)
int(7),and(txn.five)
int(7),xor(txn.five)
int(8),or(txn.five)
int(8),or(txn.ip)
int(8),add(txn.b)
int(8),add(txn.mixed)
int(8),add(txn.empty)
int(8),add(txn.yes)
int(8),add(txn.bin)
int(8),add(txn.none)
int(8),add(proc.x)
str(abcdef),bytes(txn.one,txn.two)
str(abcdef),bytes(txn.one)
str(abcdef),bytes(1,txn.two)
str(abcdef),bytes(txn.none,2)
str(abcdef),bytes(1,txn.none)
str(abcdef),bytes(txn.neg,2)
str(abcdef),bytes(1,txn.neg)
str(abcdef),bytes(txn.big,1)
str(abcdef),bytes(1,txn.big)
str(abcdef),bytes(1,txn.zero)
str(abcdef),bytes(txn.b,2)
str(a),strcmp(txn.b)
str(b),strcmp(txn.b)
str(c),strcmp(txn.b)
str(bb),strcmp(txn.b)
str(),strcmp(txn.b)
str(bcd),strcmp(txn.abc)
str(z),strcmp(txn.abc)
str(a),strcmp(txn.none)
int(5),strcmp(txn.five)
str(abc),secure_memcmp(txn.abc)
str(abd),secure_memcmp(txn.abc)
str(ab),secure_memcmp(txn.abc)
str(ab),secure_memcmp(txn.none)
str(5),secure_memcmp(txn.five)
str(abc),hmac(sha256,txn.key),hex
str(abc),hmac(sha256,txn.abc),hex
str(abc),hmac(sha256,txn.none),hex
str(abc),hmac(sha256,txn.empty),hex
str(abc),hmac(sha256,txn.bin),hex
str(a),concat(<,txn.b,>)
str(a),concat(<,txn.none,>)
str(a),concat(<,txn.five,>)
str(a),concat(<,txn.ip,>)
str(a),concat(<,txn.bin,>)
str(a),concat(<)
str(a),concat(,txn.b)
str(a),concat(,,x)
str(a),concat(b,)
str(a),add_item(:,txn.b)
str(),add_item(:,txn.b)
str(a),add_item(:,txn.none)
str(a),add_item(:,txn.none,x)
str(a),add_item(:,txn.b,x)
str(),add_item(:,txn.b,x)
str(a),add_item(:,,x)
str(),add_item(:,,x)
str(a),add_item(:,txn.empty)
str(a),add_item(:,txn.empty,x)
str(a),add_item(:,txn.five)
str(),add_item(:,txn.none)
int(3),add_item(:,txn.b)
int(8),set-var(res.x)
int(8),set-var(check.x)
int(8),set-var(psess.x)
int(8),set-var(req.x),add(req.x)
int(8),set-var(proc.y),add(proc.y)
str(p),set-var(proc.z),concat(-,proc.z)
ipv6(::5),set-var(proc.six)
var(proc.six)
int(8),unset-var(txn.never)
str(abc),set-var(txn.q),bytes(1),set-var(txn.q),concat(-,txn.q)
var(txn.b),set-var(txn.w),unset-var(txn.w),length
var(txn.w)
var(txn.b),unset-var(res.w)
var(txn.abc),bytes(1),set-var(txn.abc)
var(txn.abc)
url_param(a,)
`);

const conditions = ['ifexists', 'ifnotexists', 'ifempty', 'ifnotempty', 'ifset', 'ifnotset'];
conditions.push('ifgt', 'iflt');
/** What a variable is before, and what it is then set to under a condition. */
const before = ['', 'int(3)', 'int(7)', 'int(5)', 'str(y)', 'bool(false)', 'unset'];
const after = ['int(5)', 'str()', 'str(x)', 'bool(true)'];

/** Rules that set a variable under every condition, and the fields that show what it is then. */
function conditionRules(scope: string): { rules: string[]; shown: string[] } {
  const rules: string[] = [];
  const shown = conditions.map((condition) => {
    const values = before.flatMap((was, i) =>
      after.map((is, k) => {
        const name = `${scope}.${condition}_${i}_${k}`;
        if (was === 'unset') rules.push(`set-var(${name}) int(1)`, `unset-var(${name})`);
        else if (was !== '') rules.push(`set-var(${name}) ${was}`);
        rules.push(`set-var(${name},${condition}) ${is}`);
        return `%[var(${name},NO)]`;
      }),
    );
    return `http-after-response set-header ${scope}-${condition} "${values.join('|')}"`;
  });
  return { rules: rules.map((rule) => `http-request ${rule}`), shown };
}

const scopes = ['proc', 'sess', 'txn', 'req', 'res', 'check', 'psess', 'ptxn', 'preq'];
const all = scopes.map((scope) => `${scope}=%[var(${scope}.v)]`).join(' ');
const setAll = scopes.map((scope) => `  http-request set-var(${scope}.v) str(${scope}1)`);

const ends = `
frontend l
  bind fd@{{l}}
  log 127.0.0.1:{{log}} format raw local0
  log-format "%ST ${all} after=%[var(res.after)] answer=%[var(res.answer)]"
  http-request set-header a-0 "${all}"
${setAll.join('\n')}
  http-request set-var(txn.path) path
  http-request set-header a-1 "${all}"
  http-request deny if { var(txn.path) -m str /deny }
  http-request redirect location /to/%[var(req.v)] if { var(txn.path) -m str /redirect }
  http-request return status 200 hdr x "%[var(req.v)]" content-type a/b lf-string "${all}" if { var(txn.path) -m str /return }
  http-response set-header c-1 "${all}"
  http-response set-var(res.answer) status
  http-response set-var(req.v) str(late)
  http-response set-header c-2 "${all}"
  http-after-response set-header d-1 "${all}"
  http-after-response set-var(res.after) str(after),concat(-,res.answer)
  http-after-response set-var-fmt(txn.fmt) "%[var(res.after)] %[var(txn.path)]"
  http-after-response set-header d-2 "%[var(txn.fmt)]"
  use_backend none if { var(txn.path) -m str /none }
  use_backend refused if { var(txn.path) -m str /refused }
  use_backend again if { var(txn.path) -m str /again }
  use_backend b-%[var(req.v)]
backend none
  http-request set-header a-2 "${all}"
backend refused
  retries 0
  server s 127.0.0.1:{{refused}}
backend again
  retries 1
  option redispatch 1
  balance roundrobin
  server s 127.0.0.1:{{refused}}
  server t 127.0.0.1:{{server}} backup
backend b-req1
  http-request set-header a-2 "${all}"
  server s 127.0.0.1:{{server}}
`;

const paths = ['/a', '/a', '/deny', '/redirect', '/return', '/none', '/refused', '/a'];

describe.skipIf(programPath('haproxy') === null)('2.8: variables are those of HAProxy', () => {
  test('values keep their types, and converters take variables as arguments', () =>
    expectSame(async (world) => {
      const rules = known.map((line) => {
        const at = line.lastIndexOf(' ');
        return `  http-request set-var(txn.${line.slice(at + 1)}) ${line.slice(0, at)}`;
      });
      expressions.forEach((text, i) => {
        rules.push(`  http-request set-header e${i} '<%[${text}]>'`);
      });
      let seen: HttpMessage | null = null;
      const server = world.http((request) => {
        seen = request;
        return 'HTTP/1.1 204 No Content\r\n\r\n';
      });
      const config = site(
        `listen l\n  bind fd@{{l}}\n${rules.join('\n')}\n  server s 127.0.0.1:${server.port}\n`,
      );
      const proxy = await world.proxy(config);
      await ask(await world.connect(proxy.port('l')), '/p?a=3');
      return expressions.map((text, i) => `${text}: ${fieldOf(seen!, `e${i}`)}`);
    }));

  test('set-var has conditions (7.3.1)', () =>
    expectSame(async (world) => {
      const seen: unknown[] = [];
      for (const scope of ['txn', 'sess', 'proc']) {
        const { rules, shown } = conditionRules(scope);
        rules.push(...shown, 'http-request return status 200');
        const proxy = await world.proxy(
          site(`listen l\n  bind fd@{{l}}\n  ${rules.join('\n  ')}\n`),
        );
        const reply = await ask(await world.connect(proxy.port('l')), '/');
        seen.push(conditions.map((condition) => fieldOf(reply, `${scope}-${condition}`)));
      }
      return seen;
    }));

  test('a value stays when there is no new one, and a condition ends an expression', () =>
    expectSame(async (world) => {
      const proxy = await world.proxy(
        site(`listen l
  bind fd@{{l}}
  http-request set-var(txn.a) str(x)
  http-request set-var(txn.a) hdr(none)
  http-request set-var(txn.b) str(y)
  http-request set-var-fmt(txn.b) %[hdr(none)]
  http-request set-var(txn.c,ifset,ifnotempty) str(x)
  http-request set-var(txn.d,ifnotset,ifnotempty) str(x)
  http-request set-var-fmt(txn.e,ifnotempty) %[var(txn.none)]
  http-request set-var-fmt(txn.f,ifnotset) d%[str(x),set-var(txn.g,ifset),set-var(txn.h)]
  http-request set-var(txn.i) var(txn.a) if { var(txn.a) -m str x } !{ var(txn.none) -m found }
  http-request deny if { var(txn.i),length gt 1 } || { var(sess.kept) -m bool }
  http-request set-var(sess.kept) bool(true)
  http-request return status 200 content-type a/b lf-string "%[var(txn.a)] %[var(txn.b,no),length] %[var(txn.c,no)] %[var(txn.d)] %[var(txn.e,no)] %[var(txn.f)] %[var(txn.g,no)] %[var(txn.h,no)] %[var(txn.i)]"
`),
      );
      const peer = await world.connect(proxy.port('l'));
      const replies = [await ask(peer, '/'), await ask(peer, '/')];
      return replies.map(({ status, body }) => `${status} ${body}`);
    }));

  test('every scope begins and ends in its place, with and without a server', () =>
    expectSame(async (world) => {
      const log = await world.syslog();
      const requests: string[] = [];
      const server = world.http((request) => {
        const shown = ['a-0', 'a-1', 'a-2'].map((name) => fieldOf(request, name));
        requests.push(shown.join('\n'));
        return 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
      });
      const proxy = await world.proxy(site(ends, '  nbthread 1\n'), {
        vars: { log: log.port, server: server.port, refused: world.refusedPort() },
      });
      const replies: string[] = [];
      const peer = await world.connect(proxy.port('l'));
      for (const path of paths) {
        const reply = await ask(peer, path);
        const shown = ['c-1', 'c-2', 'd-1', 'd-2', 'x', 'location'].map((name) =>
          fieldOf(reply, name),
        );
        replies.push(
          [path, reply.status, ...shown, path === '/return' ? reply.body : ''].join('\n'),
        );
      }
      const again = await ask(await world.connect(proxy.port('l')), '/again');
      replies.push(`${again.status} ${fieldOf(again, 'd-1')}`);
      await log.take(paths.length + 1);
      return { requests, replies, lines: log.lines };
    }));
});

/** A value that is set where there is a limit, and how it comes out: `NO` when it is not there. */
const limited = lines(`
txn 79 int(1)
txn 80 int(1)
txn 89 str(0123456789)
txn 90 str(0123456789)
txn 81 bin(6161)
txn 82 meth(FOO)
txn 83 meth(FOO)
sess 90 str(0123456789)
proc 90 str(0123456789)
global 90 str(0123456789)
reqres 1 str(0123456789)
`);

/** What does not fit leaves a number in HAProxy that nobody has set, and nothing in sluice. */
const isNone = (value: string) => (/^\d{18,}$/.test(value) ? 'NO' : value);

describe.skipIf(programPath('haproxy') === null)('3.2: tune.vars.*', () => {
  test(
    'a variable counts for what HAProxy counts, at every level',
    () =>
      expectSame(async (world) => {
        const seen: string[] = [];
        for (const line of limited) {
          const [scope, most, expression] = line.split(' ');
          const proxy = await world.proxy(
            site(
              `listen l
  bind fd@{{l}}
  http-request set-var(txn.a) ${expression}
  http-request return status 200 content-type a/b lf-string "%[var(txn.a,NO)]"
`,
              `  tune.vars.${scope}-max-size ${most}\n  nbthread 1\n`,
            ),
          );
          const peer = await world.connect(proxy.port('l'));
          // What a stream used is free for the next one.
          const bodies = [(await ask(peer, '/')).body, (await ask(peer, '/')).body].map(isNone);
          seen.push(`${line}: ${bodies.join(' ')}`);
          await proxy.stop();
        }
        return seen;
      }),
    60_000,
  );

  test('what is unset, replaced or over makes room', () =>
    expectSame(async (world) => {
      const proxy = await world.proxy(
        site(
          `listen l
  bind fd@{{l}}
  http-request set-var(req.a) str(0123456789)
  http-request set-var(req.b) str(0123456789)
  http-request set-header a "%[var(req.a,NO)]"
  http-request unset-var(req.a)
  http-request set-var(req.b) str(0123456789)
  http-request set-var(req.b) int(1)
  http-request set-var(txn.c) str(0123456789)
  http-request set-header b "%[var(req.a,NO)] %[var(req.b,NO)] %[var(txn.c,NO)]"
  http-response set-var(res.b) str(0123456789)
  http-response set-header c "%[var(res.b,NO)] %[var(txn.c,NO)]"
  server s 127.0.0.1:${
    world.http(
      (request) =>
        `HTTP/1.1 204 No Content\r\nX-A: ${fieldOf(request, 'a')}\r\nX-B: ${fieldOf(request, 'b')}\r\n\r\n`,
    ).port
  }
`,
          '  tune.vars.reqres-max-size 175\n  tune.vars.txn-max-size 180\n',
        ),
      );
      const peer = await world.connect(proxy.port('l'));
      const replies = [await ask(peer, '/'), await ask(peer, '/')];
      return replies.map((reply) => ['x-a', 'x-b', 'c'].map((name) => fieldOf(reply, name)));
    }));
});

const rules = lines(`
http-request set-var(foo) int(1)
http-request set-var(bad.foo) int(1)
http-request set-var(txn.) int(1)
http-request set-var(txn.a-b) int(1)
http-request set-var(txn.a.b) int(1)
http-request set-var() int(1)
http-request set-var int(1)
http-request set-var(txn.a int(1)
http-request set-var(txn.a)x int(1)
http-request set-var(txn.a)
http-request set-var(txn.a) int(1) foo
http-request set-var(txn.a) nosuch
http-request set-var(txn.a) %[int(1)]
http-request set-var(txn.a) if TRUE
http-request set-var(txn.a,ifbad) int(1)
http-request set-var(txn.a,) int(1)
http-request set-var(txn.a,ifset,ifset,ifset,ifset,ifset) int(1)
http-request set-var(txn.a, ifset) int(1)
http-request set-var(txn.a) res.hdr(a)
http-request set-var-fmt(txn.a)
http-request set-var-fmt(txn.a) %[int(1)] foo
http-request set-var-fmt(txn.a) %[nosuch]
http-request unset-var(txn.a) foo
http-request unset-var(txn.a,ifset)
http-request unset-var()
http-request unset-var
http-request unset-var(x)
http-request set-header a %[var(foo)]
http-request set-header a %[var(txn.a-b)]
http-request set-header a %[var()]
http-request set-header a %[var]
http-request set-header a %[var(txn.a,x,y)]
http-request set-header a %[int(1),set-var(txn.a,bad)]
http-request set-header a %[int(1),set-var(a)]
http-request set-header a %[int(1),set-var()]
http-request set-header a %[int(1),set-var(txn.a,ifset,ifset,ifset,ifset,ifset)]
http-request set-header a %[int(1),unset-var(bad.a)]
http-request set-header a %[int(1),add(foo)]
http-request set-header a %[int(1),add(txn.a-b)]
http-request set-header a %[str(a),concat(a,foo,b)]
http-request set-header a %[str(a),strcmp(foo)]
http-request set-header a %[str(a),strcmp()]
http-request set-header a %[str(a),secure_memcmp(foo)]
http-request set-vary(txn.a) int(1)
http-response set-var(txn.a) path
http-after-response set-var(bad.a) path
http-request capture res.hdr(a) len 4
http-request deny if { var(txn.a) 1 }
http-request deny if { var(foo) 1 }
http-request deny if { uuid,set-var(txn.a) 1 }
`);

const settings = lines(`
set-var proc.a
set-var
set-var txn.a int(1)
set-var a int(1)
set-var bad.a int(1)
set-var proc.a-b int(1)
set-var proc. int(1)
set-var proc.a nosuch
set-var proc.a src
set-var proc.a path
set-var proc.a var(proc.b)
set-var proc.a str(a),lower,nosuch
set-var proc.a ipv4(1.2.3)
set-var-fmt proc.a
set-var-fmt proc.a "%[src]"
set-var-fmt txn.a "x"
set-var-fmt proc.a "%[nosuch]"
unset-var proc.a
`);

/** The alerts about a configuration. Where a word ends that is not understood is left out. */
async function alerts(world: World, config: string): Promise<string[]> {
  const { stderr } = await world.run(config, { args: ['-c'], probe: false });
  return lines(stderr)
    .map((line) => /^\[(ALERT|WARNING)\] .*cfg:(\d+)\] ?: (.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, level, line, text]) => `${level} ${line} ${text!.replaceAll(/\)?\]?(?=[>'])/g, '')}`);
}

describe.skipIf(programPath('haproxy') === null)('messages about variables', () => {
  test(
    'of rules are those of HAProxy',
    () =>
      expectSame(async (world) => {
        // HAProxy reads no further than some of them.
        const groups = world.program === 'haproxy' ? rules.map((rule) => [rule]) : [rules];
        const found: string[] = [];
        for (const group of groups) {
          const config = site(`listen l\n  bind fd@{{l}}\n  ${group.join('\n  ')}\n`);
          const said = await alerts(world, config);
          const first = config.split('\n').indexOf(`  ${group[0]}`) + 1;
          group.forEach((rule, i) => {
            const own = said.find((text) => text.includes(` ${first + i} `));
            found.push(`${rule}: ${own?.replace(/ \d+ /, ' ') ?? 'nothing'}`);
          });
        }
        expect(found.filter((text) => text.endsWith(': nothing')).length).toBeLessThan(
          rules.length / 4,
        );
        return found;
      }),
    60_000,
  );

  test('of the global section are those of HAProxy', () =>
    expectSame((world) =>
      alerts(world, site('listen l\n  bind fd@{{l}}\n', `  ${settings.join('\n  ')}\n`)),
    ));
});

const commands = lines(`
experimental-mode
experimental-mode on; experimental-mode
experimental-mode on; experimental-mode off; set var proc.v int(1)
get var proc.v
get var proc.u
get var proc.never
get var proc.g
get var proc.h
get var proc.i
get var proc.v x
get var x
get var proc.a-b
get var sess.x
get var
set var proc.v int(3)
experimental-mode on; set var
experimental-mode on; set var proc.v
experimental-mode on; set var proc.v expr
experimental-mode on; set var proc.v fmt
experimental-mode on; set var x int(1)
experimental-mode on; set var proc.a-b int(1)
experimental-mode on; set var sess.a int(1)
experimental-mode on; set var proc.v nosuch
experimental-mode on; set var proc.v int(x)
experimental-mode on; set var proc.v int(1) x; get var proc.v
experimental-mode on; set var proc.v fmt a\\ b x; get var proc.v
experimental-mode on; set var proc.v fmt %[src]; get var proc.v
experimental-mode on; set var proc.v fmt %[int(1),add(proc.g)]/%ci/%H; get var proc.v
experimental-mode on; set var proc.v expr int(4); get var proc.v
experimental-mode on; set var proc.v var(proc.none); get var proc.v
experimental-mode on; set var proc.v path; get var proc.v
experimental-mode on; set var proc.v str(a),set-var(proc.w); get var proc.w; get var proc.v
experimental-mode on; set var proc.v bool(true); get var proc.v
experimental-mode on; set var proc.v ipv4(1.2.3.4); get var proc.v
experimental-mode on; set var proc.v ipv6(::2); get var proc.v
experimental-mode on; set var proc.v bin(610062); get var proc.v
experimental-mode on; set var proc.v meth(GET); get var proc.v
experimental-mode on; set var proc.v meth(FOO); get var proc.v
user; get var proc.g
operator; get var proc.g
operator; experimental-mode on; set var proc.g int(2); get var proc.g
`);

test.skipIf(programPath('haproxy') === null)(
  '9.3: get var and set var see what rules and the configuration have set, and rules see them',
  () =>
    expectSame(async (world) => {
      const proxy = await world.proxy(
        site(
          `listen l
  bind fd@{{l}}
  http-request set-var(proc.v) str(s) if { path /x }
  http-request unset-var(proc.u) if { path /x }
  http-request return status 200 content-type a/b lf-string "%[var(proc.g)] %[var(proc.h)] %[var(proc.v)]"
`,
          `  set-var proc.g int(41)
  set-var-fmt proc.h "%[var(proc.g)]+%[pid,bool]"
  set-var proc.i var(proc.g),add(proc.g)
  set-var proc.g var(proc.g),add(1)
  set-var proc.u int(3)
`,
        ),
      );
      const peer = await world.connect(proxy.port('l'));
      const bodies = [(await ask(peer, '/')).body, (await ask(peer, '/x')).body];
      const answers: string[] = [];
      for (const command of commands) answers.push(`${command}: ${await proxy.command(command)}`);
      bodies.push((await ask(peer, '/')).body);
      return { bodies, answers };
    }),
);
