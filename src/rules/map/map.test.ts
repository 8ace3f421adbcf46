/** Maps: what is refused and how it is said, and the segments they are searched by (7.3.1 `map`). */
import { expect, test } from 'bun:test';
import { compileAclTest, parseAcl } from '../acl.ts';
import { parseExpression } from '../expression.ts';
import { testContext, testScope } from '../rule-fixture.ts';
import { Truth } from '../truth.ts';
import { createSegments } from './segments.ts';

/** What HAProxy 3.2 says of the same maps. */
const faults: [string, string, string][] = [
  ['map(none)', '', 'failed to open pattern file <none>'],
  ['map()', '', 'failed to open pattern file <>'],
  ['map', '', 'failed to open pattern file <>'],
  ['map_str_int(m)', 'x 5\n\na 12x', "unable to parse '12x' at line 3 of file 'm'"],
  ['map_str_int(m)', 'a 0x10', "unable to parse '0x10' at line 1 of file 'm'"],
  ['map_str_int(file@m)', 'a 5 6', "unable to parse '5 6' at line 1 of file 'm'"],
  ['map_str_ip(m)', 'a 1.2.3', "unable to parse '1.2.3' at line 1 of file 'm'"],
  ['map_str_ip(m)', 'a ::1/64', "unable to parse '::1/64' at line 1 of file 'm'"],
  ['map_str_ip(m)', 'a', "unable to parse '' at line 1 of file 'm'"],
  ['map_str_ip(m)', 'a localhost', "unable to parse 'localhost' at line 1 of file 'm'"],
  ['map_int(m)', '#\nx y', "'x' is not a number at line 2 of file 'm'"],
  ['map_int(m)', '5:1 y', "'5:1' is not a valid number range at line 1 of file 'm'"],
  ['map_int(m)', 'ge 5', "'ge' is not a number at line 1 of file 'm'"],
  ['map_ip(m)', '1.2.3.4.5 y', "'1.2.3.4.5' is not a valid IPv4 or IPv6 address at line 1"],
  ['map_ip(m)', '17.1 y', "'17.1' is not a valid IPv4 or IPv6 address at line 1 of file 'm'"],
  ['map_ip(m)', 'localhost y', "'localhost' is not a valid IPv4 or IPv6 address at line 1"],
  ['map_reg(m)', 'b c\na( y', "regex 'a(' is invalid (error=missing closing parenthesis"],
  ['map_regm(m)', 'b c\na( y', "at line 2 of file 'm'"],
  ['map_str_ip(m,x)', 'a 1.2.3.4', 'map: cannot parse default ip <x>.'],
  ['map_str_ip(m,localhost)', 'a 1.2.3.4', 'map: cannot parse default ip <localhost>.'],
];

test.each(faults)('7.3.1: %s of a map %j is refused with the reason', (converter, map, message) => {
  const scope = testScope();
  if (map !== '') scope.files['m'] = map;
  const name = /^[^(]*/.exec(converter)![0];
  const parse = () => parseExpression(`str(a),${converter}`, scope);
  expect(parse).toThrow(`invalid args in converter '${name}' : `);
  expect(parse).toThrow(message);
});

test('7.3.1: arguments that a form of map does not take are refused', () => {
  const parse = (text: string) => () => parseExpression(text, testScope());
  expect(parse('str(a),map_str_int(m,x)')).toThrow(
    "invalid arg 2 in converter 'map_str_int' : failed to parse 'x' as type 'integer' at position 2",
  );
  expect(parse('str(a),map_str_key(m,x)')).toThrow("expected ')' before ',x)'");
});

test('2.7: a name stands for one list, with values or without', () => {
  const scope = testScope();
  scope.files['m'] = 'a b\n';
  scope.files['l'] = 'a b\n';
  const map = (name: string) => () => parseExpression(`str(a),map(${name})`, scope);
  const acl =
    (...words: string[]) =>
    () =>
      parseAcl(['c', 'path', ...words], scope);
  expect(map('m')).not.toThrow();
  expect(acl('-M', '-f', 'file@m')).not.toThrow();
  expect(acl('-f', 'opt@m')).toThrow(
    'The file "m" is already used as two column file and cannot be used by as one column file.',
  );
  expect(acl('-f', 'l')).not.toThrow();
  expect(map('l')).toThrow(
    'The file "l" is already used as one column file and cannot be used by as two column file.',
  );
  expect(map('virt@v')).not.toThrow();
  expect(acl('-f', 'virt@v')).toThrow('The file "virt@v" is already used as two column file');
});

test('7.1: with -M the first word of a line is the pattern', () => {
  const scope = testScope();
  scope.files['m'] = '/a one two\n/b\n';
  const holds = (path: string) =>
    compileAclTest(parseAcl(['c', `str('${path}')`, '-M', '-f', 'm'], scope)).decide(
      testContext(null),
    ) === Truth.True;
  expect(['/a', '/b', '/a one two'].map(holds)).toEqual([true, true, false]);
});

test('7.3.1: random ranges become segments that agree with their definition', () => {
  const seed = 4711;
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 200; round++) {
    const count = random(12);
    const low = Float64Array.from({ length: count }, () => random(30));
    const end = low.map((first) => first + 1 + random(12));
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const k = random(i + 1);
      [order[i], order[k]] = [order[k]!, order[i]!];
    }
    const { from, owner } = createSegments(low, end, order);
    for (let value = -1; value < 50; value++) {
      const expected = order.find((i) => low[i]! <= value && value < end[i]!) ?? -1;
      const at = from.findLastIndex((first) => first <= value);
      expect(at < 0 ? -1 : owner[at]!, `seed ${seed}, round ${round}, ${value}`).toBe(expected);
    }
  }
});
