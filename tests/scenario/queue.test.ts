/** Limits, queues, retries and health checks (configuration.txt 4.2 retries, option redispatch, 5.2). */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

/** `qcur` of each line of `show stat`. */
async function queued(proxy: Proxy): Promise<number[]> {
  const lines = (await proxy.command('show stat')).trim().split('\n');
  return lines.slice(1).map((line) => Number(line.split(',')[2]));
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

scenario(
  'requests beyond a server maxconn wait in order and are all served (5.2)',
  async (world) => {
    const log = await world.syslog();
    const waiting: { peer: Peer; target: string }[] = [];
    let most = 0;
    const server = world.server(async (peer) => {
      const request = await peer.readMessage();
      waiting.push({ peer, target: request.target });
      most = Math.max(most, waiting.length);
    });
    const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
${defaultsHttp}
  log global
  option httplog
  option http-server-close
  timeout queue 15s
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port} maxconn 2
`);
    const clients: Peer[] = [];
    for (let i = 0; i < 6; i++) {
      const client = await world.connect(proxy.port('l'));
      client.send(get(`/${i}`));
      clients.push(client);
      // In order: the next one is sent when this one has reached the server or the queue.
      if (i < 2)
        await until(
          () => waiting.length === i + 1,
          () => `request ${i}`,
        );
    }
    for (let served = 0; served < 6; served++) {
      await until(
        () => waiting.length > 0,
        () => `only ${served} were served`,
      );
      const { peer, target } = waiting.shift()!;
      peer.send(answer(target));
    }
    for (let i = 0; i < 6; i++) expect((await clients[i]!.readMessage('GET')).body).toBe(`/${i}`);
    expect(most).toBe(2);
    const lines = await log.take(6);
    // srv_queue/backend_queue at the end of each line: some requests found others before them.
    expect(
      lines.filter((line) => / ([1-9]\d*\/0|0\/[1-9]\d*) "GET/.test(line)).length,
    ).toBeGreaterThan(0);
  },
);

scenario('a request that waits too long gets 503 and sQ (timeout queue)', async (world) => {
  const log = await world.syslog();
  const server = world.server(() => {});
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
${defaultsHttp}
  log global
  option httplog
  timeout queue 300ms
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port} maxconn 1
`);
  const first = await world.connect(proxy.port('l'));
  first.send(get('/first'));
  await (await server.peer(0)).readHead();
  const second = await world.connect(proxy.port('l'));
  second.send(get('/second'));
  expect((await second.readMessage('GET')).status).toBe(503);
  expect(await log.find(/\/second/)).toMatch(/ 503 \d+ - - sQ-- /);
});

scenario('a client that leaves the queue is logged with its time in it (8.4 Tw)', async (world) => {
  const log = await world.syslog();
  const server = world.server(() => {});
  const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
  log 127.0.0.1:${log.port} local0
${defaultsHttp}
  log global
  option httplog
  option abortonclose
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port} maxconn 1
`);
  const first = await world.connect(proxy.port('l'));
  first.send(get('/first'));
  await (await server.peer(0)).readHead();
  const second = await world.connect(proxy.port('l'));
  second.send(get('/second'));
  await until(
    async () => (await queued(proxy)).includes(1),
    () => 'it does not wait',
  );
  second.close();
  expect(await log.find(/\/second/)).toMatch(/ l l\/<NOSRV> \d+\/\d+\/-1\/-1\/\d+ -1 0 - - CQ-- /);
});

scenario(
  'a refused connection is tried again on another server (option redispatch)',
  async (world) => {
    const log = await world.syslog();
    const server = world.http(() => answer('alive'));
    const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
${defaultsHttp}
  log global
  option httplog
  option redispatch
  retries 2
listen l
  bind fd@{{l}}
  server dead 127.0.0.1:${world.refusedPort()}
  server live 127.0.0.1:${server.port}
`);
    for (let i = 0; i < 2; i++) {
      const client = await world.connect(proxy.port('l'));
      client.send(get(`/${i}`));
      expect((await client.readMessage('GET')).body).toBe('alive');
    }
    // A plus before the retries tells of a redispatch (8.2.3).
    expect(
      (await log.take(2)).filter((line) => / l l\/live .*\/\+\d+ 0\/0 /.test(line)).length,
    ).toBeGreaterThan(0);
  },
);

scenario('weights share requests exactly (balance roundrobin)', async (world) => {
  const counts = [0, 0, 0];
  const servers = counts.map((_, i) =>
    world.http(() => {
      counts[i]!++;
      return answer(String(i));
    }),
  );
  const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  balance roundrobin
  server a 127.0.0.1:${servers[0]!.port} weight 1
  server b 127.0.0.1:${servers[1]!.port} weight 2
  server c 127.0.0.1:${servers[2]!.port} weight 5
`);
  const client = await world.connect(proxy.port('l'));
  for (let i = 0; i < 80; i++) {
    client.send(get('/'));
    await client.readMessage('GET');
  }
  expect(counts).toEqual([10, 20, 50]);
});

scenario('a backup server serves only when the others are down (5.2 backup)', async (world) => {
  const log = await world.syslog();
  const main = world.http(() => answer('main'));
  const backup = world.http(() => answer('backup'));
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
${defaultsHttp}
  log global
  option redispatch
listen l
  bind fd@{{l}}
  server main 127.0.0.1:${main.port} check inter 100ms fall 2
  server spare 127.0.0.1:${backup.port} check inter 100ms backup
`);
  const ask = async () => {
    const client = await world.connect(proxy.port('l'));
    client.send(get('/'));
    return (await client.readMessage('GET')).body;
  };
  expect(await ask()).toBe('main');
  main.stop();
  await log.find(/Server l\/main is DOWN/);
  expect(await ask()).toBe('backup');
});

scenario(
  'a frontend at its maxconn accepts again when a session ends (4.2 maxconn)',
  async (world) => {
    const server = world.http(() => answer('ok'));
    const proxy = await world.proxy(`
global
  nbthread 1
${defaultsHttp}
listen l
  bind fd@{{l}}
  maxconn 2
  server s 127.0.0.1:${server.port}
`);
    const clients: Peer[] = [];
    for (let i = 0; i < 3; i++) {
      const client = await world.connect(proxy.port('l'));
      client.send(get(`/${i}`));
      clients.push(client);
    }
    await clients[0]!.readMessage('GET');
    await clients[1]!.readMessage('GET');
    await expect(clients[2]!.readMessage('GET', 300)).rejects.toThrow('no complete message');
    clients[0]!.close();
    expect((await clients[2]!.readMessage('GET')).body).toBe('ok');
  },
);

for (const [what, lines] of [
  ['bind line', 'bind fd@{{l}} maxconn 2'],
  ['frontend', 'bind fd@{{l}}\n  maxconn 2'],
] as const) {
  scenario(
    `a ${what} at its maxconn leaves other addresses alone (5.1, 4.2 maxconn)`,
    async (world) => {
      const server = world.http(() => answer('ok'));
      const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
${defaultsHttp}
listen l
  ${lines}
  ${what === 'bind line' ? 'bind fd@{{other}}' : ''}
  server s 127.0.0.1:${server.port}
listen m
  ${what === 'bind line' ? 'bind fd@{{third}}' : 'bind fd@{{other}}'}
  server s 127.0.0.1:${server.port}
`);
      const clients: Peer[] = [];
      for (let i = 0; i < 4; i++) {
        const client = await world.connect(proxy.port('l'));
        client.send(get(`/${i}`));
        clients.push(client);
      }
      await clients[0]!.readMessage('GET');
      await clients[1]!.readMessage('GET');
      // Another address is served after the two: the proxy has had its turn for the others.
      const other = await world.connect(proxy.port('other'));
      for (let i = 0; i < 3; i++) {
        other.send(get('/other'));
        expect((await other.readMessage('GET')).body).toBe('ok');
      }
      expect(clients.slice(2).map((client) => client.count())).toEqual([0, 0]);
      for (let i = 2; i < 4; i++) {
        clients[i - 2]!.close();
        expect((await clients[i]!.readMessage('GET')).body).toBe('ok');
      }
      for (const client of [...clients, other]) client.close();
      // Whoever was turned away has left no trace in any of the counts.
      await until(
        async () => /\nCurrConns: [01]\n/.test(await proxy.command('show info')),
        () => 'connections are still counted',
      );
      const rows = (await proxy.command('show stat'))
        .split('\n')
        .filter((row) => row.startsWith('l,'));
      expect(rows.map((row) => row.split(',')[4])).toEqual(rows.map(() => '0'));
    },
  );
}

scenario(
  'who waits for a backend whose last server goes down is told so at once (5.2 check)',
  async (world) => {
    const log = await world.syslog();
    const health = world.server(() => {});
    const asked: ((answer: string) => void)[] = [];
    const server = world.http(() => new Promise((resolve) => asked.push(resolve)));
    // Nothing else would end the wait before the test loses its patience.
    const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
  log 127.0.0.1:${log.port} format raw local0
${defaultsHttp}
  log global
  option httplog
  timeout queue 60s
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port} maxconn 1 check port ${health.port} inter 100ms fall 1 rise 1
`);
    const first = await world.connect(proxy.port('l'));
    first.send(get('/first'));
    await until(
      () => asked.length === 1,
      () => 'no request at the server',
    );
    const waiting = [await world.connect(proxy.port('l')), await world.connect(proxy.port('l'))];
    for (const client of waiting) client.send(get('/queued'));
    await until(
      async () => (await queued(proxy)).includes(2),
      () => 'the requests are not queued',
    );
    health.stop();
    for (const client of waiting) {
      expect((await client.readMessage('GET')).status).toBe(503);
    }
    // What the server has begun goes on.
    asked.shift()!(answer('late'));
    expect((await first.readMessage('GET')).body).toBe('late');
    expect(await log.find(/Server l\/s is DOWN/)).toContain(' 2 requeued, 0 remaining in queue');
    expect(await log.find(/(proxy|backend) l has no server/)).toMatch(/^proxy/);
    expect(await log.find(/"GET \/queued/)).toMatch(
      / l l\/<NOSRV> \d+\/-1\/-1\/-1\/\d+ 503 \d+ - - SC-- \d+\/\d+\/\d+\/\d+\/0 0\/1 /,
    );
  },
);

/**
 * A backend of a server that is checked and one that is not, each with a request that the test
 * answers, and a request that waits in the queue when the first one has gone down.
 */
async function loseOneOfTwo(world: World, isBackup: boolean) {
  const log = await world.syslog();
  const health = world.server(() => {});
  const asked: { target: string; answer: (text: string) => void }[] = [];
  const hold = () =>
    world.http(({ target }) => new Promise((resolve) => asked.push({ target, answer: resolve })));
  const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
  log 127.0.0.1:${log.port} format raw local0
${defaultsHttp}
  log global
  timeout queue 60s
listen l
  bind fd@{{l}}
  server lost 127.0.0.1:${hold().port} maxconn 1 check port ${health.port} inter 100ms fall 1
  server kept 127.0.0.1:${hold().port} maxconn 1 ${isBackup ? 'backup' : ''}
listen other
  bind fd@{{other}}
  http-request return status 200
`);
  const clients: Peer[] = [];
  for (let i = 0; i < (isBackup ? 2 : 3); i++) {
    const client = await world.connect(proxy.port('l'));
    client.send(get(`/${i}`));
    clients.push(client);
    if (i < (isBackup ? 1 : 2))
      await until(
        () => asked.length === i + 1,
        () => `request ${i} is not at a server`,
      );
  }
  const waits = clients.at(-1)!;
  await until(
    async () => (await queued(proxy)).includes(1),
    () => 'the request is not queued',
  );
  health.stop();
  await log.find(/Server l\/lost is DOWN/);
  // Who is sent away is told in the same turn of the loop, before this is asked.
  expect(await world.exchange(proxy.port('other'), 'GET / HTTP/1.0\r\n\r\n')).toContain(' 200 ');
  return { asked, proxy, waits };
}

scenario(
  'who waits for a backend goes on waiting when one of its servers goes down (5.2 check)',
  async (world) => {
    const { asked, proxy, waits } = await loseOneOfTwo(world, false);
    expect(await queued(proxy)).toContain(1);
    expect(waits.count()).toBe(0);
    for (const { answer: reply } of asked.splice(0)) reply(answer('before'));
    await until(
      () => asked.length === 1,
      () => 'the request that waits never came',
    );
    expect(asked[0]!.target).toBe('/2');
    asked[0]!.answer(answer('after'));
    expect((await waits.readMessage('GET')).body).toBe('after');
  },
);

scenario(
  'who waits for a backend goes to a backup when that takes over (5.2 backup)',
  async (world) => {
    const { asked, waits } = await loseOneOfTwo(world, true);
    // The server that is down still has the first request: nothing but the change gives a slot.
    await until(
      () => asked.length === 2,
      () => 'the request that waits never came',
    );
    expect(asked[1]!.target).toBe('/1');
    asked[1]!.answer(answer('backup'));
    expect((await waits.readMessage('GET')).body).toBe('backup');
  },
  { skip: programUnderTest === 'haproxy' ? 'it looks at the queue when a session ends' : null },
);

scenario(
  'a request waits for a backend that has nothing but backups (5.2 backup, maxconn)',
  async (world) => {
    const asked: ((answer: string) => void)[] = [];
    const server = world.http(() => new Promise((resolve) => asked.push(resolve)));
    const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
${defaultsHttp}
  timeout queue 60s
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port} maxconn 1 backup
`);
    const clients = [await world.connect(proxy.port('l')), await world.connect(proxy.port('l'))];
    for (const client of clients) client.send(get('/'));
    await until(
      async () => asked.length === 1 && (await queued(proxy)).includes(1),
      () => 'no request is queued',
    );
    for (let i = 0; i < 2; i++) {
      await until(
        () => asked.length === 1,
        () => `request ${i} never came`,
      );
      asked.shift()!(answer('backup'));
    }
    for (const client of clients) {
      expect((await client.readMessage('GET')).body).toBe('backup');
    }
  },
);

scenario('the pause before a retry is a second at most (4.2 retries)', async (world) => {
  const log = await world.syslog();
  const port = world.refusedPort();
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} format raw local0
${defaultsHttp}
  log global
  option httplog
listen two-short-pauses
  bind fd@{{short}}
  timeout connect 900ms
  retries 2
  server s 127.0.0.1:${port}
listen one-long-pause
  bind fd@{{long}}
  timeout connect 60s
  retries 1
  server s 127.0.0.1:${port}
`);
  const clients = [
    await world.connect(proxy.port('short')),
    await world.connect(proxy.port('long')),
  ];
  for (const client of clients) client.send(get('/'));
  for (const client of clients) expect((await client.readMessage('GET')).status).toBe(503);
  const lines = (await log.take(2)).map((line) => line.split(' ')[2]);
  expect(lines).toEqual(['one-long-pause', 'two-short-pauses']);
});

/**
 * A server that refuses and goes down by its check while a request is tried again and again.
 * @returns the log line of the request.
 */
async function retryWhileDown(world: World, options: string): Promise<string> {
  const log = await world.syslog();
  const health = world.server(() => {});
  const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
  log 127.0.0.1:${log.port} format raw local0
${defaultsHttp}
  timeout connect 300ms
  log global
  option httplog
listen l
  bind fd@{{l}}
  retries 5
  ${options}
  server s 127.0.0.1:${world.refusedPort()} check port ${health.port} inter 50ms fall 1 rise 1
`);
  const client = await world.connect(proxy.port('l'));
  client.send(get('/'));
  // It has been tried before it goes down.
  await until(
    async () => /^l,s,(?:[^,]*,){13}[1-9]/m.test(await proxy.command('show stat')),
    () => 'there was no retry',
  );
  health.stop();
  await log.find(/Server l\/s is DOWN/);
  expect((await client.readMessage('GET')).status).toBe(503);
  return await log.find(/"GET/);
}

scenario(
  'a request stays with its server although that is down by now (4.2 retries)',
  async (world) => {
    const line = await retryWhileDown(world, 'no option redispatch');
    expect(line).toMatch(
      / l l\/s \d+\/0\/-1\/-1\/\d+ 503 \d+ - - SC-- \d+\/\d+\/\d+\/\d+\/5 0\/0 /,
    );
  },
);

scenario(
  'a request leaves a server that is down by now, for nowhere if there is no other (option redispatch)',
  async (world) => {
    const line = await retryWhileDown(world, 'option redispatch');
    expect(line).toMatch(/ l l\/<NOSRV> .* 503 \d+ - - SC-- \d+\/\d+\/\d+\/\d+\/\+[1-4] 0\/0 /);
  },
);

scenario(
  'a request that waits to try again keeps its slot of the server (5.2 maxconn)',
  async (world) => {
    const log = await world.syslog();
    const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} format raw local0
${defaultsHttp}
  timeout connect 500ms
  timeout queue 100ms
  log global
  option httplog
listen l
  bind fd@{{l}}
  retries 2
  server s 127.0.0.1:${world.refusedPort()} maxconn 1
`);
    const first = await world.connect(proxy.port('l'));
    first.send(get('/first'));
    const second = await world.connect(proxy.port('l'));
    second.send(get('/second'));
    expect((await second.readMessage('GET')).status).toBe(503);
    expect((await first.readMessage('GET')).status).toBe(503);
    const lines = await log.take(2);
    expect(lines[0]).toMatch(/ l l\/<NOSRV> .* sQ-- .*\/0 0\/1 "GET \/second/);
    expect(lines[1]).toMatch(/ l l\/s .* SC-- .*\/2 0\/0 "GET \/first/);
  },
);

scenario('without any server that is up the answer is 503', async (world) => {
  const log = await world.syslog();
  const proxy = await world.proxy(`
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
${defaultsHttp}
  log global
  option httplog
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${world.refusedPort()} check inter 100ms fall 1
`);
  await log.find(/(Server l\/s is DOWN|proxy l has no server)/);
  const client = await world.connect(proxy.port('l'));
  client.send(get('/none'));
  expect((await client.readMessage('GET')).status).toBe(503);
  expect(await log.find(/\/none/)).toMatch(/ l l\/<NOSRV> \d+\/-1\/-1\/-1\/\d+ 503 \d+ - - SC-- /);
});

scenario(
  'a queued request leaves the queue at the moment at which the slot before it is given back (5.2)',
  async (world) => {
    const log = await world.syslog();
    const asked: ((answer: string) => void)[] = [];
    const server = world.http(() => new Promise((resolve) => asked.push(resolve)));
    // Small buffers: one turn of the loop does not take the whole answer, however fast all are.
    const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats
  nosplice
  tune.bufsize 4096
  tune.rcvbuf.server 400000
  tune.sndbuf.client 400000
  log 127.0.0.1:${log.port} format raw local0
${defaultsHttp}
  log global
  log-format "%[accept_date(ms)] %Ti %TR %Tw %Tt"
listen l
  bind fd@{{l}}
  server s 127.0.0.1:${server.port} maxconn 1
`);
    const body = 'x'.repeat(200_000);
    for (let round = 0; round < 5; round++) {
      const first = await world.connect(proxy.port('l'));
      first.send(get('/first'));
      await until(
        () => asked.length === 1,
        () => 'no request at the server',
      );
      const second = await world.connect(proxy.port('l'));
      second.send(get('/second'));
      await until(
        async () => (await queued(proxy)).includes(1),
        () => 'the second request is not queued',
      );
      // Everything is there before the proxy looks: nothing else wakes it after the answer's end.
      proxy.signal('SIGSTOP');
      asked.shift()!(answer(body));
      await Bun.sleep(0);
      proxy.signal('SIGCONT');
      expect((await first.readMessage('GET')).body.length).toBe(body.length);
      await until(
        () => asked.length === 1,
        () => 'the queued request never came',
      );
      asked.shift()!(answer('short'));
      await second.readMessage('GET');
      first.close();
      second.close();
    }
    const lines = (await log.take(10)).map((line) => line.split(' ').map(Number));
    // All times are readings of the proxy's own clock, which stands still within a turn of its
    // loop: only the rounding of each of them to a millisecond is left, however slow the machine is.
    const late = [];
    for (let i = 0; i < lines.length; i += 2) {
      const [dateBefore, , , , total] = lines[i]!;
      const [date, idle, head, queue] = lines[i + 1]!;
      late.push(date! + idle! + head! + queue! - (dateBefore! + total!));
    }
    expect(late.filter((ms) => Math.abs(ms) > 3)).toEqual([]);
  },
);
