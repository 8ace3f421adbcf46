/** The same configuration and commands through HAProxy and through sluice. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { askSocket, freePort, launcher, ProgramFixture, until } from './program-fixture.ts';

const haproxy = Bun.which('haproxy') ?? Bun.which('haproxy', { PATH: '/usr/sbin:/sbin' });

let program: ProgramFixture;
let theirs: Bun.Subprocess | null = null;
beforeEach(() => {
  program = new ProgramFixture();
});
afterEach(() => {
  theirs?.kill(9);
  theirs = null;
  program.close();
});

/** Columns that both have, up to `proto`: later ones are of one program only. */
const COLUMNS = 113;

/**
 * Columns that may differ: seconds since the start, and the estimate of needed connections, which
 * HAProxy starts at 1 because of a health check.
 */
const ignored = new Set(['lastchg', 'downtime', 'need_conn_est']);

function table(csv: string): Record<string, string>[] {
  const [head, ...lines] = csv.trim().split('\n');
  const names = head!.slice(2).split(',').slice(0, COLUMNS);
  return lines.map((line) => {
    const values = line.split(',');
    return Object.fromEntries(names.map((name, i) => [name, ignored.has(name) ? '' : values[i]!]));
  });
}

async function startTheirs(file: string): Promise<void> {
  theirs = Bun.spawn([haproxy!, '-db', '-f', file], { stdout: 'ignore', stderr: 'ignore' });
  await until(() => existsSync(program.path('stats')));
}

function config(ports: number[], level: string): string {
  return program.config(`
global
  stats socket %/stats level ${level}
  maxconn 2000
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend f
  option socket-stats
  maxconn 77
  bind 127.0.0.1:${ports[0]} maxconn 5
  bind 127.0.0.1:${ports[1]} name web id 9
  default_backend b
backend b
  server s1 127.0.0.1:1 weight 30
  server s2 127.0.0.1:1 backup
  server s3 127.0.0.1:1 disabled
  server s4 127.0.0.1:1 maxconn 4 maxqueue 3 pool-max-conn 6
  server s5 [::1]:1 weight 0
backend none
  fullconn 12
backend broken
  server s1 127.0.0.1:1 disabled
listen l
  mode tcp
  bind unix@%/l
  server x 127.0.0.1:1 weight 5
`);
}

describe.skipIf(haproxy === null)('show stat next to haproxy', () => {
  test.each(['user', 'admin'])(
    'has the same columns and values for a proxy without traffic, at level %s',
    async (level) => {
      const file = config([freePort(), freePort()], level);
      await startTheirs(file);
      const wanted = await askSocket(program.path('stats'), 'show stat');
      theirs!.kill(9);
      await theirs!.exited;
      await program.serve('-f', file);
      const found = await program.ask('show stat');
      expect(table(found)).toEqual(table(wanted));
    },
  );
});

describe.skipIf(haproxy === null)('show info next to haproxy', () => {
  test('has the same positions, tags and types, and the letter that 3.2 leaves out', async () => {
    const file = config([freePort(), freePort()], 'admin');
    /** `3.Nbthread.1:CGS:u32`; the limit of memory may be larger than 32 bits. */
    const types = (text: string) =>
      Array.from(text.matchAll(/^[^:]+:\w+:\w+/gm), ([type]) => type).filter(
        (type) => !type.includes('Memmax_bytes'),
      );
    await startTheirs(file);
    const wanted = types(await askSocket(program.path('stats'), 'show info typed'));
    theirs!.kill(9);
    await theirs!.exited;
    await program.serve('-f', file);
    const found = types(await program.ask('show info typed'));
    expect(found).toEqual(wanted.map((type) => type.replace(/(:\w{3}):/, '$1V:')));
  });

  test('has the same names in the same order', async () => {
    const file = config([freePort(), freePort()], 'admin');
    const names = (text: string) => text.split('\n').map((line) => line.replace(/:.*/, ''));
    await startTheirs(file);
    const wanted = await askSocket(program.path('stats'), 'show info');
    theirs!.kill(9);
    await theirs!.exited;
    await program.serve('-f', file);
    expect(names(await program.ask('show info'))).toEqual(names(wanted));
  });
});

/** Messages without process numbers and the names of the programs. */
function normal(text: string): string {
  return text
    .replaceAll(/\(\d+\)/g, '(pid)')
    .replaceAll(/^.*(version is|path to executable is).*\n/gm, '')
    .replaceAll(/\[[^\]]*\.main\(\)\]/g, '[main]');
}

describe.skipIf(haproxy === null)('messages of a failed start next to haproxy', () => {
  const base = 'defaults\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n';

  test.each([
    ['an address that is not there', `${base}frontend f\n  bind 192.0.2.1:80\n`, ['-db']],
    [
      'an abstract name twice',
      `${base}listen l\n${'  bind abns@sluice-twice\n'.repeat(2)}`,
      ['-db'],
    ],
    ['a unix socket in no folder', `${base}frontend f\n  bind unix@/nonexistent/s\n`, ['-db']],
    ['nothing to listen on', `${base}backend b\n  server s 127.0.0.1:1\n`, ['-db']],
    ['an unknown keyword', 'frontend f\n  bnd :1\n', ['-c']],
    ['a missing file', '', ['-c', '-f', '/nonexistent.cfg']],
  ])('are the same for %s', async (_, text, args) => {
    const file = program.config(text);
    const all = args.includes('-f') ? args : [...args, '-f', file];
    const ours = await program.run(...all);
    const other = Bun.spawn([haproxy!, ...all], { stdout: 'pipe', stderr: 'pipe' });
    const stderr = await new Response(other.stderr).text();
    expect(await other.exited).toBe(ours.status!);
    expect(normal(ours.stderr)).toBe(normal(stderr));
  });
});

describe.skipIf(haproxy === null)('-cc next to haproxy (management.txt 3)', () => {
  test.each([
    '1',
    ' ',
    '1 || ',
    'streq("$HOME",/there)',
    "streq('$HOME',/there)",
    'streq("${NOPE-xy}",xy)',
    '"$HOME"',
    '1   &&   0',
    '1 # x',
    '"foo  x"',
    'foo  x',
    'streq("a',
    '"\\x4"',
    'streq(a)',
  ])('%p has the same status and message', async (condition) => {
    const env = { ...process.env, HOME: '/there' };
    const ask = async (command: string[]) => {
      const child = Bun.spawn([...command, '-cc', condition], { env, stderr: 'pipe' });
      const stderr = await new Response(child.stderr).text();
      return [await child.exited, normal(stderr)];
    };
    expect(await ask([launcher])).toEqual(await ask([haproxy!]));
  });
});
