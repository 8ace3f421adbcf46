/** Real clients and servers: curl, wrk, ab, nginx with sub-requests, and the demonstration. */
import { expect } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answer } from '../harness/http.ts';
import { RawServer } from '../harness/peer.ts';
import { root } from '../harness/proxy.ts';
import {
  defaultsHttp,
  needs,
  programUnderTest,
  scenario,
  type World,
} from '../harness/scenario.ts';
import { until, within } from '../harness/wait.ts';

async function output(command: string[], ms = 30_000): Promise<string> {
  const child = Bun.spawn(command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  try {
    const [out, err] = await within(texts, () => `${command[0]} still runs`, ms);
    if ((await child.exited) !== 0) throw new Error(`${command.join(' ')}: ${err}${out}`);
    return out;
  } finally {
    child.kill('SIGKILL');
  }
}

/** A proxy with two threads in front of a server of the runtime. */
async function webProxy(world: World, lines = '') {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const url = new URL(request.url);
      if (url.pathname === '/echo') return new Response(await request.arrayBuffer());
      if (url.pathname === '/stream') {
        const parts = ['one ', 'two ', 'three'];
        return new Response(
          new ReadableStream({
            pull(controller) {
              const part = parts.shift();
              if (part === undefined) controller.close();
              else controller.enqueue(new TextEncoder().encode(part));
            },
          }),
        );
      }
      return new Response(`served ${url.pathname}`);
    },
  });
  world.defer(() => server.stop(true));
  return await world.proxy(`
global
  nbthread 2
${defaultsHttp}
  ${lines}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port}
`);
}

scenario(
  'curl: get, head, several on one connection, upload, streams, HTTP/1.0',
  async (world) => {
    const proxy = await webProxy(world);
    const url = proxy.url('l', '/a');
    expect(await output(['curl', '-sS', url])).toBe('served /a');
    expect(await output(['curl', '-sS', '-I', url])).toStartWith('HTTP/1.1 200');
    expect(await output(['curl', '-sS', '--http1.0', url])).toBe('served /a');
    const twice = await output(['curl', '-sS', '-w', ' %{num_connects}\n', url, url]);
    expect(twice).toBe('served /a 1\nserved /a 0\n');
    expect(await output(['curl', '-sS', proxy.url('l', '/stream')])).toBe('one two three');
    const file = join(world.dir, 'upload');
    const body = 'upload '.repeat(300_000);
    writeFileSync(file, body);
    const echo = proxy.url('l', '/echo');
    const sized = await output(['curl', '-sS', '--data-binary', `@${file}`, echo]);
    expect(sized === body).toBe(true);
    const chunked = await output([
      'curl',
      '-sS',
      '-H',
      'Transfer-Encoding: chunked',
      '--data-binary',
      `@${file}`,
      echo,
    ]);
    expect(chunked === body).toBe(true);
  },
  { skip: needs('curl'), timeoutMs: 60_000 },
);

scenario(
  'wrk: keep-alive and a connection per request, without errors',
  async (world) => {
    const proxy = await webProxy(world);
    const url = proxy.url('l', '/w');
    for (const fields of [[], ['-H', 'Connection: close']]) {
      const text = await output(['wrk', '-t1', '-c32', '-d1s', ...fields, url]);
      expect(text).toContain('requests in');
      expect(text).not.toMatch(/Socket errors|Non-2xx/);
    }
  },
  { skip: needs('wrk'), timeoutMs: 60_000 },
);

scenario(
  'ab: HTTP/1.0 with and without keep-alive, without failures',
  async (world) => {
    const server = world.http(() => answer('from ab'));
    const proxy = await world.proxy(`${defaultsHttp}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port}
`);
    for (const fields of [[], ['-k']]) {
      const text = await output([
        'ab',
        '-q',
        '-n',
        '500',
        '-c',
        '10',
        ...fields,
        proxy.url('l', '/ab'),
      ]);
      expect(text).toMatch(/Complete requests:\s+500/);
      expect(text).toMatch(/Failed requests:\s+0/);
    }
  },
  { skip: needs('ab'), timeoutMs: 60_000 },
);

/** An nginx that asks the proxy in sub-requests (auth_request and SSI) before it answers. */
function nginxText(dir: string, port: number, proxyPort: number): string {
  return `daemon off;
master_process off;
pid ${dir}/pid;
error_log ${dir}/error.log;
events { worker_connections 200; }
http {
  access_log off;
  default_type text/html;
  client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p;
  fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  upstream balancer { server 127.0.0.1:${proxyPort}; keepalive 4; }
  server {
    listen 127.0.0.1:${port};
    location = /allowed { auth_request /auth-yes; root ${dir}/files; }
    location = /denied { auth_request /auth-no; root ${dir}/files; }
    location = /page.shtml { ssi on; root ${dir}/files; }
    location / {
      proxy_pass http://balancer;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }
  }
}
`;
}

scenario(
  'nginx: sub-requests through the proxy decide and fill its pages',
  async (world) => {
    const server = world.http((request) =>
      request.target === '/auth-no' ? answer('', '401 No') : answer(`part ${request.target}`),
    );
    const proxy = await world.proxy(`${defaultsHttp}
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port}
`);
    const free = new RawServer(() => {});
    free.stop();
    const dir = join(world.dir, 'nginx');
    mkdirSync(join(dir, 'files'), { recursive: true });
    writeFileSync(join(dir, 'files', 'allowed'), 'allowed page');
    writeFileSync(join(dir, 'files', 'denied'), 'denied page');
    const include = (path: string) => `<!--#include virtual="${path}" -->`;
    writeFileSync(join(dir, 'files', 'page.shtml'), `[${include('/x')}][${include('/y')}]`);
    writeFileSync(join(dir, 'conf'), `user root;\n${nginxText(dir, free.port, proxy.port('l'))}`);
    const command = ['nginx', '-p', dir, '-e', join(dir, 'start.log'), '-c', join(dir, 'conf')];
    const child = Bun.spawn(command, { stdio: ['ignore', 'ignore', 'ignore'] });
    world.own(child.pid);
    const ask = (path: string) => fetch(`http://127.0.0.1:${free.port}${path}`);
    await until(
      () =>
        ask('/').then(
          () => true,
          () => false,
        ),
      () => 'nginx did not start',
    );
    for (let i = 0; i < 5; i++) {
      expect(await (await ask('/allowed')).text()).toBe('allowed page');
      expect((await ask('/denied')).status).toBe(401);
      expect(await (await ask('/page.shtml')).text()).toBe('[part /x][part /y]');
    }
  },
  { skip: needs('nginx') },
);

scenario('the demonstration starts, serves, shows log lines, and ends at Ctrl-C', async (world) => {
  const free = new RawServer(() => {});
  free.stop();
  const program = programUnderTest === 'haproxy' ? { DEMO_PROGRAM: 'haproxy' } : {};
  const env = { ...process.env, DEMO_PORT: String(free.port), ...program };
  const child = Bun.spawn([join(root, 'bin', 'demo')], {
    env,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  world.own(child.pid);
  let text = '';
  const reading = (async () => {
    for await (const chunk of child.stdout) text += new TextDecoder().decode(chunk);
  })();
  await until(
    () => text.includes('Ctrl-C'),
    () => `no introduction: ${text}`,
  );
  const url = `http://127.0.0.1:${free.port}`;
  expect(await (await fetch(`${url}/`)).text()).toStartWith('app');
  expect(await (await fetch(`${url}/static/x`)).text()).toStartWith('static');
  expect((await fetch(`${url}/private`)).status).toBe(403);
  await until(
    () => text.includes('"GET /private HTTP/1.1"'),
    () => `no log line: ${text}`,
  );

  const second = Bun.spawn([join(root, 'bin', 'demo')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  expect(await new Response(second.stderr).text()).toContain(`port ${free.port} is in use`);
  expect(await second.exited).toBe(1);

  child.kill('SIGINT');
  expect(await within(child.exited, () => 'it did not end')).toBe(0);
  await reading;
  await until(
    () =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    () => 'something still serves',
  );
});
