/**
 * Answers in place of errors (configuration.txt 4.2 errorfiles, errorloc, http-error; 12.4 http-errors; 4.4
 * errorfiles) and of probes (4.2 monitor-uri). SLUICE_TEST_PROGRAM=haproxy shows that haproxy agrees.
 */
import { expect } from 'bun:test';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

async function ask(world: World, proxy: Proxy, name: string, path: string): Promise<string> {
  const head = `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
  return world.exchange(proxy.port(name), head);
}

/** Status line, fields without those of the connection, body. */
function shown(reply: string): string {
  return reply.replace(/^connection: .*\r\n/im, '').replaceAll('\r\n', '\n');
}

async function site(world: World): Promise<Proxy> {
  await Bun.write(
    `${world.dir}/404.http`,
    'HTTP/1.1 404 Ours\r\nX-S: 404\r\nContent-Length: 4\r\n\r\ns404',
  );
  await Bun.write(
    `${world.dir}/503.http`,
    'HTTP/1.1 503 Ours\r\nX-S: 503\r\nContent-Length: 4\r\n\r\ns503',
  );
  await Bun.write(`${world.dir}/mine.http`, 'HTTP/1.1 404 Mine\r\nContent-Length: 4\r\n\r\nmine');
  const deny = (...codes: number[]) =>
    codes.map((code) => `  http-request deny deny_status ${code} if { path /${code} }\n`).join('');
  return world.proxy(`
http-errors ours
  errorfile 404 {{dir}}/404.http
  errorfile 503 {{dir}}/503.http
  errorfile 410 /dev/null
${defaultsHttp}
  errorloc 403 /from-defaults
frontend f
  bind fd@{{f}}
  errorloc302 404 http://x/y?z
  errorloc303 503 /see
  errorloc 400 /bad
  http-error status 429 content-type text/plain lf-string "too many: %[path] %HM" hdr x-a "%[path]" hdr x-b const
  http-error status 500 hdr x-only yes
  http-error status 502 errorfile {{dir}}/503.http
  http-error status 504 errorfiles more
  http-error status 401 content-type a/b string hello
  errorloc 405 /x
  http-error status 405 default-errorfiles
${deny(404, 429, 500, 502, 504, 401, 403, 405)}
  http-request deny deny_status 404 errorfiles ours if { path /ours }
  http-request return status 404 errorfiles ours if { path /return }
frontend order
  bind fd@{{order}}
  errorfile 404 {{dir}}/mine.http
  errorfiles ours
${deny(404, 410)}
frontend some
  bind fd@{{some}}
  errorfiles ours 503
  errorfile 404 {{dir}}/mine.http
${deny(404)}
# behind its uses
http-errors more
  errorfile 504 {{dir}}/404.http
`);
}

const redirect = (line: string, location: string) =>
  `HTTP/1.1 ${line}\ncache-control: no-cache\ncontent-length: 0\nlocation: ${location}\n\n`;
const ours404 = 'HTTP/1.1 404 Ours\nx-s: 404\ncontent-length: 4\n\ns404';

scenario(
  'every line about errors has its answer, and later lines replace earlier ones',
  async (world) => {
    const proxy = await site(world);
    const cases: [port: string, path: string, reply: string][] = [
      ['f', '/404', redirect('302 Found', 'http://x/y?z')],
      ['f', '/nothing', redirect('303 See Other', '/see')],
      ['f', '/403', redirect('302 Found', '/from-defaults')],
      [
        'f',
        '/429',
        'HTTP/1.1 429 Too Many Requests\nx-a: /429\nx-b: const\ncontent-length: 18\n' +
          'content-type: text/plain\n\ntoo many: /429 GET',
      ],
      ['f', '/500', 'HTTP/1.1 500 Internal Server Error\nx-only: yes\ncontent-length: 0\n\n'],
      ['f', '/502', 'HTTP/1.1 503 Ours\nx-s: 503\ncontent-length: 4\n\ns503'],
      ['f', '/504', ours404],
      ['f', '/401', 'HTTP/1.1 401 Unauthorized\ncontent-length: 5\ncontent-type: a/b\n\nhello'],
      ['f', '/ours', ours404],
      ['f', '/return', ours404],
      ['order', '/404', ours404],
      ['order', '/410', ''],
      ['order', '/nothing', 'HTTP/1.1 503 Ours\nx-s: 503\ncontent-length: 4\n\ns503'],
      ['some', '/404', 'HTTP/1.1 404 Mine\ncontent-length: 4\n\nmine'],
      ['some', '/nothing', 'HTTP/1.1 503 Ours\nx-s: 503\ncontent-length: 4\n\ns503'],
    ];
    for (const [port, path, reply] of cases) {
      expect([port, path, shown(await ask(world, proxy, port, path))]).toEqual([port, path, reply]);
    }
    expect(await ask(world, proxy, 'f', '/405')).toStartWith('HTTP/1.1 405 Method Not Allowed\r\n');
    // What no rule has seen is answered too.
    const bad = await world.exchange(proxy.port('f'), 'GET / HTTP/1.1\r\nbad field\r\n\r\n');
    expect(bad).toStartWith('HTTP/1.1 302 Found\r\n');
    expect(bad).toContain('location: /bad\r\n');
  },
);

scenario(
  'a probe is answered in front of all rules and without a log line (monitor-uri)',
  async (world) => {
    const log = await world.syslog();
    const proxy = await world.proxy(`
global
  stats socket {{dir}}/stats level admin
${defaultsHttp}
  log 127.0.0.1:${log.port} format raw local0
  option httplog
frontend f
  bind fd@{{f}}
  monitor-uri /alive
  monitor fail if { hdr(x-fail) -m found }
  monitor fail unless { hdr(host) h }
  http-request deny
frontend whole
  bind fd@{{whole}}
  monitor-uri http://h/alive
`);
    const status = async (line: string, ...fields: string[]) => {
      const head = [line, 'Host: h', 'Connection: close', ...fields, '', ''].join('\r\n');
      return (await world.exchange(proxy.port('f'), head)).slice(9, 12);
    };
    expect(await status('GET /alive HTTP/1.1')).toBe('200');
    expect(await status('POST /alive HTTP/1.1', 'Content-Length: 0')).toBe('200');
    expect(await status('GET http://h/alive HTTP/1.1')).toBe('200');
    expect(await status('GET /alive HTTP/1.1', 'X-Fail: 1')).toBe('503');
    for (const path of ['/alive?', '/alive/', '/aliv', '/Alive']) {
      expect([path, await status(`GET ${path} HTTP/1.1`)]).toEqual([path, '403']);
    }
    const whole = 'GET http://h/alive HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
    expect(await world.exchange(proxy.port('whole'), whole)).toStartWith('HTTP/1.1 200 ');
    const lines = await log.take(4);
    expect(lines.map((line) => /"GET (\S+) /.exec(line)?.[1])).toEqual([
      '/alive?',
      '/alive/',
      '/aliv',
      '/Alive',
    ]);
    const csv = (await proxy.command('show stat')).split('\n');
    const names = csv[0]!.slice(2).split(',');
    const row = csv.find((line) => line.startsWith('f,FRONTEND'))!.split(',');
    const value = (name: string) => row[names.indexOf(name)];
    expect([value('req_tot'), value('intercepted'), value('dreq'), value('hrsp_2xx')]).toEqual([
      '8',
      '4',
      '4',
      '3',
    ]);
  },
);
