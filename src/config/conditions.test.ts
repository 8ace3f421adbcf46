// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax
import { describe, expect, test } from 'bun:test';
import { compareVersions } from './compare-version.ts';
import {
  type ConditionContext,
  ConditionError,
  createConditionContext,
  evaluateCondition,
  evaluateConditionLine,
} from './conditions.ts';
import { Environment } from './environment.ts';

const context: ConditionContext = {
  ...createConditionContext(new Environment({ SET: '', HOME: '/root' })),
  version: '3.4.0',
  features: new Map([
    ['THREAD', true],
    ['QUIC', false],
  ]),
  options: new Map([
    ['EPOLL', true],
    ['KQUEUE', false],
  ]),
};
const withSsl: ConditionContext = {
  ...context,
  sslLibrary: { name: 'OpenSSL 3.0.19', version: '3.0.19', fips: true, awslcApi: 0 },
};
const withAwsLc: ConditionContext = {
  ...context,
  sslLibrary: { name: 'AWS-LC', version: '1.1.1', fips: false, awslcApi: 30 },
};

function failure(text: string): ConditionError {
  try {
    evaluateCondition(text, context);
  } catch (error) {
    if (error instanceof ConditionError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('conditions (2.4)', () => {
  test.each([
    ['', false],
    ['0', false],
    ['00', false],
    ['0x0', false],
    ['1', true],
    ['-1', true],
    ['+1', true],
    ['0x10', true],
    ['10', true],
    [' 1 ', true],
    ['!1', false],
    ['!!1', true],
    ['! 0', true],
    ['(1)', true],
    ['( 0 )', false],
    ['1 && 0', false],
    ['1&&1', true],
    ['0 || 1', true],
    ['0||0', false],
    ['(1)&&(!0)', true],
    ['(1 || 0) && (0 || 0)', false],
    ['1 || 0 && 0', true],
    ['0 && 0 || 1', true],
    ['!(1 && 0)', true],
    ['!(1) || !defined(X)', true],
    ['defined(HOME) && 1', true],
  ])('%p is %p', (text, expected) => {
    expect(evaluateCondition(text, context)).toBe(expected);
  });

  test.each([
    ['defined(HOME)', true],
    ['defined(SET)', true],
    ['defined(NOPE)', false],
    ['defined', false],
    ['defined()', false],
    ['defined( HOME )', false],
    ['feature(THREAD)', true],
    ['feature(QUIC)', false],
    ['feature(thread)', false],
    ['feature(NOPE)', false],
    ['streq(a,a)', true],
    ['streq(a, a)', false],
    ['streq( a, a)', true],
    ['streq(,)', true],
    ['strneq(a,b)', true],
    ['strneq(a,a)', false],
    ['strstr(abcd,bc)', true],
    ['strstr(abcd,x)', false],
    ['version_atleast(3.4)', true],
    ['version_atleast(2.4-dev19)', true],
    ['version_atleast(3.4.1)', false],
    ['version_before(3.4)', false],
    ['version_before(3.10)', true],
    ['enabled(EPOLL)', true],
    ['enabled(KQUEUE)', false],
    ['enabled(NOPE)', false],
    ['fips_mode()', false],
    ['openssl_version_atleast(0)', false],
    ['openssl_version_before(9)', false],
    ['ssllib_name_startswith(OpenSSL)', false],
    ['awslc_api_atleast(1)', false],
    ['awslc_api_before(99)', false],
  ])('predicate %s is %p', (text, expected) => {
    expect(evaluateCondition(text, context)).toBe(expected);
  });

  test('the predicates of the TLS library look at the one that is loaded', () => {
    expect(evaluateCondition('ssllib_name_startswith(OpenSSL)', withSsl)).toBe(true);
    expect(evaluateCondition('ssllib_name_startswith(wolfSSL)', withSsl)).toBe(false);
    expect(evaluateCondition('openssl_version_atleast(1.1.1a)', withSsl)).toBe(true);
    expect(evaluateCondition('openssl_version_atleast(3.0.20)', withSsl)).toBe(false);
    expect(evaluateCondition('openssl_version_before(3.5.0)', withSsl)).toBe(true);
    expect(evaluateCondition('fips_mode()', withSsl)).toBe(true);
    expect(evaluateCondition('awslc_api_before(99)', withSsl)).toBe(false);
    expect(evaluateCondition('awslc_api_atleast(30)', withAwsLc)).toBe(true);
    expect(evaluateCondition('awslc_api_before(30)', withAwsLc)).toBe(false);
  });

  test.each([
    ['streq("a,b",\'a,b\')', true],
    ['streq("a)b",a)', false],
    ['streq("ab"c,abc)', true],
    ["streq('ab'c,abc)", true],
    ['streq(a\\ b,"a b")', true],
    ['streq(a\\nb,"a\\nb")', true],
    ['streq(a\\tb,"a\\x09b")', false],
    ['streq(a\\#b,a#b)', false],
    ['streq(\\\\,"\\\\")', true],
    ['streq(\'a\\,b\',"a\\,b")', true],
    ['streq("a\\"c",\'a"c\')', true],
  ])('arguments have their own quotes and escapes (2.2): %s is %p', (text, expected) => {
    expect(evaluateCondition(text, context)).toBe(expected);
  });

  test.each([
    ['foo', 1, "unparsable conditional expression 'foo'"],
    ['bar()', 1, "unparsable conditional expression 'bar()'"],
    ['!foo', 1, "unparsable conditional expression '!foo'"],
    ['1 && !foo', 6, "unparsable conditional expression '!foo'"],
    ['!', 1, "unparsable conditional expression '!'"],
    ['-', 1, "unparsable conditional expression '-'"],
    ['()', 2, "unparsable conditional expression ')'"],
    ['1 &&', 3, "unparsable conditional expression '&&'"],
    ['1 ||', 3, "unparsable conditional expression '1 ||'"],
    ['1 && && 1', 6, "unparsable conditional expression '&& 1'"],
    ['|| 1', 1, "unparsable conditional expression '|| 1'"],
    ['0 && foo', 6, "unparsable conditional expression 'foo'"],
    ['1 || foo', 6, "unparsable conditional expression 'foo'"],
    ['!(foo)', 3, "unparsable conditional expression 'foo)'"],
    ['definedX', 1, "unparsable conditional expression 'definedX'"],
    ['DEFINED(HOME)', 1, "unparsable conditional expression 'DEFINED(HOME)'"],
    ['   ', 1, "unparsable conditional sub-expression '   '"],
    ['1x', 2, "unexpected character 'x' at the end of conditional expression '1x'"],
    ['1 & 1', 3, "unexpected character '&' at the end of conditional expression '1 & 1'"],
    ['1)', 2, "unexpected character ')' at the end of conditional expression '1)'"],
    ['(1) x', 5, "unexpected character 'x' at the end of conditional expression '(1) x'"],
    ['(1', 1, "expected ')' after conditional expression '(1'"],
    [
      'streq(a,b)c',
      11,
      "unexpected character 'c' at the end of conditional expression 'streq(a,b)c'",
    ],
  ])('%p is refused at position %d', (text, position, message) => {
    const error = failure(text);
    expect([error.message, error.position]).toEqual([message, position]);
  });

  const place = (name: string) =>
    `in argument 1 of predicate '${name}' used in conditional expression`;
  test.each([
    ['streq(a)', 8, `missing arguments (got 1/2), type 'string' expected ${place('streq')}`],
    ['streq()', 7, `missing arguments (got 1/2), type 'string' expected ${place('streq')}`],
    ['streq ( a,a)', 6, `missing arguments (got 1/2), type 'string' expected ${place('streq')}`],
    ['streq(a', 8, `missing arguments (got 1/2), type 'string' expected ${place('streq')}`],
    ['streq("ab,a)', 13, `missing arguments (got 1/2), type 'string' expected ${place('streq')}`],
    ['defined(', 9, `expected ')' ${place('defined')}`],
    ['streq(a,b', 10, `expected ')' ${place('streq')}`],
    ['defined(a,b)', 10, `expected ')' before ',b)' ${place('defined')}`],
    ['streq(a,b,c) && foo', 10, `expected ')' before ',c) && foo' ${place('streq')}`],
    ['fips_mode(x)', 12, `expected ')' before 'x)' ${place('fips_mode')}`],
  ])('arguments of %s are refused', (text, position, message) => {
    const error = failure(text);
    expect([error.message, error.position]).toEqual([message, position]);
  });

  test('-cc takes a line with quotes and variables; # is no comment there', () => {
    expect(evaluateConditionLine('streq("$HOME",/root)', context)).toBe(true);
    expect(evaluateConditionLine('1   &&   "1"', context)).toBe(true);
    expect(() => evaluateConditionLine('1 # foo', context)).toThrow("unexpected character '#'");
    expect(() => evaluateConditionLine('"1', context)).toThrow('unmatched quote');
  });
});

describe('versions (2.4)', () => {
  test.each([
    ['2.4', '2.4.0', 0],
    ['3', '3.0.0', 0],
    ['2.10', '2.9', 1],
    ['2.6-dev1', '2.6-dev10', -1],
    ['2.6-dev9', '2.6-rc1', -1],
    ['2.6-rc1', '2.6', -1],
    ['2.6.12', '2.6.12-5', -1],
    ['2.6.12', '2.6.12-dev99', 1],
    ['2.6.12.5', '2.6.12', 1],
    ['1.1.1a', '1.1.1w', -1],
    ['1.1.1', '1.1.1a', -1],
    ['v2.6', '2.6', 0],
    ['abc', '0', 0],
    ['', '0.0.0', 0],
  ])('%p against %p', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
    expect(Math.sign(compareVersions(b, a))).toBe(sign === 0 ? 0 : -sign);
  });
});
