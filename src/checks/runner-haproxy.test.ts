/** The same servers, checked by the real haproxy and by the runner: the same lines must come. */
import { expect, test } from 'bun:test';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFixture, tcpCheckConfig } from '../balance/fixture.ts';
import { Option } from '../model/config.ts';
import { ipv4 } from '../model/config-fixture.ts';
import { CheckRunner } from './runner.ts';

/** Lines with a way to wait for one of them. */
class Journal {
  readonly lines: string[] = [];
  private waiting: { text: string; from: number; resolve: () => void } | null = null;

  add(line: string): void {
    this.lines.push(line.replace(/check duration: \d+ms/, 'check duration: Nms'));
    this.look();
  }

  /** Waits for a line that contains the text, among those that came after the last such wait. */
  reaches(text: string, from: number): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = { text, from, resolve };
      this.look();
    });
  }

  private look(): void {
    const { waiting } = this;
    if (waiting === null) return;
    if (!this.lines.slice(waiting.from).some((line) => line.includes(waiting.text))) return;
    this.waiting = null;
    waiting.resolve();
  }
}

/** A TCP server that can be taken down and put up again on the same port. */
class Target {
  port = 0;
  private server: Server | null = null;

  async open(): Promise<void> {
    const server = createServer((conn) => {
      conn.on('error', () => {});
      conn.resume();
    });
    await new Promise<void>((resolve) => {
      server.listen(this.port, '127.0.0.1', () => resolve());
    });
    this.port = (server.address() as { port: number }).port;
    this.server = server;
  }

  async shut(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }
}

const words = ['', 'backup'];
/** What happens in turn, and the line that both must have written before the next. */
const steps: { open?: number; shut?: number; until: string }[] = [
  { shut: 0, until: 'Server app/s1 is DOWN' },
  { shut: 1, until: 'has no server available' },
  { open: 1, until: 'Backup Server app/s2 is UP' },
  { open: 0, until: 'Server app/s1 is UP' },
];

function haproxyConfig(targets: Target[], logPort: number, option: string, folder: string): string {
  const servers = targets.map(
    ({ port }, i) => `  server s${i + 1} 127.0.0.1:${port} check inter 30ms ${words[i]}`,
  );
  return `global
  log 127.0.0.1:${logPort} format short local0
defaults
  log global
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend f
  bind unix@${folder}/fe
  default_backend app
backend app
  ${option}
${servers.join('\n')}
`;
}

function createRunner(targets: Target[], options: number, log: Journal, stderr: Journal) {
  const check = tcpCheckConfig({ interMs: 30 });
  const { config, entities, shared } = createFixture(
    targets.map(({ port }, i) => ({ address: ipv4(port), check, backup: words[i] === 'backup' })),
    { options },
  );
  return new CheckRunner({
    config,
    entities,
    shared,
    logger: { text: (_, level, text) => log.add(`<${level}>${text}`) },
    notify: () => {},
    shutdown: () => {},
    mail: () => {},
    stderr: (line) => stderr.add(line),
    pid: 1,
  });
}

async function compare(option: string, options: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'checks-'));
  const targets = [new Target(), new Target()];
  for (const target of targets) await target.open();
  const theirs = new Journal();
  const theirErrors = new Journal();
  const ours = new Journal();
  const ourErrors = new Journal();
  const receiver = createSocket('udp4');
  receiver.on('message', (message) => theirs.add(message.toString().trimEnd()));
  await new Promise<void>((resolve) => {
    receiver.bind(0, '127.0.0.1', () => resolve());
  });
  const file = join(folder, 'cfg');
  writeFileSync(file, haproxyConfig(targets, receiver.address().port, option, folder));
  const child = Bun.spawn(['haproxy', '-db', '-f', file], { stdout: 'ignore', stderr: 'pipe' });
  const reading = (async () => {
    const text = await new Response(child.stderr).text();
    for (const line of text.split('\n')) {
      if (/^\[(WARNING|ALERT)]/.test(line)) theirErrors.add(line.replace(/\(\d+\)/, '(1)'));
    }
  })();
  const runner = createRunner(targets, options, ours, ourErrors);
  runner.start();
  try {
    if (options !== 0) {
      const first = 'Health check for backup server app/s2 succeeded';
      await Promise.all([ours.reaches(first, 0), theirs.reaches(first, 0)]);
    }
    for (const { open, shut, until } of steps) {
      const marks = [ours.lines.length, theirs.lines.length] as const;
      if (open !== undefined) await targets[open]!.open();
      if (shut !== undefined) await targets[shut]!.shut();
      await Promise.all([ours.reaches(until, marks[0]), theirs.reaches(until, marks[1])]);
    }
  } finally {
    runner.stop();
    child.kill('SIGKILL');
    await child.exited;
    await reading;
    receiver.close();
    for (const target of targets) await target.shut();
    rmSync(folder, { recursive: true });
  }
  expect(ours.lines).toEqual(theirs.lines);
  expect(ourErrors.lines).toEqual(theirErrors.lines);
}

const needsHaproxy = !Bun.which('haproxy');

test.skipIf(needsHaproxy)('servers that go and come are logged as by HAProxy (5.2 check)', () =>
  compare('', 0),
);

test.skipIf(needsHaproxy)('option log-health-checks logs as HAProxy does (4.2)', () =>
  compare('option log-health-checks', Option.LogHealthChecks),
);
