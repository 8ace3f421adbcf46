/**
 * Persistence by stick tables (configuration.txt 4.2 stick, 5.2 non-stick, maxqueue). The same scenarios
 * hold for haproxy 3.2 (SLUICE_TEST_PROGRAM=haproxy).
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Proxy } from '../harness/proxy.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';
import { parseTable } from '../harness/stick-table.ts';
import { until } from '../harness/wait.ts';

const get = (fields: string) => `GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n`;

/** A server that says its name; `session` is a field of its answers. */
function named(world: World, name: string, fields = ''): string {
  const { port } = world.http(() => answer(name, '200 OK', fields));
  return `server ${name} 127.0.0.1:${port}`;
}

async function site(world: World, text: string): Promise<Proxy> {
  return world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats level admin
${defaultsHttp}
  timeout connect 300ms
  retries 1
frontend f
  bind fd@{{f}}
  use_backend %[req.hdr(b)] if { req.hdr(b) -m found }
  default_backend a
${text}
`);
}

/** Who answers: the name of the server, or the status. */
async function ask(world: World, proxy: Proxy, key: string, backend = 'a'): Promise<string> {
  const field = key === '' ? '' : `K: ${key}\r\n`;
  const reply = await world.exchange(proxy.port('f'), get(`B: ${backend}\r\n${field}`));
  const status = reply.slice(9, 12);
  return status === '200' ? reply.slice(reply.indexOf('\r\n\r\n') + 4) : status;
}

/** `server_id/server_key` by key. */
async function learned(proxy: Proxy, table = 'a'): Promise<Record<string, string>> {
  const { entries } = parseTable(await proxy.command(`show table ${table}`));
  return Object.fromEntries(
    [...entries]
      .sort()
      .map(([key, values]) => [key, `${values['server_id']}/${values['server_key']}`]),
  );
}

const table = 'stick-table type string len 20 size 100 expire 1m';

scenario('a key leads to the server that it went to first (4.2 stick on)', async (world) => {
  const proxy = await site(
    world,
    `
backend a
  ${table}
  stick on req.hdr(k)
  ${named(world, 's1')}
  ${named(world, 's2')}
`,
  );
  const first = [await ask(world, proxy, 'x'), await ask(world, proxy, 'y')];
  expect(first.toSorted()).toEqual(['s1', 's2']);
  for (let i = 0; i < 3; i++) {
    expect(await ask(world, proxy, 'x')).toBe(first[0]!);
    expect(await ask(world, proxy, 'y')).toBe(first[1]!);
  }
  // Without a key there is nothing to remember, and servers take turns.
  const others = [await ask(world, proxy, ''), await ask(world, proxy, '')];
  expect(others.toSorted()).toEqual(['s1', 's2']);
  const id = (name: string) => `${name.slice(1)}/${name}`;
  expect(await learned(proxy)).toEqual({ x: id(first[0]!), y: id(first[1]!) });
  // 9.1 lbtot: only what was balanced.
  const lines = (await proxy.command('show stat')).split('\n');
  const column = lines[0]!.split(',').indexOf('lbtot');
  const totals = lines.find((line) => line.startsWith('a,BACKEND'))!.split(',');
  expect(totals[column]).toBe('4');
});

scenario('a server is remembered when it has answered, not before (4.2 stick)', async (world) => {
  const proxy = await site(
    world,
    `
backend a
  ${table}
  stick on req.hdr(k)
  server dead 127.0.0.1:${world.refusedPort()}
backend silent
  stick on req.hdr(k) table a
  server s 127.0.0.1:${world.server((peer) => peer.close()).port}
`,
  );
  expect(await ask(world, proxy, 'x')).toBe('503');
  expect(await ask(world, proxy, 'y', 'silent')).toBe('502');
  expect(await learned(proxy)).toEqual({});
});

scenario('after a redispatch the server that took over is remembered', async (world) => {
  const proxy = await site(
    world,
    `
backend a
  option redispatch
  ${table}
  stick on req.hdr(k)
  server dead 127.0.0.1:${world.refusedPort()}
  ${named(world, 's2')}
`,
  );
  expect(await proxy.command('set table a key x data.server_id 1')).toBe('\n');
  expect(await ask(world, proxy, 'x')).toBe('s2');
  expect(await learned(proxy)).toEqual({ x: '2/s2' });
});

scenario(
  'in another backend the name counts before the number (4.2 stick match)',
  async (world) => {
    const proxy = await site(
      world,
      `
backend a
  ${table}
  stick on req.hdr(k)
  ${named(world, 'one')}
backend b
  stick match req.hdr(none) table a
  stick match req.hdr(k) table a
  ${named(world, 'x1')}
  ${named(world, 'x2')}
  ${named(world, 'one')}
backend c
  stick match req.hdr(k) table a
  ${named(world, 'y0')} id 7
  ${named(world, 'y1')} id 1
`,
    );
    expect(await ask(world, proxy, 'k')).toBe('one');
    for (let i = 0; i < 3; i++) expect(await ask(world, proxy, 'k', 'b')).toBe('one');
    for (let i = 0; i < 3; i++) expect(await ask(world, proxy, 'k', 'c')).toBe('y1');
    // `match` alone remembers nothing.
    const others = [await ask(world, proxy, 'new', 'b'), await ask(world, proxy, 'new', 'b')];
    expect(new Set(others).size).toBe(2);
    expect(await learned(proxy)).toEqual({ k: '1/one' });
  },
);

scenario('a server in maintenance is replaced, one of weight 0 is not', async (world) => {
  const proxy = await site(
    world,
    `
backend a
  ${table}
  stick on req.hdr(k)
  ${named(world, 's1')}
  ${named(world, 'off')} disabled
  ${named(world, 'zero')} weight 0
`,
  );
  await proxy.command('set table a key x data.server_id 2');
  await proxy.command('set table a key z data.server_id 3');
  await proxy.command('set table a key u data.server_id 9');
  for (let i = 0; i < 2; i++) expect(await ask(world, proxy, 'x')).toBe('s1');
  for (let i = 0; i < 2; i++) expect(await ask(world, proxy, 'z')).toBe('zero');
  expect(await ask(world, proxy, 'u')).toBe('s1');
  expect(await learned(proxy)).toEqual({ x: '1/s1', z: '3/zero', u: '1/s1' });
});

scenario('option persist leads to a server that is in maintenance', async (world) => {
  const proxy = await site(
    world,
    `
backend a
  option persist
  ${table}
  stick on req.hdr(k)
  ${named(world, 's1')}
  ${named(world, 'off')} disabled
`,
  );
  await proxy.command('set table a key x data.server_id 2');
  for (let i = 0; i < 2; i++) expect(await ask(world, proxy, 'x')).toBe('off');
  expect(await learned(proxy)).toEqual({ x: '2/off' });
});

scenario('what a non-stick server serves is not remembered (5.2 non-stick)', async (world) => {
  const proxy = await site(
    world,
    `
backend a
  ${table}
  stick on req.hdr(k)
  ${named(world, 's1')} non-stick
`,
  );
  expect(await ask(world, proxy, 'x')).toBe('s1');
  expect(await learned(proxy)).toEqual({});
});

scenario(
  'requests and responses store under their own keys (4.2 stick store-request)',
  async (world) => {
    const proxy = await site(
      world,
      `
backend a
  ${table}
  stick store-request req.hdr(none)
  stick store-request req.hdr(k),concat(1) if FALSE
  stick store-request req.hdr(k)
  stick store-request req.hdr(k),upper
  stick store-request req.hdr(k),upper table other
  stick store-response res.hdr(none)
  stick store-response res.hdr(set)
  stick store-response res.hdr(set),upper
  stick store-response res.hdr(set),upper table other unless FALSE
  ${named(world, 's1', 'Set: cookie\r\n')}
backend other
  ${table}
`,
    );
    expect(await ask(world, proxy, 'x')).toBe('s1');
    expect(await learned(proxy)).toEqual({ x: '1/s1', cookie: '1/s1' });
    expect(await learned(proxy, 'other')).toEqual({ X: '1/s1', COOKIE: '1/s1' });
  },
);

scenario('addresses of servers may stand for them (11.1 srvkey addr)', async (world) => {
  const s1 = named(world, 's1');
  const proxy = await site(
    world,
    `
backend a
  ${table} srvkey addr
  stick on req.hdr(k)
  ${s1}
backend b
  stick match req.hdr(k) table a
  ${named(world, 's1')}
  ${s1.replace('s1', 'same')}
`,
  );
  expect(await ask(world, proxy, 'x')).toBe('s1');
  expect(await learned(proxy)).toEqual({ x: `1/${s1.split(' ')[2]}` });
  for (let i = 0; i < 2; i++) expect(await ask(world, proxy, 'x', 'b')).toBe('s1');
  const hits = (await proxy.command('show stat')).split('\n').find((l) => l.startsWith('b,same'))!;
  expect(hits.split(',')[7]).toBe('2');
});

scenario('connections stick as well (4.2 stick, mode tcp)', async (world) => {
  const greet = (name: string) => {
    const { port } = world.server((peer) => {
      peer.send(name);
      peer.close();
    });
    return `server ${name} 127.0.0.1:${port}`;
  };
  const proxy = await world.proxy(`
global
  nbthread 1
  stats socket {{dir}}/stats level admin
defaults
  timeout connect 1s
  timeout client 5s
  timeout server 5s
listen a
  bind fd@{{f}}
  stick-table type ip size 10 expire 1m
  stick on src
  ${greet('s1')}
  ${greet('s2')}
`);
  const talk = () => world.exchange(proxy.port('f'), 'hello');
  const first = await talk();
  for (let i = 0; i < 3; i++) expect(await talk()).toBe(first);
  expect(await learned(proxy)).toEqual({ '127.0.0.1': `${first.slice(1)}/${first}` });
});

scenario(
  'a cookie comes before a key, and is remembered under it (4.2 stick match)',
  async (world) => {
    const proxy = await site(
      world,
      `
backend a
  cookie SRV insert
  ${table}
  stick on req.hdr(k)
  ${named(world, 's1')} cookie c1
  ${named(world, 's2')} cookie c2
`,
    );
    await proxy.command('set table a key x data.server_id 1');
    const withCookie = await world.exchange(proxy.port('f'), get('K: x\r\nCookie: SRV=c2\r\n'));
    expect(withCookie.endsWith('s2')).toBe(true);
    expect(await learned(proxy)).toEqual({ x: '2/s2' });
    const without = await world.exchange(proxy.port('f'), get('K: x\r\n'));
    expect(without.endsWith('s2')).toBe(true);
    // Who came by a key needs no cookie.
    expect(without).not.toMatch(/^set-cookie/im);
  },
);

scenario('force-persist holds for keys, ignore-persist for cookies alone (4.2)', async (world) => {
  const proxy = await site(
    world,
    `
backend a
  force-persist if { req.hdr(k) forced }
  ignore-persist if { req.hdr(k) ignored }
  ${table}
  stick on req.hdr(k)
  ${named(world, 's1')}
  ${named(world, 's2')}
  ${named(world, 'off')} disabled
`,
  );
  await proxy.command('set table a key forced data.server_id 3');
  await proxy.command('set table a key usual data.server_id 3');
  await proxy.command('set table a key ignored data.server_id 1');
  for (let i = 0; i < 2; i++) expect(await ask(world, proxy, 'forced')).toBe('off');
  expect(['s1', 's2']).toContain(await ask(world, proxy, 'usual'));
  const ignored = [await ask(world, proxy, 'ignored'), await ask(world, proxy, 'ignored')];
  expect(ignored).toEqual(['s1', 's1']);
});

scenario('several workers count in one table and stick to one server', async (world) => {
  const proxy = await world.proxy(`
global
  nbthread 4
  stats socket {{dir}}/stats level admin
${defaultsHttp}
listen a
  bind fd@{{f}}
  stick-table type string len 20 size 100 expire 1m store http_req_cnt,http_req_rate(1m),conn_cur,gpc(1)
  http-request track-sc0 req.hdr(k)
  http-request sc-inc-gpc(0,0)
  stick on req.hdr(k)
  ${named(world, 's1')}
  ${named(world, 's2')}
  ${named(world, 's3')}
`);
  const CLIENTS = 16;
  const REQUESTS = 25;
  const first = await ask(world, proxy, 'x');
  const message = 'GET / HTTP/1.1\r\nHost: h\r\nK: x\r\n\r\n';
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await world.connect(proxy.port('f'));
      for (let i = 0; i < REQUESTS; i++) {
        client.send(message);
        expect((await client.readMessage()).body).toBe(first);
      }
      client.close();
    }),
  );
  const total = String(CLIENTS * REQUESTS + 1);
  const values = await until(
    async () => {
      const { entries } = parseTable(await proxy.command('show table a'));
      const entry = entries.get('x');
      return entry?.['use'] === '0' ? entry : null;
    },
    () => 'something is still tracked',
  );
  expect(values).toMatchObject({
    http_req_cnt: total,
    'http_req_rate(60000)': total,
    gpc0: total,
    conn_cur: '0',
    server_key: first,
  });
});

interface Held {
  target: string;
  finish: () => void;
}

/** A back end that answers no request before it is told to. */
function hold(world: World): { held: Held[]; port: number } {
  const held: Held[] = [];
  const { port } = world.http(
    (request) =>
      new Promise((resolve) => {
        held.push({ target: request.target, finish: () => resolve(answer('full')) });
      }),
  );
  return { held, port };
}

scenario(
  'a key waits for its own server, up to maxqueue (5.2 maxconn, maxqueue)',
  async (world) => {
    const { held, port } = hold(world);
    const proxy = await site(
      world,
      `
backend a
  timeout queue 10s
  ${table}
  stick on req.hdr(k)
  server full 127.0.0.1:${port} maxconn 1 maxqueue 2
  ${named(world, 'free')} weight 0
`,
    );
    const send = async (path: string) => {
      const client = await world.connect(proxy.port('f'));
      client.send(get(`K: x\r\n`).replace('GET /', `GET ${path}`));
      return client;
    };
    const queued = async () => {
      const lines = (await proxy.command('show stat')).split('\n');
      const row = lines.find((line) => line.startsWith('a,full'))!.split(',');
      return Number(row[2]);
    };
    const clients = [await send('/1')];
    await until(
      () => held.length === 1,
      () => 'nothing arrived',
    );
    // It is remembered with the first answer only: say so now.
    await proxy.command('set table a key x data.server_id 1');
    for (const path of ['/2', '/3']) {
      clients.push(await send(path));
      await until(
        async () => (await queued()) === clients.length - 1,
        () => `${path} does not wait`,
      );
    }
    for (let i = 0; i < 3; i++) {
      held[i]!.finish();
      expect((await clients[i]!.readToEnd()).endsWith('full')).toBe(true);
      if (i === 2) break;
      await until(
        () => held.length === i + 2,
        () => 'the next one does not run',
      );
    }
    expect(held.map(({ target }) => target)).toEqual(['/1', '/2', '/3']);
  },
);

/** A key whose server is full, and so is its queue. @returns who answers the next request */
async function overfill(world: World, option: string, after: (proxy: Proxy) => Promise<void>) {
  const { held, port } = hold(world);
  const proxy = await site(
    world,
    `
backend a
  timeout queue 10s
  ${option}
  ${table}
  stick on req.hdr(k)
  server full 127.0.0.1:${port} maxconn 1 maxqueue 1
  ${named(world, 'free')}
`,
  );
  await proxy.command('set table a key x data.server_id 1');
  const clients = [];
  for (let i = 0; i < 2; i++) {
    const client = await world.connect(proxy.port('f'));
    client.send(get('K: x\r\n'));
    clients.push(client);
    await until(
      async () => {
        const lines = (await proxy.command('show stat')).split('\n');
        const row = lines.find((line) => line.startsWith('a,full'))!.split(',');
        return Number(row[2]) + Number(row[4]) === i + 1;
      },
      () => 'it neither runs nor waits',
    );
  }
  const answered = await ask(world, proxy, 'x');
  await after(proxy);
  held[0]!.finish();
  await clients[0]!.readToEnd();
  await until(
    () => held.length === 2,
    () => 'who waits is forgotten',
  );
  held[1]!.finish();
  await clients[1]!.readToEnd();
  return answered;
}

async function counters(proxy: Proxy, row: string, columns: string): Promise<string> {
  const lines = (await proxy.command('show stat')).split('\n');
  const names = lines[0]!.slice(2).split(',');
  const values = lines.find((line) => line.startsWith(`${row},`))!.split(',');
  return columns
    .split(' ')
    .map((name) => `${name}=${values[names.indexOf(name)]}`)
    .join(' ');
}

scenario('a full queue refuses the key (5.2 maxqueue)', async (world) => {
  const answered = await overfill(world, 'no option redispatch', async (proxy) => {
    expect(await counters(proxy, 'a,full', 'wredis wretr econ')).toBe('wredis=0 wretr=0 econ=1');
    expect(await learned(proxy)).toEqual({ x: '1/-' });
  });
  expect(answered).toBe('503');
});

scenario(
  'a full queue sends the key elsewhere with option redispatch (5.2 maxqueue)',
  async (world) => {
    const answered = await overfill(world, 'option redispatch', async (proxy) => {
      expect(await counters(proxy, 'a,full', 'wredis wretr econ')).toBe('wredis=1 wretr=0 econ=0');
      expect(await counters(proxy, 'a,free', 'lbtot')).toBe('lbtot=1');
      expect(await learned(proxy)).toEqual({ x: '2/free' });
    });
    expect(answered).toBe('free');
  },
);
