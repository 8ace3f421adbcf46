import { describe, expect, test } from 'bun:test';
import { type RuleConfig, RuleStage } from '../../model/config.ts';
import { contextOf, serialise } from '../../rules/action/message-fixture.ts';
import { Verdict } from '../../rules/context.ts';
import { fill } from '../../rules/rule-fixture.ts';
import { compileRuleset } from '../../rules/ruleset.ts';
import { parseText } from '../fixture.ts';

const raw = String.raw;

const parse = (line: string) =>
  parseText(`defaults
 mode http
 timeout connect 1s
 timeout client 1s
 timeout server 1s
listen l
 bind :5001
 acl a path_sub a
 acl b path_beg /b
 ${line}
backend be
`);

/** What the warning says to write. */
function hintOf(line: string): string {
  const { errors, warnings } = parse(line);
  expect(errors).toEqual([]);
  expect(warnings).toHaveLength(1);
  const found = /^parsing \[t\.cfg:10\] : the '(\w+)' directive is obsolete\. Use (.*)\.$/s.exec(
    warnings[0]!,
  );
  expect(found?.[1]).toBe(line.slice(0, line.indexOf(' ')));
  return found![2]!;
}

const requests = [
  'GET /a HTTP/1.1\r\nHost: www.old.org\r\nX-Foo: 1\r\nX-Foobar: 2\r\nUser-Agent: A Good One\r\n\r\n',
  'POST /static/a?b=1 HTTP/1.1\r\nHost: IMG.old.org\r\nFoo: one two\r\nbar: x\r\n\r\n',
  'GET /old/x.php HTTP/1.0\r\nX-Foo: abc\r\nX-Foo: aabc\r\nHost: evil.com\r\n\r\n',
  'GET /Admin/cmd.exe HTTP/1.1\r\nHost: a\r\nX-Real: x%y\r\n\r\n',
  'HEAD /b/old HTTP/1.1\r\nHost: evil.com.example\r\nUser-Agent: Good\r\n\r\n',
];
const responses = [
  'HTTP/1.1 200 OK\r\nServer: s\r\nServer-Timing: t\r\nLocation: http://h/x\r\n\r\n',
  'HTTP/1.1 500 Oh\r\nContent-Type: application/x\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n',
];

/** What the rules of a line make of every message. */
function effects(line: string): string[] {
  const rules = parse(line).config.proxies[0]!.rules;
  const of = (ruleset: string) => rules.filter((rule: RuleConfig) => rule.ruleset === ruleset);
  const seen: string[] = [];
  for (const [name, heads] of [
    ['http-request', requests],
    ['http-response', responses],
  ] as const) {
    const ruleset = compileRuleset(of(name));
    for (const head of heads) {
      const ctx = contextOf(requests[0]!);
      if (name === 'http-request') fill(ctx.request!, head);
      else fill(ctx.response!, head);
      const verdict = ruleset.run(ctx, 0);
      const msg = name === 'http-request' ? ctx.request! : ctx.response!;
      seen.push(`${verdict} ${verdict === Verdict.Continue ? serialise(msg) : ''}`);
    }
  }
  return seen;
}

const same: [string, string][] = [
  ['reqdel ^X-Foo:', 'http-request del-header X-Foo'],
  ['reqidel ^x-foo:.*', 'http-request del-header x-foo'],
  ['reqdel ^X-', 'http-request del-header x- -m beg'],
  ['reqidel ^(Foo|Bar): if a', 'http-request del-header ^(foo|bar)$ -m reg if a'],
  [raw`reqrep ^Host:\ w Host:\ v`, raw`http-request replace-header Host ^w(.*) v\1`],
  [
    raw`reqirep ^Host:\ img\.(.*) Host:\ 100%\1 unless a`,
    raw`http-request replace-header Host (?i)^img\.(.*) 100%%\1 unless a`,
  ],
  [raw`reqirep ^Host:.* Host:\ x`, raw`http-request replace-header Host (?i)^.* x`],
  [
    raw`reqrep ^(Host:\ )evil\.(.*) \1ok.\2`,
    raw`http-request replace-header Host ^evil\.(.*) ok.\1`,
  ],
  [
    raw`reqrep ^Foo:\ (.*)\ (.*) Foo:\ \2\ \1`,
    raw`http-request replace-header Foo ^(.*)\ (.*) \2\ \1`,
  ],
  [raw`reqrep ^([^\ :]*)\ /static/(.*) \1\ /\2`, raw`http-request replace-pathq ^/static/(.*) /\1`],
  [raw`reqrep ^([^\ ]*)\ /old(.*)$ \1\ /new\2`, raw`http-request replace-pathq ^/old(.*) /new\1`],
  [
    raw`reqrep ^([^\ ]*)\ /old \1\ /new if a`,
    raw`http-request replace-pathq ^/old(.*) /new\1 if a`,
  ],
  [
    raw`reqrep ^GET\ /o(.*) GET\ /y\1 unless { path_end x }`,
    raw`http-request replace-pathq ^/o(.*) /y\1 if { method GET } !{ path_end x }`,
  ],
  [raw`reqideny ^[^\ :]*\ /admin`, 'http-request deny if { path_beg -i /admin }'],
  [
    raw`reqdeny ^GET\ .*cmd\.exe`,
    raw`http-request deny if { method GET } { url -m reg ^.*cmd\.exe }`,
  ],
  [raw`reqdeny ^[^\ ]*\ .*\.(php|asp)`, raw`http-request deny if { url -m reg ^.*\.(php|asp) }`],
  [
    raw`reqtarpit ^Host:\ evil\.com unless a`,
    raw`http-request tarpit if { req.fhdr(Host) -m reg ^evil\.com } !a`,
  ],
  [
    raw`reqiallow ^User-Agent:\ .*GOOD if a`,
    'http-request allow if { req.fhdr(User-Agent) -m reg -i GOOD } a',
  ],
  ['reqpass ^X-Foo:', 'http-request allow if { req.hdr(X-Foo) -m found }'],
  ['rspidel ^Server:.*', 'http-response del-header Server'],
  ['rspidel ^Server', 'http-response del-header server -m beg'],
  [raw`rspdeny ^HTTP/[^\ ]*\ 500`, 'http-response deny if { status 500 }'],
  [
    raw`rspideny ^Content-Type:\ application/X`,
    'http-response deny if { res.fhdr(Content-Type) -m reg -i ^application/X }',
  ],
  [
    raw`rspirep ^Location:\ http://(.*) Location:\ https://\1`,
    raw`http-response replace-header Location (?i)^http://(.*) https://\1`,
  ],
  [
    raw`rspirep ^(Set-Cookie:.*) \1;\ Secure`,
    raw`http-response replace-header Set-Cookie (?i)^(.*) \1;\ Secure`,
  ],
];

describe('the warning of a line rule shows a line that does the same', () => {
  for (const [old, modern] of same) {
    test(old, () => {
      expect(hintOf(old)).toBe(`'${modern}'`);
      const { errors, warnings } = parse(modern);
      expect([...errors, ...warnings]).toEqual([]);
      expect(effects(modern)).toEqual(effects(old));
    });
  }
  test('reqsetbe becomes use_backend', () => {
    expect(hintOf(raw`reqisetbe ^Host:\ img\. be`)).toBe(
      raw`'use_backend be if { req.fhdr(Host) -m reg -i ^img\. }'`,
    );
    expect(hintOf(raw`reqsetbe ^[^\ ]*\ /img/ be if a b`)).toBe(
      "'use_backend be if { path_beg /img/ } a b'",
    );
  });
});

describe('where the two could differ only the keyword is named', () => {
  const replace =
    "'http-request replace-path', 'http-request replace-uri' or 'http-request replace-header'";
  const named: [string, string][] = [
    ['reqrep a b', replace],
    [raw`reqrep ^([^\ ]*)\ /a.* \1\ /b`, replace],
    [raw`reqrep ^X-A: X-B:`, replace],
    [raw`reqrep ^GET\ /x(.*) GET\ /y\1 if a or b`, replace],
    ['reqdel a|^b:', "'http-request del-header'"],
    [raw`reqdel ^X-A:\ one`, "'http-request del-header'"],
    ['reqdeny foo', "'http-request deny'"],
    [raw`reqdeny ^[^\ ]*\ /x unless a b`, "'http-request deny'"],
    ['reqallow ^GET', "'http-request allow'"],
    ['reqpass .', "'http-request allow'"],
    ['reqtarpit .', "'http-request tarpit'"],
    ['reqsetbe . be', "'use_backend'"],
    ['rspdel Server', "'http-response del-header'"],
    ['rspdeny 500', "'http-response deny'"],
    ['rsprep 200 201', "'http-response replace-header' or 'http-response set-status'"],
  ];
  for (const [old, instead] of named) {
    test(old, () => expect(hintOf(old)).toBe(`${instead} instead`));
  }
});

describe('where line rules stand', () => {
  test('after http-request, before reqadd and redirect, inherited ones first', () => {
    const { config, errors, warnings } = parseText(`defaults d
 mode http
 timeout client 1s
 reqadd X-A:\\ 1
 reqidel ^X-A:
 http-request set-header x-b 1
frontend f from d
 bind :5001
 redirect location /x
 reqrep ^A b
 block if TRUE
 http-request set-header x-c 1
`);
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.rules.map((rule) => [rule.action, rule.stage ?? 0])).toEqual([
      ['set-header', RuleStage.Rules],
      ['deny', RuleStage.Rules],
      ['set-header', RuleStage.Rules],
      ['reqdel', RuleStage.Lines],
      ['reqrep', RuleStage.Lines],
      ['add-header', RuleStage.Added],
      ['redirect', RuleStage.Redirect],
    ]);
    const order = warnings.filter((line) => line.includes('placed after'));
    expect(order.map((line) => line.replace(/^parsing \[t.cfg:(\d+)\] ?: /, '$1 '))).toEqual([
      "6 a 'http-request' rule placed after a 'reqdel' rule will still be processed before.",
      "10 a 'reqrep' rule placed after a 'redirect' rule will still be processed before.",
      "12 a 'http-request' rule placed after a 'reqrep' rule will still be processed before.",
    ]);
  });

  test('not in anonymous defaults, and reqsetbe not in a backend', () => {
    const { errors, warnings } = parseText(`defaults
 reqidel ^X-A:
backend b
 mode http
 reqsetbe a b
`);
    expect(errors).toEqual([
      "parsing [t.cfg:2] : 'reqidel' not allowed in anonymous 'defaults' section.",
    ]);
    expect(warnings.join('\n')).toContain("'reqsetbe' ignored because backend 'b'");
  });

  test('the backend of reqsetbe must exist and speak HTTP', () => {
    const { errors } = parseText(`defaults
 mode http
 timeout client 1s
frontend f
 bind :5001
 reqsetbe a nosuch
 reqsetbe a tcp
backend tcp
 mode tcp
`);
    expect(errors).toEqual([
      "parsing [t.cfg:6] : Proxy 'f': unable to find required reqsetbe: 'nosuch'.",
      "http frontend 'f' (t.cfg:4) tries to use incompatible tcp backend 'tcp' (t.cfg:8) in a " +
        "'reqsetbe' rule (see 'mode').",
    ]);
  });

  test('reqsetbe of defaults and of the section keep their own backends', () => {
    const { config, errors } = parseText(`defaults d
 mode http
 timeout client 1s
 reqsetbe ^a one
frontend f from d
 bind :5001
 reqsetbe ^b two
defaults plain
 mode http
backend one
backend two
`);
    expect(errors).toEqual([]);
    expect(config.proxies[0]).toMatchObject({
      lineBackends: ['one', 'two'],
      rules: [{ args: { search: '^a', backend: 0 } }, { args: { search: '^b', backend: 1 } }],
    });
  });

  test('in TCP mode they are ignored with a warning', () => {
    const { warnings } = parseText(
      'frontend f\n timeout client 1s\n bind :5001\n reqidel ^X-A:\n rspidel ^X-A:\n',
    );
    expect(warnings.slice(2)).toEqual([
      "'http-request' rules ignored for frontend 'f' as they require HTTP mode.",
      "'http-response' rules ignored for frontend 'f' as they require HTTP mode.",
    ]);
  });
});
