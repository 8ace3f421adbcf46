/**
 * The server that a key leads to (configuration.txt 4.2 balance, hash-type) is the one that it leads
 * to in HAProxy 3.2.
 */
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RawServer, serveHttp } from '../harness/peer.ts';
import { ensureDir, type Program, type Proxy, programPath } from '../harness/proxy.ts';
import { until } from '../harness/wait.ts';
import { choices, choicesFrom, type Farm, get, startFarm } from './server-choice.ts';

const dir = mkdtempSync(join(tmpdir(), 'sluice-balance-'));
afterAll(() => rmSync(dir, { recursive: true }));

let folders = 0;
const missing = programPath('haproxy') === null;
const title = (name: string) => (missing ? `${name} (skipped: haproxy is not installed)` : name);
const programs: Program[] = ['haproxy', 'sluice'];

const weighted = ['weight 3', 'weight 10', 'weight 1', 'weight 7', 'weight 25', 'weight 256'];
/** What both programs choose, one list per backend; they must be the same. */
async function compare(
  farm: Farm,
  ask: (proxy: Proxy, backend: number) => Promise<number[]>,
): Promise<void> {
  const found: Record<string, number[][]> = {};
  for (const program of programs) {
    const proxy = await startFarm(program, farm, ensureDir(join(dir, String(folders++))));
    try {
      const all: number[][] = [];
      for (const i of farm.backends.keys()) all.push(await ask(proxy, i));
      found[program] = all;
    } finally {
      await proxy.stop();
    }
  }
  for (const [i, text] of farm.backends.entries()) {
    expect(different(found.sluice![i]!, found.haproxy![i]!), text).toBe('');
  }
}

const send = (requests: string[]) => (proxy: Proxy, backend: number) =>
  choices(proxy, backend, requests);

/** The first positions at which two lists differ, as text. */
function different(ours: readonly number[], theirs: readonly number[]): string {
  if (ours.length !== theirs.length) return `${ours.length} answers instead of ${theirs.length}`;
  const places = ours.flatMap((server, i) => (server === theirs[i] ? [] : [i]));
  const shown = places.slice(0, 5).map((i) => `${i}: ${ours[i]} instead of ${theirs[i]}`);
  return places.length === 0 ? '' : `${places.length} of ${ours.length}: ${shown.join(', ')}`;
}

const keyed = (count: number) =>
  Array.from({ length: count }, (_, i) => get('/', `k: ${i}${i % 3 ? '/a' : ''}`));

describe.skipIf(missing)('the same key goes to the same server as in HAProxy', () => {
  test(title('4.2 hash-type: both methods, 10,000 keys'), async () => {
    const backends = ['map-based', 'consistent'].map(
      (method) => `balance hash req.hdr(k)\n  hash-type ${method}`,
    );
    await compare({ backends, servers: weighted }, send(keyed(10_000)));
  }, 60_000);

  test(title('4.2 hash-type: every function'), async () => {
    const functions = ['djb2', 'wt6', 'crc32', 'none', 'sdbm avalanche', 'none avalanche'];
    const backends = ['map-based', 'consistent'].flatMap((method) =>
      functions.map((name) => `balance hash req.hdr(k)\n  hash-type ${method} ${name}`),
    );
    await compare({ backends, servers: weighted }, send(keyed(1_500)));
  }, 60_000);

  test(title('4.2 hash-type none: what counts as a number'), async () => {
    const backends = ['balance hash req.hdr(k)\n  hash-type map-based none'];
    const big = [
      '4294967301',
      '9223372036854775807',
      '9223372036854775808',
      '99999999999999999999',
    ];
    const numbers = [
      '5',
      '-5',
      '+7',
      '12abc',
      'abc',
      '0x10',
      '010',
      '1.5',
      '',
      ...big,
      `-${big[3]}`,
    ];
    const requests = numbers.map((number) => get('/', `k: ${number}`));
    await compare({ backends, servers: Array(251).fill('') }, send(requests));
  });

  test(title('4.2 balance source'), async () => {
    const backends = ['', 'hash-type consistent', 'hash-type map-based djb2 avalanche'].map(
      (type) => `balance source\n  ${type}`,
    );
    const addresses = Array.from(
      { length: 700 },
      (_, i) => `127.${(i * 7) % 250}.${(i * 13) % 251}.${1 + (i % 250)}`,
    );
    await compare({ backends, servers: weighted }, (proxy, i) => choicesFrom(proxy, i, addresses));
  }, 60_000);

  test(title('4.2 balance uri, with its parameters'), async () => {
    const parameters = ['', 'whole', 'path-only', 'len 7', 'depth 2', 'depth 1 len 5 whole'];
    const backends = [
      ...[...parameters, 'path-only depth 2 whole'].map((words) => `balance uri ${words}`),
      'balance uri\n  http-request set-path /x%[path]',
    ];
    const targets = Array.from({ length: 300 }, (_, i) => `/a${i % 7}/b${i % 31}/${i}?q=${i}/x`);
    const odd = ['/', '//a//b', '/a?', '/?x', '/%41b', 'http://h.com/a/b?q', 'http://h.com/'];
    const requests = [...targets, ...odd].map((target) =>
      get(target).replace('Host: a', target.startsWith('http') ? 'Host: h.com' : 'Host: a'),
    );
    await compare({ backends, servers: Array(61).fill('') }, send(requests));
  }, 60_000);

  test(title('4.2 balance hdr'), async () => {
    const backends = ['balance hdr(X)', 'balance hdr(x) use_domain_only', 'balance hdr(host)'];
    const hosts = ['www.example.com', 'example.com', 'com', 'www.example.com:80', 'a.b.c.co.uk'];
    const odd = ['localhost:8080', '1.2.3.4', '.com', 'a.example.', 'a..b', 'x.y:1.2', 'A.Ex.COM'];
    const values = ['a, b', '', ',', '"a,b"', 'a,', ...hosts, ...odd];
    const requests = [
      ...values.map((value) => get('/', `X: ${value}`)),
      ...hosts.map((host) => get('/').replace('Host: a', `Host: ${host}`)),
      get('/', 'X: a', 'X: b'),
      get('/'),
    ];
    await compare({ backends, servers: Array(61).fill('') }, send(requests));
  });

  test(title('4.2 balance url_param'), async () => {
    const backends = ['balance url_param id', 'balance url_param id\n  hash-type consistent'];
    const ids = Array.from({ length: 300 }, (_, i) => `/p?x=${i % 5}&id=user${i}&y`);
    const odd = [
      '/?ID=a',
      '/?id=',
      '/?id',
      '/?xid=5&id=7',
      '/?id=1&id=2',
      '/?a;id=4',
      '/?id=a%20b',
    ];
    const more = ['/x/?y?id=abc', '/?x=1;id=abc', '/?id=a=b', '/?&id=3', '/?id=abc;z&r', '/id=3'];
    await compare(
      { backends, servers: Array(61).fill('') },
      send([...ids, ...odd, ...more].map((t) => get(t))),
    );
  });

  test(title('4.2 balance url_param with check_post: the body of POST'), async () => {
    const backends = ['balance url_param id check_post'];
    const bytes = Array.from({ length: 94 }, (_, i) => `id=xk${String.fromCharCode(33 + i)}y`);
    const spaces = ['id=x y', 'id=x\ty', 'id=xyz\r\n', 'a b=c&id=x', ' id=x', 'a=b& id=x'];
    const odd = ['id=', 'id', '', '&id=3', 'ID=4', 'id=1&id=2', '?id=5', 'a=b;id=6', 'id&id=7'];
    const bodies = [...bytes, ...spaces, ...odd, 'x=1&id=abc&y=2', `${'p=q&'.repeat(900)}id=far`];
    const post = (target: string, body: string) =>
      get(target, `Content-Length: ${body.length}`).replace('GET', 'POST') + body;
    const chunked = (...chunks: string[]) =>
      get('/', 'Transfer-Encoding: chunked').replace('GET', 'POST') +
      [...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
    const requests = [
      ...bodies.map((body) => post('/', body)),
      post('/?id=a', 'id=b'),
      post('/?id=', 'id=b'),
      post('/?id', 'id=b'),
      post('/', 'id=b').replace('POST', 'PUT'),
      post('/', 'id=b').replace('POST', 'GET'),
      chunked('id=xyz'),
      chunked('a=b&', 'id=xyz'),
      chunked('x=1&id=x', 'y', 'z&b'),
    ];
    await compare({ backends, servers: Array(61).fill('') }, send(requests));
  });

  test(title('4.2 balance hash: values of every type'), async () => {
    const values = ['int(5)', 'int(-5)', 'bool(true)', 'ipv4(1.2.3.4)', 'ipv6(2001:db8::1)'];
    const more = ['method', 'str(abc)', 'bin(0061006200)', 'path,length', 'req.hdr(none)'];
    const backends = [...values, ...more].flatMap((expression) =>
      ['crc32', 'none'].map((f) => `balance hash ${expression}\n  hash-type map-based ${f}`),
    );
    await compare({ backends, servers: Array(61).fill('') }, send([get('/abc'), get('/abc')]));
  });

  test(title('5.2 hash-key: places on the ring by id and by address'), async () => {
    const hosts = ['127.0.0.1', '127.0.0.2', '127.9.8.7', '::1'];
    const targets = hosts.map((hostname, i) => {
      const body = `<${i + 1}>`;
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
      return new RawServer(
        serveHttp(() => head + body),
        { hostname, port: 0 },
      );
    });
    try {
      for (const key of ['id', 'addr', 'addr-port']) {
        const servers = targets.map(({ port }, i) => {
          const host = i === 3 ? 'ipv6@[::1]' : hosts[i]!;
          return `${host}:${port} weight ${i + 1} id ${1 + i * 70_000_003} hash-key ${key}`;
        });
        const backends = ['balance hash req.hdr(k)\n  hash-type consistent'];
        await compare({ backends, servers }, send(keyed(500)));
      }
    } finally {
      for (const target of targets) target.stop();
    }
  }, 60_000);

  test(title('a server that goes down and comes back takes its keys with it'), async () => {
    const backends = ['map-based', 'consistent'].map(
      (method) => `balance hash req.hdr(k)\n  hash-type ${method}`,
    );
    const place = { hostname: '127.0.0.1', port: 0 };
    const requests = keyed(1_000);
    const all: Record<string, number[][]> = { haproxy: [], sluice: [] };
    for (const program of programs) {
      let health = new RawServer(() => {}, place);
      const { port } = health;
      const check = `check inter 20ms fall 1 rise 1 addr 127.0.0.1 port ${port}`;
      const servers = ['weight 3', `weight 2 ${check}`, 'weight 1', ''];
      const folder = ensureDir(join(dir, String(folders++)));
      const proxy = await startFarm(program, { backends, servers }, folder);
      const ask = async () => {
        for (const i of backends.keys()) all[program]!.push(await choices(proxy, i, requests));
      };
      try {
        await ask();
        health.stop();
        await untilStatus(proxy, backends.length, 'DOWN');
        await ask();
        health = new RawServer(() => {}, { ...place, port });
        await untilStatus(proxy, backends.length, 'UP');
        await ask();
      } finally {
        health.stop();
        await proxy.stop();
      }
    }
    for (const [i, theirs] of all.haproxy!.entries()) {
      expect(different(all.sluice![i]!, theirs), `list ${i}`).toBe('');
    }
    // Without the second server, and with it again.
    expect(all.sluice![2]).not.toContain(2);
    expect(all.sluice![4]).toEqual(all.sluice![0]!);
    expect(all.sluice![5]).toEqual(all.sluice![1]!);
  }, 60_000);
});

/** Waits until server s2 of every backend has a status. */
async function untilStatus(proxy: Proxy, backends: number, status: string): Promise<void> {
  const isSo = async () => {
    const lines = (await proxy.command('show stat')).split('\n');
    const found = lines.filter((line) => /^b\d+,s2,/.test(line) && line.split(',')[17] === status);
    return found.length === backends;
  };
  await until(isSo, () => `s2 is not ${status}`);
}

describe.skipIf(missing)('without a key', () => {
  const requests = Array(70).fill(get('/'));

  test(title('4.2 static-rr, and what hashes fall back to'), async () => {
    const backends = [
      'balance static-rr',
      'balance hdr(none)',
      'balance hdr(none)\n  hash-type consistent',
      'balance url_param none\n  hash-type consistent',
    ];
    await compare({ backends, servers: ['weight 1', 'weight 2', 'weight 4'] }, send(requests));
  });

  test(title('threads go the same round together'), async () => {
    const lines = ['roundrobin', 'static-rr', 'hdr(none)', 'hdr(none)\n  hash-type consistent'];
    const backends = [...lines, 'source', 'source\n  hash-type consistent'].map(
      (words) => `balance ${words}`,
    );
    const servers = ['weight 1', 'weight 2', 'weight 4'];
    await compare({ backends, servers, threads: 4 }, async (proxy, i) => {
      const order: number[] = [];
      // One connection after the other: any thread may have it.
      for (let n = 1; n <= 40; n++) order.push(...(await choicesFrom(proxy, i, [`127.0.0.${n}`])));
      return order;
    });
  });

  test(title('4.2 first and sticky stay with one server'), async () => {
    const backends = ['balance first', 'balance sticky'];
    await compare({ backends, servers: ['id 5', 'id 3', 'id 4'] }, send(requests));
  });

  test(title('in TCP mode an algorithm of HTTP falls back to round robin'), async () => {
    const backends = ['uri', 'hdr(host)', 'url_param a', 'hash src', 'static-rr'].map(
      (words) => `balance ${words}`,
    );
    const servers = ['weight 1', 'weight 2', ''];
    await compare({ backends, servers, mode: 'tcp' }, async (proxy, i) => {
      const order: number[] = [];
      // One after the other: the order counts.
      for (let n = 0; n < 12; n++) order.push(...(await choicesFrom(proxy, i, ['127.0.0.1'])));
      return order;
    });
  });
});

describe.skipIf(missing)('backup servers (5.2 backup, 4.2 option allbackups)', () => {
  for (const option of ['', 'option allbackups']) {
    test(title(`serve keys when no other server can${option && ', all of them'}`), async () => {
      const algorithms = ['hash req.hdr(k)', 'roundrobin', 'first', 'hdr(none)'];
      // With one backup server haproxy 3.2 uses others as well at times.
      if (option !== '') algorithms.push('static-rr');
      const types = ['map-based', 'consistent'];
      const backends = algorithms.flatMap((words) =>
        types.map((type) => `balance ${words}\n  hash-type ${type}\n  ${option}`),
      );
      const servers = ['disabled', 'backup weight 3', 'weight 0', 'backup', 'backup weight 2'];
      await compare({ backends, servers }, send(keyed(120)));
    });
  }
});

describe.skipIf(missing)('a server that refuses connections', () => {
  test(title('4.2 option redispatch: a ring passes it over, a map does not'), async () => {
    const hash = (type: string) => `balance hash req.hdr(k)\n  hash-type ${type}`;
    const backends = ['map-based', 'consistent'].map(
      (type) => `${hash(type)}\n  retries 1\n  option redispatch`,
    );
    const servers = ['', '127.0.0.1:1', '', ''];
    await compare({ backends, servers }, send(keyed(60)));
  }, 60_000);
});
