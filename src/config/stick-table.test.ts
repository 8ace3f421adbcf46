/**
 * `stick-table`, `stick`, `track-sc0` and what else refers to tables, side by side with the `haproxy` of
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

const sticks = `
on
foo
match src
match src table
match src table foo
match src table t
match src table t foo
match src table t if
match src table t if foo
match src if TRUE
match foo table t
match src,lower table t
match hdr(x) table t
match int(3) table t
on url_param(x) table t
store-request src table t
store-response src table t
store-response res.hdr(x) table t
store-response req.hdr(x) table t
store-request res.hdr(x) table t
match res.hdr(x) table t
match bool(true) table t
match method table t
match bin(00) table t
match table t
store foo
store src table t
match src table t table t
`
  .trim()
  .split('\n')
  .map((line) => `stick ${line}`);

/** Rules of the backend. */
const rules = `
http-request track-sc0
http-request track-sc0 src
http-request track-sc0 src table
http-request track-sc0 src table foo
http-request track-sc0 src table t
tcp-request content track-sc0 src table t
tcp-request content track-sc0 src table foo
tcp-request content track-sc7 src table t
tcp-request content sc-inc-gpc0(0)
tcp-response content sc-set-gpt0(0) 3
http-request track-sc0 src table t if
http-request track-sc0 src table t foo
http-request track-sc0 src foo
http-request track-sc3 src table t
http-request track-sc src table t
http-request track-sc(0) src table t
http-request track-scx src table t
http-request track-sc0 foo table t
http-request track-sc0 bool(true) table t
http-request track-sc0 method table t
http-request track-sc0 res.hdr(x) table t
http-response track-sc0 res.hdr(x) table t
http-response track-sc0 src table t
http-request sc-inc-gpc0(0)
http-request sc-inc-gpc0
http-request sc-inc-gpc0()
http-request sc-inc-gpc0(3)
http-request sc-inc-gpc0(x)
http-request sc-inc-gpc0(0) foo
http-request sc-inc-gpc0(0) if TRUE
http-request sc-inc-gpc1(0)
http-request sc-inc-gpc(0,0)
http-request sc-inc-gpc(0)
http-request sc-inc-gpc
http-request sc-inc-gpc(100,0)
http-request sc-inc-gpc(x,0)
http-request sc-inc-gpc(0,3)
http-request sc-inc-gpc(0,0,0)
http-request sc-inc-gpc(0,0
http-request sc-set-gpt0(0) 3
http-request sc-set-gpt0(0)
http-request sc-set-gpt0(0) foo
http-request sc-set-gpt0(0) 3 foo
http-request sc-set-gpt0(0) req.hdr(x)
http-request sc-set-gpt0(0) 5000000000
http-request sc-set-gpt0(0) -1
http-request sc-set-gpt0(3) 3
http-request sc-set-gpt(0,0) req.hdr(x) if TRUE
http-request sc-set-gpt(0,3) 3
http-request sc-set-gpt(0) 3
http-request sc-add-gpc(0,0) 3
http-request sc-add-gpc(0) 1
http-request sc-add-gpc(0,3) 3
http-response sc-add-gpc(0,0) int(2)
http-after-response sc-inc-gpc0(1)
acl a src_conn_cnt gt 3
acl a src_conn_cnt(foo) gt 3
acl a src_conn_cnt(t) gt 3
acl a src_conn_cnt(t,1) gt 3
acl a sc0_conn_cnt gt 3
acl a sc0_conn_cnt(t) gt 3
acl a sc0_conn_cnt(foo) gt 3
acl a sc_conn_cnt(0) gt 3
acl a sc_conn_cnt gt 3
acl a sc_conn_cnt(5) gt 3
acl a sc_conn_cnt(0,foo) gt 3
acl a sc_get_gpc(0) gt 3
acl a sc_get_gpc(0,9) gt 3
http-request set-header x %[src,table_gpc0]
http-request set-header x %[src,table_gpc0()]
http-request set-header x %[src,table_gpc0(t)]
http-request set-header x %[src,table_gpc0(foo)]
http-request set-header x %[src,table_gpc(1)]
http-request set-header x %[src,table_gpc(1,t)]
http-request set-header x %[src,table_gpc(x,t)]
http-request set-header x %[src,table_expire(t,5)]
http-request set-header x %[src,table_expire(t,x)]
http-request set-header x %[src,in_table(t)]
http-request set-header x %[table_cnt(t)]
http-request set-header x %[table_cnt]
http-request set-header x %[sc0_key]
`
  .trim()
  .split('\n');

/** Global lines. */
const globals = [
  ...['x', '-1', '3x', '', '7'].map((value) => `tune.stick-counters ${value}`),
  ...['', 'x', '400', '400-', '+400', '-400-450,+500', '99', '600', '400-300', '400,402-444 500'],
  ...['+400 foo', '400,', ',400', '400-450-460', '100-599', '0', '+-4', 'all'],
].map((word) => (word.startsWith('tune') ? word : `http-err-codes ${word}`));

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
  for (const [what, lines] of [
    ['stick-table', tables],
    ['stick', sticks],
    ['rules and samples', rules],
  ] as const) {
    test(what, () => {
      for (const line of lines) {
        expect({ line, errors: ours(inBackend(line)) }).toEqual({
          line,
          errors: theirs(inBackend(line)),
        });
      }
    });
  }

  test('global', () => {
    for (const line of globals) {
      const text = `global\n ${line}\n${head}`;
      expect({ line, errors: ours(text) }).toEqual({ line, errors: theirs(text) });
    }
  });

  test('tune.stick-counters bounds the numbers of rules', () => {
    for (const count of [0, 1, 5]) {
      for (const rule of ['track-sc0 src table t', 'track-sc4 src table t', 'sc-inc-gpc0(4)']) {
        const text = `global\n tune.stick-counters ${count}\n${inBackend(`http-request ${rule}`)}`;
        expect({ count, rule, errors: ours(text) }).toEqual({ count, rule, errors: theirs(text) });
      }
    }
  });

  test('two tables of one name', () => {
    const text = `${head} stick-table type ip size 2k\n`;
    expect(ours(text)).toEqual(theirs(text));
    const sides = `${head}frontend t\n bind 127.0.0.1:0\n stick-table type ip size 2k\n`;
    expect(ours(sides)).toEqual(theirs(sides));
  });

  test('the type of a key must fit the table', () => {
    for (const type of ['ip', 'ipv6', 'integer', 'string', 'binary']) {
      for (const key of [
        'src',
        'path',
        'int(1)',
        'bin(00)',
        'method',
        'bool(1)',
        'src,ipmask(24)',
      ]) {
        const text = `${head}backend b\n stick-table type ${type} size 9\n stick on ${key}\n`;
        expect({ type, key, errors: ours(text) }).toEqual({ type, key, errors: theirs(text) });
      }
    }
  });
});

test('a table cannot be in defaults, and rules there must name theirs (4.2)', () => {
  const lines = [
    'stick-table type ip size 9',
    'stick on src table t',
    'http-request track-sc0 src',
  ];
  for (const line of lines) {
    expect(parseText(`${head}defaults d\n mode http\n ${line}\n`).errors.length, line).toBe(1);
  }
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
