import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { askSocket, freePort, isAlive, ProgramFixture, until } from './program-fixture.ts';

let program: ProgramFixture;
beforeEach(() => {
  program = new ProgramFixture();
});
afterEach(() => program.close());

const defaults = `
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
`;

const serving = `
global
  stats socket %/stats level admin
  nbthread 2
${defaults}
frontend f
  bind unix@%/http mode 666
  http-request return status 200 content-type text/plain string "hello"
`;

async function get(path: string): Promise<string> {
  const response = await fetch('http://sluice/', { unix: path } as RequestInit);
  return response.text();
}

describe('exit statuses (management.txt 3)', () => {
  test('-v and -vv print the version and end with 0', async () => {
    const { status, stdout } = await program.run('-v');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^sluice version [0-9.]+ \d{4}\/\d\d\/\d\d - .*HAProxy [0-9.]+\n/);
    const all = await program.run('-vv');
    expect(all.status).toBe(0);
    expect(all.stdout).toContain('Total: 1 (1 usable), will use epoll.\n');
  });

  test('without options the usage is printed and the status is 1', async () => {
    const { status, stderr } = await program.run();
    expect(status).toBe(1);
    expect(stderr).toStartWith('Usage : sluice [-f <cfgfile|cfgdir>]*');
  });

  test('-c says that a configuration is valid with -V only, and ends with 0', async () => {
    const file = program.config(serving);
    expect(await program.run('-c', '-f', file)).toMatchObject({ status: 0, stdout: '' });
    const loud = await program.run('-c', '-V', '-f', file);
    expect(loud).toMatchObject({ status: 0, stdout: 'Configuration file is valid\n', stderr: '' });
  });

  test('-c lists all errors and ends with 1', async () => {
    const file = program.config('frontend f\n  bnd :1\n  mod http\n');
    const { status, stderr } = await program.run('-c', '-f', file);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^\[NOTICE\] {3}\(\d+\) : sluice version is /);
    expect(stderr).toMatch(
      /\[ALERT\] {4}\(\d+\) : config : parsing \[[^\]]*:2\] : unknown keyword/,
    );
    expect(stderr).toMatch(/parsing \[[^\]]*:3\] : unknown keyword 'mod'/);
    expect(stderr).toContain(`config : Error(s) found in configuration file : ${file}\n`);
    expect(stderr).toContain('config : Fatal errors found in configuration.\n');
  });

  test('the name of a wrong file comes after all that is said about it', async () => {
    const file = program.config('frontend f\n  server s 127.0.0.1:1\n  balance roundrobin\n');
    const { stderr } = await program.run('-c', '-f', file);
    const warning = stderr.indexOf("'balance' ignored");
    expect(warning).toBeGreaterThan(0);
    expect(stderr.indexOf('Error(s) found')).toBeGreaterThan(warning);
  });

  test('-q keeps -c silent', async () => {
    const file = program.config('frontend f\n  bnd :1\n');
    const silent = await program.run('-q', '-c', '-f', file);
    expect(silent).toMatchObject({ status: 1, stdout: '', stderr: '' });
  });

  test('-c ends with 2 when there is nothing to listen on', async () => {
    const file = program.config(`${defaults}backend b\n  server s 127.0.0.1:1\n`);
    const { status, stdout } = await program.run('-c', '-f', file);
    expect(status).toBe(2);
    expect(stdout).toContain('(no listener) => exit(2)');
  });

  test('a stats socket is something to listen on (management.txt 3)', async () => {
    const file = program.config('global\n  stats socket %/stats\n');
    const checked = await program.run('-c', '-V', '-f', file);
    expect(checked).toMatchObject({ status: 0, stdout: 'Configuration file is valid\n' });
    const child = await program.serve('-f', file);
    expect(await program.ask('show info')).toContain(`Pid: ${child.pid}\n`);
    child.kill('SIGUSR1');
    expect((await program.finish(child)).status).toBe(0);
  });

  test.each([
    ['feature(CPU_AFFINITY) && feature(LINUX_SPLICE) && feature(PCRE2_JIT)', [], 0],
    ['enabled(SPLICE) && enabled(REUSEPORT)', [], 0],
    ['enabled(SPLICE)', ['-dS'], 1],
    ['enabled(REUSEPORT)', ['-dR'], 1],
  ])('-cc knows what is in use: %s after %p (2.4)', async (condition, options, expected) => {
    expect((await program.run(...options, '-cc', condition)).status).toBe(expected);
  });

  test('a file that does not exist is named', async () => {
    const { status, stderr } = await program.run('-f', '/nonexistent.cfg');
    expect(status).toBe(1);
    expect(stderr).toContain(
      'Cannot open configuration file/directory /nonexistent.cfg : No such file or directory\n',
    );
  });

  test('-dW makes a warning an error', async () => {
    const file = program.config('frontend f\n  bind 127.0.0.1:1\n');
    expect((await program.run('-c', '-f', file)).status).toBe(0);
    const strict = await program.run('-dW', '-c', '-f', file);
    expect(strict.status).toBe(1);
    expect(strict.stderr).toContain("'zero-warning' is set");
  });

  test.each([
    ['streq(a,a)', 0],
    ['streq(a,b)', 1],
    ['nonsense(', 2],
  ] as const)('-cc %s ends with %d', async (condition, wanted) => {
    expect((await program.run('-cc', condition)).status).toBe(wanted);
  });

  test('-C changes the folder before files are read', async () => {
    program.config(serving, 'own.cfg');
    const found = await program.run('-C', program.folder, '-c', '-V', '-f', 'own.cfg');
    expect(found.stdout).toBe('Configuration file is valid\n');
    expect((await program.run('-C', '/nonexistent', '-c', '-f', 'x')).status).toBe(1);
  });
});

describe('a configuration that cannot be bound', () => {
  test('is reported with its line, ends with 1 and leaves nothing behind', async () => {
    const taken = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      exclusive: true,
      socket: { data: () => undefined },
    } as never);
    const file = program.config(`
global
  stats socket %/stats
${defaults}
frontend f
  bind unix@%/http
frontend g
  bind 127.0.0.1:${taken.port}
  bind unix@/nonexistent/s
`);
    const { status, stderr } = await program.run('-db', '-f', file);
    taken.stop(true);
    expect(status).toBe(1);
    expect(stderr).toContain(
      `Binding [${file}:14] for frontend g: protocol tcpv4: cannot bind socket (Address already in use) ` +
        `for [127.0.0.1:${taken.port}].\n`,
    );
    expect(stderr).toContain(
      `Binding [${file}:15] for frontend g: protocol unix_stream: cannot bind UNIX socket (No such file or directory) `,
    );
    expect(stderr).toContain('Some protocols failed to start their listeners! Exiting.');
    expect(readdirSync(program.folder)).toEqual(['haproxy.cfg']);
  });

  test('is told to the shell that asked for a daemon', async () => {
    const file = program.config(`${defaults}frontend g\n  bind unix@/nonexistent/s\n`);
    const { status, stderr } = await program.run('-D', '-p', program.path('pid'), '-f', file);
    expect(status).toBe(1);
    expect(stderr).toContain('cannot bind UNIX socket');
    expect(existsSync(program.path('pid'))).toBe(false);
  });

  test('fails when the descriptors cannot be had (3.1 strict-limits)', async () => {
    const file = program.config(`global\n  maxconn 900000000\n${serving}`);
    const { status, stderr } = await program.run('-db', '-f', file);
    expect(status).toBe(1);
    expect(stderr).toMatch(/Cannot raise FD limit to \d+, limit is \d+\./);
  });
});

describe('serving in the foreground', () => {
  test('answers over a unix socket that all workers share', async () => {
    await program.serve('-f', program.config(serving));
    const answers = await Promise.all(new Array(8).fill(0).map(() => get(program.path('http'))));
    expect(answers).toEqual(new Array(8).fill('hello'));
  });

  test('answers on an abstract socket and on a TCP port', async () => {
    const port = freePort();
    const name = `sluice-process-test-${process.pid}`;
    await program.serve('-f', program.config(`${serving}  bind abns@${name},127.0.0.1:${port}\n`));
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('hello');
    expect(readFileSync('/proc/net/unix', 'latin1')).toContain(`@${name}`);
  });

  test('counts in show stat what all workers did', async () => {
    await program.serve('-f', program.config(serving));
    for (let i = 0; i < 5; i++) await get(program.path('http'));
    const counts = async () => {
      const lines = (await program.ask('show stat f 1 0')).split('\n');
      const names = lines[0]!.slice(2).split(',');
      const values = lines[1]!.split(',');
      return ['req_tot', 'hrsp_2xx'].map((name) => values[names.indexOf(name)]!);
    };
    // An answer is counted when it has been sent: who has it may be first.
    let seen = await counts();
    while (seen.includes('4')) seen = await counts();
    expect(seen).toEqual(['5', '5']);
  });

  test.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGINT'],
  ] as const)('%s ends it by that signal (management.txt 4)', async (signal, died) => {
    const child = await program.serve('-f', program.config(serving));
    child.kill(signal);
    expect(await program.finish(child)).toMatchObject({ status: null, signal: died });
  });

  test('SIGUSR1 ends it with 0 and reports each proxy (management.txt 4)', async () => {
    const child = await program.serve('-f', program.config(serving));
    child.kill('SIGUSR1');
    const { status, stderr } = await program.finish(child);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /\[WARNING\] {2}\(\d+\) : Proxy f stopped \(cumulated conns: FE: 0, BE: 0\)/,
    );
  });

  test('SIGUSR1 waits for a response in progress, at most hard-stop-after (3.1)', async () => {
    const slow = Bun.serve({ port: 0, fetch: () => new Promise<Response>(() => undefined) });
    const file = program.config(`
global
  stats socket %/stats
  hard-stop-after 200ms
${defaults}
listen f
  bind unix@%/http
  server s 127.0.0.1:${slow.port}
`);
    const child = await program.serve('-f', file);
    const pending = get(program.path('http')).catch(() => 'closed');
    let busy = false;
    while (!busy) busy = /^CurrConns: 1$/m.test(await program.ask('show info'));
    child.kill('SIGUSR1');
    const { status, stderr } = await program.finish(child);
    expect(status).toBe(0);
    expect(stderr).toContain('soft-stop running for too long, performing a hard-stop.');
    await pending;
    slow.stop(true);
  });

  test('SIGHUP prints the state of the servers (configuration.txt 8.9)', async () => {
    const file = program.config(`${serving}backend b\n  server s1 127.0.0.1:1\n`);
    const child = await program.serve('-f', file);
    child.kill('SIGHUP');
    // The answer to a command comes after the signal has been handled.
    await program.ask('show version');
    child.kill('SIGTERM');
    const { stderr } = await program.finish(child);
    expect(stderr).toContain('SIGHUP: Server b/s1 is UP. Conn: 0 act, 0 pend, 0 tot.\n');
    expect(stderr).toContain(
      'SIGHUP: Proxy b has 1 active servers and 0 backup servers available.',
    );
  });

  test('a new process sends the old one away with -sf and takes its sockets', async () => {
    const file = program.config(serving);
    const old = await program.serve('-f', file);
    const next = program.start('-db', '-f', file, '-sf', String(old.pid));
    expect((await program.finish(old)).status).toBe(0);
    expect(await get(program.path('http'))).toBe('hello');
    expect(next.exitCode).toBe(null);
  });
});

describe('the stats socket', () => {
  test('answers a command whose sender has closed its side already', async () => {
    await program.serve('-f', program.config(serving));
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      Bun.connect({
        unix: program.path('stats'),
        socket: {
          open: (socket) => {
            socket.write('show version\n');
            socket.shutdown();
          },
          data: (_, data) => {
            text += data.toString();
          },
          close: () => resolve(text),
        },
      });
    });
    expect(answer).toMatch(/^3\.4\.0-sluice.*\n\n$/);
  });

  test('lets connections beyond stats maxconn wait for their turn (3.1)', async () => {
    const file = program.config(serving.replace('nbthread', 'stats maxconn 1\n  nbthread'));
    await program.serve('-f', file);
    const answers = await Promise.all(
      new Array(5).fill('show cli level').map((line) => program.ask(line)),
    );
    expect(answers).toEqual(new Array(5).fill('admin\n\n'));
  });

  test('closes a silent connection after stats timeout (3.1)', async () => {
    const file = program.config(serving.replace('nbthread', 'stats timeout 100ms\n  nbthread'));
    await program.serve('-f', file);
    expect(await askSocket(program.path('stats'), 'prompt')).toBe('\n> ');
  });
});

describe('a daemon (configuration.txt 3.1)', () => {
  test('serves when the command returns, detached and with a pid file', async () => {
    const file = program.config(serving.replace('nbthread', 'daemon\n  pidfile %/pid\n  nbthread'));
    const { status, stderr } = await program.run('-f', file);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const pid = program.daemonPid('pid');
    expect(await get(program.path('http'))).toBe('hello');
    for (const fd of [0, 1, 2]) expect(readlinkSync(`/proc/${pid}/fd/${fd}`)).toBe('/dev/null');
    const [, , , , session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '. . ')
      .split(' ');
    expect(Number(session)).toBe(pid);
    process.kill(pid, 'SIGTERM');
    await until(() => !isAlive(pid));
  });

  test('stays in the foreground with -db', async () => {
    const file = program.config(serving.replace('nbthread', 'daemon\n  nbthread'));
    const child = await program.serve('-f', file);
    expect(child.exitCode).toBe(null);
  });

  const isRoot = process.getuid?.() === 0;
  test.skipIf(!isRoot)('gives up root in all threads and lives in its jail', async () => {
    mkdirSync(program.path('jail'));
    const more = 'daemon\n  pidfile %/pid\n  chroot %/jail\n  uid 65534\n  gid 65534\n  nbthread';
    const { status, stderr } = await program.run(
      '-f',
      program.config(serving.replace('nbthread', more)),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const pid = program.daemonPid('pid');
    expect(readlinkSync(`/proc/${pid}/root`)).toBe(program.path('jail'));
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const text = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      expect(text).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
      expect(text).toMatch(/^Gid:\t65534\t65534\t65534\t65534$/m);
      expect(text).toMatch(/^Groups:\t65534 $/m);
    }
    expect(await get(program.path('http'))).toBe('hello');
    expect(await program.ask('show info')).toContain(`Pid: ${pid}\n`);
  });

  test('says why when the jail does not exist', async () => {
    const file = program.config(serving.replace('nbthread', 'chroot /nonexistent\n  nbthread'));
    const { status, stderr } = await program.run('-D', '-f', file);
    expect(status).toBe(1);
    expect(stderr).toMatch(/Cannot chroot\(\/nonexistent\) : /);
  });
});
