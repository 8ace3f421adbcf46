/** Health checks that speak, and what becomes of the traffic (configuration.txt 4.2, 5.2). */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';

/** A server that answers `/check` with a status that the test changes, and clients with its name. */
function checkedServer(world: World, name: string) {
  const state = { status: '200 OK', port: 0 };
  const server = world.http((request) =>
    request.target === '/check' ? answer('', state.status) : answer(name),
  );
  state.port = server.port;
  return state;
}

const head = (logPort: number) => `
global
  log 127.0.0.1:${logPort} format raw local0
  max-spread-checks 1ms
${defaultsHttp}
  log global
  timeout check 5s
`;

scenario(
  'a server that answers 404 to its check gets no new clients (4.2 disable-on-404)',
  async (world) => {
    const log = await world.syslog();
    const [one, two] = [checkedServer(world, 'one'), checkedServer(world, 'two')];
    const proxy = await world.proxy(`${head(log.port)}
listen l
  bind fd@{{l}}
  option httpchk GET /check
  http-check disable-on-404
  server one 127.0.0.1:${one.port} check inter 20ms
  server two 127.0.0.1:${two.port}
`);
    const served = async () => {
      const names = new Set<string>();
      for (let i = 0; i < 6; i++) names.add(await (await fetch(proxy.url('l'))).text());
      return [...names].sort();
    };
    one.status = '404 Not Found';
    const stopping = await log.find(/^Server l\/one is stopping/);
    expect(stopping.trimEnd().replace(/\d+ms/, 'Nms')).toBe(
      'Server l/one is stopping, reason: Layer7 check conditionally passed, code: 404, ' +
        'check duration: Nms. 1 active and 0 backup servers online. 0 sessions requeued, ' +
        '0 total in queue.',
    );
    expect(await served()).toEqual(['two']);
    one.status = '200 OK';
    await log.find(/^Server l\/one is UP, reason: Layer7 check passed, code: 200/);
    expect(await served()).toEqual(['one', 'two']);
    one.status = '500 Oh';
    await log.find(/^Server l\/one is DOWN, reason: Layer7 wrong status, code: 500, info: "Oh"/);
    expect(await served()).toEqual(['two']);
  },
);

scenario('servers that hang, break off or flood do not hold up other checks', async (world) => {
  const log = await world.syslog();
  const flood = 'x'.repeat(1 << 20);
  const bad = [
    world.server(() => {}),
    world.server((peer) => peer.reset()),
    world.server((peer) => peer.send(flood)),
    world.server((peer) => {
      peer.send('HTTP/1.1 200 OK\r\nContent-');
    }),
  ];
  const good = checkedServer(world, 'good');
  const servers = bad.flatMap((server, i) =>
    Array.from(
      { length: 10 },
      (_, n) => `server b${i}-${n} 127.0.0.1:${server.port} check inter 30ms`,
    ),
  );
  await world.proxy(`${head(log.port)}
listen bad
  bind fd@{{bad}}
  timeout check 60ms
  option httpchk GET /check
  ${servers.join('\n  ')}
listen l
  bind fd@{{l}}
  option httpchk GET /check
  server good 127.0.0.1:${good.port} check inter 20ms fall 1
`);
  await log.find(/^listen bad has no server available!|^proxy bad has no server available!/);
  // Many changes of the good server, seen while the bad ones are checked again and again.
  for (let round = 1; round <= 5; round++) {
    good.status = '503 No';
    const count = (what: RegExp) => log.lines.filter((line) => what.test(line)).length;
    const reach = (what: RegExp) =>
      log.changes.until(
        () => count(what) >= round,
        () => `round ${round} of ${what}`,
      );
    await reach(/^Server l\/good is DOWN, reason: Layer7 wrong status, code: 503/);
    good.status = '200 OK';
    await reach(/^Server l\/good is UP, reason: Layer7 check passed, code: 200/);
  }
  expect(log.lines.some((line) => /^Server bad\/\S+ is UP/.test(line))).toBe(false);
});

// HAProxy 3.2 sends nothing then, and the check ends in a timeout (docs/differences.md).
scenario(
  'option httpchk of defaults is sent although the section has lines of its own (4.2)',
  async (world) => {
    const log = await world.syslog();
    const one = checkedServer(world, 'one');
    await world.proxy(`${head(log.port)}
  option httpchk GET /check
  option log-health-checks
listen l
  bind fd@{{l}}
  http-check expect status 418
  server one 127.0.0.1:${one.port} check inter 20ms
`);
    await log.find(
      /^Health check for server l\/one failed, reason: Layer7 wrong status, code: 200/,
    );
    one.status = "418 I'm a teapot";
    await log.find(/^Health check for server l\/one succeeded, .*, code: 418/);
  },
  { skip: programUnderTest === 'haproxy' ? 'a difference' : null },
);
