/** Servers whose names have no address, with `-dr` (management.txt 3). */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import { defaultsHttp, needs, scenario } from '../harness/scenario.ts';

const config = (port: number) => `
global
  nbthread 1
  stats socket {{dir}}/stats level admin
${defaultsHttp}
frontend f
  bind fd@{{f}}
  use_backend lost if { path /lost }
  default_backend half
backend half
  server gone no-such-host.invalid:80
  server here 127.0.0.1:${port}
backend lost
  server one no-such-host.invalid:80 check
  server two no-such-host.invalid:80 disabled check
  server three no-such-host.invalid check weight 0 backup
`;

const get = (path: string) => `GET ${path} HTTP/1.0\r\n\r\n`;

/** Columns of `show stat` that do not depend on time or on what the system allows. */
async function table(proxy: { command(line: string): Promise<string> }): Promise<string[]> {
  const [head, ...lines] = (await proxy.command('show stat')).trim().split('\n');
  const names = head!.slice(2).split(',');
  const wanted = [
    'pxname',
    'svname',
    'status',
    'weight',
    'act',
    'bck',
    'chkfail',
    'chkdown',
    'addr',
  ];
  const at = [...wanted, 'check_status', 'stot', 'econ', 'lbtot'].map((name) =>
    names.indexOf(name),
  );
  return lines
    .map((line) => line.split(','))
    .filter(([proxyName]) => proxyName === 'half' || proxyName === 'lost')
    .map((values) => at.map((i) => values[i]).join(','));
}

scenario('-dr puts a server without an address into maintenance', async (world) => {
  const server = world.http(() => answer('here'));
  const proxy = await world.proxy(config(server.port), { args: ['-dr'] });
  expect(proxy.stderr).toContain(
    ":17] : 'server half/gone' : could not resolve address 'no-such-host.invalid', " +
      'disabling server.\n',
  );
  for (let i = 0; i < 3; i++) {
    expect(await world.exchange(proxy.port('f'), get('/'))).toEndWith('here');
  }
  expect(await world.exchange(proxy.port('f'), get('/lost'))).toStartWith('HTTP/1.1 503 ');
  expect(await table(proxy)).toEqual([
    'half,gone,MAINT (resolution),1,1,0,,,,,0,0,0',
    `half,here,no check,1,1,0,,,127.0.0.1:${server.port},,3,0,3`,
    'half,BACKEND,UP,1,1,0,,0,,,3,0,3',
    'lost,one,MAINT (resolution),1,1,0,0,1,,,0,0,0',
    'lost,two,MAINT (resolution),1,1,0,0,0,,,0,0,0',
    'lost,three,MAINT (resolution),0,0,1,0,1,,,0,0,0',
    'lost,BACKEND,DOWN,0,0,0,,1,,,1,1,0',
  ]);
});

scenario('without -dr a name without an address is an error', async (world) => {
  const result = await world.run(config(1), { args: ['-c'] });
  expect(result.status).toBe(1);
  expect(result.stderr).toContain(
    ":17] : 'server half/gone' : could not resolve address 'no-such-host.invalid'.\n",
  );
});

scenario(
  '-dr gives the state that haproxy gives',
  async (world) => {
    const server = world.http(() => answer('here'));
    const text = config(server.port);
    const ours = await world.proxy(text, { program: 'sluice', args: ['-dr'] });
    const found = await table(ours);
    await ours.stop();
    const theirs = await world.proxy(text, { program: 'haproxy', args: ['-dr'] });
    expect(found).toEqual(await table(theirs));
  },
  { skip: needs('haproxy') },
);
