/**
 * Stick tables side by side with haproxy 3.2 (configuration.txt 11, 4.4 track-sc0, 7.3.3 sc_*; management.txt
 * 9.3 show table): the same requests and commands go to both, then tables, samples and answers are
 * compared. Where haproxy differs on purpose, docs/differences.md says so.
 */
import { expect } from 'bun:test';
import { type Program, type Proxy, programPath } from '../harness/proxy.ts';
import { defaultsHttp, type ScenarioOptions, scenario, type World } from '../harness/scenario.ts';
import { withoutTimes } from '../harness/stick-table.ts';

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
