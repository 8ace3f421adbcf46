import { expect, test } from 'bun:test';
import { setHostResolver } from '../base/value/address.ts';
import { compileAclTest, parseAcl } from './acl.ts';
import { compileCondition, parseCondition } from './condition.ts';
import { plainRequest, testContext, testScope } from './rule-fixture.ts';
import { Place } from './scope.ts';
import { Truth } from './truth.ts';

const aclErrors: [string, string][] = [
  [
    'a nosuch',
    "error detected while parsing ACL 'a' : unknown fetch method 'nosuch' in ACL expression 'nosuch'.",
  ],
  ['b', "error detected while parsing ACL 'b' : missing fetch method in ACL expression ''."],
  ['b! path x', "character '!' is not permitted in acl name 'b!'."],
  ['or path x', "acl name 'or' will never match."],
  [
    'c path -m',
    "error detected while parsing ACL 'c' : unknown matching method '' when parsing ACL expression.",
  ],
  ['c path -m foo x', "unknown matching method 'foo' when parsing ACL expression."],
  ['c path -m int x', "error detected while parsing ACL 'c' : 'x' is not a number."],
  [
    'c path -x x',
    "'-x' is not a valid ACL option. Please use '--' before any pattern beginning with a '-'.",
  ],
  [
    'c path -f /nonexist',
    "error detected while parsing ACL 'c' : failed to open pattern file </nonexist>.",
  ],
  ['c path -M -f x', 'failed to open pattern file <x>.'],
  [
    'c src 1.2.3.4/33',
    "error detected while parsing ACL 'c' : '1.2.3.4/33' is not a valid IPv4 or IPv6 address.",
  ],
  ['c src ::1/129', "'::1/129' is not a valid IPv4 or IPv6 address."],
  ['c src no.such.host', "'no.such.host' is not a valid IPv4 or IPv6 address."],
  ['c src_port a', "error detected while parsing ACL 'c' : 'a' is not a number."],
  ['c src_port 5:1', "'5:1' is not a valid number range."],
  ['c src_port :', "':' is not a valid number range."],
  ['c src_port gt a', "'a' is neither a number nor a supported operator."],
  ['c src_port 1.2', "'1.2' is not a number."],
  [
    'c path_reg [',
    "error detected while parsing ACL 'c' : regex '[' is invalid (error=missing terminating ] for character class, erroffset=1).",
  ],
  ['c path_reg (', "regex '(' is invalid (error="],
  [
    'c bin(00)',
    "matching method must be specified first (using '-m') when using a sample fetch of this type ('bin').",
  ],
  ['c bin(00) -m bin 0', 'an even number of hex digit is expected.'],
  ['c bin(00) -m bin zz', "an hex digit is expected (found 'z')."],
  ['c path -u x x', 'the argument of -u must be an integer.'],
  ['c bool(1) -m ip 1.2.3.4', "matching method 'ip' cannot be used with fetch keyword 'bool'."],
  ['c path(', "ACL keyword 'path' : expected ')'."],
  ['c path_beg(3) x', "ACL keyword 'path_beg' : expected ')' before '3)'."],
  [
    'c hdr_beg(host,x) x',
    "ACL keyword 'hdr_beg' : failed to parse 'x' as type 'integer' at position 2.",
  ],
  ['c ssl_fc_npn x', "fetch method 'ssl_fc_npn' is not supported yet by sluice in ACL expression"],
];

test.each(aclErrors)('7.1: "acl %s" is refused with the reason', (line, message) => {
  expect(() => parseAcl(line.split(' '), testScope())).toThrow(message);
});

const conditionErrors: [string, string][] = [
  ['when x', "unexpected keyword 'when', only 'if' and 'unless' are allowed"],
  ['if nosuch', "no such ACL : 'nosuch'"],
  ['if METH_FOO', "no such ACL : 'METH_FOO'"],
  ['if {', "missing closing '}' in condition"],
  ['if { path', "missing closing '}' in condition"],
  ['if { path x } }', "no such ACL : '}'"],
  ['if { }', "missing fetch method in ACL expression ''"],
  ['if { nosuch }', "unknown fetch method 'nosuch' in ACL expression 'nosuch'"],
  [
    'if { path_bge /a }',
    "unknown fetch method 'path_bge' in ACL expression 'path_bge'; did you mean 'path_beg' maybe ?",
  ],
  ['if toString', "no such ACL : 'toString'"],
];

test.each(conditionErrors)(
  '7.2: the condition "%s" is refused with the reason',
  (line, message) => {
    expect(() => parseCondition(line.split(' '), testScope())).toThrow(message);
  },
);

function holds(line: string, head = plainRequest, scope = testScope()): boolean {
  return compileCondition(parseCondition(line.split(' '), scope))(testContext(head));
}

test('7.1: an ACL without patterns warns and never matches', () => {
  const scope = testScope();
  const never = compileAclTest(parseAcl(['c', 'path'], scope));
  expect(never.decide(testContext(plainRequest))).toBe(Truth.False);
  expect(scope.warnings[0]).toStartWith(
    "parsing acl keyword 'path' :\n  no pattern to match against were provided",
  );
});

test('7.1: lines of one name are tried until one matches', () => {
  const scope = testScope();
  scope.acls.set('both', [
    parseAcl(['both', 'path', '/x'], scope),
    parseAcl(['both', 'hdr(host)', 'example.com'], scope),
  ]);
  expect(holds('if both', plainRequest, scope)).toBe(true);
  expect(holds('if !both', plainRequest, scope)).toBe(false);
  expect(holds('if both', 'GET / HTTP/1.1\r\nHost: b\r\n\r\n', scope)).toBe(false);
});

test('7.2: an ACL that has no value where it is used warns', () => {
  const scope = testScope();
  parseCondition(['if', '{', 'status', '200', '}'], scope);
  expect(scope.warnings).toEqual([
    "anonymous acl will never match because it uses keyword 'status' which is incompatible " +
      "with 'frontend http-request header rule'",
  ]);
  const late = testScope(Place.FrontendResponseHeader);
  late.acls.set('host', [parseAcl(['host', 'hdr_beg(host)', 'www.'], late)]);
  parseCondition(['if', 'host'], late);
  expect(late.warnings).toEqual([
    "acl 'host' will never match because it only involves keywords that are incompatible with " +
      "'frontend http-response header rule'",
  ]);
});

test('2.7: a pattern file gives one pattern per line, without comments and empty lines', () => {
  const scope = testScope();
  scope.files['/hosts.lst'] = '# hosts\n\n\t one.example\r\n  #two\nthree\n';
  for (const [host, expected] of [
    ['one.example', true],
    ['#two', true],
    ['three', true],
    ['four', true],
    ['# hosts', false],
    ['five', false],
  ] as const) {
    const acl = compileAclTest(
      parseAcl(['f', `str('${host}')`, '-f', 'file@/hosts.lst', 'four'], scope),
    );
    expect(acl.decide(testContext(plainRequest)), host).toBe(expected ? Truth.True : Truth.False);
  }
  expect(parseAcl(['f', 'path', '-f', 'opt@/none', '/x'], scope).patterns).toEqual(['/x']);
  expect(parseAcl(['f', 'path', '-f', 'virt@list', '/x'], scope).patterns).toEqual(['/x']);
});

test('7.1: -i applies to the entries after it', () => {
  const scope = testScope();
  scope.files['exact'] = 'Curl\n';
  scope.files['generic'] = 'WGET\n';
  const words = ['u', 'hdr(user-agent)', '-f', 'exact', '-i', '-f', 'generic', 'TEST'];
  const acl = compileAclTest(parseAcl(words, scope));
  const agent = (name: string) =>
    acl.decide(testContext(`GET / HTTP/1.1\r\nUser-Agent: ${name}\r\n\r\n`)) === Truth.True;
  expect(agent('Curl')).toBe(true);
  expect(agent('curl')).toBe(false);
  expect(agent('wget')).toBe(true);
  expect(agent('test')).toBe(true);
});

test('7.1.6: a host name becomes its IPv4 address, unless -n forbids it', () => {
  const scope = testScope();
  scope.files['list'] = '1.2.3.4\n db\n';
  const asked: string[] = [];
  setHostResolver((host, family) => {
    asked.push(`${host} ${family}`);
    return host === 'db' ? [10, 1, 2, 3] : null;
  });
  try {
    const words = ['h', 'src', '-f', 'list', 'db/8', '::1'];
    const acl = parseAcl(words, scope);
    expect(acl.patterns).toEqual(['10.1.2.3/8', '::1']);
    expect(acl.files).toHaveLength(1);
    expect(asked).toEqual(['db ipv4', 'db ipv4']);
    for (const bad of [['nope'], ['db/33'], ['-n', 'db'], ['-n', '-f', 'list']]) {
      expect(() => parseAcl(['h', 'src', ...bad], scope)).toThrow('is not a valid IPv4 or IPv6');
    }
    expect(asked).toEqual(['db ipv4', 'db ipv4', 'nope ipv4']);
  } finally {
    setHostResolver(null);
  }
});

test('2.7: a bad entry of a pattern file is named with the line of the file', () => {
  const scope = testScope();
  scope.files['list'] = '# numbers\n1\n\n2:x\n';
  expect(() => parseAcl(['h', 'path_len', '-f', 'list'], scope)).toThrow(
    "error detected while parsing ACL 'h' : '2:x' is not a valid number range at line 4 of file 'list'.",
  );
});

test('7.3.6: known methods are case-sensitive, others unless -i is given', () => {
  expect(holds('if { method get }')).toBe(false);
  expect(holds('if { method -i get }')).toBe(false);
  expect(holds('if { method -i foo }', 'FOO / HTTP/1.1\r\n\r\n')).toBe(true);
  expect(holds('if { method FOO }', 'FOO / HTTP/1.1\r\n\r\n')).toBe(true);
  expect(holds('if METH_GET', 'HEAD / HTTP/1.1\r\n\r\n')).toBe(true);
});

test('7.2: a rule without condition always applies', () => {
  expect(compileCondition(null)(testContext(plainRequest))).toBe(true);
});

test('7.1.3: patterns are compared as the bytes of the configuration', () => {
  const head = 'GET /caf\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n';
  expect(holds('if { path /caf\xc3\xa9 }', head)).toBe(true);
  expect(holds('if { path_end \xa9 }', head)).toBe(true);
  expect(holds('if { path_reg \xc3\xa9$ }', head)).toBe(true);
  expect(holds('if { path -i /caf\xe3\xa9 }', head)).toBe(false);
});
