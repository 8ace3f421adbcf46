/**
 * Configurations, good and bad, with what is said about them. The expected texts stand here, so
 * that the test needs nothing; where HAProxy is installed it is asked too, and must agree on the
 * verdict and on the lines that are wrong.
 */
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseText } from './fixture.ts';

interface Golden {
  name: string;
  text: string;
  errors: string[];
  warnings?: string[];
  /** HAProxy stops at the first wrong http-request rule: it names the first of our lines only. */
  haproxyStops?: boolean;
  /** Lines that 3.2 warns of, as sluice does, and then refuses too (docs/differences.md). */
  haproxyRefuses?: string[];
  /** HAProxy finds the same errors and names no line for them. */
  haproxyNamesNoLine?: boolean;
}

const timeouts = 'timeout connect 1s\n timeout client 1s\n timeout server 1s\n';
const head = `defaults\n mode http\n ${timeouts}`;
const missing = (name: string): string =>
  `missing timeouts for ${name}.\n` +
  '   | While not properly invalid, you will certainly encounter various problems\n' +
  '   | with such a configuration. To fix this, please ensure that all following\n' +
  "   | timeouts are set to a non-zero value: 'client', 'connect', 'server'.";

/** Lines of servers say where they are in another way. */
const small = (line: number, setting: string, place: string, bare: number | string, subject = '') =>
  `${place.startsWith('server') ? '' : 'parsing '}[t.cfg:${line}] : ${subject}'${setting}' in ` +
  `${place} is suspiciously small for a value in milliseconds. Please use an explicit unit ` +
  `('${bare}ms') if that was the intent.`;

const cases: Golden[] = [
  {
    name: 'a complete configuration',
    text: `global
 log 127.0.0.1 local0
 maxconn 100
${head} log global
 option httplog
 option dontlognull
 option forwardfor except 127.0.0.0/8
 retries 2
frontend f
 bind 127.0.0.1:45001-45002,127.0.0.1:45004 name x maxconn 10
 acl static path_beg -i /s /t
 acl static path_end .png
 http-request set-header X-A %[src] if static !{ method POST }
 http-response del-header Server
 use_backend s if static
 default_backend app
backend s
 balance roundrobin
 server s1 127.0.0.1:1 check inter 2s rise 1 fall 2 weight 5
backend app
 http-reuse always
 default-server maxconn 10 check
 server a1 127.0.0.1:2 backup
 server a2 127.0.0.1:3 disabled cookie x
listen tcp
 mode tcp
 option tcplog
 bind 127.0.0.1:45003
 server t 127.0.0.1:4
`,
    errors: [],
    warnings: ["'option forwardfor' ignored for proxy 'tcp' as it requires HTTP mode."],
  },
  {
    name: 'misspelt keywords have a suggestion',
    text: `global\n maxcon 5\n${head}frontend f\n bind :45001\n fullcon 3\n option httplg\n`,
    errors: [
      "parsing [t.cfg:2] : unknown keyword 'maxcon' in 'global' section; did you mean 'maxconn' maybe ?",
      "parsing [t.cfg:10] : unknown keyword 'fullcon' in 'frontend' section; did you mean 'fullconn' " +
        'maybe ?',
      "parsing [t.cfg:11] : unknown option 'httplg'; did you mean 'httplog' maybe ?",
    ],
  },
  {
    // HAProxy reads twice: what tells it how to start, and then, unless that is wrong, the rest.
    name: 'wrong arguments of keywords that say how to start',
    text: `global
 daemon 3
 pidfile
 no daemon
`,
    errors: [
      "parsing [t.cfg:2] : 'daemon' cannot handle unexpected argument '3'.",
      "parsing [t.cfg:3] : 'pidfile' expects a file name as an argument.",
      'parsing [t.cfg:4]: negation/default currently supported only for options, log and ' +
        'strict-limits.',
    ],
  },
  {
    name: 'missing and unexpected arguments',
    text: `global
 maxconn
 maxconn 5 6
 nbthread 0
 node
 hard-stop-after x
 tune.http.maxhdr 0
 spread-checks 60
 stats foo
`,
    errors: [
      "parsing [t.cfg:2] : 'maxconn' expects an integer argument.",
      "parsing [t.cfg:3] : 'maxconn' cannot handle unexpected argument '6'.",
      "parsing [t.cfg:4] : 'nbthread' value must be between 1 and 64 (was 0)",
      "parsing [t.cfg:5]: 'node' requires valid node name - non-empty string with digits(0-9), " +
        'letters(A-Z, a-z), dot(.), hyphen(-) or underscode(_).',
      "parsing [t.cfg:6] : unexpected character 'x' in argument to <hard-stop-after>.",
      "parsing [t.cfg:7] : 'tune.http.maxhdr' expects a numeric value between 1 and 32767",
      "parsing [t.cfg:8]: 'spread-checks' needs a positive value in range 0..50.",
      "parsing [t.cfg:9] : 'stats' only supports 'socket', 'maxconn', 'bind-process' and 'timeout' " +
        "(got 'foo')",
    ],
  },
  {
    name: 'log lines',
    text: `global
 log 127.0.0.1 foo
 log 127.0.0.1 local0 foo
 log 127.0.0.1 local0 info foo
 log 127.0.0.1 len 5 local0
 log 127.0.0.1 format foo local0
 log 127.0.0.1 sample foo local0
 log 127.0.0.1 sample 1,3:2 local0
 log global
`,
    errors: [
      "parsing [t.cfg:2] : log : unknown log facility 'foo'",
      "parsing [t.cfg:3] : log : unknown optional log level 'foo'",
      "parsing [t.cfg:4] : log : unknown optional minimum log level 'foo'",
      "parsing [t.cfg:5] : log : invalid log length '5', must be between 80 and 65535",
      "parsing [t.cfg:6] : log : unknown log format 'foo'",
      'parsing [t.cfg:7] : log : Missing sample size',
      'parsing [t.cfg:8] : log : sample size 2 should be greater or equal to 3 the maximum of the ' +
        'high ranges limits',
      "parsing [t.cfg:9] : log : 'global' is not supported for a global syslog server",
    ],
  },
  {
    name: 'bind lines',
    text: `${head}frontend f
 bind
 bind 127.0.0.1
 bind :80000
 bind :80-70
 bind *:45001 name
 bind *:45001 id x
 bind *:45001 id -1
 bind *:45001 mss 9999999
 bind *:45001 nice 3000
 bind *:45001 mode 999
 bind *:45001 user nosuchuser
 bind *:45001 tcp-ut x
 bind 1.2.3.4.5:80
 bind *:45001-45002,*:45003 id 5
 bind udp@:45001
`,
    errors: [
      "parsing [t.cfg:7] : 'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as " +
        'arguments.',
      "parsing [t.cfg:8] : 'bind' : missing port specification in '127.0.0.1'",
      "parsing [t.cfg:9] : 'bind' : invalid port '80000'",
      "parsing [t.cfg:10] : 'bind' : invalid port range '80-70'",
      "parsing [t.cfg:11] : 'bind *:45001' in section 'frontend' : 'name' : missing name",
      "parsing [t.cfg:12] : 'bind *:45001' in section 'frontend' : 'id' : expects an integer " +
        "argument, found 'x'",
      "parsing [t.cfg:13] : 'bind *:45001' in section 'frontend' : 'id' : custom id has to be > 0",
      "parsing [t.cfg:14] : 'bind *:45001' in section 'frontend' : 'mss' : expects an MSS with and " +
        'absolute value between 1 and 65535',
      "parsing [t.cfg:15] : 'bind *:45001' in section 'frontend' : 'nice' : invalid value 3000, " +
        'allowed range is -1024..1024',
      "parsing [t.cfg:16] : 'bind *:45001' in section 'frontend' : 'mode' : missing or invalid mode " +
        "'999' (octal integer expected)",
      "parsing [t.cfg:17] : 'bind *:45001' in section 'frontend' : 'user' : unknown user name " +
        "'nosuchuser'",
      "parsing [t.cfg:18] : 'bind *:45001' in section 'frontend' : 'tcp-ut' : expects a positive " +
        'delay in milliseconds',
      "parsing [t.cfg:19] : 'bind' : invalid address: '1.2.3.4.5' in '1.2.3.4.5:80'",
      "parsing [t.cfg:20] : 'bind *:45001-45002,*:45003' in section 'frontend' : 'id' can only be " +
        'used with a single socket',
      "parsing [t.cfg:21] : 'bind' : dgram-type address not acceptable in 'udp@:45001'",
    ],
  },
  {
    name: 'server lines',
    text: `${head}backend b
 server
 server a
 server z@ 127.0.0.1:80
 server b 127.0.0.1 weight 300
 server d 127.0.0.1 inter
 server f 127.0.0.1 rise 0
 server h 127.0.0.1 inter 0
 server q 127.0.0.1:80 cookie
 server r 127.0.0.1:80-90
 server s 127.0.0.1:80 id 1
 server t 127.0.0.1:80 id 1
 default-server id 3
`,
    errors: [
      "parsing [t.cfg:7] : 'server' expects <name> and <addr>[:<port>] as arguments.",
      "parsing [t.cfg:8] : 'server' expects <name> and <addr>[:<port>] as arguments.",
      "parsing [t.cfg:9] : character '@' is not permitted in server name 'z@'.",
      "parsing [t.cfg:10] : 'server b/b' : weight of server b is not within 0 and 256 (300).",
      "parsing [t.cfg:11] : 'server b/d' : 'inter' expects a delay as argument.",
      "parsing [t.cfg:12] : 'server b/f' : 'rise' has to be > 0.",
      "parsing [t.cfg:13] : 'server b/h' : invalid value 0 for argument 'inter' of server h.",
      "parsing [t.cfg:14] : 'server b/q' : 'cookie' expects <value> as argument.",
      "parsing [t.cfg:15] : 'server b/r' : port range not permitted here in '127.0.0.1:80-90'",
      "parsing [t.cfg:17] : 'server b/t' : 'id' : custom id 1 already used at t.cfg:16 ('server s').",
      "parsing [t.cfg:18] : 'id' option is not accepted in default-server sections",
    ],
  },
  {
    name: 'keywords that defaults do not take',
    text: `defaults
 server a 127.0.0.1:1
 bind :45001
 acl foo path /
 use_backend foo
 http-request deny
 redirect location /
 capture request header x len 4
 id 3
`,
    errors: [
      "parsing [t.cfg:2] : 'server' not allowed in 'defaults' section.",
      "parsing [t.cfg:3] : 'bind' not allowed in 'defaults' section.",
      "parsing [t.cfg:4] : 'acl' not allowed in anonymous 'defaults' section.",
      "parsing [t.cfg:5] : 'use_backend' not allowed in 'defaults' section.",
      "parsing [t.cfg:6] : 'http-request' not allowed in anonymous 'defaults' section.",
      "parsing [t.cfg:7] : 'redirect' not allowed in 'defaults' section.",
      "parsing [t.cfg:8] : 'capture request' not allowed in 'defaults' section.",
      "parsing [t.cfg:9]: 'id' not allowed in 'defaults' section.",
    ],
  },
  {
    name: 'keywords on the wrong side are ignored with a warning',
    text: `${head}frontend f
 bind 127.0.0.1:45001
 balance roundrobin
 retries 3
 fullconn 3
 timeout connect 3s
 option redispatch
 http-reuse safe
backend b
 maxconn 3
 backlog 3
 bind 127.0.0.1:45002
 timeout client 3s
 option dontlognull
 option httplog
 log-format abc
`,
    errors: [],
    haproxyRefuses: ['19'],
    warnings: [
      "parsing [t.cfg:8] : 'balance' ignored because frontend 'f' has no backend capability.",
      "parsing [t.cfg:9] : 'retries' ignored because frontend 'f' has no backend capability.",
      "parsing [t.cfg:10] : 'fullconn' ignored because frontend 'f' has no backend capability. Maybe " +
        "you want 'maxconn' instead ?",
      "parsing [t.cfg:11] : 'timeout connect' will be ignored because frontend 'f' has no backend " +
        'capability',
      "parsing [t.cfg:12] : 'redispatch' ignored because frontend 'f' has no backend capability.",
      "parsing [t.cfg:13] : 'http-reuse' ignored because frontend 'f' has no backend capability.",
      "parsing [t.cfg:15] : 'maxconn' ignored because backend 'b' has no frontend capability. Maybe " +
        "you want 'fullconn' instead ?",
      "parsing [t.cfg:16] : 'backlog' ignored because backend 'b' has no frontend capability.",
      "parsing [t.cfg:17] : 'bind' ignored because backend 'b' has no frontend capability.",
      "parsing [t.cfg:18] : 'timeout client' will be ignored because backend 'b' has no frontend " +
        'capability',
      "parsing [t.cfg:19] : 'dontlognull' ignored because backend 'b' has no frontend capability.",
      "parsing [t.cfg:20] : backend 'b' : 'option httplog' directive is ignored in backends.",
      "parsing [t.cfg:21] : backend 'b' : 'log-format' directive is ignored in backends.",
    ],
  },
  {
    name: 'bare numbers that were probably meant in another unit',
    text: `defaults
 mode http
 timeout client 99
 timeout connect 100
 timeout server 5ms
listen x
 bind 127.0.0.1:45001
 timeout queue 7
 timeout tunnel 0
 server a 127.0.0.1:1 check inter 30 fastinter 30ms
 default-server downinter 40
backend b
 timeout client 5
 timeout server 042
`,
    errors: [],
    warnings: [
      small(3, 'timeout client 99', "defaults ''", 99),
      small(8, 'timeout queue 7', "proxy 'x'", 7),
      small(10, 'inter 30', "server 'a'", 30, "'server x/a' : "),
      small(11, 'downinter 40', "server 'default-server'", 40),
      "parsing [t.cfg:13] : 'timeout client' will be ignored because backend 'b' has no frontend " +
        'capability',
      small(14, 'timeout server 42', "backend 'b'", 42),
    ],
  },
  {
    name: 'backends that do not exist',
    text: `${head}frontend f
 bind 127.0.0.1:45001
 use_backend nosuch if TRUE
 default_backend f
frontend g
 disabled
 bind 127.0.0.1:45002
 default_backend nosuch
`,
    errors: [
      "parsing [t.cfg:9] : Proxy 'f': unable to find required default_backend: 'f'.",
      "parsing [t.cfg:8] : Proxy 'f': unable to find required use_backend: 'nosuch'.",
    ],
    haproxyNamesNoLine: true,
  },
  {
    name: 'an HTTP frontend and a TCP backend',
    text: `${head}frontend f
 bind 127.0.0.1:45001
 default_backend b
backend b
 mode tcp
 server a 127.0.0.1:1
`,
    errors: [
      "http frontend 'f' (t.cfg:6) tries to use incompatible tcp backend 'b' (t.cfg:9) as its " +
        "default backend (see 'mode').",
    ],
  },
  {
    name: 'duplicate names and ids',
    text: `${head}frontend f
 bind 127.0.0.1:45001
 id 5
frontend f
backend b
 id 5
 server a 127.0.0.1:1
frontend g
 bind 127.0.0.1:45001 id 4
 bind 127.0.0.1:45002 id 4
`,
    errors: [
      "parsing [t.cfg:9] : frontend 'f' has the same name as frontend 'f' declared at t.cfg:6. Rename " +
        "one of them, e.g. to 'f_frontend'.",
      'parsing [t.cfg:11]: backend b reuses same custom id as frontend f (declared at t.cfg:6).',
      "parsing [t.cfg:15] : 'bind 127.0.0.1:45002' in section 'frontend' : 'id' : custom id 4 " +
        "already used at t.cfg:14 ('bind 127.0.0.1:45001')",
    ],
  },
  {
    name: 'servers with one name',
    text: `${head}backend b\n server a 127.0.0.1:1\n server a 127.0.0.1:2\n`,
    errors: [
      "parsing [t.cfg:8] : backend 'b', another server named 'a' was already defined at line 7, " +
        'please use distinct names.',
    ],
  },
  {
    name: 'missing timeouts and listeners',
    text: `defaults
 mode http
frontend f
 bind 127.0.0.1:45001
frontend g
 timeout client 1s
backend b
backend c
 server a 127.0.0.1:80
`,
    errors: [],
    warnings: [
      missing("frontend 'f'"),
      "frontend 'g' has no 'bind' directive. Please declare it as a backend if this was intended.",
      missing("backend 'c'"),
    ],
  },
  {
    name: 'HTTP features in TCP mode',
    text: `defaults
 ${timeouts} option httplog
 log 127.0.0.1 local0
frontend f
 bind 127.0.0.1:45001
 http-request deny
 option forwardfor
 option http-buffer-request
 capture request header a len 10
 redirect location / if FALSE
`,
    errors: [],
    warnings: [
      "parsing [t.cfg:5] : 'option httplog' not usable with frontend 'f' (needs 'mode http'). " +
        "Falling back to 'option tcplog'.",
      "'capture' statement ignored for frontend 'f' as it requires HTTP mode.",
      "'http-request' rules ignored for frontend 'f' as they require HTTP mode.",
      "'redirect' rules ignored for frontend 'f' as they require HTTP mode.",
      "'option forwardfor' ignored for frontend 'f' as it requires HTTP mode.",
      "'option http-buffer-request' ignored for frontend 'f' as it requires HTTP mode.",
    ],
  },
  {
    name: 'rules',
    haproxyStops: true,
    text: `${head}frontend f
 bind 127.0.0.1:45001
 acl a nosuch
 acl or path /
 acl a@b path /
 use_backend
 use_backend x if nosuch
 use_backend x foo
 default_backend
 default_backend a b
 http-request deny foo
 http-request set-header
 http-request nosuch
 http-request deny if nosuch
`,
    errors: [
      "parsing [t.cfg:8] : error detected while parsing ACL 'a' : unknown fetch method 'nosuch' in " +
        "ACL expression 'nosuch'.",
      "parsing [t.cfg:9] : acl name 'or' will never match. 'or' is used to express a logical " +
        'disjunction within a condition.',
      "parsing [t.cfg:10] : character '@' is not permitted in acl name 'a@b'.",
      "parsing [t.cfg:11] : 'use_backend' expects a backend name.",
      "parsing [t.cfg:12] : error detected while parsing switching rule : no such ACL : 'nosuch'.",
      "parsing [t.cfg:13] : unexpected keyword 'foo' after switching rule, only 'if' and 'unless' " +
        'are allowed.',
      "parsing [t.cfg:14] : 'default_backend' expects a backend name.",
      "parsing [t.cfg:15] : 'default_backend' cannot handle unexpected argument 'b'.",
      "parsing [t.cfg:16]: 'http-request deny' expects either 'if' or 'unless' followed by a " +
        "condition but found 'foo'.",
      "parsing [t.cfg:17] : error detected in frontend 'f' while parsing 'http-request set-header' " +
        'rule : expects exactly 2 arguments.',
      expect.stringMatching(
        /^parsing \[t\.cfg:18\]: 'http-request' expects 'add-header', .* but got 'nosuch'\.$/,
      ) as unknown as string,
      "parsing [t.cfg:19] : error detected while parsing an 'http-request deny' condition : no such " +
        "ACL : 'nosuch'.",
    ],
  },
  {
    name: 'words out of range in timeouts and options',
    text: `defaults
 mode foo
 mode http x
 timeout foo 3
 timeout client
 timeout client x
 timeout client 100d
 timeout client 10s 3
 option
 option httplog foo
 option dontlognull foo
 option forwardfor except
 option forwardfor foo
 no option httplog
 log-format a b
 http-reuse foo
 unique-id-header
 log-tag
`,
    errors: [
      "parsing [t.cfg:2] : unknown proxy mode 'foo'.",
      "parsing [t.cfg:3] : 'mode' cannot handle unexpected argument 'x'.",
      "parsing [t.cfg:4] : 'timeout' supports 'client', 'server', 'connect', 'check', 'queue', " +
        "'http-keep-alive', 'http-request', 'tunnel', 'tarpit', 'client-fin', 'server-fin' and " +
        "'client-hs' (got 'foo')",
      "parsing [t.cfg:5] : 'timeout client' expects an integer value (in milliseconds)",
      "parsing [t.cfg:6] : unexpected character 'x' in 'timeout client'",
      "parsing [t.cfg:7] : timer overflow in argument '100d' to 'timeout client' (maximum value is " +
        '2147483647 ms or ~24.8 days)',
      "parsing [t.cfg:8] : 'timeout client' : unexpected extra argument '3' after value '10s'.",
      "parsing [t.cfg:9]: 'option' expects an option name.",
      "parsing [t.cfg:10] : keyword 'httplog' only supports option 'clf'.",
      "parsing [t.cfg:11] : 'option dontlognull' cannot handle unexpected argument 'foo'.",
      "parsing [t.cfg:12] : 'option forwardfor except' expects <address>[/mask] as argument.",
      "parsing [t.cfg:13] : 'option forwardfor' only supports optional values: 'except', 'header' " +
        "and 'if-none'.",
      "parsing [t.cfg:14]: negation/default is not supported for option 'httplog'.",
      "parsing [t.cfg:15] : log-format expects only one argument, don't forget to escape spaces!",
      "parsing [t.cfg:16] : 'http-reuse' only supports 'never', 'safe', 'aggressive', 'always'.",
      'parsing [t.cfg:17] : unique-id-header expects an argument.',
      "parsing [t.cfg:18] : 'log-tag' expects a tag for use in syslog.",
    ],
  },
  {
    name: 'more than fifty errors',
    text: `global\n${' foo\n'.repeat(60)}`,
    errors: [
      ...Array.from(
        { length: 50 },
        (_, i) => `parsing [t.cfg:${i + 2}] : unknown keyword 'foo' in 'global' section`,
      ),
      'parsing [t.cfg:52]: too many fatal errors (50), 10 more from here on are not shown.',
    ],
  },
];

test('errors that are not shown are counted for each file', () => {
  const files = {
    'a.cfg': `global\n${' foo\n'.repeat(51)}`,
    'b.cfg': `global\n${' foo\n'.repeat(50)}`,
    'c.cfg': `global\n${' foo\n'.repeat(2000)}`,
  };
  const { errors } = parseText(files);
  expect(errors).toHaveLength(152);
  expect(errors.filter((error) => error.includes('too many'))).toEqual([
    'parsing [a.cfg:52]: too many fatal errors (50), 1 more from here on is not shown.',
    'parsing [c.cfg:52]: too many fatal errors (50), 1950 more from here on are not shown.',
  ]);
});

test('an ACL that cannot be parsed is one error, however often it is used', () => {
  const { errors } = parseText(`${head}frontend f
 bind :45001
 acl tls quic_enabled
 acl tls path /tls
 acl bad/name path /
 http-request deny if tls
 http-request deny unless !tls or missing
 use_backend b if tls
backend b
 http-request deny if tls
`);
  expect(errors).toEqual([
    "parsing [t.cfg:8] : error detected while parsing ACL 'tls' : fetch method 'quic_enabled' " +
      "is not supported yet by sluice in ACL expression 'quic_enabled'.",
    "parsing [t.cfg:10] : character '/' is not permitted in acl name 'bad/name'.",
    "parsing [t.cfg:12] : error detected while parsing an 'http-request deny' condition : no such " +
      "ACL : 'missing'.",
    "parsing [t.cfg:15] : error detected while parsing an 'http-request deny' condition : no such " +
      "ACL : 'tls'.",
  ]);
});

describe('configurations and what is said about them', () => {
  for (const golden of cases) {
    test(golden.name, () => {
      const { errors, warnings } = parseText(golden.text);
      expect(errors).toEqual(golden.errors);
      if (golden.warnings !== undefined) expect(warnings).toEqual(golden.warnings);
    });
  }
});

const haproxy = Bun.which('haproxy');
const folder = mkdtempSync(join(tmpdir(), 'golden-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The lines that messages of one severity name. */
function linesOf(messages: readonly string[]): string[] {
  const lines = messages.flatMap((text) => /\[t\.cfg:(\d+)\]/.exec(text)?.[1] ?? []);
  return [...new Set(lines)];
}

describe('HAProxy finds the same lines', () => {
  for (const golden of cases) {
    test.skipIf(haproxy === null)(golden.name, () => {
      writeFileSync(join(folder, 't.cfg'), golden.text);
      const run = Bun.spawnSync([haproxy!, '-c', '-f', 't.cfg'], { cwd: folder, stderr: 'pipe' });
      const output = run.stderr.toString().split('\n');
      const { errors, warnings } = parseText(golden.text);
      const refused = golden.haproxyRefuses ?? [];
      const alerts = output.filter((line) => line.startsWith('[ALERT]'));
      expect(errors.length + refused.length > 0).toBe(alerts.length > 0);
      const theirs = linesOf(alerts);
      const ours = golden.haproxyNamesNoLine === true ? [] : [...linesOf(errors), ...refused];
      expect(golden.haproxyStops === true ? ours.slice(0, theirs.length) : ours).toEqual(theirs);
      if (golden.warnings === undefined) return;
      expect(linesOf(warnings)).toEqual(
        linesOf(output.filter((line) => line.startsWith('[WARNING]'))),
      );
    });
  }
});
