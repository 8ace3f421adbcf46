/**
 * Stick tables side by side with haproxy 3.2 (configuration.txt 11, 4.4 track-sc0, 7.3.3 sc_*; management.txt
 * 9.3 show table): the same requests and commands go to both, then tables, samples and answers are
 * compared. Where haproxy differs on purpose, docs/differences.md says so.
 */
import { expect } from 'bun:test';
import { answer, type HttpMessage } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import { type Program, type Proxy, programPath } from '../harness/proxy.ts';
import { defaultsHttp, type ScenarioOptions, scenario, type World } from '../harness/scenario.ts';
import { parseTable, withoutTimes } from '../harness/stick-table.ts';
import { until } from '../harness/wait.ts';

const both: readonly Program[] = ['sluice', 'haproxy'];

const options: ScenarioOptions = {
  skip: programPath('haproxy') === null ? 'haproxy is not installed' : null,
  timeoutMs: 60_000,
};

/** Does the same with both programs. @returns what came of it, sluice's first */
async function compare<T>(
  world: World,
  config: string,
  act: (proxy: Proxy) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (const program of both) {
    const proxy = await world.proxy(config, { program });
    results.push(await act(proxy));
    await proxy.stop();
  }
  return results;
}

const request = (path: string, fields = '') =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n`;

/** The field `z` of an answer. */
async function sampled(world: World, port: number, path: string, fields = ''): Promise<string> {
  const reply = await world.exchange(port, request(path, fields));
  return /^z: (.*)$/m.exec(reply)?.[1]?.trim() ?? reply;
}

/** A table without pointers and times, its keys in order. */
async function tableOf(proxy: Proxy, name: string) {
  const { head, entries } = parseTable(await proxy.command(`show table ${name}`));
  const rows = [...entries].map(([key, values]) => [key, { ...values, exp: '' }] as const);
  return { head, rows: Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** No stream tracks anything any more. */
async function idle(proxy: Proxy, name: string): Promise<void> {
  await until(
    async () =>
      [...parseTable(await proxy.command(`show table ${name}`)).entries.values()].every(
        (values) => values['use'] === '0',
      ),
    () => `${name} is in use`,
  );
}

const global = `
global
  nbthread 1
  stats socket {{dir}}/stats level admin
${defaultsHttp}
  timeout tarpit 50ms
  timeout connect 200ms
  timeout server 500ms
  retries 0
`;

const counted =
  'gpc0,gpc1,gpt0,conn_cnt,conn_cur,conn_rate(60s),sess_cnt,sess_rate(60s),http_req_cnt,' +
  'http_req_rate(60s),http_err_cnt,http_err_rate(60s),http_fail_cnt,http_fail_rate(60s),' +
  'bytes_in_cnt,bytes_in_rate(60s),bytes_out_cnt,bytes_out_rate(60s),glitch_cnt,glitch_rate(60s)';

/** Answers with the status that the path names, or badly. */
function serve(message: HttpMessage, peer: Peer): string {
  const word = message.target.replace(/^\/(be)?/, '');
  if (word === 'bad') {
    peer.send('garbage\r\n\r\n');
    peer.end();
  } else if (word === 'close') {
    peer.end();
  }
  if (['bad', 'close', 'slow'].includes(word)) return '';
  return answer('hi', /^\d+$/.test(word) ? `${word} X` : '200 OK');
}

const events = `
ok 404 401 499 500 501 503 505 599 bad close slow deny deny200 deny503 tarpit reject
ret404 ret503 redirect rdeny none dead be bedeny be404 twice
`
  .trim()
  .split(/\s+/);

scenario(
  'counters follow the same events (11.1 store, 4.4 track-sc0)',
  async (world) => {
    const server = world.http(serve);
    const config = `${global}
frontend f
  bind fd@{{f}}
  http-request track-sc0 path table paths
  http-request track-sc0 path,upper table paths if { path /twice }
  http-request deny if { path /deny }
  http-request deny deny_status 200 if { path /deny200 }
  http-request deny deny_status 503 if { path /deny503 }
  http-request tarpit if { path /tarpit }
  http-request reject if { path /reject }
  http-request silent-drop if { path /drop }
  http-request return status 404 if { path /ret404 }
  http-request return status 503 if { path /ret503 }
  http-request redirect location / if { path /redirect }
  http-response track-sc1 status table statuses
  http-response deny if { capture.req.uri /rdeny }
  use_backend none if { path /none }
  use_backend dead if { path /dead }
  use_backend be if { path_beg /be }
  default_backend b
backend paths
  stick-table type string len 20 size 100 expire 60s store ${counted}
backend statuses
  stick-table type integer size 100 expire 60s store ${counted}
backend b
  server s1 127.0.0.1:${server.port}
backend be
  http-request track-sc2 path table paths
  http-request deny if { path /bedeny }
  server s1 127.0.0.1:${server.port}
backend none
backend dead
  server s1 127.0.0.1:${world.refusedPort()}
`;
    const [ours, theirs] = await compare(world, config, async (proxy) => {
      for (const path of events) {
        await world.exchange(proxy.port('f'), request(`/${path}`));
      }
      const keep = await world.connect(proxy.port('f'));
      for (let i = 0; i < 3; i++) {
        keep.send('GET /keep HTTP/1.1\r\nHost: h\r\n\r\n');
        await keep.readMessage();
      }
      keep.close();
      // The client learns nothing.
      const dropped = await world.connect(proxy.port('f'));
      dropped.send(request('/drop'));
      await until(
        async () => (await proxy.command('show table paths')).includes('key=/drop use=0'),
        () => 'the dropped request is not there',
      );
      await idle(proxy, 'paths');
      return [await tableOf(proxy, 'paths'), await tableOf(proxy, 'statuses')];
    });
    expect(ours).toEqual(theirs!);
    expect(Object.keys(ours![0]!.rows).length).toBe(events.length + 2);
  },
  options,
);

scenario(
  'statuses that count as errors and failures can be chosen (3.1 http-err-codes, http-fail-codes)',
  async (world) => {
    const server = world.http(serve);
    const config = `${global.replace('global\n', 'global\n  http-err-codes 400-499 -404 +500\n  http-fail-codes 200-201 +501\n')}
frontend f
  bind fd@{{f}}
  http-request track-sc0 path table paths
  default_backend b
backend paths
  stick-table type string len 20 size 100 expire 60s store http_err_cnt,http_fail_cnt
backend b
  server s1 127.0.0.1:${server.port}
`;
    const [ours, theirs] = await compare(world, config, async (proxy) => {
      for (const path of ['200', '201', '202', '400', '404', '499', '500', '501', '502']) {
        await world.exchange(proxy.port('f'), request(`/${path}`));
      }
      await idle(proxy, 'paths');
      return tableOf(proxy, 'paths');
    });
    expect(ours).toEqual(theirs!);
    expect(ours!.rows['/500']).toMatchObject({ http_err_cnt: '1', http_fail_cnt: '0' });
  },
  options,
);

scenario(
  'connections, sessions and bytes are tracked from their own rules on (4.4 track-sc0)',
  async (world) => {
    const server = world.http(serve);
    const tables = ['connections', 'sessions', 'contents', 'requests', 'backends', 'streams'];
    const config = `${global}
frontend f
  bind fd@{{f}}
  tcp-request connection track-sc0 src table connections
  tcp-request connection sc-inc-gpc0(0)
  tcp-request connection reject if { sc0_get_gpc0 gt 3 }
  tcp-request session track-sc1 src table sessions
  tcp-request session sc-set-gpt0(1) 5
  tcp-request content track-sc2 src table contents
  tcp-request content sc-inc-gpc1(2)
  http-request track-sc3 src table requests
  http-request track-sc0 path table requests
  http-request deny if { path /deny }
  default_backend b
backend b
  tcp-request content track-sc4 src table backends
  server s1 127.0.0.1:${server.port}
listen l
  mode tcp
  bind fd@{{l}}
  tcp-request connection track-sc0 src table streams
  tcp-request content track-sc1 dst_port,mul(0) table ports
  tcp-response content sc-inc-gpc0(0)
  server s1 127.0.0.1:${server.port}
backend ports
  stick-table type integer size 9 expire 60s store ${counted}
${tables.map((name) => `backend ${name}\n  stick-table type ip size 9 expire 60s store ${counted}`).join('\n')}
`.replace('global\n', 'global\n  tune.stick-counters 5\n');
    const [ours, theirs] = await compare(world, config, async (proxy) => {
      const keep = await world.connect(proxy.port('f'));
      for (const path of ['/200', '/404', '/500', '/deny']) {
        keep.send(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
        await keep.readMessage();
      }
      keep.close();
      await world.exchange(proxy.port('f'), request('/200'));
      await world.exchange(proxy.port('f'), 'broken\r\n\r\n');
      await world.exchange(proxy.port('f'), request('/200')).catch(() => '');
      await world.exchange(proxy.port('l'), request('/200'));
      for (const name of [...tables, 'ports']) await idle(proxy, name);
      return Promise.all([...tables, 'ports'].map((name) => tableOf(proxy, name)));
    });
    expect(ours).toEqual(theirs!);
  },
  options,
);

const samples = {
  sources: `%[src_get_gpc0(ip)] %[src_conn_cnt(ip)] %[src,table_gpc0(ip)] %[src,table_conn_cnt(ip)]
    %[src,in_table(ip)] %[table_cnt(ip)] %[table_avl(ip)] %[src,table_trackers(ip)]
    %[src,table_server_id(ip)] %[src,table_gpc(5,ip)] %[src,table_glitch_cnt(ip)]
    %[src,table_expire(none)] %[src,table_expire(none,77)] %[src,table_idle(none,88)]`,
  changes: `%[src_inc_gpc0(ip)] %[src_inc_gpc0(ip)] %[src_clr_gpc0(ip)] %[src_updt_conn_cnt(ip)]
    %[src,table_inc_gpc1(ip)] %[src,table_clr_gpc1(ip)] %[src_inc_gpc(1,ip)] %[src_inc_gpc(1,arr)]
    %[src_inc_gpc0(arr)] %[src_gpc_rate(1,arr)] %[src_get_gpc(1,arr)] %[src_get_gpt(1,arr)]
    %[src_clr_gpc(1,arr)] %[src_get_gpc(9,arr)] %[src_get_gpt0(arr)] %[src_gpc0_rate(ip)]
    %[src_kbytes_in(ip)] %[src_http_req_rate(ip)]`,
  absent: `%[src_clr_gpc0(fresh)] %[src,in_table(fresh)] . %[src_inc_gpc0(plain)]
    %[src,in_table(plain)] %[src_clr_gpc0(plain)] %[src,table_inc_gpc0(plain)]
    %[src_updt_conn_cnt(plain)] %[int(1),table_inc_gpc0(ip)] %[path,table_gpc0(ip)]
    %[path,in_table(ip)] %[req.hdr(none),in_table(ip)] %[src_inc_gpc0(six)] %[src,table_gpc0(six)]
    %[bool(1),in_table(ip)] %[bool(1),table_gpc0(ip)] %[int(7),table_inc_gpc0(num)]
    %[str(12x),table_gpc0(num)] %[str(7),table_gpc0(num)] %[str(ab),table_inc_gpc0(bin)]
    %[str(abcdef),table_inc_gpc0(bin)] %[str(abcdxx),table_gpc0(bin)] %[path,table_inc_gpc0(text)]`,
  tracked: `%[sc0_get_gpc0] %[sc0_key] %[sc_key(0)] %[sc_get_gpc(1,0)] %[sc0_get_gpt0]
    %[sc_get_gpt(1,0)] %[sc0_tracked] %[sc1_tracked] %[sc0_trackers] %[sc0_conn_cur]
    %[sc0_conn_cnt] %[sc0_get_gpc0(ip)] %[sc0_conn_cnt(ip)] %[sc1_conn_cnt] %[sc_conn_cnt(9)]
    %[sc0_inc_gpc0(ip)] %[sc_gpc_rate(1,0)] %[sc0_sess_cnt] %[sc0_http_req_cnt] %[sc0_clr_gpc0]
    %[sc0_get_gpc0(num)] %[sc0_get_gpc0(other)] %[sc0_inc_gpc0(other)] %[sc0_get_gpc0(other)]
    %[sc_tracked(0,ip)] %[sc_tracked(0,none)] %[sc_tracked(0,num)] %[sc0_trackers(none)] %[sc1_clr_gpc(0)] %[sc0_kbytes_out]`,
} as const;

/** A rule that answers with samples; a line has room for 64 words. */
const shows = (path: string, text: string) =>
  `http-request return hdr z "${text.replace(/\s+/g, ' ')}" if { path /${path} }`;

scenario(
  'samples of tables have the same values (7.3.1 table_*, 7.3.3 sc_*, src_*)',
  async (world) => {
    const gpc = 'gpc0,gpc1,conn_cnt,gpc0_rate(60s),http_req_rate(60s),bytes_in_cnt';
    const config = `${global}
frontend f
  bind fd@{{f}}
  ${shows('sources', samples.sources)}
  ${shows('changes', samples.changes)}
  ${shows('absent', samples.absent)}
  http-request track-sc0 src table arr
  http-request track-sc1 req.hdr(none) table text
  http-request sc-inc-gpc0(0)
  http-request sc-inc-gpc(1,0)
  http-request sc-add-gpc(1,0) 5
  http-request sc-add-gpc(1,0) req.hdr(n)
  http-request sc-set-gpt0(0) 9
  http-request sc-set-gpt(1,0) int(8)
  http-request sc-set-gpt(2,0) -1
  http-request sc-set-gpt(7,0) 3
  http-request sc-inc-gpc0(1)
  ${shows('tracked', samples.tracked)}
${['ip', 'fresh', 'other', 'none'].map((name) => `backend ${name}\n  stick-table type ip size 10 expire 60s store ${gpc}`).join('\n')}
backend plain
  stick-table type ip size 10 expire 60s
backend arr
  stick-table type ip size 10 expire 60s store gpc(3),gpt(3),gpc_rate(3,60s),conn_cnt,conn_cur,http_req_cnt,sess_cnt,bytes_out_cnt
backend six
  stick-table type ipv6 size 10 expire 60s store gpc0
backend num
  stick-table type integer size 10 expire 60s store gpc0
backend bin
  stick-table type binary len 4 size 10 expire 60s store gpc0
backend text
  stick-table type string len 5 size 10 expire 60s store gpc0
`;
    const [ours, theirs] = await compare(world, config, async (proxy) => {
      const found: Record<string, string[]> = {};
      for (const path of [
        'sources',
        'changes',
        'sources',
        'absent',
        'changes',
        'absent',
        'tracked',
        'tracked',
        'sources',
      ]) {
        found[path] ??= [];
        found[path].push(await sampled(world, proxy.port('f'), `/${path}`, 'n: 3\r\n'));
      }
      const tables = await Promise.all(
        ['ip', 'fresh', 'other', 'none', 'arr', 'six', 'num', 'bin', 'text'].map((name) =>
          tableOf(proxy, name),
        ),
      );
      return { found, tables };
    });
    expect(ours!.found).toEqual(theirs!.found);
    expect(ours!.tables).toEqual(theirs!.tables);
  },
  options,
);

const commands = `
show table
show table t
show table nope
show table t key
show table t key x
show table t key 1.2.3.4
show table t ptr
show table t ptr x
show table t ptr 0x1
show table t foo
set table
set table nope key 1
set table t key
set table t key 1.2.3.4
set table t key 1.2.3.4 data.gpc0 5
set table t key 1.2.3.4 data.gpc0
set table t key 1.2.3.4 data.gpc0 x
set table t key 1.2.3.4 data.foo 1
set table t key 1.2.3.4 foo 1
set table t key 1.2.3.4 data.http_req_rate 100
set table t key 1.2.3.4 data.bytes_in_cnt 5000000000
set table t key 1.2.3.4 data.conn_cur -1
set table t key 1.2.3.5 data.server_id 1 data.conn_cur 3
set table t key 1.2.3.6 data.bytes_in_rate 1000
show table t
show table t key 1.2.3.4
show table t data.gpc0 gt 0
show table t data.gpc0 eq 5
show table t data.gpc0 ne 5
show table t data.gpc0 le 4
show table t data.gpc0 ge 5
show table t data.gpc0 lt 5
show table t data.gpc0 gt
show table t data.gpc0
show table t data.gpc0 xx 0
show table t data.gpc0 gt x
show table t data.foo gt 0
show table t data.gpc1 gt 0
show table t data.gpc0 gt 0 data.gpc0 lt 9
show table t data.gpc0 gt 0 data.gpc0 eq 0 data.gpc0 eq 0 data.gpc0 eq 0 data.gpc0 eq 0
show table t data.http_req_rate ge 100
show table t data.bytes_in_cnt eq 5000000000
set table i key 5
set table i key -5
set table i key 5x
set table i key 99999999999
set table i key x
show table i
set table six key ::1
set table six key 1.2.3.4
set table six key fe80::1:2
set table six key x
show table six
show table six key 1.2.3.4
set table s key abcdefghijklmnop data.gpc[1] 3
set table s key x data.gpc 3
set table s key x data.gpc[5] 3
set table s key x data.gpc_rate[1] 77
set table s key x data.gpc0 1
set table s key x data.server_key s1
set table s key a"b\\ c
set table s key =
show table s
show table s data.gpc gt 0
show table s data.gpc[1] gt 0
show table s data.gpc[9] gt 0
show table s data.gpc[x] gt 0
show table s data.gpc_rate[1] gt 0
show table bin
clear table
clear table nope
clear table t foo
clear table t key x
clear table t key 9.9.9.9
clear table t data.gpc0 eq
clear table t data.gpc0 eq 5
show table t
clear table i key 5
show table i
clear table i
show table i
show table
`
  .trim()
  .split('\n');

scenario(
  'show table, set table and clear table answer alike (management.txt 9.3)',
  async (world) => {
    const config = `${global}
backend t
  stick-table type ipv4 size 10k expire 60s brates-factor 10 store gpc0,conn_cur,http_req_rate(60s),bytes_in_cnt,bytes_in_rate(60s),server_id
backend s
  stick-table type string len 10 size 100 nopurge store gpc(3),gpc_rate(3,60s) store gpt(2),server_key
backend i
  stick-table type integer size 100 expire 1h
backend six
  stick-table type ipv6 size 2k expire 10m
backend bin
  stick-table type binary len 4 size 100 store gpc0
`;
    const [ours, theirs] = await compare(world, config, async (proxy) => {
      const answers: Record<string, string[]> = {};
      for (const command of commands) {
        answers[command] ??= [];
        answers[command].push(withoutTimes(await proxy.command(command)));
      }
      return answers;
    });
    expect(ours).toEqual(theirs!);
  },
  options,
);

scenario(
  'a tracked entry is in use, and its time begins again at the end (11)',
  async (world) => {
    const config = `${global.replace('timeout server 500ms', '')}
frontend f
  bind fd@{{f}}
  http-request track-sc0 path table s
  http-request track-sc1 path table s
  default_backend b
backend s
  stick-table type string len 20 size 10 expire 100s store gpc0,conn_cnt,conn_cur,http_req_cnt
backend b
  server s1 127.0.0.1:{{server}}
`;
    let finish = () => {};
    const server = world.http(
      () =>
        new Promise((resolve) => {
          finish = () => resolve(answer('x'));
        }),
    );
    const found: unknown[] = [];
    for (const program of both) {
      const vars = { server: server.port };
      const proxy = await world.proxy(config, { program, vars });
      const client = await world.connect(proxy.port('f'));
      finish = () => {};
      client.send(request('/held'));
      await until(
        async () => (await proxy.command('show table s')).includes('use=2'),
        () => 'nothing is tracked',
      );
      const steps: string[] = [];
      for (const command of [
        'show table s',
        'clear table s',
        'clear table s key /held',
        'set table s key /held data.gpc0 3',
        'set table s key a',
        'set table s key b',
        'set table s key c',
        'show table s key /held',
      ]) {
        steps.push(withoutTimes(await proxy.command(command)));
      }
      finish();
      await client.readToEnd();
      await idle(proxy, 's');
      steps.push(withoutTimes(await proxy.command('show table s key /held')));
      steps.push(await proxy.command('clear table s key /held'));
      found.push(steps);
      await proxy.stop();
    }
    expect(found[0]).toEqual(found[1]);
  },
  options,
);
