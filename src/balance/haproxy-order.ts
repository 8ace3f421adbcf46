/** Asks the real haproxy, for tests, in which order its round robin uses servers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What happens before a request: a command of the Runtime API, by the request's number. */
export type OrderEvents = Record<number, string>;

function configuration(folder: string, options: string, servers: string[]): string {
  const lines = servers.map((words, i) => `  server s${i + 1} unix@${folder}/s${i + 1} ${words}`);
  const targets = servers.map(
    (_, i) => `frontend s${i + 1}
  bind unix@${folder}/s${i + 1}
  http-request return status 200 content-type text/plain string "<${i + 1}>"`,
  );
  return `global
  nbthread 1
  stats socket ${folder}/cli level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind unix@${folder}/fe
  default_backend app
backend app
  balance roundrobin
  ${options}
${lines.join('\n')}
${targets.join('\n')}
`;
}

function talk(path: string, text: string, until: (answer: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const conn = connect(path);
    conn.on('error', reject);
    conn.on('data', (data) => {
      answer += data;
      if (until(answer)) conn.destroy();
    });
    conn.on('close', () => resolve(answer));
    conn.write(text);
  });
}

async function whenListening(path: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      await talk(path, 'show info\n', () => false);
      return;
    } catch {
      await Bun.sleep(10);
    }
  }
  throw new Error('haproxy does not answer');
}

/** @returns the 1-based numbers of the servers that `count` requests went to, in order. */
export async function haproxyOrder(
  servers: string[],
  count: number,
  events: OrderEvents = {},
  options = '',
): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'order-'));
  writeFileSync(join(folder, 'cfg'), configuration(folder, options, servers));
  const child = Bun.spawn(['haproxy', '-db', '-f', join(folder, 'cfg')], {
    stdout: 'ignore',
    stderr: 'ignore',
  });
  try {
    await whenListening(join(folder, 'cli'));
    const order: number[] = [];
    const marks = [...Object.keys(events).map(Number), count].sort((a, b) => a - b);
    for (const mark of marks) {
      const requests = mark - order.length;
      const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(requests);
      const isComplete = (answer: string) => (answer.match(/<\d+>/g) ?? []).length >= requests;
      const answer = requests > 0 ? await talk(join(folder, 'fe'), text, isComplete) : '';
      order.push(...Array.from(answer.matchAll(/<(\d+)>/g), (match) => Number(match[1])));
      const event = events[mark];
      if (event !== undefined) await talk(join(folder, 'cli'), `${event}\n`, () => false);
    }
    return order;
  } finally {
    child.kill('SIGKILL');
    await child.exited;
    rmSync(folder, { recursive: true });
  }
}
