/**
 * Regular expressions through the running programs: HAProxy, sluice on libpcre2-8, and sluice on
 * JavaScript's engine. For each pair of expression and text: whether it matches (`-m reg`, with and
 * without `-i`), what `regsub` makes of all matches with the groups \0 to \9, and, where the text
 * can stand in a header field, what `replace-header` makes of it (configuration.txt 7.1.4, 7.3.1,
 * 4.4). A message is compared for what is not valid.
 */
import { describe, expect, test } from 'bun:test';
import { dirname, join } from 'node:path';
import { createJavaScriptRegex } from '../../src/rules/regex/javascript.ts';
import { createPcre2Regex } from '../../src/rules/regex/pcre2.ts';
import { RandomRegex } from '../../src/rules/regex/random-regex.ts';
import { pcre2 } from '../../src/sys/pcre2.ts';
import { fieldOf } from '../harness/http.ts';
import { type Program, programPath } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';

const haproxyMissing = programPath('haproxy') === null;
const library = pcre2();

/** The library of the reference where it has one of its own: releases differ in words and places. */
function referenceLibrary(): Record<string, string> {
  const program = programPath('haproxy');
  const found = program === null ? [] : [...new Bun.Glob(libraryGlob).scanSync(dirname(program))];
  return found.length === 0 ? {} : { SLUICE_PCRE2: join(dirname(program!), found[0]!) };
}

const libraryGlob = 'root/usr/lib/*/libpcre2-8.so.0';

interface Pair {
  expression: string;
  /** A byte string. */
  text: string;
}

/** Expressions, and texts that each of a group meets. */
const groups: readonly (readonly [expressions: string, texts: readonly string[]])[] = [
  [
    String.raw`
^/api/v[0-9]+/
^/api/v\d+(/|$)
\.(png|gif|jpe?g|css|js)$
^/(?!static)
^/([^/]+)/([^/]+)
^/(?<first>[^/?]+)(?:/(?<rest>[^?]*))?
/+
(?i)\.PNG$
[?&]id=(\d+)
^(.*?)/(.*)$
(/[a-z]+)*$
\A/api\b
/\Kv
//|/\.
.*
x*
^
$
^$
()
(?:)
|/
`,
    ['/api/v2/users?id=42', '/static/a.PNG', '/api//v1/', '/a/b.jpeg', '', '/', '//.x'],
  ],
  [
    String.raw`
^(www|m|api)\.example\.com(:[0-9]+)?$
^([^.]+)\.(.+?)(?::(\d+))?$
(?P<a>e)(?P=a)?
(\w)\1
([a-z]+)\.\g1
(?>\w+)\.
\w++\.
\w++\w
[[:alnum:]-]+
[^[:punct:]]+
[\w.-]+?m
(?=m)
(?<=\.)com
(?<!w)w
(?<=[a-z]{3})\.
\bcom\b
\Bo
(e)(x)(a)(m)(p)(l)(e)
(e)(x)(a)(m)(p)(l)(e)(\.)(c)(o)(m)
(?|(w)w|(e)x)
(a)|b|(m)
(?:(a)|m)+
(a*)*
(a|)+m
((m)|(p))+
(?i:E)x
(?i)e(?-i)X
e(?i)X
(?x) e x # comment
e(?#comment)x
\Qe.\E
\x65|\x{78}
\157
\o{155}
(?R)?m
m(?1)?(p)
(?(?=e)ex|m)
(w)?(?(1)w|e)
(*COMMIT)w
w(*SKIP)(*FAIL)|e
\Gw
(?n)(e)(?<n>x)
e{2,}|w{2,3}?
w{3}+
(?=(w+))\1
`,
    ['www.example.com:80', 'm.example.com', 'Example.COM', 'api.x.y', 'aammpp', 'eexx.exx'],
  ],
  [
    String.raw`
.
\N
a.b
(?s)a.b
^b
(?m)^b
(?m)a$
a$
a\Z
a\z
\s
\S+
\h+
\H
\v
\V+
\w+
\W
\d
[[:^alpha:]]
[^a]
[\x80-\xff]+
\xe9
[^\xe9]
(?i)\xe9
(?i)[\xe0-\xef]
\p{L}
\P{L}
\p{Lu}
\pN
\X
[\p{Ll}\d]+
(?i)[^B]
(?s).$
(?m)$
(?ms)^.*?$
\e|\cA|\a
[\b\t]
`,
    ['a\nb', 'a\r\nb\n', 'A\tB \xa0', 'caf\xe9 \xc9\xb2\xff', '\x85\x0b\x0c', 'a\n', '\xe9\xb5'],
  ],
  [
    `
(a+)+$
^(a|b)*$
^(?:a|b)*?c
(a?){12}a{12}
(.*),(.*),(.*)
`,
    ['aaaaaaaaaaaaaaaaaaaa!', 'abababab', 'a,b,c,d', 'aaaaaaaaaaaaac'],
  ],
];

function handWritten(): Pair[] {
  return groups.flatMap(([lines, texts]) =>
    lines
      .split('\n')
      .filter((line) => line !== '')
      .flatMap((expression) => texts.map((text) => ({ expression, text }))),
  );
}

function isValid(expression: string): boolean {
  try {
    for (const plainGroups of [false, true]) {
      createPcre2Regex(library!, expression, { ignoreCase: false, plainGroups });
    }
    return true;
  } catch {
    return false;
  }
}

function canJavaScript(expression: string): boolean {
  try {
    for (const plainGroups of [false, true]) {
      for (const ignoreCase of [false, true]) {
        createJavaScriptRegex(expression, { ignoreCase, plainGroups });
      }
    }
    return true;
  } catch {
    return false;
  }
}

function generated(count: number): Pair[] {
  const pairs: Pair[] = [];
  for (let seed = 1; pairs.length < count; seed++) {
    const random = new RandomRegex(seed);
    const expression = random.expression().replaceAll('\xe9', '\\xe9');
    // `\Q` until the end, and what releases of PCRE2 see differently, are not about us.
    const isOdd = /\\[Q1-9]|\{\}|''|\)[^)]*\+/.test(expression);
    if (expression === '' || isOdd || !isValid(expression)) continue;
    pairs.push({ expression, text: random.subject() }, { expression, text: random.subject() });
  }
  return pairs;
}

const pairs: readonly Pair[] = [...handWritten(), ...generated(300)].filter(
  (pair) => !pair.expression.includes("'"),
);

const quote = (word: string) => `"${word.replace(/[\\"$]/g, '\\$&')}"`;
const quoteEach = (text: string) =>
  Array.from(text, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');

const form = '<\\0|\\1|\\2|\\3|\\4|\\5|\\6|\\7|\\8|\\9>';

/** Groups of an ACL capture nothing: nothing can refer to them. */
function canBeAcl(expression: string): boolean {
  const references = /\\[1-9g]|\(\?R|\(\?1|\(\?\(1|\(\?P=/.test(expression);
  return !references;
}

/** The text can stand in a header field as it is. */
const isField = (text: string) => /^[!-~]([ -~]*[!-~])?$/.test(text);

function rulesOf({ expression, text }: Pair, i: number): string[] {
  const subject = `req.hdr(t${i}),url_dec`;
  const rules = [
    `set-header r${i} ${quote(`<%[${subject},regsub('${expression}','${form}',g),hex]>`)}`,
    `set-header s${i} ${quote(`<%[${subject},regsub('${expression}','[\\0]',i),hex]>`)}`,
  ];
  if (canBeAcl(expression)) {
    rules.push(`set-header m${i} 1 if { ${subject} -m reg -- ${quote(expression)} }`);
    rules.push(`set-header n${i} 1 if { ${subject} -m reg -i -- ${quote(expression)} }`);
  }
  if (isField(text)) rules.push(`replace-header h${i} ${quote(expression)} ${quote(form)}`);
  return rules.map((rule) => `  http-request ${rule}`);
}

const fieldsPerPair = ['r', 's', 'm', 'n', 'h'];

/** What a program makes of some pairs: the fields as its server sees them. */
async function observe(
  program: Program,
  some: readonly Pair[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const world = new World(program);
  let seen: (name: string) => string | null = () => null;
  const server = world.http((request) => {
    seen = (name) => fieldOf(request, name);
    return 'HTTP/1.1 204 No Content\r\n\r\n';
  });
  try {
    const config = `
global
  tune.bufsize 262144
  tune.maxrewrite 131072
  tune.http.maxhdr 4000
  nbthread 1
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 20s
listen l
  bind fd@{{l}}
${some.flatMap(rulesOf).join('\n')}
  server s 127.0.0.1:${server.port}
`;
    const proxy = await world.proxy(config, { env, program });
    const fields = some.flatMap(({ text }, i) => {
      const field = isField(text) ? [`H${i}: ${text}\r\n`] : [];
      return [`T${i}: ${quoteEach(text)}\r\n`, ...field];
    });
    const reply = await world.exchange(
      proxy.port('l'),
      `GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields.join('')}\r\n`,
    );
    expect(reply).toStartWith('HTTP/1.1 204 ');
    return some.map(({ expression, text }, i) => {
      const values = fieldsPerPair.map((name) => `${name}=${seen(`${name}${i}`)}`);
      return `${expression} on ${JSON.stringify(text)}: ${values.join(' ')}`;
    });
  } finally {
    await world.end();
  }
}

/** Runs all pairs, some at a time: a message holds only so many fields. */
async function observeAll(
  program: Program,
  all: readonly Pair[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const atOnce = 200;
  const lines: string[] = [];
  for (let i = 0; i < all.length; i += atOnce) {
    lines.push(...(await observe(program, all.slice(i, i + atOnce), env)));
  }
  return lines;
}

/** What is not valid, as patterns of an ACL and as arguments of actions. */
const invalid = String.raw`
(
(a
a)
[
[a
[[:foo:]]
[[.a.]]
[b-a]
*
a|+
a**
(?<n
(?<n>a)(?<n>b)
(?P=none)a
(a)\2
(a)\g{3}
\k<none>
a{2,1}
a{70000}
(?z)
(?#
(?(1
(?<=a+)b
\x{100}
\o{9}
\p{Foo}
\c
(*FOO)
(?R
`
  .split('\n')
  .filter((line) => line !== '');

/** The diagnostics of a check, one for each line of the configuration. */
async function diagnostics(
  program: Program,
  expressions: readonly string[],
  [action, rest]: readonly [string, string],
): Promise<string[]> {
  const world = new World(program);
  try {
    const lines = expressions.map((expression) => `  acl a path_reg -- ${quote(expression)}`);
    // HAProxy goes no further after this one.
    lines.push(`  http-request ${action} ${quote(expressions[0]!)} ${rest}`);
    const head = ['frontend f', '  mode http', '  bind fd@{{l}}', '  timeout client 1s'];
    const config = `${[...head, ...lines].join('\n')}\n`;
    const { stderr, status } = await world.run(config, {
      args: ['-c'],
      probe: false,
      env: referenceLibrary(),
    });
    expect(status).toBe(1);
    return stderr
      .split('\n')
      .filter((line) => line.includes('error detected'))
      .map((line) => line.replace(/^.*?\[[^\]]*:(\d+)\]/, '$1'));
  } finally {
    await world.end();
  }
}

describe.skipIf(haproxyMissing || library === null)('7.1.4, 7.3.1: regular expressions', () => {
  test('there are at least 300 pairs, most of which JavaScript can do', () => {
    expect(pairs.length).toBeGreaterThan(700);
    const simple = pairs.filter(({ expression }) => canJavaScript(expression));
    expect(simple.length).toBeGreaterThan(pairs.length / 2);
  });

  test('libpcre2-8 and JavaScript give what HAProxy gives', async () => {
    const theirs = await observeAll('haproxy', pairs);
    const ours = await observeAll('sluice', pairs, referenceLibrary());
    expect(ours.filter((line, i) => line !== theirs[i])).toEqual([]);
    // The comparison saw matches and misses.
    expect(theirs.filter((line) => line.includes(' m=1 ')).length).toBeGreaterThan(100);
    expect(theirs.filter((line) => line.includes(' m=null ')).length).toBeGreaterThan(100);

    const indices = [...pairs.keys()].filter((i) => canJavaScript(pairs[i]!.expression));
    const without = { SLUICE_PCRE2: '/nonexistent' };
    const simple = await observeAll(
      'sluice',
      indices.map((i) => pairs[i]!),
      without,
    );
    const expected = indices.map((i) => theirs[i]!);
    expect(simple.filter((line, i) => line !== expected[i])).toEqual([]);
  }, 60_000);

  test('what is not valid is refused with the words and the position of HAProxy', async () => {
    const actions = [
      ['replace-header x', 'y'],
      ['replace-value x', 'y'],
      ['replace-path', 'y'],
      ['replace-uri', 'y'],
      ['del-header', '-m reg'],
    ] as const;
    for (const action of actions) {
      const some = invalid.slice(actions.indexOf(action));
      const ours = await diagnostics('sluice', some, action);
      expect(ours.length).toBe(some.length + 1);
      expect(ours).toEqual(await diagnostics('haproxy', some, action));
    }
  });
});
