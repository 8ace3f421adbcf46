/**
 * The same request through the real haproxy and, as a hand-filled stream, through our writer: the
 * lines must be equal once times are masked.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { hostname } from 'node:os';
import {
  AnsweringServer,
  exchange,
  Haproxy,
  haproxy,
  LogReceiver,
} from '../../log/test-haproxy.ts';
import type { ProxyConfig } from '../../model/config.ts';
import { State } from '../../model/shared.ts';
import { Cause, Family, Stage } from '../../model/stream.ts';
import { mem } from '../../sys/arena.ts';
import {
  clfHttpLogFormat,
  defaultHttpLogFormat,
  defaultLogFormat,
  defaultTcpLogFormat,
} from '../log-format.ts';
import { line, type TestStream, testStream } from './test-stream.ts';

/** Format, and the directive that stands for it when it is a built-in. */
type Case = [format: string, directive?: string];

const httpCases: Case[] = [
  [defaultHttpLogFormat, 'option httplog'],
  [clfHttpLogFormat, 'option httplog clf'],
  ['%{+Q}o %hr %hs %hrl %hsl %CC %CS %s %b %f %ft'],
  ['%hr|%hrl|%{+Q}hrl|%hs|%hsl|%{+E}hr|%{+E}hrl|%{+E}hsl'],
  ['%CC|%CS|%{+Q}CC|%{+E}CC|%{+Q,+E}CS'],
  ['%{+X}o %ci %cp %fi %fp P=%pid; %si %sp %bi %bp'],
  ['%ci %cp %fi %fp P=%pid; %si %sp %bi %bp'],
  ['%{+Q}o %ci %cp %fi %fp %si %sp %bi %bp'],
  ['%HM %HP %HPO %HQ %HU %HV %H %r'],
  ['%{+Q}o %HM %HP %HPO %HQ %HU %HV %r'],
  ['%{+E}r|%{+E}HU|%{+Q,+E}r|%{+E}HQ'],
  ['%T|%Tl|%t|%tr|%trg|%trl'],
  ['%{+Q}o %T %Tl %t %tr %trg %trl'],
  ['M=%ms; S=%Ts; M=%{+Q}ms;'],
  ['T=%Th; T=%Ti; T=%Tq; T=%TR; T=%Tw; T=%Tc; T=%Tr; T=%Td; T=%Ta; T=%Tt; T=%Tu;'],
  ['%ST|B=%B;|%{+Q}ST|B=%{+X}B;|%{+X}ST'],
  ['%ac|%fc|%bc|%sc|%rc|%sq|%bq|%{+X}ac|%{+Q}rc'],
  ['%ts|%tsc|%{+Q}ts|%{+Q}tsc'],
  ['%ID|%{+Q}ID|%sslc|%sslv|%{+Q}sslc|%{+Q}sslv'],
  ['a%%b  c   %b %%'],
  ['x%%%%y'],
  ['  lead %b trail  '],
  ['%b%s%b/%%-%s a'],
  ['\t%b\t\t%s\t'],
  ['%{Q}ci %{X}ci %{E}ci %{}b %{,}b %{*Q}b %{ +Q}b %{+Q,-Q,+X}ci %{+Z}ci'],
  ['%{+Q}o%ci%{-Q}o%ci%o%s'],
  ['%.|%#|%&|%@|%^|%*|%+|%,|%/|%:|%?|%~|%)|%}|%!|%-|%]|%_|'],
  ['%ci_x|%s.%b|%s-1|%ts--'],
  ['%[src]|%{+X}[src]|%{+Q}[src]|%[str(a b)]|%{+Q,+E}[str(a]b)]|%[int(-5)]|%{+X}[int(255)]'],
  ['%[bool(1)]|%{+Q}[bool(0)]|[%[str()]]|%{+Q}[str()]'],
  ['%[bin(610062)]|%[bin(00)]|%{+Q}[bin(00)]'],
  ['%s %[str(a b)] %[str()] |'],
];

const request =
  'GET /p/a]c\\?x=1&y={} HTTP/1.1\r\nHost: h\r\nUser-Agent: a{b|c}"#\x01\xe9\\]\tz\r\n' +
  'X-Empty:\r\nCookie: SID="r]\\#q"; b=2\r\nConnection: close\r\n\r\n';
const userAgent = 'a{b|c}"#\x01\xe9\\]\tz';
const answer =
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Resp: v{1}\r\n' +
  'Set-Cookie: SID=abc; path=/\r\n\r\nhello';

const captures: Partial<ProxyConfig> = {
  captureRequest: [
    { name: 'User-Agent', length: 30 },
    { name: 'X-Empty', length: 10 },
    { name: 'X-Absent', length: 10 },
  ],
  captureResponse: [{ name: 'X-Resp', length: 10 }],
  captureCookie: { name: 'SID', length: 20 },
};

const captureLines = `
  capture request header User-Agent len 30
  capture request header X-Empty len 10
  capture request header X-Absent len 10
  capture response header X-Resp len 10
  capture cookie SID len 20`;

/** Timers of the TCP and HTTP lines: -1 and `+` stay. */
function timersMask(all: string): string {
  return all.replace(/-?\d+/g, (number) => (number === '-1' ? '-1' : 'N'));
}

/**
 * Times differ from run to run, and HAProxy counts bytes of its internal form of a message;
 * signs, -1 and `+` stay.
 */
function mask(text: string): string {
  return text
    .replace(
      /\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d(\.\d{3})?/g,
      (_, ms) => `DATE${ms ? '.ms' : ''}`,
    )
    .replace(/([BMPSTU])=(\+?)[0-9A-F]+;/g, '$1=$2N;')
    .replace(/ (-?\d+\/)(-?\d+\/)(-?\d+)(\/-?\d+\/\+?\d+)? /, timersMask)
    .replace(/ (200|400) (\+?)\d+ /, ' $1 $2BYTES ')
    .replace(/(\d+) \d{3} ("?)(f\d+)/, '$1 MS $2$3')
    .replace(/("s1"|"<NOSRV>")( -?\d+){4} (\+?)\d+ /, '$1 TIMERS $3N ');
}

function quote(format: string): string {
  return `"${format.replace(/(["\\$])/g, '\\$1')}"`;
}

/** What single tests started, ended even when a comparison fails. */
const started: Run[] = [];
afterEach(async () => {
  for (const run of started.splice(0)) await stop(run);
});

interface Run {
  proxy: Haproxy;
  logs: LogReceiver;
  server: AnsweringServer;
}

async function start(cases: Case[], mode: 'http' | 'tcp', extra: string): Promise<Run> {
  const logs = await LogReceiver.open();
  const server = await AnsweringServer.open(answer);
  const proxy = new Haproxy(
    cases.length,
    (binds) => `global
  log 127.0.0.1:${logs.port} len 4096 format raw local0
defaults
  mode ${mode}
  log global
  timeout client 5s
  timeout server 5s
  timeout connect 5s
${cases
  .map(
    ([format, directive], i) => `
frontend f${i}
  bind ${binds[i]}
  ${directive ?? `log-format ${quote(format)}`}${extra}
  default_backend be`,
  )
  .join('')}
backend be
  server s1 127.0.0.1:${server.port}
`,
  );
  return { proxy, logs, server };
}

async function stop(run: Run): Promise<void> {
  await run.proxy.stop();
  run.logs.close();
  run.server.close();
}

function fill(run: Run, i: number, clientPort: number, values: Partial<ProxyConfig>): TestStream {
  const own = testStream({ name: `f${i}`, ...values });
  own.sess.sourcePort = clientPort;
  own.sess.destinationFamily = Family.Inet;
  own.sess.destinationPort = run.proxy.ports[i]!;
  mem.set([127, 0, 0, 1], own.sess.addressOff + 16);
  const { server } = own.strm;
  const port = run.server.port;
  mem.set([2, 0, port >> 8, port & 255, 127, 0, 0, 1], server!.addressOff);
  own.shared.set(0, State.Current, 1);
  own.shared.set(own.frontend.frontend, State.Current, 1);
  own.shared.set(own.backend.backend, State.Current, 0);
  return own;
}

/** The connecting address cannot be asked of a socket that the test has not: compare it apart. */
function withoutSource(text: string, port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return text.replace(
    new RegExp(`(^| )("?)(127\\.0\\.0\\.1|7F000001)"? (${port}|${hex})$`),
    '$1SOURCE',
  );
}

describe.skipIf(!haproxy)('log-format lines equal those of haproxy (8.2.6)', () => {
  let run: Run;
  beforeAll(async () => {
    run = await start(httpCases, 'http', captureLines);
  });
  afterAll(() => stop(run));

  test.each(httpCases.map(([format], i) => [format, i] as const))('%s', async (format, i) => {
    const { clientPort } = await exchange(run.proxy.ports[i]!, request);
    const theirs = (await run.logs.next()).replace(/\n$/, '');
    const own = fill(run, i, clientPort, captures);
    own.requestLine('GET /p/a]c\\?x=1&y={} HTTP/1.1');
    own.capture('request', 0, userAgent);
    own.capture('request', 1, '');
    own.capture('response', 0, 'v{1}');
    own.captureCookie('request', 'SID="r]\\#q"');
    own.captureCookie('response', 'SID=abc');
    const ours = line(format.replace(' %bi %bp', ' SOURCE'), own).replace('machine', hostname());
    expect(mask(ours)).toBe(mask(withoutSource(theirs, run.server.lastPeerPort)));
  });
});

describe.skipIf(!haproxy)('lines of requests that failed equal those of haproxy', () => {
  const cases: Case[] = [
    [defaultHttpLogFormat, 'option httplog'],
    [clfHttpLogFormat, 'option httplog clf'],
    ['%HM|%HP|%HPO|%HQ|%HU|%HV|%r|%{+Q}r'],
    ['T=%Th; %Tq %TR %Tw %Tc %Tr %Td T=%Ta; T=%Tt; T=%Tu;'],
    ['%hr|%hrl|%{+Q}hrl|%CC|%{+Q}CC|%si|%sp|%bi|%{+Q}si|%ID'],
  ];
  let run: Run;
  beforeAll(async () => {
    run = await start(cases, 'http', captureLines);
  });
  afterAll(() => stop(run));

  test.each(cases.map(([format], i) => [format, i] as const))(
    'bad request: %s',
    async (format, i) => {
      const { clientPort } = await exchange(run.proxy.ports[i]!, 'GARBAGE\r\n\r\n');
      const theirs = (await run.logs.next()).replace(/\n$/, '');
      const own = fill(run, i, clientPort, captures);
      Object.assign(own.strm, { flags: 0, server: null, backend: own.frontend });
      Object.assign(own.strm, {
        status: 400,
        bytesOut: 0,
        cause: Cause.Proxy,
        stage: Stage.Request,
      });
      Object.assign(own.strm, { requestMs: -1, queueMs: -1, connectMs: -1, dataMs: -1 });
      expect(mask(line(format, own))).toBe(mask(theirs));
    },
  );
});

describe.skipIf(!haproxy)('TCP lines equal those of haproxy (8.2.1, 8.2.2)', () => {
  const cases: Case[] = [
    [defaultTcpLogFormat, 'option tcplog'],
    ['T=%Th; T=%Tw; T=%Tc; T=%Td; T=%Tt; T=%Tu; U=%U; B=%B; %rc %ST %ts %ac/%fc/%bc/%sc %sq/%bq'],
    ['%ci:%cp %fi:%fp %b/%s %f %ft %T %Tl %t %{+X}o %ci:%cp'],
  ];
  let run: Run;
  beforeAll(async () => {
    run = await start(cases, 'tcp', '');
  });
  afterAll(() => stop(run));

  test.each(cases.map(([format], i) => [format, i] as const))('%s', async (format, i) => {
    const { clientPort, answer: got } = await exchange(run.proxy.ports[i]!, request, true);
    const theirs = (await run.logs.next()).replace(/\n$/, '');
    const own = fill(run, i, clientPort, { mode: 'tcp' });
    Object.assign(own.strm, { requestMs: -1, idleMs: -1, dataMs: -1, status: 0 });
    Object.assign(own.strm, { bytesIn: request.length, bytesOut: got.length });
    expect(mask(line(format, own))).toBe(mask(theirs));
  });
});

test.skipIf(!haproxy)(
  'the line without any log option equals that of haproxy (8.2.1)',
  async () => {
    const run = await start(
      [
        ['', 'option dontlog-normal'],
        ['', 'no option dontlognull'],
      ],
      'http',
      '',
    );
    started.push(run);
    const { clientPort } = await exchange(run.proxy.ports[1]!, request);
    const theirs = (await run.logs.next()).replace(/\n$/, '');
    const own = fill(run, 1, clientPort, {});
    expect(line(defaultLogFormat.http, own)).toBe(theirs);
  },
);

test.skipIf(!haproxy)(
  'option logasap marks totals with a plus sign as haproxy does (8.3.2)',
  async () => {
    const cases: Case[] = [
      [defaultHttpLogFormat, 'option httplog'],
      ['T=%Ta; T=%Tt; T=%Tu; T=%Td; B=%B; %ts'],
    ];
    const run = await start(cases, 'http', '\n  option logasap');
    started.push(run);
    for (let i = 0; i < cases.length; i++) {
      const { clientPort } = await exchange(run.proxy.ports[i]!, request);
      const theirs = (await run.logs.next()).replace(/\n$/, '');
      const own = fill(run, i, clientPort, {});
      own.requestLine('GET /p/a]c\\?x=1&y={} HTTP/1.1');
      own.strm.flags |= 2;
      own.strm.closeMs = -1;
      own.shared.set(own.backend.backend, State.Current, 1);
      own.shared.set(own.strm.server!.entity, State.Current, 1);
      expect(mask(line(cases[i]![0], own))).toBe(mask(theirs));
    }
  },
);

test.skipIf(!haproxy)(
  'header fields made from formats equal those of haproxy (8.2.6)',
  async () => {
    const formats = [
      'a  %hr  b',
      '%[str()]|%{+Q}[str()]|%si|%ID|%sslv|%CC|%hrl',
      '%{+Q}si|%{+Q}ID|%{+Q}CC',
      '  lead %[str()] %%trail  |',
      '%[src]|%{+X}[src]|%ci|%B|%ST|T=%Ta;|%TR|%Tq|%Tw|%Tc|%ts|%tsc|%rc',
      '%r|%HM|%HU|%HQ|%HV|%HP|%HPO|%lc|%fc|%bc|%sc|%s|%b|%f|%ft|%t|%tr',
      '%{+E}[str(q]z)]|%{+Q}r|%[int(5)]|%[bool(0)]',
    ];
    const directives = formats.map(
      (format, i) => `http-request set-header x-${i} ${quote(format)}`,
    );
    const run = await start([['', directives.join('\n  ')]], 'http', '');
    started.push(run);
    const { clientPort } = await exchange(run.proxy.ports[0]!, request);
    const fields = new Map(
      run.server.lastRequest.split('\r\n').map((field) => {
        const colon = field.indexOf(': ');
        return [field.slice(0, colon), field.slice(colon + 2)] as const;
      }),
    );
    const own = fill(run, 0, clientPort, {});
    own.requestLine('GET /p/a]c\\?x=1&y={} HTTP/1.1');
    Object.assign(own.strm, { server: null, backend: own.frontend, status: 0, closeMs: -1 });
    Object.assign(own.strm, { requestMs: -1, queueMs: -1, connectMs: -1, dataMs: -1, bytesOut: 0 });
    formats.forEach((format, i) => {
      expect(mask(line(format, own, 'header'))).toBe(mask(fields.get(`x-${i}`)!));
    });
  },
);
