/**
 * Retries and redispatches (configuration.txt 4.2 retries, option redispatch), decision by decision:
 * which server, after what pause, and what counters and the log say. All cases are asked of the
 * program under test and of HAProxy 3.2.
 */
import { describe, expect, test } from 'bun:test';
import { type Program, programPath } from '../harness/proxy.ts';
import { programUnderTest, World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

/** `timeout connect`, which is the pause before a retry as well while it is below a second. */
const PAUSE_MS = 150;

interface Case {
  /** Pauses before the answer, and the time that waiting for connections took, as pauses. */
  pauses: number;
  lines: string[];
  /** `dead` refuses, `hole` never answers. */
  servers: ('dead' | 'hole' | 'dead backup' | 'dead disabled' | 'dead weight 0')[];
}

const redispatch = (interval: string) => `option redispatch${interval}`;
const one = ['dead'] as Case['servers'];
const two = ['dead', 'dead'] as Case['servers'];

/** With fewer pauses first: a request that is asked before another one ends before it. */
const cases: Case[] = [
  { pauses: 0, lines: ['retries 0'], servers: one },
  { pauses: 0, lines: ['retries 0', redispatch('')], servers: two },
  ...['', ' 1', ' 2', ' -2'].map((interval) => ({
    pauses: 0,
    lines: ['retries 3', redispatch(interval)],
    servers: two,
  })),
  { pauses: 0, lines: ['retries 3', redispatch('')], servers: ['dead', 'dead', 'dead'] },
  { pauses: 1, lines: ['retries 1'], servers: two },
  { pauses: 1, lines: ['retries 0'], servers: ['hole'] },
  { pauses: 3, lines: ['retries 3'], servers: two },
  ...['', ' 1', ' 2', ' -2'].map((interval) => ({
    pauses: 3,
    lines: ['retries 3', redispatch(interval)],
    servers: one,
  })),
  { pauses: 3, lines: ['retries 3', redispatch('')], servers: ['dead', 'dead disabled'] },
  { pauses: 3, lines: ['retries 3', redispatch('')], servers: ['dead', 'dead weight 0'] },
  { pauses: 3, lines: ['retries 3', redispatch(' 1')], servers: ['dead', 'dead backup'] },
  {
    pauses: 3,
    lines: ['retries 3', redispatch(''), 'option allbackups'],
    servers: ['dead backup', 'dead backup'],
  },
  // No pause after a timeout: the first ends before the second.
  { pauses: 3, lines: ['retries 2'], servers: ['hole'] },
  { pauses: 4, lines: ['retries 4'], servers: one },
  { pauses: 4, lines: ['retries 3'], servers: ['hole', 'hole'] },
  { pauses: 4, lines: ['retries 3', redispatch('')], servers: ['hole'] },
  { pauses: 4, lines: ['retries 3', redispatch('')], servers: ['hole', 'hole'] },
];

interface Result {
  /** Server, status, termination state and retries of the log line. */
  line: string;
  /** `stot`, `connect`, `econ`, `wretr`, `wredis` and `lbtot` of servers and backend. */
  counters: string[];
  /** Total time as the proxy measured it, in pauses. */
  pauses: number;
}

const columns = ['svname', 'stot', 'connect', 'econ', 'wretr', 'wredis', 'lbtot'];

function countersOf(table: string, name: string): string[] {
  const [head, ...rows] = table.trim().split('\n');
  const names = head!.replace(/^# /, '').split(',');
  const at = columns.map((column) => names.indexOf(column));
  return rows
    .map((row) => row.split(','))
    .filter((cells) => cells[0] === name && cells[1] !== 'FRONTEND')
    .map((cells) => at.map((i) => cells[i]).join(' '));
}

/**
 * Ports of loopback, held to the end so that nobody else listens there: the first has a full
 * backlog, so that a SYN gets no answer; the others are bound and refuse.
 */
async function holdPorts(world: World, count: number): Promise<number[]> {
  // listen(2) with a backlog of 0 takes one connection that nobody accepts.
  const script = `import socket,sys
s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen(0)
c=[socket.socket() for _ in range(4)]
for x in c: x.setblocking(False); x.connect_ex(s.getsockname())
d=[socket.socket() for _ in range(${count})]
for x in d: x.bind(('127.0.0.1',0))
print(' '.join(str(x.getsockname()[1]) for x in [s]+d), flush=True)
sys.stdin.read()`;
  const child = Bun.spawn(['python3', '-c', script], { stdin: 'pipe', stdout: 'pipe' });
  world.own(child.pid);
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return new TextDecoder().decode(value).trim().split(' ').map(Number);
}

async function results(program: Program): Promise<Result[]> {
  const world = new World(program);
  try {
    const log = await world.syslog();
    const [hole, ...dead] = await holdPorts(world, 3 * cases.length);
    const sections = cases.map((one, i) => {
      const servers = one.servers.map((kind, k) => {
        const [port, ...words] = kind.split(' ');
        const number = port === 'hole' ? hole : dead.pop();
        return `server s${k} 127.0.0.1:${number} ${words.join(' ')}`;
      });
      return `listen l${i}\n  bind fd@{{l${i}}}\n  ${[...one.lines, ...servers].join('\n  ')}`;
    });
    const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
  log 127.0.0.1:${log.port} format raw local0
defaults
  mode http
  log global
  option httplog
  timeout connect ${PAUSE_MS}ms
  timeout client 20s
  timeout server 20s
${sections.join('\n')}
`);
    const clients = await Promise.all(cases.map((_, i) => world.connect(proxy.port(`l${i}`))));
    for (const client of clients) client.send('GET / HTTP/1.0\r\n\r\n');
    for (const client of clients) await client.readToEnd();
    const lines = (await log.take(cases.length)).filter((line) => line.includes('"GET '));
    expect(lines.length).toBe(cases.length);
    const table = await until(
      () => proxy.command('show stat'),
      () => 'no statistics',
    );
    const found: Result[] = [];
    let before = 0;
    for (const line of lines) {
      const words = line.split(' ');
      const index = Number(words[2]!.slice(1));
      const { pauses } = cases[index]!;
      // Who waits longer ends later, by the order of the proxy's own timers.
      expect(pauses).toBeGreaterThanOrEqual(before);
      before = pauses;
      const totalMs = Number(words[4]!.split('/')[4]);
      found[index] = {
        line: [words[3], words[5], words[9], words[10]!.split('/')[4]].join(' '),
        counters: countersOf(table, `l${index}`),
        pauses: totalMs / PAUSE_MS,
      };
    }
    return found;
  } finally {
    await world.end();
  }
}

const missing = programPath('haproxy') === null || Bun.which('python3') === null;

describe.skipIf(missing)('a failed connection is retried like HAProxy 3.2 does', () => {
  let ours: Result[];
  let theirs: Result[];

  test('all cases are answered, those with fewer pauses first', async () => {
    [ours, theirs] = await Promise.all([results(programUnderTest), results('haproxy')]);
  });

  cases.forEach((one, i) => {
    test(`${one.servers.join(', ')} with ${one.lines.join(', ')}`, () => {
      expect(ours[i]!.line).toBe(theirs[i]!.line);
      expect(ours[i]!.counters).toEqual(theirs[i]!.counters);
      // No retry comes early; the order of the ends has shown that none comes late.
      for (const { pauses } of [ours[i]!, theirs[i]!])
        expect(pauses).toBeGreaterThan(one.pauses - 0.1);
    });
  });
});
