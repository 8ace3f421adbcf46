/** Health checks against the real servers of their protocols, where these are installed. */
import { expect } from 'bun:test';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, scenario, type World } from '../harness/scenario.ts';

/** Starts a server and makes sure that it ends with the scenario. */
function start(world: World, command: string[], cwd = world.dir) {
  const child = Bun.spawn(command, { cwd, stdio: ['ignore', 'ignore', 'ignore'] });
  world.own(child.pid);
  return child;
}

/**
 * Checks a server that comes up in its own time, then one that has been stopped.
 * @returns what the check says of the running server
 */
async function checkUntilUp(
  world: World,
  option: string,
  port: number,
  server: { kill(signal: NodeJS.Signals): void },
): Promise<string> {
  const log = await world.syslog();
  await world.proxy(`
global
  log 127.0.0.1:${log.port} format raw local0
defaults
  mode tcp
  log global
  option log-health-checks
  timeout connect 5s
  timeout check 5s
  timeout client 5s
  timeout server 5s
backend b
  option ${option}
  server s 127.0.0.1:${port} check inter 50ms rise 1 fall 1
`);
  const line = await log.find(/^Health check for server b\/s succeeded, reason: /, 15_000);
  server.kill('SIGKILL');
  await log.find(/^Server b\/s is DOWN/);
  return /reason: (.*), check duration/.exec(line)![1]!;
}

scenario(
  'option redis-check against Redis (4.2)',
  async (world) => {
    const port = world.refusedPort();
    const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
    const server = start(world, ['redis-server', ...words]);
    expect(await checkUntilUp(world, 'redis-check', port, server)).toBe(
      'Layer7 check passed, code: 0, info: "Redis server is ok"',
    );
  },
  { skip: needs('redis-server') },
);

scenario(
  'option ldap-check against OpenLDAP (4.2)',
  async (world) => {
    const port = world.refusedPort();
    const file = join(world.dir, 'slapd.conf');
    writeFileSync(file, `pidfile ${world.dir}/slapd.pid\nallow bind_anon_cred\n`);
    const server = start(world, [
      'slapd',
      '-f',
      file,
      '-h',
      `ldap://127.0.0.1:${port}/`,
      '-d',
      '0',
    ]);
    expect(await checkUntilUp(world, 'ldap-check', port, server)).toBe(
      'Layer7 check passed, code: 0, info: "Success"',
    );
  },
  { skip: needs('slapd') },
);

scenario(
  'option mysql-check with a user against MariaDB (4.2)',
  async (world) => {
    const port = world.refusedPort();
    const data = join(world.dir, 'data');
    mkdirSync(data);
    const server = start(world, [
      'mariadbd',
      '--no-defaults',
      '--user=root',
      '--skip-grant-tables',
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      `--datadir=${data}`,
      `--socket=${world.dir}/sql`,
      '--innodb-log-file-size=4M',
      '--innodb-buffer-pool-size=8M',
    ]);
    expect(await checkUntilUp(world, 'mysql-check user checker', port, server)).toMatch(
      /^Layer7 check passed, code: 0, info: "[0-9.-]+-MariaDB/,
    );
  },
  { skip: needs('mariadbd') },
);

const postgres = '/usr/lib/postgresql/15/bin';

/** PostgreSQL does not run as root. */
function asPostgres(command: string[]): string[] {
  return process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--', ...command] : command;
}

function postgresId(): number {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => /^postgres:/.test(text));
  return Number(line?.split(':')[2] ?? -1);
}

scenario(
  'option pgsql-check against PostgreSQL (4.2)',
  async (world) => {
    const port = world.refusedPort();
    const data = join(world.dir, 'data');
    mkdirSync(data, { mode: 0o700 });
    if (process.getuid?.() === 0) {
      chmodSync(world.dir, 0o755);
      chownSync(data, postgresId(), -1);
    }
    const made = start(world, asPostgres([`${postgres}/initdb`, '-N', '-D', data]), data);
    expect(await made.exited).toBe(0);
    const words = ['-D', data, '-p', String(port), '-k', data, '-h', '127.0.0.1'];
    const child = start(world, asPostgres([`${postgres}/postgres`, ...words]), data);
    // `runuser` stands between: the server's own number is in its file.
    const server = {
      kill: (signal: NodeJS.Signals) => {
        const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
        process.kill(pid, signal === 'SIGKILL' ? 'SIGQUIT' : signal);
      },
    };
    expect(await checkUntilUp(world, 'pgsql-check user checker', port, server)).toBe(
      'Layer7 check passed, code: 0, info: "PostgreSQL server is ok"',
    );
    await child.exited;
  },
  { skip: needs(`${postgres}/initdb`, 'runuser') },
);

scenario(
  'option ssl-hello-chk against OpenSSL (4.2)',
  async (world) => {
    const port = world.refusedPort();
    const [key, certificate] = [join(world.dir, 'key.pem'), join(world.dir, 'crt.pem')];
    const subject = ['-subj', '/CN=localhost', '-keyout', key, '-out', certificate];
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    expect(await start(world, ['openssl', 'req', '-x509', ...ec, ...subject]).exited).toBe(0);
    const files = ['-key', key, '-cert', certificate];
    const accept = ['-accept', `127.0.0.1:${port}`, '-quiet'];
    const server = start(world, ['openssl', 's_server', ...accept, ...files]);
    expect(await checkUntilUp(world, 'ssl-hello-chk', port, server)).toBe('Layer6 check passed');
  },
  { skip: needs('openssl') },
);
