/** What unusual but accepted configurations do to traffic, and what is said about them. */
import { expect } from 'bun:test';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HttpMessage } from '../harness/http.ts';
import { programPath } from '../harness/proxy.ts';
import { defaultsHttp, scenario } from '../harness/scenario.ts';

const get = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
const empty = 'HTTP/1.1 204 No Content\r\n\r\n';

scenario('a header name that is no token is warned of and sent as written', async (world) => {
  const asked: HttpMessage[] = [];
  const server = world.http((request) => {
    asked.push(request);
    return empty;
  });
  const proxy = await world.proxy(`${defaultsHttp}
frontend web
  bind fd@{{web}}
  http-request set-header X-Forwarded-Proto: http
  http-request add-header "X Y" z
  http-request del-header X-Forwarded-Proto: if { path /del }
  http-response set-header X-F: b
  default_backend app
backend app
  server s 127.0.0.1:${server.port}
`);
  const answer = await world.exchange(proxy.port('web'), get);
  expect(asked[0]!.raw.toLowerCase()).toContain('\r\nx-forwarded-proto:: http\r\n');
  expect(asked[0]!.raw.toLowerCase()).toContain('\r\nx y: z\r\n');
  expect(answer.toLowerCase()).toContain('\r\nx-f:: b\r\n');
  expect(proxy.stderr).toContain(
    "header name 'X-Forwarded-Proto:' contains forbidden character ':'.",
  );
  expect(proxy.stderr).toContain("header name 'X Y' contains forbidden character ' '.");
  expect(proxy.stderr).toContain("header name 'X-F:' contains forbidden character ':'.");
});

scenario('a frontend and a backend may share a name, with a warning', async (world) => {
  const first = world.http(() => empty);
  const second = world.http(() => 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nshared');
  const proxy = await world.proxy(`${defaultsHttp}
backend shared
  server s 127.0.0.1:${second.port}
frontend shared
  bind fd@{{web}}
  use_backend shared if { path /fixed }
  use_backend %[path,field(2,/)] if { path /shared }
  default_backend other
backend other
  server o 127.0.0.1:${first.port}
`);
  expect(proxy.stderr).toMatch(
    /\[\S+:\d+\] ?: frontend 'shared' has the same name as backend 'shared' declared at \S+:\d+\./,
  );
  for (const path of ['/fixed', '/shared']) {
    expect(await world.exchange(proxy.port('web'), get.replace('/', path))).toEndWith('shared');
  }
  expect(await world.exchange(proxy.port('web'), get)).toStartWith('HTTP/1.1 204');
});

scenario('ipmask has one mask for IPv4, however it is carried, and one for IPv6', async (world) => {
  const expected = {
    'str(1.2.3.4),ipmask(24,64)': '1.2.3.0',
    'str(::ffff:1.2.3.4),ipmask(24,64)': '1.2.3.0',
    'str(::ffff:1.2.3.4),ipmask(24,128)': '1.2.3.0',
    'str(::1.2.3.4),ipmask(255.255.0.0,ffff::)': '1.2.0.0',
    'str(2002:102:304::),ipmask(24,64)': '1.2.3.0',
    'str(::ffff:1.2.3.4),ipmask(24)': '1.2.3.0',
    'str(2001:db8::1),ipmask(24,32)': '2001:db8::',
    'str(2001:db8::1),ipmask(24)': '',
    'str(::ffff:1.2.3.4),ipmask(8,0),concat(x)': '1.0.0.0x',
    'int(16909060),ipmask(16,64)': '1.2.0.0',
    'src,ipmask(8,64)': '127.0.0.0',
  };
  const expressions = Object.keys(expected);
  const proxy = await world.proxy(`${defaultsHttp}
frontend web
  bind fd@{{web}}
  http-request return status 200 content-type text/plain lf-string "${expressions
    .map((expression) => `%[${expression}]`)
    .join('|')}"
`);
  const answer = await world.exchange(proxy.port('web'), get);
  const values = answer.slice(answer.indexOf('\r\n\r\n') + 4).split('|');
  expect(expressions.map((name, i) => [name, values[i]])).toEqual(Object.entries(expected));
});

scenario(
  'host names in address patterns do not care about case, and -n forbids them',
  async (world) => {
    const proxy = await world.proxy(`${defaultsHttp}
frontend web
  bind fd@{{web}}
  acl local src LOCALHOST
  acl local dst LocalHost/8
  http-request return status 200 if local { src 127.0.0.0/8 }
`);
    expect(await world.exchange(proxy.port('web'), get)).toStartWith('HTTP/1.1 200');
    const refused = await world.run(`${defaultsHttp}
frontend web
  bind fd@{{web}}
  acl local src -n localhost
`);
    expect(refused.stderr).toContain(
      "error detected while parsing ACL 'local' : 'localhost' is not a valid IPv4 or IPv6 address.",
    );
  },
);

scenario(
  '-f takes files and folders as management.txt 3 says, and names what it cannot read',
  async (world) => {
    const listen =
      'listen a\n mode tcp\n bind 127.0.0.1:9\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n';
    const write = (name: string, text: string) => {
      mkdirSync(dirname(join(world.dir, name)), { recursive: true });
      writeFileSync(join(world.dir, name), text);
    };
    write('good/b.cfg', listen);
    write('good/a.cfg', 'global\n');
    write('good/.hidden.cfg', 'nonsense\n');
    write('good/c.txt', 'nonsense\n');
    mkdirSync(join(world.dir, 'good/folder.cfg'));
    write('other/a.txt', listen);
    mkdirSync(join(world.dir, 'empty'));
    write('broken/a.cfg', listen);
    symlinkSync('/nowhere', join(world.dir, 'broken/b.cfg'));
    symlinkSync('loop', join(world.dir, 'loop'));
    write('blank.cfg', '\n# nothing\n');
    const check = (...args: string[]) => {
      const run = Bun.spawnSync([programPath(world.program)!, '-c', ...args], {
        cwd: world.dir,
        stdin: Buffer.from(listen),
      });
      return { status: run.exitCode, text: `${run.stdout}${run.stderr}` };
    };
    for (const args of [
      ['-f', 'good'],
      ['-f', 'good/'],
      ['-f', 'empty', '-f', 'good'],
      ['--', 'good', 'empty'],
      ['-f', '/dev/stdin'],
    ]) {
      expect([args, check(...args).status]).toEqual([args, 0]);
    }
    expect(check('-f', 'blank.cfg').status).toBe(2);
    for (const args of [
      ['-f', 'empty'],
      ['-f', 'other'],
      ['-f', 'empty', '--', 'other'],
      ['-q', '-f', 'empty'],
    ]) {
      const { status, text } = check(...args);
      expect([args, status]).toEqual([args, 1]);
      expect(text).toContain('Usage : ');
    }
    const refused = (path: string, reason: string) => {
      const { status, text } = check('-f', 'good', '-f', path);
      expect(status).toBe(1);
      expect(text).toContain(reason);
      expect(text).not.toContain('Usage : ');
    };
    refused(
      'nowhere',
      'Cannot open configuration file/directory nowhere : No such file or directory',
    );
    refused('-', 'Cannot open configuration file/directory - : No such file or directory');
    refused('', 'Cannot open configuration file/directory  : No such file or directory');
    refused(
      'loop',
      'Cannot open configuration file/directory loop : Too many levels of symbolic links',
    );
    refused(
      'good/a.cfg/',
      'Cannot open configuration file/directory good/a.cfg/ : Not a directory',
    );
    expect(check('-f', 'broken').status).toBe(1);
    expect(check('-f', 'broken').text).toMatch(
      /Cannot open configuration file broken(\/b\.cfg)? : No such file or directory/,
    );
  },
);
