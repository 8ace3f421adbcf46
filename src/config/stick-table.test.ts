/**
 * `stick-table` side by side with the `haproxy` of
 * the machine (configuration.txt 4.2, 4.4, 11.1): what is refused, and the words for it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { HaproxyChecker, haproxy } from './ask-haproxy.ts';
import { parseText } from './fixture.ts';

const head = `
defaults
 mode http
 timeout client 1s
 timeout server 1s
 timeout connect 1s
backend t
 stick-table type ip size 1k store gpc0,http_req_rate(10s)
`;

/** Lines of a backend. */
const tables = `
type
type foo size 1k
size 1k
type ip
type ip size
type ip size 0
type ip size x
type ip size 1x
type ip size 1k expire
type ip size 1k expire x
type ip size 1k expire 30d
type ip size 1k expire 0
type ip len 4 size 1k
type string len 0 size 1k
type string len x size 1k
type string len size 1k
type string 32 size 1k
type binary len 12 size 1k
type integer size 5k
type ipv4 size 5k
type ipv6 size 5k nopurge
type ip size 1k store
type ip size 1k store foo
type ip size 1k store gpc0,foo
type ip size 1k store gpc0,gpc0
type ip size 1k store gpc(3),gpc0
type ip size 1k store gpc0,gpc(3)
type ip size 1k store gpc0_rate(1s),gpc_rate(2,1s)
type ip size 1k store gpc
type ip size 1k store gpc()
type ip size 1k store gpc(0)
type ip size 1k store gpc(101)
type ip size 1k store gpc(x)
type ip size 1k store gpc_rate(3)
type ip size 1k store gpc_rate(3,10s)
type ip size 1k store gpc_rate(3,x)
type ip size 1k store gpc_rate(0,10s)
type ip size 1k store gpt0,gpt(2)
type ip size 1k store http_req_rate
type ip size 1k store http_req_rate()
type ip size 1k store http_req_rate(0)
type ip size 1k store http_req_rate(x)
type ip size 1k store http_req_rate(10s
type ip size 1k store conn_cnt(3)
type ip size 1k store server_id,server_key
type ip size 1k store gpc0, gpc1
type ip size 1k srvkey
type ip size 1k srvkey foo
type ip size 1k srvkey addr
type ip size 1k brates-factor
type ip size 1k brates-factor 0
type ip size 1k brates-factor 1025
type ip size 1k brates-factor x
type ip size 1k brates-factor 10 store bytes_in_rate(1s)
type ip size 1k foo
type ip size 1k nopurge nopurge
type ip type string size 1k
type ip size 1k size 2k
type ip size 1k expire 1s expire 2s store gpc0 store gpc1
type ip size 5g
`
  .trim()
  .split('\n')
  .map((line) => `stick-table ${line}`);

let checker: HaproxyChecker;

beforeAll(() => {
  checker = new HaproxyChecker();
});

afterAll(() => checker.close());

/**
 * A message without its place, and without the part that says in which kind of expression a table is
 * referred to, for which sluice has one form.
 */
function bare(message: string): string {
  return message
    .replace(']> : ', '> : ')
    .replace(/^(?:config : )?(?:parsing \[[^\]]*\] ?: )?/, '')
    .replace(
      /referenced in arg (\d+) of .*? keyword '([a-z0-9_]+)'.*$/,
      'referenced in arg $1 of $2',
    );
}

function theirs(text: string): string[] {
  return checker.alerts(text).map(bare);
}

function ours(text: string): string[] {
  return parseText(text).errors.map(bare);
}

describe.skipIf(haproxy === null)('what is refused, and the words for it', () => {
  const inBackend = (line: string) => `${head}backend b\n ${line}\n server s 127.0.0.1:1\n`;
  for (const [what, lines] of [['stick-table', tables]] as const) {
    test(what, () => {
      for (const line of lines) {
        expect({ line, errors: ours(inBackend(line)) }).toEqual({
          line,
          errors: theirs(inBackend(line)),
        });
      }
    });
  }

  test('two tables of one name', () => {
    const text = `${head} stick-table type ip size 2k\n`;
    expect(ours(text)).toEqual(theirs(text));
    const sides = `${head}frontend t\n bind 127.0.0.1:0\n stick-table type ip size 2k\n`;
    expect(ours(sides)).toEqual(theirs(sides));
  });
});

test('a table cannot be in defaults (4.2)', () => {
  const { errors } = parseText(`${head}defaults d\n mode http\n stick-table type ip size 9\n`);
  expect(errors.length).toBe(1);
});

test('what needs peers is refused by name (11.1)', () => {
  for (const word of ['peers p', 'recv-only', 'write-to t']) {
    const { errors } = parseText(`backend b\n stick-table type ip size 9 ${word}\n`);
    expect(errors[0]).toEndWith(
      `stick-table: '${word.split(' ')[0]}' is not supported yet by sluice.`,
    );
  }
});

test('a table has room in the address space (11.1 size)', () => {
  const { errors } = parseText('backend b\n stick-table type string len 1000 size 100m\n');
  expect(errors[0]).toEndWith('a table of more than 4 GB is not supported by sluice.');
});
