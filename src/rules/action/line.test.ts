import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../../base/config-error.ts';
import { RuleStage } from '../../model/config.ts';
import { Verdict } from '../context.ts';
import { fill, testScope } from '../rule-fixture.ts';
import { compileRuleset } from '../ruleset.ts';
import { Place } from '../scope.ts';
import { lineRows } from './line.ts';
import { contextOf, rulesOf, serialise } from './message-fixture.ts';
import { parseLineRule } from './registry.ts';

const head = 'GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nServer: s\r\nX-Test: one\r\n\r\n';

/** The rule of a line given as words. */
function lineRule(words: readonly string[]) {
  const keyword = words[0]!;
  const name = keyword.replace(/^(...)i(?=rep|del|deny|allow|pass|tarpit|setbe)/, '$1');
  const row = lineRows.find((candidate) => candidate.name === name)!;
  const response = row.ruleset === 'http-response';
  const scope = testScope(response ? Place.FrontendResponseHeader : Place.FrontendRequestHeader);
  const parsed = parseLineRule(row, name !== keyword, words, scope, () => 3);
  return { ...scope.origin, ruleset: row.ruleset, stage: RuleStage.Lines, ...parsed };
}

/** Evaluates one line on a request, or on a response when the keyword is one of responses. */
function run(words: readonly string[], request = head, response = ok, scratch = 16384) {
  const ctx = contextOf(request, scratch);
  fill(ctx.response!, response);
  const isResponse = words[0]!.startsWith('rsp');
  const rules = compileRuleset([lineRule(words)]);
  const verdict = rules.run(ctx, 0);
  const answered = verdict === Verdict.Deny ? ctx.response!.status : 0;
  const msg = isResponse ? ctx.response! : ctx.request!;
  return { verdict, answered, ctx, rules, text: answered > 0 ? '' : serialise(msg) };
}

function messageOf(words: readonly string[]): string {
  try {
    lineRule(words);
  } catch (problem) {
    if (problem instanceof ConfigError) return problem.message;
    throw problem;
  }
  return '';
}

describe('which lines an expression sees', () => {
  const denies = (pattern: string, request = head) =>
    run(['reqdeny', pattern], request).answered === 403;

  test('the request line is the first one, whole', () => {
    expect(denies('^GET /a HTTP/1\\.1$')).toBe(true);
    expect(denies('^GET /a HTTP/1\\.0$', head.replace('1.1', '1.0'))).toBe(true);
    expect(denies('^get ')).toBe(false);
  });
  test('names are in Train-Case, or in lower case, and nothing between', () => {
    expect(denies('^X-Forwarded-For: 1$')).toBe(true);
    expect(denies('^x-forwarded-for: 1$')).toBe(true);
    expect(denies('^X-forwarded-for: 1$')).toBe(false);
  });
  test('a line is seen alone: anchors do not reach into the next one', () => {
    expect(denies('HTTP/1.1[^a]+Host')).toBe(false);
  });
  test('the i variant ignores case', () => {
    expect(run(['reqideny', '^x-FORWARDED-for: 1']).answered).toBe(403);
    expect(run(['reqideny', '^get /A']).answered).toBe(403);
  });
  test('the status line is the first line of a response', () => {
    expect(run(['rspdeny', '^HTTP/1\\.1 200 OK$']).answered).toBe(502);
    expect(run(['rspdeny', '^server: s$']).answered).toBe(502);
    expect(run(['rspideny', '^SERVER: S$']).answered).toBe(502);
    expect(run(['rspdeny', '^HTTP/1\\.1 404']).verdict).toBe(Verdict.Continue);
  });
  test('deny sees the lines about framing, too', () => {
    const body = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n';
    expect(denies('^Content-Length: [0-9]{4}', body)).toBe(true);
  });
});

describe('reqrep and rsprep', () => {
  const replaced = (search: string, string: string, request = head) =>
    run(['reqrep', search, string], request).text;

  test('replace the part that matches and keep what is around it', () => {
    expect(replaced('/a', '/b')).toStartWith('GET /b HTTP/1.1\r\n');
    expect(replaced('^([^ ]*) /(.*)', '\\1 /p/\\2')).toStartWith('GET /p/a HTTP/1.1\r\n');
    expect(replaced('^(Host:) (.)', '\\1 \\2.\\2')).toContain('host: h.h\r\n');
    expect(replaced('X-Forwarded-For: ', '\\0x')).toContain('x-forwarded-for: x1\r\n');
  });
  test('replace in every line that matches, once in each', () => {
    const two = 'GET /a HTTP/1.1\r\nHost: h\r\nX-A: a a\r\nX-B: a\r\n\r\n';
    const text = replaced(' a', ' z', two);
    expect(text).toContain('x-a: z a\r\nx-b: z\r\n');
  });
  test('rename a field, and the next rule sees its new name', () => {
    const ctx = contextOf(head);
    compileRuleset([
      lineRule(['reqrep', '^X-Forwarded-For:', 'X-Client-Ip:']),
      lineRule(['reqrep', '^X-Client-Ip: (.*)', 'X-Client-Ip: <\\1>']),
    ]).run(ctx, 0);
    expect(serialise(ctx.request!)).toContain('x-client-ip: <1>\r\n');
  });
  test('write what stands in the configuration as it is, % and escapes included', () => {
    expect(replaced('^X-Forwarded-For:.*', 'X-Y: 100%[src] \\x41\\\\')).toContain(
      'x-y: 100%[src] A\\\r\n',
    );
  });
  test('change the status and its reason', () => {
    expect(run(['rsprep', '^HTTP/1.1 200 OK', 'HTTP/1.1 404 Not here']).text).toStartWith(
      'HTTP/1.1 404 Not here\r\n',
    );
    expect(run(['rsprep', ' OK$', '']).text).toStartWith('HTTP/1.1 200 \r\n');
    expect(run(['rspirep', '^x-test: ONE', 'X-Test: two']).text).toContain('x-test: two\r\n');
  });
  test('Host and an absolute-form target follow each other', () => {
    const absolute = 'GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n';
    expect(replaced('^Host: h', 'Host: other', absolute)).toBe(
      'GET http://other/a HTTP/1.1\r\nhost: other\r\n\r\n',
    );
    expect(replaced('http://h/', 'http://other:8080/', absolute)).toBe(
      'GET http://other:8080/a HTTP/1.1\r\nhost: other:8080\r\n\r\n',
    );
    expect(replaced('http://h/', 'http://other:80/', absolute)).toBe(
      'GET http://other/a HTTP/1.1\r\nhost: other\r\n\r\n',
    );
    expect(replaced('http://[^/]*', '', absolute)).toBe('GET /a HTTP/1.1\r\nhost: h\r\n\r\n');
  });
});

describe('a replaced line that is not a good one is refused with 400, in a response with 502', () => {
  const lines: [string, string, string][] = [
    ['no method', '^GET ', ' '],
    ['a bad method', '^GET', 'G\\(T'],
    ['two blanks', '^GET /a', 'GET  /a'],
    ['a blank in the target', '/a', '/a b'],
    ['no target', ' /a', ''],
    ['a fragment', '/a', '/a#b'],
    ['a byte above 127 in the target', '/a', '/\\xe4'],
    ['another version', 'HTTP/1.1', 'HTTP/1.0'],
    ['no version', ' HTTP/1.1', ''],
    ['something behind the version', '1.1$', '1.1 x'],
    ['a target of no form', '/a', 'a'],
    ['CONNECT', '^GET /a', 'CONNECT h:1'],
    ['an absolute target without a host', '/a', 'http:///a'],
    ['no colon', '^X-Forwarded-For: 1', 'X-Forwarded-For'],
    ['no name', '^X-Forwarded-For', ''],
    ['a blank in the name', '^X-Forwarded-For', 'X Y'],
    ['a blank before the colon', '^X-Forwarded-For:', 'X :'],
    ['nothing', '^X-Forwarded-For.*', ''],
    ['a line that looks like a continuation', '^X-Forwarded-For:', ' X:'],
    ['Content-Length', '^X-Forwarded-For:', 'Content-Length:'],
    ['Transfer-Encoding', '^X-Forwarded-For: 1', 'tRANSFER-eNCODING: chunked'],
    ['Connection', '^X-Forwarded-For: 1', 'Connection: upgrade'],
    ['Proxy-Connection', '^X-Forwarded-For: 1', 'Proxy-Connection: close'],
    ['Upgrade', '^X-Forwarded-For: 1', 'Upgrade: h2c'],
    ['a second Host', '^X-Forwarded-For: 1', 'Host: h'],
    ['an empty Host', '^Host:.*', 'Host:'],
    ['a Host with a slash', '^Host:.*', 'Host: h/x'],
    ['a Host with a blank', '^Host:.*', 'Host: h x'],
    ['a Host with user information', '^Host:.*', 'Host: u@h'],
  ];
  for (const [what, search, string] of lines) {
    test(`request: ${what}`, () => {
      const { answered, rules } = run(['reqrep', search, string]);
      expect(answered).toBe(400);
      expect(rules.failedRewrites).toBe(1);
    });
  }
  const responses: [string, string, string][] = [
    ['another version', 'HTTP/1.1', 'HTTP/1.0'],
    ['no number', '200', 'abc'],
    ['four digits', '200', '2000'],
    ['an interim response', '200', '100'],
    ['a response without a body', '200', '204'],
    ['not modified', '200', '304'],
    ['a protocol change', '200', '101'],
    ['below 100', '200', '099'],
    ['Content-Length', '^X-Test: one', 'Content-Length: 3'],
    ['Connection', '^X-Test: one', 'Connection: close'],
    ['no colon', '^X-Test:', 'X-Test'],
  ];
  for (const [what, search, string] of responses) {
    test(`response: ${what}`, () => {
      expect(run(['rsprep', search, string]).answered).toBe(502);
    });
  }
  test('a status that had no body gets none', () => {
    const gone = 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n';
    expect(run(['rsprep', '304', '200'], head, gone).answered).toBe(502);
  });
  test('CONNECT stays CONNECT, and its target what Host says', () => {
    const connect = 'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n';
    expect(run(['reqrep', '^CONNECT', 'GET'], connect).answered).toBe(400);
    expect(run(['reqrep', '^CONNECT h', 'CONNECT x'], connect).answered).toBe(400);
  });
  test('a body where HTTP/1.0 has none for the method', () => {
    const post = 'POST /a HTTP/1.0\r\nContent-Length: 3\r\n\r\n';
    expect(run(['reqrep', '^POST', 'GET'], post).answered).toBe(400);
    const newer = post.replace('1.0', '1.1');
    expect(run(['reqrep', '^POST', 'GET'], newer).text).toStartWith('GET /a HTTP/1.1\r\n');
  });
  test('a client cannot choose the name or the end of a line', () => {
    const evil = (value: string) => `GET /a HTTP/1.1\r\nHost: h\r\nX-N: ${value}\r\n\r\n`;
    for (const value of ['Content-Length: 5', 'Transfer-Encoding: chunked', 'a b: c', ': x']) {
      expect(run(['reqrep', '^X-N: (.*)', '\\1'], evil(value)).answered).toBe(400);
    }
    expect(run(['reqrep', '^X-N: (.*)', '\\1'], evil('x-ok: \\x0d\\x0aX-I: 1')).text).toContain(
      'x-ok: \\x0d\\x0aX-I: 1\r\n',
    );
  });
  test('no room for a line', () => {
    expect(run(['reqrep', '^X-Forwarded-For: 1', 'X: 1'], head, ok, 16).answered).toBe(400);
    const long = 'y'.repeat(100);
    expect(run(['reqrep', '/a', `/${long}`], head, ok, 64).answered).toBe(400);
    expect(run(['reqdeny', 'nothing'], head, ok, 16).answered).toBe(400);
  });
});

describe('fields that say how the body is framed', () => {
  const body =
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-A: 1\r\nConnection: x-a\r\n\r\n';
  test('are not shown to rules that replace or remove', () => {
    expect(run(['reqdel', '.'], body).text).toBe('POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n');
    expect(run(['reqrep', '^Content-Length: 3', 'Content-Length: 30'], body).text).toContain(
      'content-length: 3\r\n',
    );
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(run(['rspidel', 'chunked'], head, chunked).text).toContain(
      'transfer-encoding: chunked\r\n',
    );
  });
  test('Connection may be removed and renamed, but not get another value', () => {
    expect(run(['reqrep', '^Connection:', 'X-Connection:'], body).text).toContain(
      'x-connection: x-a\r\n',
    );
    expect(run(['reqrep', '^Connection: .*', 'Connection: te'], body).answered).toBe(400);
    expect(run(['reqrep', '^Connection: .*', '\\0'], body).verdict).toBe(Verdict.Continue);
  });
});

describe('the other keywords', () => {
  test('reqdel and rspdel remove header lines and never the first one', () => {
    expect(run(['reqdel', '^X-Forwarded-For:']).text).toBe('GET /a HTTP/1.1\r\nhost: h\r\n\r\n');
    expect(run(['reqidel', '^x-FORWARDED']).text).toBe('GET /a HTTP/1.1\r\nhost: h\r\n\r\n');
    expect(run(['reqdel', 'HTTP']).text).toBe(serialise(contextOf(head).request!));
    expect(run(['rspdel', 's']).text).toBe('HTTP/1.1 200 OK\r\n\r\n');
  });
  test('reqallow and reqpass end the lines, not what comes after them', () => {
    for (const keyword of ['reqallow', 'reqiallow', 'reqpass', 'reqipass']) {
      const ctx = contextOf(head);
      const rules = compileRuleset([
        lineRule([keyword, '^GET /a']),
        lineRule(['reqdeny', '.']),
        { ...rulesOf(['http-request add-header x-last 1'])[0]!, stage: RuleStage.Added },
      ]);
      expect(rules.run(ctx, 0)).toBe(Verdict.Continue);
      expect(serialise(ctx.request!)).toContain('x-last: 1\r\n');
    }
  });
  test('http-request allow does not reach the lines (1.8: they are a list of their own)', () => {
    const rules = compileRuleset([
      ...rulesOf(['http-request allow', 'http-request return']),
      lineRule(['reqdeny', '^GET']),
    ]);
    expect(rules.run(contextOf(head), 0)).toBe(Verdict.Deny);
    expect(rules.at).toBe(2);
  });
  test('reqtarpit waits, then answers 500', () => {
    const { verdict, ctx, rules } = run(['reqitarpit', '^get']);
    expect(verdict).toBe(Verdict.Tarpit);
    expect(rules.answer(ctx, rules.at)).toBe(Verdict.Deny);
    expect(ctx.response!.status).toBe(500);
  });
  test('the first reqsetbe that matches chooses', () => {
    const { ctx } = run(['reqsetbe', '^Host: h', 'b']);
    expect(ctx.stream!.lineBackend).toBe(3);
    expect(run(['reqisetbe', '^Host: x', 'b']).ctx.stream!.lineBackend).toBe(-1);
  });
  test('a condition decides as for other rules', () => {
    expect(run(['reqdeny', '.', 'if', '{', 'path', '/b', '}']).verdict).toBe(Verdict.Continue);
    expect(run(['reqdeny', '.', 'unless', '{', 'path', '/b', '}']).answered).toBe(403);
  });
});

describe('mistakes are refused', () => {
  test('words that are missing', () => {
    expect(messageOf(['reqrep', 'a'])).toBe(
      "'reqrep' expects <search> <string> and an optional condition.",
    );
    expect(messageOf(['reqisetbe', 'a', ''])).toBe(
      "'reqisetbe' expects <search> <backend> and an optional condition.",
    );
    expect(messageOf(['rspdel'])).toBe("'rspdel' expects <search> and an optional condition.");
    expect(messageOf(['reqdel', 'a', 'b'])).toContain("expects either 'if' or 'unless'");
  });
  test('expressions and replacements that cannot work', () => {
    expect(messageOf(['reqdel', '(a'])).toContain("regex '(a' is invalid");
    expect(messageOf(['reqrep', 'a', 'b\\'])).toContain('backslash');
    expect(messageOf(['reqrep', 'a', '\\xg0'])).toContain('backslash');
    for (const text of ['a\nb', 'a\\x0ab', 'a\\x0D', '\\\\\\x00']) {
      expect(messageOf(['reqrep', 'a', text])).toContain('control characters');
    }
    expect(messageOf(['reqrep', 'a', 'C:\\\\x0a\\x09'])).toBe('');
  });
});
