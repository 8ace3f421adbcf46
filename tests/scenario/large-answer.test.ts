/**
 * Answers of the proxy itself that no buffer holds (4.2 errorfile, 4.4 return and deny): they go out
 * whole, as fast as the client takes them, and the connection lives on.
 */
import { expect } from 'bun:test';
import { head } from '../differential/case.ts';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

const get = (path: string) => head(`GET ${path} HTTP/1.1`, 'Host: h');
const SIZE = 3_000_000;
const body = Array.from({ length: SIZE / 10 }, (_, i) => String(i).padStart(9, '0')).join('\n');

async function front(world: World): Promise<number> {
  await Bun.write(`${world.dir}/body`, body);
  await Bun.write(
    `${world.dir}/page`,
    `${head('HTTP/1.1 503 No', `Content-Length: ${body.length}`)}${body}`,
  );
  const proxy = await world.proxy(`${defaultsHttp}
frontend f
  bind fd@{{f}}
  errorfile 503 {{dir}}/page
  http-request deny deny_status 403 content-type text/plain file {{dir}}/body if { path /deny }
  http-request return errorfile {{dir}}/page status 503 if { path /complete }
  http-request return status 200 content-type text/plain file {{dir}}/body if { path /return }
  http-request return status 200 content-type text/plain string small unless { path /nobody }
  use_backend nobody if { path /nobody }
backend nobody
`);
  return proxy.port('f');
}

for (const [path, status] of [
  ['/return', 200],
  ['/deny', 403],
  ['/nobody', 503],
  ['/complete', 503],
] as const) {
  scenario(`an answer of 3 MB is sent whole for ${path}`, async (world) => {
    const client = await world.connect(await front(world));
    client.send(get(path) + get('/'));
    const first = await client.readMessage('GET');
    expect(first.status).toBe(status);
    expect(first.body === body).toBe(true);
    expect((await client.readMessage('GET')).body).toBe('small');
  });
}

scenario('HEAD has the length of a large answer and no byte of it', async (world) => {
  const client = await world.connect(await front(world));
  client.send(head('HEAD /return HTTP/1.1', 'Host: h') + get('/'));
  const first = await client.readMessage('HEAD');
  expect(first.raw).toContain(`content-length: ${body.length}`);
  expect((await client.readMessage('GET')).body).toBe('small');
});

scenario(
  'a client that takes a part of a large answer and leaves costs others nothing',
  async (world) => {
    const port = await front(world);
    for (let i = 0; i < 20; i++) {
      const client = await world.connect(port);
      client.send(get('/return'));
      await client.readUntil('000000001');
      client.reset();
    }
    const other = await world.connect(port);
    other.send(get('/return'));
    expect((await other.readMessage('GET')).body === body).toBe(true);
  },
);
