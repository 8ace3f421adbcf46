/** The same rules and requests through HAProxy and through the compiled rulesets. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { prepareErrorPage } from '../../http/error-page.ts';
import { Verdict } from '../context.ts';
import { fill } from '../rule-fixture.ts';
import { answerOf, contextOf, rulesetOf, serialise } from './message-fixture.ts';
import { hasHaproxy, Reference, serverResponse } from './reference-fixture.ts';

const get =
  'GET /a/b?q=1 HTTP/1.1\r\nHost: h.com\r\nX-T: one, two\r\nX-A: a\r\nX-T:three \r\nX-E:\r\n' +
  'X-L: one ,  two,,three ,\r\nX-Q: "a,b", c, "d\r\nX-S:  , x\r\n' +
  'X-Tab: one\t,\t two \t,three\r\nUser-Agent: curl/7\r\n\r\n';
const root = 'GET /? HTTP/1.1\r\nHost: q.com\r\n\r\n';
const absolute = 'GET http://q.com/a?b HTTP/1.1\r\nHost: q.com\r\n\r\n';
const absoluteRoot = 'GET http://q.com/ HTTP/1.1\r\nHost: q.com\r\n\r\n';
const asterisk = 'OPTIONS * HTTP/1.1\r\nHost: h.com\r\n\r\n';
const post = 'POST /p/ HTTP/1.1\r\nHost: h.com\r\nContent-Length: 3\r\n\r\nabc';
const targets = [get, root, absolute, absoluteRoot, asterisk, post];

interface Case {
  rules: string[];
  requests: string[];
}

const each = (requests: string[], rules: string[]): Case[] =>
  rules.map((rule) => ({ rules: rule.split('\n'), requests }));

const cases: Case[] = [
  ...each(
    [get],
    [
      'http-request set-header X-T new',
      'http-request set-header X-N %[req.hdr(none)]',
      'http-request set-header X-T "%[req.hdr(x-t)];  y"',
      'http-request add-header X-T new',
      'http-request add-header X-N "a b"',
      'http-request del-header x-t',
      'http-request del-header X-T -m str',
      'http-request del-header x- -m beg',
      'http-request del-header -T -m end',
      'http-request del-header -T -m sub',
      'http-request del-header ^x-[ts]$ -m reg',
      'http-request del-header ^X-T -m reg',
      'http-request del-header host',
      'http-request del-header a-long-name-that-ends-as-x-t -m end',
      'http-request del-header x-t-and-so-on-and-so-on -m beg',
      'http-request del-header user-agent-and-x-t -m sub',
      'http-request set-header Host other.com',
      'http-request add-header Host other.com',
      'http-request replace-header X-T (.)(.) \\\\2\\\\1-%[path]',
      'http-request replace-header X-T (o)(n) [\\\\0][\\\\3][\\\\9]',
      'http-request replace-header X-T (o)(n) \\\\10',
      'http-request replace-header X-T (o)(n) \\\\x41\\\\n\\\\,\\\\\\\\',
      'http-request replace-header X-T (o)(n) a\\\\',
      'http-request replace-header X-E .* full',
      "http-request replace-header X-E '^$' full",
      'http-request replace-header X-T CURL y',
      'http-request replace-header User-Agent (?i)CURL y',
      'http-request replace-header User-Agent [[:alpha:]]+/(\\\\d) v\\\\1',
      'http-request replace-header X-T one %[req.hdr(none)]',
      'http-request replace-value X-T o x',
      "http-request replace-value X-L '^two$' Z",
      "http-request replace-value X-L '^$' Z",
      'http-request replace-value X-L (.*) <\\\\1>',
      'http-request replace-value X-Q (.*) <\\\\1>',
      'http-request replace-value X-S (.*) <\\\\1>',
      'http-request replace-value X-E .* full',
      'http-request replace-value X-Tab (.*) <\\\\1>',
      "http-request replace-value X-Tab '^two$' Z",
      'http-request replace-header X-T (x)?(o) [\\\\1][\\\\2]',
      'http-request replace-header X-T one a\\\\x09b\\\\x4F\\\\xfF',
      'http-request replace-value X-L one "a, b"',
      'http-request set-header a 1\nhttp-request allow\nhttp-request set-header b 2',
      'http-request set-header a 1 if { path /a/b }\nhttp-request set-header b 2 unless { path /a/b }',
      'http-request set-method PUT',
      'http-request set-method OPTIONS',
      'http-request set-method P',
      'http-request set-method GETS',
      'http-request set-method get',
      'http-request strict-mode off\nhttp-request set-header a b',
      'http-request replace-header X-T (o)(n) \\\\x4',
      'http-request strict-mode off\nhttp-request replace-header X-T (o)(n) \\\\x4',
    ],
  ),
  ...each(
    [absolute, get],
    [
      'http-request set-header host zz',
      'http-request replace-header host q(.*) w\\\\1',
      'http-request replace-value host q(.*) w\\\\1',
      'http-request del-header host',
      'http-request set-uri http://x.y/u?v',
    ],
  ),
  ...each(targets, [
    'http-request set-path /new%[path]',
    'http-request set-path new',
    'http-request set-path /a?b',
    'http-request set-pathq /new?z=1',
    'http-request set-query z=1',
    'http-request set-query %[req.hdr(none)]',
    'http-request set-uri /u?v',
    'http-request replace-path /a(.*) /X\\\\1',
    'http-request replace-path (.*) /foo\\\\1',
    'http-request replace-path a z',
    'http-request replace-pathq ([^?]*)(\\\\?(.*))? \\\\1/foo\\\\2',
    'http-request replace-uri ^(.*) /u\\\\1',
    'http-request replace-uri ([^/:]*://[^/]*)?(.*) \\\\1/foo\\\\2',
    'http-request redirect location /x',
    'http-request redirect location /x code 301',
    'http-request redirect location /x code 303',
    'http-request redirect location /x code 307',
    'http-request redirect location /x code 308',
    'http-request redirect location /x drop-query',
    'http-request redirect prefix http://p.com',
    'http-request redirect prefix http://p.com append-slash',
    'http-request redirect prefix / drop-query',
    'http-request redirect prefix / drop-query append-slash',
    'http-request redirect prefix %[str(/)]',
    'http-request redirect prefix %[req.hdr(none)] ignore-empty\nhttp-request deny',
    'http-request redirect location %[req.hdr(none)] ignore-empty\nhttp-request deny',
    'http-request redirect location %[req.hdr(none)]',
    'http-request redirect scheme https',
    'http-request redirect scheme https code 308 drop-query append-slash',
    'http-request redirect location /x set-cookie A=1',
    'http-request redirect location /x clear-cookie A=',
    'http-request redirect location /x set-cookie a=1 clear-cookie b',
    'http-request redirect location "/%[path] y"',
  ]),
  ...each(
    [get, post],
    [
      'http-request deny',
      'http-request deny status 403',
      'http-request deny status 418',
      'http-request deny deny_status 404 hdr x-a v',
      'http-request deny status 404 hdr X-A %[path]',
      'http-request deny status 404 default-errorfiles',
      'http-request deny content-type text/plain string "hello world" hdr x-a 1 hdr x-b %[path]',
      'http-request deny content-type text/plain lf-string "hello %[path]"',
      'http-request return',
      'http-request return status 304 hdr x y',
      'http-request return status 404 default-errorfiles',
      'http-request return content-type text/plain string hello hdr x-a "%[req.hdr(none)]"',
      'http-request return status 302 hdr Location /foo hdr Cache-Control no-store',
      'http-request return status 599',
      'http-request return status 299',
      'http-request return hdr connection close hdr date x',
      'http-request return content-type a/b lf-string %[req.hdr(none)]',
      'http-request return content-type %[path] string %[path]',
      'http-request tarpit',
      'http-request tarpit deny_status 429',
      'http-request reject',
      'http-request deny if { path /nothing }',
    ],
  ),
  ...each(
    [get],
    [
      'http-response deny',
      'http-response deny status 503',
      'http-response return',
      'http-response return content-type text/plain string hi',
      'http-response redirect location /x',
      'http-response redirect location /%[res.hdr(set-cookie)]',
      'http-response set-header x-b %[res.hdr(x-a)]',
      'http-response set-header x-a one',
      'http-response add-header x-a four',
      'http-response del-header x-a',
      'http-response replace-header Set-Cookie (C=[^;]*);(.*) \\\\1;v=2;\\\\2',
      'http-response replace-value X-A ^t(.*) T\\\\1',
      'http-response set-status 404',
      'http-response set-status 600',
      'http-response set-status 999',
      'http-response set-status 503 reason "Slow Down"',
      'http-response allow\nhttp-response deny',
      'http-after-response set-header x-y z',
      'http-after-response set-status 500 reason x',
      'http-after-response replace-value X-A ^t(.*) T\\\\1',
    ],
  ),
];

for (const status of [
  200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504,
]) {
  cases.push({ rules: [`http-request deny deny_status ${status}`], requests: [get] });
}

const noContent = ['http-request return status 204'];
cases.push({ rules: noContent, requests: [get] });

/** Runs the rules of a case; the bytes the server would see, or the bytes for the client. */
function run(lines: string[], request: string): { server: string; client: string } {
  const ctx = contextOf(request);
  const of = (name: string) => rulesetOf(lines.filter((line) => line.startsWith(`${name} `)));
  const requestRules = of('http-request');
  let verdict = requestRules.run(ctx, 0);
  if (verdict === Verdict.Tarpit) verdict = requestRules.answer(ctx, requestRules.at);
  if (verdict === Verdict.Fail) prepareErrorPage(ctx, 500);
  if (verdict === Verdict.Drop) return { server: '', client: '' };
  if (verdict !== Verdict.Continue && verdict !== Verdict.Allow) {
    return { server: '', client: answerOf(ctx) };
  }
  const server = serialise(ctx.request!);
  fill(ctx.response!, serverResponse);
  verdict = of('http-response').run(ctx, 0);
  if (verdict === Verdict.Deny || verdict === Verdict.Reply) {
    return { server, client: answerOf(ctx) };
  }
  of('http-after-response').run(ctx, 0);
  return { server, client: `${serialise(ctx.response!)}ok` };
}

describe.skipIf(!hasHaproxy)('4.4: actions do to the bytes what they do in HAProxy', () => {
  const haproxy = new Reference();
  beforeAll(() => haproxy.start(cases.map((one) => one.rules)));
  afterAll(() => haproxy.stop());

  test('an answer of 204 has no length, which HAProxy 3.2 sends (docs/differences.md)', async () => {
    const theirs = await haproxy.ask(cases.length - 1, get);
    const length = 'content-length: 0\r\n';
    expect(theirs.client).toContain(length);
    expect(run(noContent, get).client).toBe(theirs.client.replace(length, ''));
  });

  cases.slice(0, -1).forEach((one, i) => {
    test(one.rules.join(' / '), async () => {
      for (const request of one.requests) {
        const theirs = await haproxy.ask(i, request);
        const head = theirs.server.slice(0, theirs.server.indexOf('\r\n\r\n') + 4);
        expect(run(one.rules, request)).toEqual({ server: head, client: theirs.client });
      }
    });
  });
});
