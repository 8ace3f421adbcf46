/** Cookie persistence and servers that are full (configuration.txt 4.2 cookie, 5.2 maxconn, maxqueue). */
import { expect } from 'bun:test';
import { head, reply } from '../differential/case.ts';
import type { Peer } from '../harness/peer.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';
import { Signal } from '../harness/wait.ts';

const get = (cookie: string) => head('GET / HTTP/1.1', 'Host: h', `Cookie: SRV=${cookie}`);

/** Two servers; the first holds its answers back until it is told to give them. */
async function farm(world: World, words: string) {
  const held: Peer[] = [];
  const changes = new Signal();
  const slow = world.server(async (peer) => {
    await peer.readHead();
    held.push(peer);
    changes.notify();
  });
  const fast = world.http(() => reply('two', 'Content-Length: 3'));
  const log = await world.syslog();
  // With one thread requests are handled in the order in which they came.
  const proxy = await world.proxy(`global
  nbthread 1
${defaultsHttp}
frontend f
  bind fd@{{f}}
  log 127.0.0.1:${log.port} local0
  log-format "%s %tsc %sq/%bq"
  default_backend b
backend b
  option http-server-close
  ${words.includes('maxqueue') ? 'option redispatch' : ''}
  cookie SRV insert indirect
  server s1 127.0.0.1:${slow.port} cookie c1 maxconn 1 ${words}
  server s2 127.0.0.1:${fast.port} cookie c2
`);
  const ask = async (cookie: string): Promise<Peer> => {
    const client = await world.connect(proxy.port('f'));
    client.send(get(cookie));
    return client;
  };
  const isHeld = (count: number) =>
    changes.until(
      () => held.length >= count,
      () => `${held.length} of ${count} requests`,
    );
  const give = (index: number) => {
    held[index]!.send(reply('one', 'Content-Length: 3'));
    held[index]!.end();
  };
  return { ask, isHeld, give, log };
}

scenario('a client waits for the server of its cookie although another is free', async (world) => {
  const { ask, isHeld, give, log } = await farm(world, '');
  const first = await ask('c1');
  await isHeld(1);
  const second = await ask('c1');
  const third = await ask('c2');
  expect((await third.readMessage('GET')).body).toBe('two');
  give(0);
  expect((await first.readMessage('GET')).body).toBe('one');
  await isHeld(2);
  give(1);
  const answer = await second.readMessage('GET');
  expect([answer.body, answer.raw.includes('set-cookie')]).toEqual(['one', false]);
  await log.find(/s1 --VN 1\/0/);
});

scenario('a full queue breaks persistence (5.2 maxqueue)', async (world) => {
  const { ask, isHeld, give, log } = await farm(world, 'maxqueue 1');
  const first = await ask('c1');
  await isHeld(1);
  const second = await ask('c1');
  // One that waits is known by the third, which no longer does.
  const third = await ask('c1');
  const answers = await Promise.race([third.readMessage('GET'), second.readMessage('GET')]);
  expect(answers.body).toBe('two');
  expect(answers.raw).toContain('set-cookie: SRV=c2; path=/');
  give(0);
  await first.readMessage('GET');
  await isHeld(2);
  give(1);
  await log.find(/s2 --DI 0\/0/);
});
