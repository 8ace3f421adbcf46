import { heapStats } from 'bun:jsc';
import { describe, expect, test } from 'bun:test';
import { answerOf, contextOf, rulesetOf, serialise } from './action/message-fixture.ts';
import { Verdict } from './context.ts';
import { fill } from './rule-fixture.ts';

const request = 'GET /a HTTP/1.1\r\nHost: h\r\nX-T: one\r\n\r\n';
const big = 'x'.repeat(600);

describe('4.2: a ruleset is evaluated in order', () => {
  test('an empty one says so and lets everything pass', () => {
    const rules = rulesetOf([]);
    expect(rules.empty).toBe(true);
    expect(rules.run(contextOf(request), 0)).toBe(Verdict.Continue);
  });
  test('a final action ends it, its position is known', () => {
    const rules = rulesetOf([
      'http-request set-header a 1',
      'http-request deny if { path /b }',
      'http-request return',
      'http-request set-header b 2',
    ]);
    const ctx = contextOf(request);
    expect(rules.run(ctx, 0)).toBe(Verdict.Reply);
    expect(rules.at).toBe(2);
    expect(serialise(ctx.request!)).toContain('a: 1\r\n\r\n');
  });
  test('a condition sees what the rules before it did, and is evaluated once', () => {
    const rules = rulesetOf([
      'http-request set-path /b if { path /a }',
      'http-request set-path /c if { path /b }',
      'http-request set-path /d if { path /a }',
    ]);
    const ctx = contextOf(request);
    rules.run(ctx, 0);
    expect(serialise(ctx.request!)).toStartWith('GET /c ');
  });
  test('an evaluation goes on from a position, with the strictness it had', () => {
    const rules = rulesetOf([
      'http-request strict-mode off',
      'http-request tarpit',
      `http-request set-header b ${big}`,
      'http-request allow',
    ]);
    const ctx = contextOf(request, 256);
    expect(rules.run(ctx, 0)).toBe(Verdict.Tarpit);
    expect(rules.run(ctx, rules.at + 1)).toBe(Verdict.Allow);
    expect(rules.failedRewrites).toBe(1);
    expect(rules.run(ctx, 2)).toBe(Verdict.Fail);
  });
});

describe('4.4 strict-mode: a rewrite without room', () => {
  const rewrites = [
    `set-header x-t ${big}`,
    `add-header b ${big}`,
    `replace-header x-t .* ${big}`,
    `replace-value x-t .* ${big}`,
    `set-path /${big}`,
    `set-pathq /${big}`,
    `set-query ${big}`,
    `set-uri /${big}`,
    `set-method ${big}`,
    `replace-path .* /${big}`,
    `replace-uri .* /${big}`,
    'set-method %[req.hdr(none)]',
    'set-uri %[req.hdr(none)]',
    'set-path "/a b"',
    'replace-header x-t (.*) %[str(\\\\x0d)]',
  ];
  for (const rewrite of rewrites) {
    test(`fails, or with "off" leaves the message as it was: ${rewrite.slice(0, 40)}`, () => {
      expectFailure(rewrite, request);
    });
  }
  test('"on" restores the default, and every run begins with it', () => {
    const rules = rulesetOf([
      'http-request strict-mode off',
      'http-request strict-mode on',
      `http-request add-header b ${big}`,
    ]);
    expect(rules.run(contextOf(request, 512), 0)).toBe(Verdict.Fail);
    const other = rulesetOf([`http-request add-header b ${big}`]);
    rulesetOf(['http-request strict-mode off']).run(contextOf(request), 0);
    expect(other.run(contextOf(request, 512), 0)).toBe(Verdict.Fail);
  });
  test('more fields than a message may have are refused', () => {
    const ctx = contextOf(request);
    const rules = rulesetOf(['http-request add-header a 1']);
    let verdict = Verdict.Continue;
    for (let i = 0; i < 200 && verdict === Verdict.Continue; i++) verdict = rules.run(ctx, 0);
    expect(verdict).toBe(Verdict.Fail);
    expect(ctx.request!.count).toBe(ctx.request!.rowsMax);
    expect(rulesetOf(['http-request set-header x-t 2']).run(ctx, 0)).toBe(Verdict.Fail);
    expect(serialise(ctx.request!)).toContain('x-t: one\r\n');
  });
  test('an answer without room is a failure whatever the mode', () => {
    const rules = rulesetOf([
      'http-request strict-mode off',
      `http-request return content-type a/b lf-string ${big}`,
    ]);
    expect(rules.run(contextOf(request, 512), 0)).toBe(Verdict.Fail);
    const redirect = rulesetOf([`http-request redirect location ${big}`]);
    expect(redirect.run(contextOf(request, 512), 0)).toBe(Verdict.Fail);
  });
});

/** RFC 9112 3.2.2: the value becomes a part of the request line. */
describe('4.4 a Host beside an absolute target', () => {
  const absolute = 'GET http://h/p HTTP/1.1\r\nHost: h\r\nX-T: e /evil HTTP/1.1\r\n\r\n';
  const rewrites = [
    'set-header host %[req.hdr(x-t)]',
    'set-header host %[req.hdr(none)]',
    'set-header host a/b',
    'set-header host a@b',
    'add-header host a?b',
    'replace-header host .* %[req.hdr(x-t)]',
    'replace-value host .* a#b',
  ];
  for (const rewrite of rewrites) {
    test(`that would end its authority fails: ${rewrite}`, () => {
      expectFailure(rewrite, absolute);
    });
  }
});

/** An internal error in strict mode, otherwise the message stays as it was. */
function expectFailure(rewrite: string, head: string): void {
  const strict = contextOf(head, 512);
  const rules = rulesetOf([`http-request ${rewrite}`]);
  expect(rules.run(strict, 0)).toBe(Verdict.Fail);
  expect(rules.failedRewrites).toBe(1);
  const soft = contextOf(head, 512);
  const before = serialise(soft.request!);
  const softRules = rulesetOf(['http-request strict-mode off', `http-request ${rewrite}`]);
  expect(softRules.run(soft, 0)).toBe(Verdict.Continue);
  expect(softRules.failedRewrites).toBe(1);
  expect(serialise(soft.request!)).toBe(before);
}

describe('4.4: what a client sends never becomes another line', () => {
  const evil = 'GET /%0d%0aX-I:1%20x HTTP/1.1\r\nHost: h\r\nX-E: \\x0d\\x0aX-I: 1\r\n\r\n';
  for (const rule of [
    'set-header a %[path,url_dec]',
    'set-path %[path,url_dec]',
    'set-uri %[path,url_dec]',
    'set-method %[path,url_dec]',
    'replace-header host .* %[req.hdr(x-e)]',
    'replace-path .* %[path,url_dec]',
    'redirect location %[path,url_dec]',
    'return hdr a %[path,url_dec]',
  ]) {
    test(rule, () => {
      const ctx = contextOf(evil);
      ctx.response!.begin();
      rulesetOf([`http-request ${rule}`]).run(ctx, 0);
      const lines = (text: string) => text.split('\r\n').map((line) => line.toLowerCase());
      const all = [...lines(serialise(ctx.request!)), ...lines(serialise(ctx.response!))];
      expect(all.filter((line) => line.startsWith('x-i'))).toEqual([]);
      expect(lines(serialise(ctx.request!))[0]!.split(' ').length).toBe(3);
    });
  }
});

describe('RFC 9112 11.2: rules do not change how a body is framed', () => {
  const post = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n';
  for (const rule of [
    'set-header Content-Length 99',
    'add-header content-length 99',
    'del-header content-length',
    'del-header cont -m beg',
    'del-header .* -m reg',
    'replace-header content-length .* 99',
    'replace-value content-length .* 99',
    'set-header transfer-encoding chunked',
    'add-header Transfer-Encoding chunked',
  ]) {
    test(rule, () => {
      const ctx = contextOf(post);
      expect(rulesetOf([`http-request ${rule}`]).run(ctx, 0)).toBe(Verdict.Continue);
      const head = serialise(ctx.request!);
      expect(head).toContain('content-length: 3\r\n');
      expect(head.match(/content-length|transfer-encoding/g)).toEqual(['content-length']);
    });
  }
});

describe('4.4: answers', () => {
  test('tarpit gives its answer when its time is over', () => {
    const rules = rulesetOf([
      'http-request tarpit status 429 content-type a/b string slow hdr x-p %[path]',
    ]);
    const ctx = contextOf(request);
    expect(rules.run(ctx, 0)).toBe(Verdict.Tarpit);
    expect(rules.answer(ctx, rules.at)).toBe(Verdict.Deny);
    expect(answerOf(ctx)).toBe(
      'HTTP/1.1 429 Too Many Requests\r\nx-p: /a\r\ncontent-length: 4\r\n' +
        'content-type: a/b\r\n\r\nslow',
    );
  });
  test('silent-drop is told from reject', () => {
    const rules = rulesetOf([
      'http-request reject if { path /b }',
      'http-request silent-drop if { path /a }',
    ]);
    const ctx = contextOf(request);
    expect(rules.run(ctx, 0)).toBe(Verdict.Drop);
    expect(ctx.dropSilently).toBe(true);
    const other = contextOf(request.replace('/a', '/b'));
    expect(rules.run(other, 0)).toBe(Verdict.Drop);
    expect(other.dropSilently).toBe(false);
  });
  test('values of an answer to a response come from that response', () => {
    const ctx = contextOf(request);
    fill(ctx.response!, 'HTTP/1.1 200 OK\r\nX-A: secret\r\n\r\n');
    const rules = rulesetOf([
      'http-response set-header x-b %[res.hdr(x-a)]2',
      'http-response return content-type a/b lf-string %[res.hdr(x-b)] hdr x-c %[res.hdr(x-a)]',
    ]);
    expect(rules.run(ctx, 0)).toBe(Verdict.Reply);
    expect(answerOf(ctx)).toBe(
      'HTTP/1.1 200 OK\r\nx-c: secret\r\ncontent-length: 7\r\ncontent-type: a/b\r\n\r\nsecret2',
    );
  });
  test('4.2 redirect keep-query appends the query, with & when there is one already', () => {
    const locationOf = (rule: string, target: string) => {
      const ctx = contextOf(request.replace('/a', target));
      rulesetOf([`http-request redirect location ${rule}`]).run(ctx, 0);
      return /location: (.*)\r/.exec(answerOf(ctx))![1];
    };
    expect(locationOf('/x keep-query', '/a?q=1')).toBe('/x?q=1');
    expect(locationOf('/x?y keep-query', '/a?q=1')).toBe('/x?y&q=1');
    expect(locationOf('/x keep-query', '/a')).toBe('/x');
    expect(locationOf('/x keep-query', '/a?')).toBe('/x');
    expect(locationOf('/x', '/a?q=1')).toBe('/x');
  });
  test('4.2 redirect set-cookie-fmt evaluates, set-cookie does not', () => {
    const cookieOf = (rule: string) => {
      const ctx = contextOf(request);
      rulesetOf([`http-request redirect location / ${rule}`]).run(ctx, 0);
      return /set-cookie: (.*)\r/.exec(answerOf(ctx))![1];
    };
    expect(cookieOf('set-cookie-fmt A=%[path]')).toBe('A=/a; path=/;');
    expect(cookieOf('set-cookie A=%[path]')).toBe('A=%[path]; path=/;');
  });
  test('set-log-level changes the stream, "silent" is -1', () => {
    const ctx = contextOf(request);
    const levels = ['emerg', 'debug', 'silent'].map((level) => {
      rulesetOf([`http-request set-log-level ${level}`]).run(ctx, 0);
      return ctx.stream!.logLevel;
    });
    expect(levels).toEqual([0, 7, -1]);
  });
});

describe('the data plane allocates nothing', () => {
  test('rules without regular expressions leave the heap as it was', () => {
    const rules = rulesetOf([
      'http-request set-header x-a %[path]',
      'http-request add-header x-b 1',
      'http-request del-header x-t',
      'http-request set-path /new%[path]',
      'http-request redirect prefix http://h code 301 if { path /never }',
      'http-request return content-type a/b lf-string %[path] hdr x-c %[path]',
    ]);
    const ctx = contextOf(request);
    const msg = ctx.request!;
    const count = msg.count;
    const { uriOff, uriLen } = msg;
    const round = () => {
      msg.count = count;
      msg.scratchUsed = 0;
      msg.setUri(uriOff, uriLen);
      return rules.run(ctx, 0);
    };
    for (let i = 0; i < 20000; i++) round();
    Bun.gc(true);
    const before = heapStats().objectCount;
    for (let i = 0; i < 20000; i++) expect1(round());
    Bun.gc(true);
    expect(heapStats().objectCount - before).toBeLessThan(500);
  });
});

/** `expect` allocates: a plain comparison in the loop. */
function expect1(verdict: Verdict): void {
  if (verdict !== Verdict.Reply) throw new Error(`verdict ${verdict}`);
}
