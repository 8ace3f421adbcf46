import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../../base/config-error.ts';
import type { RulesetName } from '../../model/config.ts';
import { testScope } from '../rule-fixture.ts';
import { rulesOf, words } from './message-fixture.ts';
import { actionNames, actionRows, parseRedirectStatement, parseRule } from './registry.ts';

const wrong = (name: string, text: string) =>
  `error detected in frontend 'main' while parsing '${name}' rule : ${text}.`;

function messageOf(line: string): string {
  try {
    rulesOf([line]);
  } catch (problem) {
    if (problem instanceof ConfigError) return problem.message;
    throw problem;
  }
  return '';
}

describe('4.3: the table of actions', () => {
  test('names are unique and sorted, every row is documented', () => {
    const names = actionRows.map((row) => row.name);
    expect(names).toEqual([...new Set(names)].sort());
    for (const row of actionRows) expect(row.doc.length).toBeGreaterThan(10);
  });
  test('rows are valid where the matrix of the manual says', () => {
    expect(actionNames('http-after-response')).toEqual([
      'add-header',
      'allow',
      'capture',
      'del-header',
      'replace-header',
      'replace-value',
      'sc-add-gpc',
      'sc-inc-gpc',
      'sc-inc-gpc0',
      'sc-inc-gpc1',
      'sc-set-gpt',
      'sc-set-gpt0',
      'set-header',
      'set-log-level',
      'set-status',
      'set-var',
      'set-var-fmt',
      'strict-mode',
      'unset-var',
    ]);
    expect(actionNames('http-request')).not.toContain('set-status');
    expect(actionNames('http-response')).not.toContain('tarpit');
  });
});

describe('4.4: errors of a rule', () => {
  const expected = (line: string, name: string, text: string) =>
    test(line, () => expect(messageOf(line)).toBe(wrong(name, text)));
  const two = 'expects exactly 2 arguments';
  expected('http-request set-header', 'http-request set-header', two);
  expected('http-request set-header a', 'http-request set-header', two);
  expected('http-request add-header a', 'http-request add-header', two);
  expected(
    'http-request set-header "a\nb" c',
    'http-request set-header',
    "'a\nb' is not a valid header field name",
  );
  expected('http-request del-header', 'http-request del-header', 'expects at least 1 argument');
  expected(
    'http-request del-header a -m',
    'http-request del-header',
    '-m flag expects exactly 1 argument',
  );
  expected(
    'http-request del-header a -m int',
    'http-request del-header',
    "-m with unsupported matching method 'int'",
  );
  expected(
    'http-request replace-header a b',
    'http-request replace-header',
    'expects exactly 3 arguments',
  );
  expected(
    'http-request replace-header a ( b',
    'http-request replace-header',
    "regex '(' is invalid (error=missing closing parenthesis, erroffset=1)",
  );
  expected(
    'http-request replace-path a',
    'http-request replace-path',
    'expects exactly 2 arguments <match-regex> and <replace-format>',
  );
  expected(
    'http-request replace-path a b c',
    'http-request replace-path',
    'expects exactly 2 arguments <match-regex> and <replace-format>',
  );
  expected('http-request set-path', 'http-request set-path', 'expects exactly 1 argument <format>');
  expected(
    'http-request set-path a b',
    'http-request set-path',
    'expects exactly 1 argument <format>',
  );
  expected(
    'http-response set-status',
    'http-response set-status',
    'expects 1 argument: <status>; or 3 arguments: <status> reason <fmt>',
  );
  expected(
    'http-response set-status 99',
    'http-response set-status',
    'expects an integer status code between 100 and 999',
  );
  expected(
    'http-response set-status abc',
    'http-response set-status',
    'expects an integer status code between 100 and 999',
  );
  expected(
    'http-request set-log-level foo',
    'http-request set-log-level',
    "expects exactly 1 argument (log level name or 'silent')",
  );
  expected('http-request strict-mode', 'http-request strict-mode', 'expects exactly 1 arguments');
  expected(
    'http-request strict-mode foo',
    'http-request strict-mode',
    "Unexpected value 'foo'. Only 'on' and 'off' are supported",
  );
  expected(
    'http-request silent-drop rst-ttl 300',
    'http-request silent-drop',
    'valid rst-ttl values are [1-255]',
  );
  expected(
    'http-request redirect',
    'http-request redirect',
    "redirection type expected ('prefix', 'location', or 'scheme')",
  );
  expected(
    'http-request redirect location',
    'http-request redirect',
    "missing argument for 'location'",
  );
  expected(
    'http-request redirect location /x code 200',
    'http-request redirect',
    "'code': unsupported HTTP code '200' (must be one of 301, 302, 303, 307 or 308)",
  );
  expected(
    'http-response redirect prefix /x',
    'http-response redirect',
    "response only supports redirect type 'location'",
  );
  expected(
    'http-request deny status',
    'http-request deny',
    "'status' expects <status_code> as argument",
  );
  expected('http-request deny status abc', 'http-request deny', "Unexpected status code '0'");
  expected(
    'http-request deny deny_status 199',
    'http-request deny',
    "Unexpected status code '199'",
  );
  expected(
    'http-request deny deny_status 418',
    'http-request deny',
    "status code '418' not handled by default with 'default-errorfiles' argument.",
  );
  expected(
    'http-request deny string a string b',
    'http-request deny',
    "unexpected 'string' argument, 'string' already defined",
  );
  expected(
    'http-request deny string a',
    'http-request deny',
    'a content type must be defined when non-empty payload is configured',
  );
  expected(
    'http-request deny content-type',
    'http-request deny',
    "'content-type' expects <ctype> as argument",
  );
  expected(
    'http-request deny hdr a',
    'http-request deny',
    "'hdr' expects <name> and <value> as arguments",
  );
  expected(
    'http-request return status 204 content-type a string b',
    'http-request return',
    'No body expected for 204 responses',
  );
  expected(
    'http-request capture path',
    'http-request capture',
    "expects <expression> [ 'len' <length> | id <idx> ]",
  );
  expected('http-request capture path len 0', 'http-request capture', 'length must be > 0');
  expected(
    'http-response capture status len 3',
    'http-response capture',
    "expects 'id', found 'len'",
  );

  test('words that belong to no argument are named', () => {
    const found = (rule: string, word: string) =>
      `'${rule}' expects either 'if' or 'unless' followed by a condition but found '${word}'.`;
    expect(messageOf('http-request set-header a b c')).toBe(found('http-request set-header', 'c'));
    expect(messageOf('http-request allow x')).toBe(found('http-request allow', 'x'));
    expect(messageOf('http-request return deny_status 200')).toBe(
      found('http-request return', 'deny_status'),
    );
  });
  test('an error in a condition says so', () => {
    expect(messageOf('http-request deny if foo')).toStartWith(
      "error detected while parsing an 'http-request deny' condition : ",
    );
  });
  test('an unknown action lists the known ones and the nearest', () => {
    const message = messageOf('http-request set-headr a b');
    expect(message).toStartWith(
      "'http-request' expects 'add-header', 'allow', 'auth', 'capture', ",
    );
    expect(message).toEndWith(", but got 'set-headr'. Did you mean 'set-header' maybe ?");
    expect(messageOf('http-request')).toEndWith(", but got '' (missing argument).");
    expect(messageOf('http-response set-path /x')).toContain("but got 'set-path'");
  });
  test('an action of the manual that is missing is told from a misspelling', () => {
    const lines: [RulesetName, string][] = [
      ['http-request', 'set-map(x)'],
      ['http-request', 'lua.foo'],
      ['http-response', 'cache-store'],
      ['http-after-response', 'set-map(x)'],
    ];
    for (const [ruleset, name] of lines) {
      expect(messageOf(`${ruleset} ${name} x`)).toBe(
        `'${ruleset} ${name}' is not supported yet by sluice.`,
      );
    }
    expect(messageOf('http-after-response wait-for-body')).toContain('expects');
  });
});

describe('4.4 return: arguments that have no effect give a warning', () => {
  const cases: [string, string][] = [
    [
      'http-request deny content-type a',
      "content-type 'a' ignored by the http reply because neither errorfile nor payload defined.",
    ],
    [
      'http-request return content-type a string b hdr Content-Length 3',
      "header 'content-length' always ignored by the http reply.",
    ],
    [
      'http-request deny default-errorfiles hdr a b',
      'hdr parameters ignored by the http reply when used with an errorfile.',
    ],
  ];
  for (const [line, warning] of cases) {
    test(line, () => {
      const scope = testScope();
      rulesOf([line], scope);
      expect(scope.warnings).toEqual([warning]);
    });
  }
});

describe('4.4 return: files', () => {
  const files: Record<string, string> = {
    '/b': 'caf\xe9 %[path]\n',
    '/empty': '',
    '/r.http': 'HTTP/1.1 403 x\r\nContent-Length: 2\r\n\r\nhi',
    '/bad.http': 'junk',
  };
  const withFiles = {
    ...testScope(),
    readFile(path: string) {
      const text = files[path];
      if (text === undefined) throw new ConfigError(`failed to open pattern file <${path}>`);
      return text;
    },
  };
  const parse = (line: string) => parseRule('http-request', words(line), withFiles);
  test('a file is taken byte for byte', () => {
    const { args } = parse('deny content-type a file /b') as { args: { bytes: Uint8Array } };
    expect(Buffer.from(args.bytes).toString('latin1')).toBe(files['/b']!);
  });
  test('one that cannot be read or parsed is named', () => {
    expect(() => parse('deny content-type a file /no')).toThrow("error opening file '/no'.");
    expect(() => parse('return errorfile /bad.http')).toThrow(
      "'/bad.http': unable to parse headers (error offset: 0).",
    );
  });
  test('the arguments survive structured clone', () => {
    for (const line of [
      'return content-type a lf-file /b hdr a %[path]',
      'return errorfile /r.http',
      'return content-type a lf-file /empty',
      'redirect location /%[path] if { path /a }',
      'del-header a -m reg',
    ]) {
      const parsed = parse(line);
      expect(structuredClone(parsed)).toEqual(parsed);
    }
  });
});

describe('4.2 redirect: the statement', () => {
  test('takes its texts as they are', () => {
    const rule = parseRedirectStatement(
      words('location /%[path] code 301 if { path /a }'),
      testScope(),
    );
    expect(rule).toMatchObject({ action: 'redirect', args: { code: 301 } });
    expect((rule.args as { format: { items: unknown[] } }).format.items).toMatchObject([
      { kind: 'text', text: '/%[path]' },
    ]);
    expect(rule.condition).not.toBeNull();
  });
  test('its errors name it', () => {
    expect(() => parseRedirectStatement([], testScope())).toThrow(
      "error detected in frontend 'main' while parsing redirect rule : redirection type expected",
    );
  });
});
