/**
 * The manual is true: every configuration in it is checked by the program, what it shows of messages
 * is what the program says, some examples run end to end, and the reference and the examples agree
 * with the program.
 */
import { describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coverageRows } from '../scripts/coverage.ts';
import { referencePath, renderReference } from '../scripts/reference.ts';
import { answer, fieldOf, type HttpMessage } from './harness/http.ts';
import { anchorOf, type Fence, fencesOf } from './harness/markdown.ts';
import { type Proxy, root } from './harness/proxy.ts';
import { scenario, type World } from './harness/scenario.ts';
import { until } from './harness/wait.ts';
import { certificate } from './keywords/sample.ts';

const manual = readFileSync(join(root, 'docs', 'manual.md'), 'utf8');
const fences = fencesOf(manual);
const configurations = fences.filter((fence) => fence.language === 'haproxy');
const program = join(root, 'bin', 'sluice');

interface Checked {
  status: number;
  output: string;
}

/** Runs `-c` on a text in a folder that has the manual's files; the output without process ids. */
async function check(text: string): Promise<Checked> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-manual-'));
  try {
    for (const { info, text: content } of fences) {
      const name = /^file=([\w.-]+)$/.exec(info)?.[1];
      if (name !== undefined) writeFileSync(join(dir, name), content);
    }
    for (const file of ['site.pem', 'ca.crt']) writeFileSync(join(dir, file), certificate);
    writeFileSync(join(dir, 'site.cfg'), text);
    const child = Bun.spawn([program, '-c', '-f', 'site.cfg'], {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    const output = (err + out)
      .replace(/^\[(\w+)\] +\(\d+\) : /gm, '[$1] ')
      .replace(/^\[NOTICE\].*\n/gm, '')
      .replace(/^Warnings were found\.\n/gm, '');
    return { status: await child.exited, output };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const accounts = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':')[0]!);
const users = accounts('/etc/passwd');
const groups = accounts('/etc/group');

/** Lines that give a name of a user or group, with whether this machine has it. */
function accountLines(text: string): { line: string; known: boolean }[] {
  return [...text.matchAll(/^ *(user|group) +(\S+)\n/gm)].map(([line, kind, name]) => ({
    line,
    known: (kind === 'user' ? users : groups).includes(name!),
  }));
}

const titleOf = (fence: Fence) => `${fence.heading} (docs/manual.md:${fence.line})`;

/** The block that follows a configuration: what the program says about it. */
function saidAfter(fence: Fence): string {
  return fences[fences.indexOf(fence) + 1]!.text;
}

describe('every configuration of the manual is what it says', () => {
  test.concurrent.each(
    configurations
      .filter(({ info }) => info === '')
      .map((fence) => [titleOf(fence), fence] as const),
  )('%s is accepted without a warning', async (_title, { text }) => {
    const lines = accountLines(text);
    const unknown = lines.filter(({ known }) => !known);
    const asWritten = await check(text);
    if (unknown.length === 0) {
      expect(asWritten).toEqual({ status: 0, output: '' });
    } else {
      // The names are the only thing that this machine may hold against it.
      expect(asWritten.output.match(/cannot find (user|group) id/g)?.length).toBe(unknown.length);
    }
    if (lines.length > 0) {
      const without = lines.reduce((rest, { line }) => rest.replace(line, '\n'), text);
      expect(await check(without)).toEqual({ status: 0, output: '' });
    }
  });

  test.concurrent.each(
    configurations
      .filter(({ info }) => info !== '')
      .map((fence) => [titleOf(fence), fence] as const),
  )('%s says what stands below it', async (_title, fence) => {
    expect(['refused', 'warns']).toContain(fence.info);
    const result = await check(fence.text);
    expect(result).toEqual({
      status: fence.info === 'refused' ? 1 : 0,
      output: saidAfter(fence),
    });
  });
});

test('the words and exit statuses of -c are those of the manual (Start)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-manual-'));
  try {
    const run = (text: string, ...args: string[]) => {
      writeFileSync(join(dir, 'site.cfg'), text);
      const result = Bun.spawnSync([program, '-c', ...args, '-f', 'site.cfg'], { cwd: dir });
      return [result.exitCode, result.stdout.toString().trim()];
    };
    const smallest = configurations[0]!.text;
    expect(run(smallest)).toEqual([0, '']);
    expect(run(smallest, '-V')).toEqual([0, 'Configuration file is valid']);
    expect(run('bogus\n', '-V')[0]).toBe(1);
    expect(run(smallest.replace(/^ *bind.*$/m, ''), '-q')[0]).toBe(2);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

describe('the documents hang together', () => {
  test('links lead somewhere', () => {
    const anchors = (text: string) =>
      [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
    for (const [, target] of manual.matchAll(/\]\(([^)]+)\)/g)) {
      const [file, anchor] = target!.split('#');
      const path = file === '' ? 'manual.md' : file!;
      expect(existsSync(join(root, 'docs', path)), target).toBe(true);
      const text = readFileSync(join(root, 'docs', path), 'utf8');
      if (anchor !== undefined) expect(anchors(text), target).toContain(anchor);
    }
  });

  test('reference.md is what the keyword tables give; bin/bun scripts/reference.ts writes it', () => {
    expect(readFileSync(referencePath, 'utf8')).toBe(renderReference());
  });

  test('no keyword is supported that the list of known names lacks', () => {
    const unlisted = coverageRows().flatMap((row) => row.unlisted.map((n) => `${row.title}: ${n}`));
    expect(unlisted).toEqual([]);
  });
});

describe('the example files', () => {
  const examples = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.cfg'));

  test.concurrent.each(examples)('examples/%s is accepted without a warning', async (name) => {
    const text = readFileSync(join(root, 'examples', name), 'utf8');
    const unknown = accountLines(text).filter(({ known }) => !known);
    const known = unknown.reduce((rest, { line }) => rest.replace(line, '\n'), text);
    expect(await check(known)).toEqual({ status: 0, output: '' });
  });
});

/** The only configuration under a heading that contains a word, from its `defaults` on. */
function example(heading: string, word: string): string {
  const found = configurations.filter(
    (fence) => fence.heading === heading && fence.text.includes(word),
  );
  expect(found.map(titleOf)).toHaveLength(1);
  return found[0]!.text.replace(/^global\n(?: .*\n|\n)*/m, '');
}

/** An example with its first address inherited from the harness and its servers' ports replaced. */
function runnable(text: string, ports: Record<string, number>): string {
  const listening = text.replace(/^ {2}bind \S+/m, '  bind fd@{{web}}');
  const withServers = Object.entries(ports).reduce((rest, [name, port]) => {
    const line = new RegExp(`^( +server ${name}) \\S+`, 'm');
    expect(rest).toMatch(line);
    return rest.replace(line, `$1 127.0.0.1:${port}`);
  }, listening);
  // Checks of servers that the test does not start would only make noise.
  return withServers.replace(/^( +server (?!primary).*) check\b/gm, '$1');
}

/** Sends a request for `path` and gives the answer. */
async function get(world: World, proxy: Proxy, path: string, fields = ''): Promise<HttpMessage> {
  const client = await world.connect(proxy.port('web'));
  client.send(`GET ${path} HTTP/1.1\r\nHost: www.example.com\r\n${fields}\r\n`);
  const message = await client.readMessage('GET');
  client.close();
  return message;
}

const named = (world: World, name: string): number =>
  world.http((request) => answer(`${name} ${request.target}`, '200 OK', 'Server: x\r\n')).port;

scenario(
  'the example with static and dynamic content sends each where it belongs',
  async (world) => {
    const ports = { static: named(world, 'static'), app1: named(world, 'app1') };
    const text = runnable(example('Static and dynamic content', 'url_static'), {
      ...ports,
      app2: named(world, 'app2'),
    });
    const proxy = await world.proxy(text.replace(/^ +log .*\n| +option +httplog\n/gm, ''));
    expect((await get(world, proxy, '/images/a')).body).toBe('static /images/a');
    expect((await get(world, proxy, '/x/LOGO.PNG')).body).toBe('static /x/LOGO.PNG');
    const bodies = [];
    for (let i = 0; i < 6; i++) bodies.push((await get(world, proxy, '/page')).body);
    // The second server has weight 2; the backup gets nothing.
    expect(bodies.sort()).toEqual([...Array(2).fill('app1 /page'), ...Array(4).fill('app2 /page')]);
  },
);

scenario(
  'the example for WebSocket makes a tunnel and leaves other requests alone',
  async (world) => {
    const live = world.server(async (peer) => {
      const head = await peer.readHead();
      expect(fieldOf(head, 'upgrade')).toBe('websocket');
      peer.send(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n' +
          'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
      );
      expect(await peer.read(5)).toBe('hello');
      peer.send('world');
    });
    const text = example('WebSocket', 'is_websocket');
    const ports = { l1: live.port, l2: live.port, a1: named(world, 'app') };
    const proxy = await world.proxy(runnable(text, ports));
    expect((await get(world, proxy, '/')).body).toBe('app /');
    const client = await world.connect(proxy.port('web'));
    const handshake = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n';
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    client.send(`GET /s HTTP/1.1\r\nHost: h\r\n${handshake}${key}\r\n`);
    expect((await client.readHead()).status).toBe(101);
    client.send('hello');
    expect(await client.read(5)).toBe('world');
  },
);

scenario('the example for a database forwards bytes both ways and logs one line', async (world) => {
  const database = world.server(async (peer) => {
    peer.send('ready\n');
    expect(await peer.readUntil('\n')).toBe('select 1\n');
    peer.send('1\n');
    peer.end();
  });
  const text = runnable(example('TCP: a database', 'postgres'), { primary: database.port });
  const proxy = await world.proxy(text.replace(' check maxconn', ' maxconn'));
  const client = await world.connect(proxy.port('web'));
  expect(await client.readUntil('\n')).toBe('ready\n');
  client.send('select 1\n');
  expect(await client.readToEnd()).toBe('1\n');
  client.close();
  await until(
    () => / postgres postgres\/primary \d+\/\d+\/\d+ 8 -- \d\/1\/\d\/\d\/0 0\/0/.test(proxy.stdout),
    () => `the line: ${proxy.stdout}`,
  );
});

scenario(
  'the example of rules refuses, redirects, answers and rewrites as it says',
  async (world) => {
    const server = world.http((request) => {
      const names = [
        'x-client-port',
        'x-forwarded-proto',
        'x-backend',
        'x-forwarded-for',
        'cookie',
      ];
      const seen = [...names, 'x-internal-user'].map((name) => fieldOf(request, name) ?? 'none');
      const fields = 'Server: secret\r\nLocation: http://a/b\r\nContent-Type: text/plain\r\n';
      return answer([request.target, ...seen.slice(1)].join(' '), '200 OK', fields);
    });
    const proxy = await world.proxy(
      runnable(example('Rules', 'known_host'), { app1: server.port }),
    );
    const status = async (path: string, fields = '') =>
      (await get(world, proxy, path, fields)).status;
    expect([await status('/limited'), await status('/healthz'), await status('/old')]).toEqual([
      429, 204, 308,
    ]);
    expect((await get(world, proxy, '/whoami')).body).toBe('127.0.0.1 asked for /whoami\n');
    const fields = 'X-Internal-User: root\r\nCookie: a=1; tracking=2; b=3\r\n';
    const reply = await get(world, proxy, '/api/v1/things?q=1', fields);
    expect(reply.body).toBe('/v1/things?q=1 http app 127.0.0.1 a=1;  b=3 none');
    expect(fieldOf(reply, 'server')).toBeNull();
    expect(fieldOf(reply, 'location')).toBe('https://a/b');
    expect(fieldOf(reply, 'x-kind')).toBe('text');
    for (const each of [reply, await get(world, proxy, '/limited')]) {
      expect(fieldOf(each, 'strict-transport-security')).toBe('max-age=31536000');
    }
  },
);

scenario('the example of variables counts, remembers the path and logs both', async (world) => {
  const server = world.http((request) => answer(fieldOf(request, 'x-who') ?? 'none'));
  const text = runnable(example('Variables', 'txn.path'), { app1: server.port });
  const proxy = await world.proxy(`global\n  set-var proc.release str(blue)\n${text}`);
  const peer = await world.connect(proxy.port('web'));
  const ask = async (path: string) => {
    peer.send(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
    return await peer.readMessage('GET');
  };
  const first = await ask('/Account/1');
  expect(first.body).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(fieldOf(first, 'cache-control')).toBe('no-store');
  const second = await ask('/Private');
  expect([second.status, fieldOf(second, 'cache-control')]).toEqual([200, null]);
  await until(
    () => proxy.stdout.includes('GET /private 200 release=blue nth=2\n'),
    () => `no such line: ${proxy.stdout}`,
  );
  expect(proxy.stdout).toContain('GET /account/1 200 release=blue nth=1\n');
});

scenario(
  'the example of an error page serves it when no server answers, and on purpose',
  async (world) => {
    const page = fences.find(({ info }) => info === 'file=503.http')!;
    writeFileSync(join(world.dir, '503.http'), page.text);
    const text = runnable(example('Error pages', 'errorfile'), { app1: world.refusedPort() });
    const proxy = await world.proxy(`${text}  retries 0\n`);
    for (const path of ['/', '/closed/door']) {
      const client = await world.connect(proxy.port('web'));
      client.send(`GET ${path} HTTP/1.0\r\n\r\n`);
      const reply = await client.readToEnd();
      expect(reply).toStartWith('HTTP/1.0 503 Service Unavailable\r\n');
      expect(reply).toEndWith('<html><body><h1>Back in a minute</h1></body></html>\n');
    }
  },
);

scenario('the example of a log format writes lines that are JSON', async (world) => {
  const text = runnable(example('Logs', 'unique-id-format'), { app1: named(world, 'app') });
  const proxy = await world.proxy(text);
  await get(world, proxy, '/a?b="c"', 'User-Agent: say "hi"\\there\r\n');
  const found = await until(
    () => proxy.stdout.split('\n').find((line) => line.includes('"web"')),
    () => `the line: ${proxy.stdout}`,
  );
  const line = JSON.parse(found);
  expect(line).toMatchObject({ client: '127.0.0.1', server: 'app/app1', status: 200 });
  expect(line).toMatchObject({ agent: 'say "hi"\\there', request: 'GET /a?b="c"', state: '----' });
  expect(line.id).toMatch(/^[0-9A-F]{8}:/);
});
