/**
 * Balancing by load, and by keys whose server is full (configuration.txt 4.2 balance,
 * hash-balance-factor, hash-preserve-affinity; 5.2 maxconn, maxqueue). The same scenarios hold for
 * haproxy 3.2 (SLUICE_TEST_PROGRAM=haproxy).
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

interface Held {
  /** Number of the server, from 1. */
  server: number;
  target: string;
  finish: () => void;
}

/** A backend whose servers keep every request until the test lets it go. */
class HoldingFarm {
  readonly #clients: Peer[] = [];
  #sent = 0;

  private constructor(
    readonly world: World,
    readonly proxy: Proxy,
    readonly held: Held[],
  ) {}

  static async start(
    world: World,
    lines: string,
    servers: string[],
    options: { threads?: number; log?: number } = {},
  ): Promise<HoldingFarm> {
    const held: Held[] = [];
    const targets = servers.map((words, i) => {
      const target = world.http(
        (request) =>
          new Promise((resolve) => {
            const finish = () => resolve(answer(String(i + 1)));
            held.push({ server: i + 1, target: request.target, finish });
          }),
      );
      return `  server s${i + 1} 127.0.0.1:${target.port} ${words}`;
    });
    const proxy = await world.proxy(`
global
  nbthread ${options.threads ?? 1}
  stats socket {{dir}}/stats
  ${options.log ? `log 127.0.0.1:${options.log} format raw local0` : ''}
${defaultsHttp}
  log global
  option httplog
  timeout queue 15s
frontend f
  bind fd@{{f}}
  default_backend app
backend app
  ${lines}
${targets.join('\n')}
`);
    return new HoldingFarm(world, proxy, held);
  }

  /** Sends a request; its place is known when a server has it or it waits. @returns its target. */
  async send(key?: string, field = key ? `K: ${key}` : ''): Promise<string> {
    const target = `/${this.#sent++}`;
    const client = await this.world.connect(this.proxy.port('f'));
    this.#clients.push(client);
    client.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n${field && `${field}\r\n`}\r\n`);
    await until(
      async () =>
        this.serverOf(target) > 0 || client.count() > 0 || (await this.settled()) === this.#sent,
      () => `${target} is nowhere`,
    );
    return target;
  }

  /** Sends requests one after the other. @returns where each is: a server, `q`, or its status. */
  async fill(count: number, key?: string): Promise<string> {
    const places: string[] = [];
    for (let i = 0; i < count; i++) places.push(this.placeOf(await this.send(key)));
    return places.join(' ');
  }

  placeOf(target: string): string {
    const server = this.serverOf(target);
    if (server > 0) return String(server);
    const client = this.#clients[Number(target.slice(1))]!;
    return client.count() > 0 ? client.all().toString().split(' ')[1]! : 'q';
  }

  /** The server that has the request; 0 = none. */
  serverOf(target: string): number {
    return this.held.find((request) => request.target === target)?.server ?? 0;
  }

  /** Requests that have been answered, are at a server or wait in a queue. */
  async settled(): Promise<number> {
    const queued = (await this.queues()).reduce((sum, n) => sum + n, 0);
    return queued + this.held.length + this.#clients.filter((c) => c.count() > 0).length;
  }

  /** Lengths of the queues: those of the servers, then that of the backend. */
  async queues(): Promise<number[]> {
    const rows = (await this.proxy.command('show stat')).split('\n');
    const own = rows.filter((row) => row.startsWith('app,'));
    return own.map((row) => Number(row.split(',')[2]));
  }

  /** A column of `show stat` (management.txt 9.1) of a server of the backend, or of itself. */
  async column(name: string, server: string): Promise<string> {
    const [head = '', ...rows] = (await this.proxy.command('show stat')).split('\n');
    const at = head.replace('# ', '').split(',').indexOf(name);
    return rows.find((row) => row.startsWith(`app,${server},`))!.split(',')[at]!;
  }

  /** A server answers one request; who waits for the slot gets it. */
  finish(target: string): void {
    this.held.find((request) => request.target === target)!.finish();
  }

  /** The client of a request closes its connection. */
  leave(target: string): void {
    this.#clients[Number(target.slice(1))]!.close();
  }

  /** Requests per server. */
  counts(servers: number): number[] {
    return Array.from(
      { length: servers },
      (_, i) => this.held.filter(({ server }) => server === i + 1).length,
    );
  }
}

/** haproxy 3.2 chooses among servers with the same load without looking whether they are full. */
const queuesBesideRoom = { skip: programUnderTest === 'haproxy' ? 'may queue beside room' : null };
/** Its threads share loads, but may choose at the same time. */
const isNotExact = { skip: programUnderTest === 'haproxy' ? 'may be one off' : null };

const hash = (lines: string) => `balance hash req.hdr(k)\n  hash-type ${lines}`;

scenario('leastconn: the fewest connections by weight (4.2)', async (world) => {
  const farm = await HoldingFarm.start(world, 'balance leastconn', [
    'weight 1',
    'weight 2',
    'weight 3',
  ]);
  await farm.fill(3);
  expect(farm.counts(3)).toEqual([1, 1, 1]);
  // Two more of s3 before one of s2 and another of s1 are due: (n + 1) / weight.
  await farm.fill(21);
  expect(farm.counts(3)).toEqual([4, 8, 12]);
});

scenario('leastconn: who has finished most gets the next one (4.2)', async (world) => {
  const farm = await HoldingFarm.start(world, 'balance leastconn', ['', '', '']);
  await farm.fill(6);
  const ofSecond = farm.held.filter(({ server }) => server === 2).map(({ target }) => target);
  for (const target of ofSecond) farm.finish(target);
  await until(
    async () => /^app,s2,0,0,0,/m.test(await farm.proxy.command('show stat')),
    () => 's2 still has connections',
  );
  expect(await farm.fill(2)).toBe('2 2');
});

scenario(
  'leastconn: a full server gets nothing, and full ones all wait (5.2)',
  async (world) => {
    const farm = await HoldingFarm.start(world, 'balance leastconn', [
      'maxconn 1',
      'maxconn 3',
      'maxconn 1',
    ]);
    await farm.fill(5);
    expect(farm.counts(3)).toEqual([1, 3, 1]);
    expect(await farm.fill(2)).toBe('q q');
    expect(await farm.queues()).toEqual([0, 0, 0, 2]);
  },
  queuesBesideRoom,
);

scenario(
  'leastconn: threads count together (4.2)',
  async (world) => {
    const farm = await HoldingFarm.start(world, 'balance leastconn', Array(5).fill(''), {
      threads: 4,
    });
    for (let round = 1; round <= 8; round++) {
      await Promise.all(Array.from({ length: 5 }, () => farm.send()));
      expect(farm.counts(5)).toEqual(Array(5).fill(round));
    }
  },
  isNotExact,
);

scenario('first: the lowest id that has a free slot (4.2)', async (world) => {
  const farm = await HoldingFarm.start(world, 'balance first', [
    'id 5 maxconn 2',
    'id 3 maxconn 1',
    'id 4 maxconn 2',
  ]);
  expect(await farm.fill(7)).toBe('2 3 3 1 1 q q');
  farm.finish('/1');
  await until(
    () => farm.serverOf('/5') > 0,
    () => 'the queue does not move',
  );
  expect(farm.serverOf('/5')).toBe(3);
});

scenario('random: of many draws the least loaded server by weight (4.2)', async (world) => {
  const farm = await HoldingFarm.start(world, 'balance random(500)', [
    'weight 1',
    'weight 2',
    'weight 6',
  ]);
  await farm.fill(18);
  expect(farm.counts(3)).toEqual([2, 4, 12]);
});

for (const type of ['map-based', 'consistent']) {
  scenario(`${type}: a key waits for its server, in order (5.2 maxconn)`, async (world) => {
    const log = await world.syslog();
    const servers = Array(3).fill('maxconn 1');
    const farm = await HoldingFarm.start(world, hash(`${type} none`), servers, { log: log.port });
    const [own] = (await farm.fill(3, '1')).split(' ');
    expect((await farm.queues())[Number(own) - 1]).toBe(2);
    for (const [done, next] of [
      ['/0', '/1'],
      ['/1', '/2'],
    ]) {
      farm.finish(done!);
      await until(
        () => farm.serverOf(next!) > 0,
        () => `${next} still waits`,
      );
      expect(farm.placeOf(next!)).toBe(own!);
    }
    // Its time in the queue, and who was before it there.
    expect(await log.find(/GET \/1 /)).toMatch(
      new RegExp(` app/s${own} \\d+/\\d+/\\d+/\\d+/\\d+ 200 .* ---- .* 1/0 `),
    );
    // 9.1 lbtot: those who waited were chosen for it too.
    expect(await farm.column('lbtot', `s${own}`)).toBe('3');
  });

  scenario(`${type}: a full queue refuses (5.2 maxqueue)`, async (world) => {
    const log = await world.syslog();
    const servers = Array(3).fill('maxconn 1 maxqueue 1');
    const farm = await HoldingFarm.start(world, hash(`${type} none`), servers, { log: log.port });
    const [own, ...rest] = (await farm.fill(4, '1')).split(' ');
    expect(rest).toEqual(['q', '503', '503']);
    expect(await log.find(/GET \/2 /)).toMatch(
      new RegExp(` app/s${own} \\d+/-1/-1/-1/\\d+ 503 \\d+ - - SQ-- \\d+/\\d+/\\d+/1/0 0/0 `),
    );
  });
}

scenario(
  'who waits too long for the server of its key gets 503 (4.2 timeout queue)',
  async (world) => {
    const log = await world.syslog();
    const lines = `${hash('map-based none')}\n  timeout queue 200ms`;
    const farm = await HoldingFarm.start(world, lines, ['', 'maxconn 1'], { log: log.port });
    await farm.fill(2, '1');
    expect(await log.find(/GET \/1 /)).toMatch(
      / app\/s2 \d+\/\d+\/-1\/-1\/\d+ 503 \d+ - - sQ-- .* 1\/0 "/,
    );
    expect(await farm.queues()).toEqual([0, 0, 0]);
    expect(await farm.column('econ', 's2')).toBe('1');
    expect(await farm.column('econ', 'BACKEND')).toBe('1');
  },
);

scenario('a client that leaves gives up its place at the server of its key', async (world) => {
  const log = await world.syslog();
  const lines = `${hash('map-based none')}\n  option abortonclose`;
  const farm = await HoldingFarm.start(world, lines, ['', 'maxconn 1'], { log: log.port });
  expect(await farm.fill(3, '1')).toBe('2 q q');
  farm.leave('/1');
  // Its time in the queue is known.
  expect(await log.find(/GET \/1 /)).toMatch(
    / app\/s2 \d+\/\d+\/-1\/-1\/\d+ -1 0 - - CQ-- \d+\/\d+\/\d+\/1\/0 1\/0 /,
  );
  farm.finish('/0');
  await until(
    () => farm.serverOf('/2') === 2,
    () => 'the next one still waits',
  );
});

scenario('consistent: the order of the ring (4.2 hash-preserve-affinity)', async (world) => {
  const lines = `${hash('consistent none')}\n  hash-preserve-affinity`;
  const limited = Array(3).fill('maxconn 1 maxqueue 1');
  const skipsFull = await HoldingFarm.start(world, `${lines} maxconn`, limited);
  expect(await skipsFull.fill(6, '1')).toBe('3 2 1 q 503 503');
  expect(await skipsFull.queues()).toEqual([0, 1, 0, 0]);
});

scenario('consistent: full queues are passed over (4.2 hash-preserve-affinity)', async (world) => {
  const lines = `${hash('consistent none')}\n  hash-preserve-affinity`;
  const limited = Array(3).fill('maxconn 1 maxqueue 1');
  const farm = await HoldingFarm.start(world, `${lines} maxqueue`, limited);
  expect(await farm.fill(8, '1')).toBe('3 q 2 q 1 q 503 503');
});

for (const [factor, weights, order] of [
  [101, [1, 1, 1], '3 2 3 2 1 3 2 1 3 2 1 3 2 1 3 2 1 3 2 1'],
  [150, [1, 1, 1], '3 2 3 2 3 2 3 2 3 2 3 2 3 2 3 2 3 2 3 2'],
  [200, [1, 1, 1], '3 3 2 3 3 2 3 3 2 3 3 2 3 3 2 3 3 2 3 3'],
  [150, [1, 2, 4], '3 3 3 3 3 3 3 2 3 3 3 3 3 2 3 3 3 3 3 3'],
] as const) {
  scenario(`hash-balance-factor ${factor} with weights ${weights} (4.2)`, async (world) => {
    const lines = `${hash('consistent none')}\n  hash-balance-factor ${factor}`;
    const servers = weights.map((weight) => `weight ${weight}`);
    const farm = await HoldingFarm.start(world, lines, servers);
    expect(await farm.fill(20, '1')).toBe(order);
  });
}

scenario('hash-balance-factor means nothing to a map (4.2)', async (world) => {
  const lines = `${hash('map-based none')}\n  hash-balance-factor 101`;
  const farm = await HoldingFarm.start(world, lines, ['', '', '']);
  expect(await farm.fill(6, '1')).toBe('2 2 2 2 2 2');
});

/** A key's server goes down while a request waits for it. */
async function loseServer(world: World, option: string) {
  const log = await world.syslog();
  const health = world.server(() => {});
  const check = `check inter 50ms fall 1 rise 1 port ${health.port}`;
  const farm = await HoldingFarm.start(
    world,
    `${hash('map-based none')}\n  ${option}`,
    ['maxconn 1', `maxconn 1 ${check}`, 'maxconn 1'],
    { log: log.port },
  );
  expect(await farm.fill(2, '1')).toBe('2 q');
  health.stop();
  return { farm, line: await log.find(/Server app\/s2 is DOWN/) };
}

scenario(
  'who waits for a server that goes down goes elsewhere (4.2 option redispatch)',
  async (world) => {
    const { farm, line } = await loseServer(world, 'option redispatch');
    expect(line).toContain(' 1 requeued, 0 remaining in queue');
    await until(
      () => farm.serverOf('/1') > 0,
      () => 'it still waits',
    );
    // Of the two that are left, by its key.
    expect(farm.serverOf('/1')).toBe(3);
  },
  // haproxy 3.2 counts it as requeued and then sends it to the server that is down.
  { skip: programUnderTest === 'haproxy' ? 'sends it to the server that is down' : null },
);

scenario(
  'who cannot wait for the server of its cookie any more waits for any (4.2 option redispatch)',
  async (world) => {
    const log = await world.syslog();
    const health = world.server(() => {});
    const check = `check inter 50ms fall 1 rise 1 port ${health.port}`;
    const farm = await HoldingFarm.start(
      world,
      'balance roundrobin\n  cookie K indirect\n  option redispatch\n  option abortonclose',
      [`maxconn 1 cookie a ${check}`, 'maxconn 1 cookie b'],
      { log: log.port },
    );
    expect(await farm.fill(2)).toBe('1 2');
    expect(farm.placeOf(await farm.send(undefined, 'Cookie: K=a'))).toBe('q');
    expect(await farm.queues()).toEqual([1, 0, 0]);
    health.stop();
    await log.find(/Server app\/s1 is DOWN/);
    await until(
      async () => (await farm.queues())[2] === 1,
      () => 'it does not wait for any server',
    );
    farm.leave('/2');
    expect(await log.find(/GET \/2 /)).toMatch(/ app\/<NOSRV> \d+\/\d+\/-1\/-1\/\d+ -1 0 - - CQ/);
  },
  { skip: programUnderTest === 'haproxy' ? 'sends it to the server that is down' : null },
);

scenario('without option redispatch it waits for its server to come back', async (world) => {
  const { farm, line } = await loseServer(world, '');
  expect(line).toContain(' 0 requeued, 1 remaining in queue');
  expect(await farm.queues()).toEqual([0, 1, 0, 0]);
});

scenario('url_param: a key in a body that comes later (4.2 check_post)', async (world) => {
  const servers = Array.from({ length: 7 }, (_, i) => world.http(() => answer(String(i))));
  const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  balance url_param id check_post
  hash-type map-based crc32
${servers.map(({ port }, i) => `  server s${i} 127.0.0.1:${port}`).join('\n')}
`);
  for (const id of ['one', 'two', 'three', 'four']) {
    const body = `a=b&id=${id}`;
    const head = `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`;
    const whole = await world.connect(proxy.port('l'));
    whole.send(head + body);
    const server = (await whole.readMessage('POST')).body;
    expect(Number(server)).toBe(Number(Bun.hash.crc32(id)) % 7);
    const slow = await world.connect(proxy.port('l'));
    slow.send(head.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
    // The proxy asks for the body before it has chosen a server.
    expect((await slow.readHead()).status).toBe(100);
    slow.send(body);
    expect((await slow.readMessage('POST')).body).toBe(server);
  }
});
