/**
 * The time for a request's head (configuration.txt 4.2 timeout client, http-request, http-keep-alive):
 * http-request counts from the first byte, client between two bytes, http-keep-alive only before the
 * first byte of a later request.
 */
import { expect } from 'bun:test';
import { head } from '../differential/case.ts';
import { scenario, type World } from '../harness/scenario.ts';

/** A client that is slow: its pauses are what is tested, not a way to wait for something. */
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const get = head('GET / HTTP/1.1', 'Host: h');

async function front(world: World, ...timeouts: string[]): Promise<number> {
  const proxy = await world.proxy(`
defaults
  mode http
  timeout connect 5s
  timeout server 20s
  ${timeouts.join('\n  ')}
frontend f
  bind fd@{{f}}
  http-request return status 200 content-type text/plain string hello
`);
  return proxy.port('f');
}

for (const first of [true, false]) {
  const which = first ? 'a first' : 'a later';
  scenario(`half of ${which} head: timeout client ends it before http-request`, async (world) => {
    const waits = ['http-request 60s', 'http-keep-alive 60s'].map((line) => `timeout ${line}`);
    const port = await front(world, 'timeout client 300ms', ...waits);
    const client = await world.connect(port);
    if (!first) {
      client.send(get);
      await client.readMessage('GET');
    }
    client.send('GET / HTTP/1.1\r\nHo');
    expect((await client.readToEnd()).slice(0, 12)).toBe('HTTP/1.1 408');
  });
}

scenario('without http-request a head may take as long as the client goes on', async (world) => {
  const port = await front(world, 'timeout client 1s');
  const client = await world.connect(port);
  // The pauses are what is tested: each is short, all of them are longer than the timeout.
  for (const piece of get.match(/.{1,4}/gs)!) {
    client.send(piece);
    await pause(200);
  }
  expect((await client.readMessage('GET')).body).toBe('hello');
});

scenario('http-request counts from the first byte, not from the connection', async (world) => {
  const port = await front(world, 'timeout client 20s', 'timeout http-request 1s');
  const order: string[] = [];
  const late = await world.connect(port);
  const silent = await world.connect(port);
  const endings = [
    late.readToEnd().then(() => order.push('late')),
    silent.readToEnd().then(() => order.push('silent')),
  ];
  await pause(500);
  late.send('GET / HT');
  await Promise.all(endings);
  expect(order).toEqual(['silent', 'late']);
});

scenario('a first connection that says nothing ends with the shorter of the two', async (world) => {
  const port = await front(world, 'timeout client 300ms', 'timeout http-request 60s');
  const client = await world.connect(port);
  expect((await client.readToEnd()).slice(0, 12)).toBe('HTTP/1.1 408');
});
