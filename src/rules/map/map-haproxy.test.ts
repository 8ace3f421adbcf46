/** Maps give the values that HAProxy's give (configuration.txt 7.3.1 `map`). */
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListData } from '../../model/pattern.ts';
import { expressionDifferences } from '../haproxy-fixture.ts';
import { type TestScope, testScope } from '../rule-fixture.ts';

const haproxyMissing = !Bun.which('haproxy');
const request = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

/** A scope that compiles a file once, as the parser does. */
function cachingScope(): TestScope {
  const scope = testScope();
  const { patternFile } = scope;
  const known = new Map<string, ListData>();
  scope.patternFile = <T extends ListData>(
    path: string,
    kind: string,
    compile: (bytes: Uint8Array) => T,
  ) => {
    const key = `${kind} ${path}`;
    const data = (known.get(key) as T | undefined) ?? patternFile(path, kind, compile);
    if (data !== null) known.set(key, data);
    return data;
  };
  return scope;
}

/** Asks both programs the same expressions. @returns where they differ */
async function differences(
  files: Record<string, string>,
  expressions: readonly string[],
): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-map-'));
  try {
    const scope = cachingScope();
    for (const [name, content] of Object.entries(files)) {
      const path = join(dir, name);
      writeFileSync(path, content, 'latin1');
      scope.files[path] = content;
    }
    const placed = expressions.map((one) => one.replaceAll('DIR', dir));
    return await expressionDifferences(placed, request, scope);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const files = {
  beg: 'abc three\nab two\nabcd four\nabcd four2\na one\n',
  end: 'bc two\nabc three\nc one\n',
  sub: 'aa two\na one\n',
  dir: 'b/c bc\n/b/ b\na a\n/ slash\n',
  dom: 'b.c. x\n.b y\n',
  reg: 'a(.)c [\\1]\\0\\2\\\\x\\x41\\n\nab(.) <\\1\\1>\n(z)(y)? {\\1\\2\\9}\n',
  str: 'dup first\ndup second\nempty\n  # c\n#com x\nspaced \t two  words \t \n\tk\tv\r\nm v \r\n',
  int: '1:100 r\n7 seven\n50 fifty\n:0 neg\n9223372036854775807 max\n300: up\n200:400 mid\n',
  ip:
    '10.0.0.0/8 ten\n10.1.0.0/16 tenone\n10.1.2.0/24 t\n10.1.2.0/24 dup\n::ffff:11.0.0.0/104 m\n' +
    '2001:db8::/32 s\n2001:db8:1::/48 s1\n12.0.0.0/255.0.0.255 hole\n12.0.0.0/7 h2\n' +
    '13.0.0.0/255.0.0.0 mask\n14.0.0.5/24 host\n15.0.0.0/255.0.255.0 lost\n' +
    '15.0.0.0/255.0.0.0 kept\n16.0.0.0/255.0.255.0 hole\n::ffff:16.0.0.0/112 six\n' +
    '255.255.255.255 last\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff end\n',
  number: 'a 5\nb -7\nc +9\nd 99999999999999999999\ne\nf -\ng 007\n',
  address: 'a 1.2.3.4\nb ::1\nc 1.2.3.4/24\nd 1.2.3.4 x\ne 010.1.1.1\nf 1.2.3.4/\n',
  nothing: '',
};

const expressions = `
str(abcdef),map_beg(DIR/beg)
str(abcdef),map_beg_key(DIR/beg)
str(),map_beg(DIR/beg)
str(x),map_beg(DIR/beg)
str(xabc),map_end(DIR/end)
str(xabc),map_end_key(DIR/end)
str(aaa),map_sub(DIR/sub)
str(/a/b/c),map_dir(DIR/dir)
str(/a/b/c),map_dir_key(DIR/dir)
str(/),map_dir_key(DIR/dir)
str(www.b.c),map_dom_key(DIR/dom)
str(b),map_dom(DIR/dom)
str(abc),map_reg(DIR/reg)
str(abc),map_regm(DIR/reg)
str(abd),map_regm(DIR/reg)
str(zz),map_regm(DIR/reg)
str(q),map_regm(DIR/reg)
str(q),map_regm(DIR/reg,d\\1)
str(dup),map(DIR/str)
str(DUP),map(DIR/str)
str(none),map(DIR/str)
str(none),map(DIR/str,def)
str(none),map(DIR/str,)
str(empty),map(DIR/str)
str(empty),map(DIR/str,def)
str(#),map(DIR/str)
str(#com),map(DIR/str)
str(spaced),map(DIR/str)
str(k),map(file@DIR/str)
str(m),map_str(opt@DIR/str)
str(),map(DIR/str)
bin(647570),map(DIR/str)
bin(6475700061),map(DIR/str)
str(7),map_int(DIR/int)
str(50),map_int_key(DIR/int)
str(100),map_int_key(DIR/int)
str(101),map_int(DIR/int)
str(200),map_int(DIR/int)
str(299),map_int(DIR/int)
str(300),map_int(DIR/int)
str(400),map_int(DIR/int)
str(-5),map_int(DIR/int)
str(0),map_int(DIR/int)
bool(1),map_int(DIR/int)
ipv4(0.0.0.7),map_int(DIR/int)
ipv4(10.1.2.3),map_ip(DIR/ip)
ipv4(10.1.2.3),map_ip_key(DIR/ip)
ipv4(10.1.3.3),map_ip(DIR/ip)
ipv4(10.9.2.3),map_ip(DIR/ip)
ipv4(11.9.2.3),map_ip(DIR/ip)
ipv6(::ffff:10.1.2.3),map_ip(DIR/ip)
ipv6(::10.1.2.3),map_ip(DIR/ip)
ipv6(2002:0a01:0203::),map_ip(DIR/ip)
ipv6(2001:db8::1),map_ip(DIR/ip)
ipv6(2001:db8:1::1),map_ip(DIR/ip)
ipv6(2001:db9::),map_ip(DIR/ip)
ipv4(12.0.0.1),map_ip(DIR/ip)
ipv4(13.0.0.5),map_ip(DIR/ip)
ipv4(14.0.0.7),map_ip_key(DIR/ip)
ipv4(15.0.5.1),map_ip(DIR/ip)
ipv4(16.0.0.1),map_ip(DIR/ip)
ipv4(16.1.0.1),map_ip(DIR/ip)
ipv4(255.255.255.255),map_ip(DIR/ip)
ipv4(255.255.255.254),map_ip(DIR/ip)
ipv6(ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff),map_ip(DIR/ip)
ipv6(ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe),map_ip(DIR/ip)
str(10.1.2.3),map_ip(DIR/ip)
int(167838211),map_ip(DIR/ip)
str(10.1.2),map_ip(DIR/ip,d)
str(a),map_str_int(DIR/number)
str(b),map_str_int(DIR/number)
str(c),map_str_int(DIR/number)
str(d),map_str_int(DIR/number)
str(e),map_str_int(DIR/number)
str(f),map_str_int(DIR/number)
str(g),map_str_int(DIR/number)
str(a),map_str_int(DIR/number),add(1)
str(z),map_str_int(DIR/number,-5)
str(z),map_str_int(DIR/number,+99999999999999999999)
str(z),map_str_int(DIR/number)
str(a),map_str_ip(DIR/address)
str(b),map_str_ip(DIR/address)
str(c),map_str_ip(DIR/address)
str(d),map_str_ip(DIR/address)
str(e),map_str_ip(DIR/address)
str(f),map_str_ip(DIR/address)
str(b),map_str_ip(DIR/address),ipmask(24,8)
str(z),map_str_ip(DIR/address,1.2.3.4)
str(z),map_str_ip(DIR/address,1.2.3.4/8)
str(z),map_str_ip(DIR/address,::1)
str(ab),map_beg_int(DIR/nothing,3)
str(ab),map_sub_ip(DIR/nothing)
str(ab),map_end_key(DIR/nothing)
str(5),map_int_int(DIR/nothing)
src,map_ip_ip(DIR/nothing,::2)
str(ab),map_reg(DIR/nothing)
str(ab),map_regm(DIR/nothing)
str(ab),map(virt@any)
str(ab),map(virt@any,d)
str(ab),map(opt@DIR/missing,d)
`
  .split('\n')
  .filter((line) => line !== '');

test.skipIf(haproxyMissing)(
  '7.3.1: the line that counts, its value and its default are those of HAProxy',
  async () => {
    expect(await differences(files, expressions)).toEqual([]);
  },
);

const KEYS = 10_000;
const QUESTIONS = 60;

type Make = (random: (below: number) => number) => string;

/** A short text of few letters: many are prefixes, suffixes and parts of each other. */
function letters(most: number, alphabet: string): Make {
  return (random) =>
    Array.from({ length: 1 + random(most) }, () => alphabet[random(alphabet.length)]).join('');
}

const four: Make = (random) =>
  `${10 + random(2)}.${random(4)}.${random(8)}.${[0, 1, 128, random(256)][random(4)]}`;
const six: Make = (random) =>
  `2001:db8:${random(4)}:${random(8).toString(16)}::${random(3).toString(16)}`;

/** Keys and what is looked up among them, per match method. */
const methods: [string, Make, Make][] = [
  ['str', letters(8, 'abc.'), letters(8, 'abc.')],
  ['beg', letters(8, 'abc'), letters(12, 'abc')],
  ['end', letters(8, 'abc'), letters(12, 'abc')],
  ['sub', letters(9, 'abcdefgh'), letters(20, 'abcdefgh')],
  ['dir', letters(9, 'abc/?'), letters(16, 'abc/?')],
  ['dom', letters(9, 'abc./:?'), letters(16, 'abc./:?')],
  ['reg', letters(6, 'abcdefg.'), letters(10, 'abcdefg')],
  [
    'int',
    (random) => [`${random(5000)}`, `${random(2500)}:${2500 + random(99)}`][+(random(40) === 0)]!,
    (random) => `${random(6000)}`,
  ],
  [
    'ip',
    (random) =>
      random(3) > 0
        ? `${four(random)}/${[8, 14, 16, 20, 24, 25, 30, 32][random(8)]}`
        : `${six(random)}/${[16, 32, 46, 48, 63, 64, 126, 128][random(8)]}`,
    (random) => (random(3) > 0 ? four(random) : six(random)),
  ],
];

test.skipIf(haproxyMissing).each(methods)(
  '7.3.1: of ten thousand keys map_%s finds the one that HAProxy finds',
  async (method, key, asked) => {
    const seed = 3171;
    const random = createRandom(seed);
    const map = Array.from({ length: KEYS }, (_, i) => `${key(random)} v${i}\n`).join('');
    const questions = Array.from({ length: QUESTIONS }, () => asked(random));
    const found = questions.map((text) => `str('${text}'),map_${method}(DIR/map)`);
    expect(await differences({ map }, found), `seed ${seed}`).toEqual([]);
  },
);
