/**
 * Cookie persistence (configuration.txt 4.2 cookie, 5.2 cookie) as HAProxy 3.2 does it: for each request
 * the server, what that server sees of the cookies, what the client is told, and the letters of the log.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectPeer, RawServer, serveHttp } from '../harness/peer.ts';
import { ensureDir, type Program, type Proxy, programPath, startProxy } from '../harness/proxy.ts';
import { UdpReceiver } from '../harness/socket.ts';
import { head } from './case.ts';

const missing = programPath('haproxy') === null;
const title = (name: string) => (missing ? `${name} (skipped: haproxy is not installed)` : name);

/** A backend's lines, and its servers by name: c1 and c2 are servers 1 and 2 with these cookies. */
const both = ['s1 {{1}} cookie c1', 's2 {{2}} cookie c2'];
const one = ['s1 {{1}} cookie c1'];
const backends: Record<string, [lines: string, servers: string[]]> = {
  insert: ['cookie SRV insert', [...both, 's3 {{3}}']],
  indirect: [
    'cookie SRV insert indirect nocache domain .a.com domain b.com httponly secure ' +
      'attr SameSite=None attr x',
    both,
  ],
  dates: ['cookie SRV insert indirect maxidle 30m maxlife 8h', both],
  idle: ['cookie SRV insert indirect maxidle 30m', both],
  life: ['cookie SRV insert indirect maxlife 8h', both],
  postonly: ['cookie SRV insert postonly', one],
  preserve: ['cookie SRV insert preserve', one],
  prefix: ['cookie SRV prefix', both],
  prefixindirect: ['cookie SRV prefix indirect', one],
  rewrite: ['cookie SRV rewrite', one],
  passive: ['cookie SRV', both],
  onlyindirect: ['cookie SRV indirect', one],
  novalue: ['cookie SRV rewrite', ['s1 {{1}}']],
  down: ['cookie SRV insert', ['s1 {{1}} cookie c1 disabled', 's2 {{2}} cookie c2']],
  persist: [
    'cookie SRV insert\n  option persist',
    ['s1 {{1}} cookie c1 disabled', 's2 {{2}} cookie c2'],
  ],
  rules: [
    'cookie SRV insert indirect\n  force-persist if { hdr(x) f }\n  ignore-persist if { hdr(x) i }',
    ['s1 {{1}} cookie c1 disabled', 's2 {{2}} cookie c2'],
  ],
  shared: [
    'cookie SRV insert',
    ['s1 {{1}} cookie c1 disabled', 's2 {{2}} cookie c1', 's3 {{3}} cookie c1'],
  ],
  refused: [
    'cookie SRV insert\n  option redispatch\n  retries 1',
    ['s1 {{refused}} cookie c1', 's2 {{2}} cookie c2'],
  ],
  stubborn: ['cookie SRV insert\n  retries 0', ['s1 {{refused}} cookie c1', 's2 {{2}} cookie c2']],
  none: ['cookie SRV insert indirect', ['s1 {{1}} cookie c1 disabled']],
  deny: ['cookie SRV insert\n  http-request deny', one],
  tarpit: ['cookie SRV insert\n  timeout tarpit 1ms\n  http-request tarpit', one],
  answer: ['cookie SRV insert\n  http-request return status 200', one],
  denied: ['cookie SRV insert\n  http-response deny', one],
  edited: [
    'cookie SRV insert\n  http-response del-header set-cookie\n' +
      '  http-after-response set-header x-after %[res.cook(SRV)]',
    one,
  ],
};

const SEEN = [
  '',
  'SRV=c1',
  'SRV=c2',
  'SRV=nope; other=1',
  'a=b; SRV=c1; d=e',
  'SRV=c1; SRV=c2',
  'SRV=zz; SRV=c1',
  'SRV=c1|x',
];

interface Ask {
  backend: string;
  /** Cookie fields. */
  cookies: string[];
  /** Fields of the server's answer. */
  answer: string[];
  start?: string;
  fields?: string[];
  status?: number;
}

const ask = (
  backend: string,
  cookie = '',
  answer: string[] = [],
  more: Partial<Ask> = {},
): Ask => ({
  backend,
  cookies: cookie === '' ? [] : [cookie],
  answer,
  ...more,
});

function inAnyMode(): Ask[] {
  const set = [['Set-Cookie: SRV=own; Path=/x'], ['Set-Cookie: OTHER=1']];
  return Object.keys(backends).flatMap((backend) => [
    ...SEEN.map((cookie) => ask(backend, cookie)),
    ...set.flatMap((answer) => ['', 'SRV=c1'].map((cookie) => ask(backend, cookie, answer))),
  ]);
}

const spellings = [
  'a = b; SRV=c2',
  'a = b;; ; c=d',
  'a = b; SRV =c2 ; z= y',
  'a = b, SRV=c2,z= y',
  'a=b;SRV=c2;z=y',
  'a=b,SRV=c2;z=y',
  'a=b;SRV=c2 ;z=y',
  'a=b ; SRV=c2',
  'a=b;  SRV=c2;   z=y',
  'SRV=c2;a=b',
  'a=b; SRV=c2; $Path=/; $Domain=x; c=d',
  '$Version=1; SRV=c2; $Path=/; x=y',
  '; SRV=c2;',
  'a="x;SRV=c1"; SRV=c2; e',
  'e; SRV=c2; f',
  'SRV=c2; SRV=c1; a=b; SRV=zz',
  'SRV="c2"',
  'srv=c2',
  'SRV = c2',
  'SRV=',
  'SRV',
  'SRVX=c2; XSRV=c2',
  'SRV=c2~abc; x=y',
  'SRV = c2~abc ; x=y',
  'SRV="c2~abc"; x=y',
  'SRV=c9~abc; x=y',
  'SRV=c2~',
  'SRV=c2~a~b; SRV=c1~b',
];

const setSpellings = [
  ['Set-Cookie: SRV=1', 'Set-Cookie: SRV=2', 'Set-Cookie: B=3'],
  ['Set-Cookie: SRV=1, B=3; Path=/'],
  ['Set-Cookie: A=0, SRV=1; Path=/'],
  ['Set-Cookie: SRV="q;r"; path=/'],
  ['Set-Cookie: SRV="q,r"; path=/'],
  ['Set-Cookie: SRV'],
  ['Set-Cookie: SRV='],
  ['Set-Cookie: SRV=; path=/'],
  ['Set-Cookie: SRV = v ; path=/'],
  ['Set-Cookie: ;SRV=v'],
  ['Set-Cookie: a; SRV=v'],
  ['Set-Cookie: SRV=v~w'],
];

const cacheFields = [
  'Cache-Control: max-age=10',
  'Cache-Control: max-age=0',
  'Cache-Control: s-maxage=5',
  'Cache-Control: public',
  'Cache-Control: no-store,max-age=4',
  'Cache-Control: private, max-age=4',
  'Cache-Control: private="x", max-age=4',
  'Cache-Control: MAX-AGE=10',
  'Cache-Control: no-cachex, max-age=3',
  'Cache-Control: no-cache="set-cookie", max-age=3',
  'Cache-Control: no-cache="a", max-age=3',
  'Cache-Control: no-cache',
  'ETag: "x"',
  'Last-Modified: x',
  'Expires: 0',
  'Vary: *',
];

/** Dates as they stand in cookies, relative to now. */
const day = 86_400;
const ages = [null, -60, 3600, -2000, -8 * 3600 - 100, day + 4000];

function dated(): Ask[] {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const date = (age: number | null): string => {
    if (age === null) return '';
    const tick = Math.floor((Date.now() / 1000 + age) / 4);
    return [24, 18, 12, 6, 0].map((bits) => digits[Math.floor(tick / 2 ** bits) & 63]).join('');
  };
  return ['dates', 'idle', 'life', 'insert'].flatMap((backend) => [
    ...ages.flatMap((last) =>
      ages.map((first) => ask(backend, `SRV=c2|${date(last)}|${date(first)}`)),
    ),
    ...['|', '||', '|ab|cd', '|****|&&&&&', `|${date(-60)}x|${date(-60)}x`].map((rest) =>
      ask(backend, `SRV=c2${rest}`),
    ),
  ]);
}

const asks: Record<string, () => Ask[]> = {
  'every mode': inAnyMode,
  'spellings of the request’s cookies': () =>
    ['insert', 'indirect', 'prefix'].flatMap((backend) =>
      spellings.map((cookie) => ask(backend, cookie)),
    ),
  'several Cookie fields': () =>
    ['insert', 'indirect'].map((backend) =>
      ask(backend, '', [], { cookies: ['SRV=c2', 'SRV=c1; a=b', 'c=d'] }),
    ),
  'spellings of the server’s cookie': () =>
    ['insert', 'rewrite', 'prefix', 'prefixindirect', 'preserve', 'novalue'].flatMap((backend) =>
      setSpellings.flatMap((set) => ['', 'SRV=c1'].map((cookie) => ask(backend, cookie, set))),
    ),
  'dates (maxidle, maxlife)': dated,
  'rules about persistence': () =>
    ['f', 'i'].flatMap((x) =>
      ['', 'SRV=c1; a=b', 'SRV=c2; a=b', 'SRV=zz'].map((cookie) =>
        ask('rules', cookie, [], { fields: [`x: ${x}`] }),
      ),
    ),
  'methods (postonly, nocache)': () =>
    ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'].flatMap((method) =>
      ['postonly', 'indirect'].map((backend) =>
        ask(backend, '', ['Last-Modified: x'], { start: method }),
      ),
    ),
  'what a cache may store (nocache)': () => [
    ...cacheFields.map((field) => ask('indirect', '', [field])),
    ...[201, 203, 204, 206, 300, 301, 302, 304, 307, 308, 403, 404, 405, 410, 414, 500, 501].map(
      (status) => ask('indirect', '', ['ETag: x'], { status }),
    ),
    ask('indirect', '', ['ETag: x', 'Pragma: no-cache']),
    ask('indirect', '', ['ETag: x', 'Pragma: other']),
  ],
};

const dir = mkdtempSync(join(tmpdir(), 'sluice-cookie-'));
const servers: RawServer[] = [];
const proxies = new Map<Program, { proxy: Proxy; log: UdpReceiver }>();

/** A back end that names itself, shows the cookies that it got, and answers as the request says. */
function backEnd(number: number): RawServer {
  return new RawServer(
    serveHttp((request) => {
      const field = (name: string) =>
        request.fields.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value);
      const { status, fields } = JSON.parse(atob(field('answer')[0]!));
      const text = `s${number}: ${field('cookie').join(' & ')}`;
      const body = status === 204 || status === 304 || request.method === 'HEAD' ? '' : text;
      const lines = [`HTTP/1.1 ${status} Said`, ...fields, `X-Seen: ${text}`];
      if (status !== 204) lines.push(`Content-Length: ${text.length}`);
      return `${lines.join('\r\n')}\r\n\r\n${body}`;
    }),
  );
}

function config(port: number, refused: number): string {
  const address = (name: string) =>
    `127.0.0.1:${name === 'refused' ? refused : servers[Number(name) - 1]!.port}`;
  const sections = Object.entries(backends).map(([name, [lines, list]]) => {
    const text = list.map((words) => `  server ${words}`).join('\n');
    return `backend ${name}\n  ${lines}\n${text.replace(/\{\{(\w+)\}\}/g, (_, at) => address(at))}`;
  });
  return `defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend f
  bind fd@{{f}}
  log 127.0.0.1:${port} local0
  log-format "%b/%s %tsc"
  use_backend %[path,field(2,/)]
${sections.join('\n')}
`;
}

/** What a program does with a request. */
async function see(program: Program, { backend, cookies, answer, ...rest }: Ask): Promise<string> {
  const { proxy, log } = proxies.get(program)!;
  const before = log.lines.length;
  const { start = 'GET', fields = [], status = 200 } = rest;
  const plan = btoa(JSON.stringify({ status, fields: answer }));
  const peer = await connectPeer({ hostname: '127.0.0.1', port: proxy.port('f') });
  const lines = ['Host: h', 'Connection: close', `Answer: ${plan}`, ...fields];
  const sent = cookies.map((cookie) => `Cookie: ${cookie}`);
  peer.send(head(`${start} /${backend} HTTP/1.1`, ...lines, ...sent));
  const text = await peer.readToEnd();
  peer.close();
  const shown = text
    .split('\r\n')
    .filter((line) => /^(HTTP|set-cookie|cache-control|x-seen|x-after)/i.test(line));
  const line = (await log.take(before + 1))[before]!;
  const letters = line.replace(/^.*?([a-z]+\/\S+ \S{4})\s*$/, '$1');
  return [...shown, letters].join('\n');
}

/** Dates of now are those of two different moments. */
const undated = (text: string) => text.replace(/\|[A-Za-z0-9+/]{5}(?=[|;])/g, '|now');

describe.skipIf(missing)('cookie persistence is that of HAProxy', () => {
  beforeAll(async () => {
    for (const number of [1, 2, 3]) servers.push(backEnd(number));
    const nobody = new RawServer(() => {});
    nobody.stop();
    for (const program of ['haproxy', 'sluice'] as const) {
      const log = await UdpReceiver.open();
      const text = config(log.port, nobody.port);
      const folder = ensureDir(join(dir, program));
      proxies.set(program, {
        proxy: await startProxy({ program, config: text, dir: folder }),
        log,
      });
    }
  });

  afterAll(async () => {
    for (const { proxy, log } of proxies.values()) {
      await proxy.stop();
      log.stop();
    }
    for (const server of servers) server.stop();
    rmSync(dir, { recursive: true });
  });

  for (const [name, list] of Object.entries(asks)) {
    test(title(name), async () => {
      for (const one of list()) {
        const theirs = undated(await see('haproxy', one));
        expect(`${JSON.stringify(one)}\n${undated(await see('sluice', one))}`).toBe(
          `${JSON.stringify(one)}\n${theirs}`,
        );
      }
    }, 60_000);
  }
});
