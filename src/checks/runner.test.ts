import { describe, expect, test } from 'bun:test';
import { createFixture, tcpCheckConfig } from '../balance/fixture.ts';
import { Option, type ProxyConfig, type ServerConfig } from '../model/config.ts';
import { ipv4 } from '../model/config-fixture.ts';
import { AdminFlag, Health, State } from '../model/shared.ts';
import { FakeClock, FakeNetwork } from './fake.ts';
import { CheckStatus, checkResult, checkResults } from './result.ts';
import { CheckRunner } from './runner.ts';

const check = tcpCheckConfig({ interMs: 1000 });

/** Server n listens on port n; all answer until a test says otherwise. */
function setup(servers: Partial<ServerConfig>[], changes: Partial<ProxyConfig> = {}) {
  const fixture = createFixture(
    servers.map((srv, i) => ({ address: ipv4(i + 1), check, ...srv })),
    changes,
  );
  const clock = new FakeClock();
  const network = new FakeNetwork(clock);
  servers.forEach((_, i) => {
    network.accept(i + 1);
  });
  const logged: string[] = [];
  const printed: string[] = [];
  const counts = { notified: 0 };
  const runner = new CheckRunner({
    config: fixture.config,
    entities: fixture.entities,
    shared: fixture.shared,
    logger: { text: (_, level, text) => logged.push(`<${level}>${text}`) },
    notify: () => counts.notified++,
    shutdown: () => {},
    mail: () => {},
    stderr: (line) => printed.push(line),
    open: network.connect,
    clock,
    pid: 77,
  });
  const get = (server: number, column: State) =>
    fixture.shared.get(fixture.servers[server]!, column);
  return { ...fixture, clock, network, logged, printed, counts, runner, get };
}

const down = (server: string, active: number) =>
  `<1>Server app/${server} is DOWN, reason: Layer4 connection problem, info: "Connection refused", ` +
  `check duration: 0ms. ${active} active and 0 backup servers left. 0 sessions active, ` +
  '0 requeued, 0 remaining in queue.';

describe('health checks (5.2 check)', () => {
  test('before the first check the state is INI and has no duration (management.txt 9.1)', () => {
    const { get, runner, clock } = setup([{}, {}]);
    runner.start();
    expect(checkResult(get(1, State.CheckStatus)).name).toBe('INI');
    expect(get(1, State.CheckDuration)).toBe(-1);
    clock.advance(0);
    expect(checkResult(get(0, State.CheckStatus)).name).toBe('L4OK');
    expect(get(0, State.CheckCounter)).toBe(4);
    expect(checkResult(get(1, State.CheckStatus)).name).toBe('INI');
  });

  test('first checks are spread, later ones keep their interval', () => {
    const { network, runner, clock } = setup([{}, {}, {}, {}]);
    runner.start();
    clock.advance(2500);
    expect([...network.tried.values()]).toEqual([
      [0, 1000, 2000],
      [250, 1250, 2250],
      [500, 1500, 2500],
      [750, 1750],
    ]);
  });

  test('a server goes down after fall failures, quietly until then', () => {
    const { network, runner, clock, logged, printed, counts, get, shared, backend } = setup([
      {},
      {},
    ]);
    runner.start();
    clock.advance(100);
    network.refuse(1);
    clock.advance(2000);
    expect(logged).toEqual([]);
    expect(get(0, State.CheckCounter)).toBe(2);
    expect(get(0, State.Health)).toBe(Health.Up);
    expect(counts.notified).toBe(0);
    clock.advance(1000);
    expect(logged).toEqual([down('s1', 1)]);
    expect(printed).toEqual([`[WARNING]  (77) : ${down('s1', 1).slice(3)}`]);
    expect(get(0, State.Health)).toBe(Health.Down);
    expect(get(0, State.CheckFailed)).toBe(3);
    expect(get(0, State.Downs)).toBe(1);
    expect(get(0, State.LastChange)).toBe(1003);
    expect(shared.get(backend, State.ActiveServers)).toBe(1);
    expect(counts.notified).toBe(1);
    clock.advance(5000);
    expect(get(0, State.CheckFailed)).toBe(3);
    expect(logged.length).toBe(1);
  });

  test('a server that answers again comes back after rise successes', () => {
    const { network, runner, clock, logged, counts, get, shared, backend } = setup([{}, {}]);
    network.refuse(1);
    runner.start();
    clock.advance(3900);
    network.accept(1);
    clock.advance(1000);
    expect(get(0, State.CheckCounter)).toBe(1);
    clock.advance(1000);
    expect(logged).toEqual([
      down('s1', 1),
      '<5>Server app/s1 is UP, reason: Layer4 check passed, check duration: 0ms. ' +
        '2 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.',
    ]);
    expect(get(0, State.Health)).toBe(Health.Up);
    expect(get(0, State.Downtime)).toBe(5);
    expect(get(0, State.LastChange)).toBe(1005);
    expect(shared.get(backend, State.ActiveServers)).toBe(2);
    expect(counts.notified).toBe(2);
  });

  test('the last server to go takes the backend down, the first to come brings it up', () => {
    const { network, runner, clock, logged, printed, shared, backend } = setup([
      {},
      { backup: true },
    ]);
    network.refuse(1);
    network.refuse(2);
    runner.start();
    clock.advance(600);
    expect(logged).toEqual([
      `${down('s1', 0).replace('0 backup servers left.', '1 backup servers left. Running on backup.')}`,
      down('s2', 0).replace('>Server', '>Backup Server'),
      '<0>backend app has no server available!',
    ]);
    expect(printed.at(-1)).toBe("[ALERT]    (77) : backend 'app' has no server available!");
    expect(shared.get(backend, State.Health)).toBe(Health.Down);
    expect(shared.get(backend, State.Downs)).toBe(1);
    expect(shared.get(backend, State.LastChange)).toBe(1000);
    network.accept(2);
    clock.advance(2000);
    expect(logged.at(-1)).toContain('0 active and 1 backup servers online. Running on backup. 0');
    expect(shared.get(backend, State.Health)).toBe(Health.Up);
    expect(shared.get(backend, State.Downtime)).toBe(2);
  });

  test('option log-health-checks logs every change, and the state lines lose the reason (4.2)', () => {
    const { network, runner, clock, logged } = setup([{}, { backup: true }], {
      options: Option.LogHealthChecks,
    });
    runner.start();
    clock.advance(1600);
    network.refuse(1);
    clock.advance(4000);
    network.hang(1);
    clock.advance(2000);
    network.accept(1);
    clock.advance(2000);
    const refused = 'reason: Layer4 connection problem, info: "Connection refused"';
    const passed = 'reason: Layer4 check passed, check duration: 0ms';
    expect(logged).toEqual([
      `<5>Health check for server app/s1 succeeded, ${passed}, status: 3/3 UP.`,
      `<5>Health check for backup server app/s2 succeeded, ${passed}, status: 3/3 UP.`,
      `<5>Health check for server app/s1 failed, ${refused}, check duration: 0ms, status: 2/3 UP.`,
      `<5>Health check for server app/s1 failed, ${refused}, check duration: 0ms, status: 1/3 UP.`,
      `<5>Health check for server app/s1 failed, ${refused}, check duration: 0ms, status: 0/2 DOWN.`,
      '<1>Server app/s1 is DOWN. 0 active and 1 backup servers left. Running on backup. ' +
        '0 sessions active, 0 requeued, 0 remaining in queue.',
      '<5>Health check for server app/s1 failed, reason: Layer4 timeout, check duration: 1000ms, ' +
        'status: 0/2 DOWN.',
      `<5>Health check for server app/s1 succeeded, ${passed}, status: 1/2 DOWN.`,
      `<5>Health check for server app/s1 succeeded, ${passed}, status: 3/3 UP.`,
      '<5>Server app/s1 is UP. 1 active and 1 backup servers online. ' +
        '0 sessions requeued, 0 total in queue.',
    ]);
  });

  test('a connection that hangs times out after inter, and the pause starts then', () => {
    const { network, runner, clock, get, servers } = setup([{}]);
    network.hang(1);
    runner.start();
    clock.advance(999);
    expect(runner.isRunning(servers[0]!)).toBe(true);
    expect(get(0, State.CheckStatus)).toBe(CheckStatus.Initializing);
    clock.advance(1);
    expect(runner.isRunning(servers[0]!)).toBe(false);
    expect(get(0, State.CheckStatus)).toBe(CheckStatus.Layer4Timeout);
    expect(get(0, State.CheckDuration)).toBe(1000);
    clock.advance(3000);
    expect(network.tried.get(1)).toEqual([0, 2000, 4000]);
  });

  test('the duration and the words of the last check are kept', () => {
    const { network, runner, clock, get, servers } = setup([{}]);
    network.accept(1, 7.9);
    runner.start();
    clock.advance(10);
    expect(get(0, State.CheckDuration)).toBe(7);
    expect(runner.lastCheck(servers[0]!)).toBe('');
    network.refuse(1, 'No route to host');
    clock.advance(1000);
    expect(runner.lastCheck(servers[0]!)).toBe('No route to host');
    expect(get(0, State.CheckStatus)).toBe(CheckStatus.Layer4Connection);
  });

  test('checks go to addr and port when set (5.2)', () => {
    const other = tcpCheckConfig({ address: { ...ipv4(0), bytes: [127, 0, 0, 2] }, port: 9 });
    const { network, runner, clock } = setup([
      { check: other },
      { check: tcpCheckConfig({ port: 8 }) },
    ]);
    runner.start();
    clock.advance(1500);
    expect([...network.tried.keys()]).toEqual([9, 8]);
  });

  test('a server in maintenance is not checked and says nothing', () => {
    const { network, runner, clock, logged, get, shared, servers } = setup([
      { disabled: true },
      {},
    ]);
    network.refuse(1);
    runner.start();
    clock.advance(5000);
    expect(network.tried.get(1)).toBeUndefined();
    expect(logged).toEqual([]);
    shared.set(servers[0]!, State.Admin, 0);
    runner.recount(0);
    clock.advance(1000);
    expect(get(0, State.Health)).toBe(Health.Down);
    network.hang(2);
    clock.advance(600);
    shared.set(servers[1]!, State.Admin, AdminFlag.Maintenance);
    clock.advance(3000);
    expect(get(1, State.CheckStatus)).toBe(CheckStatus.Layer4Ok);
  });

  test('streams that wait are counted in the lines', () => {
    const { network, runner, clock, logged, shared, servers, backend } = setup([{ maxconn: 5 }], {
      options: Option.Redispatch,
    });
    shared.set(servers[0]!, State.Current, 3);
    shared.set(servers[0]!, State.Queued, 2);
    network.refuse(1);
    runner.start();
    clock.advance(500);
    expect(logged[0]).toContain('3 sessions active, 2 requeued, 0 remaining in queue.');
    shared.set(servers[0]!, State.Queued, 0);
    shared.set(backend, State.Queued, 4);
    network.accept(1);
    clock.advance(2000);
    expect(logged.at(-1)).toContain('2 sessions requeued, 0 total in queue.');
  });

  test('spread-checks varies the interval (3.1)', () => {
    const { network, runner, clock, config } = setup([{}]);
    config.global.spreadChecksPercent = 20;
    clock.chance = 0;
    runner.start();
    clock.advance(1700);
    expect(network.tried.get(1)).toEqual([0, 800, 1600]);
  });

  test('stop gives everything up', () => {
    const { network, runner, clock } = setup([{}, {}]);
    network.hang(1);
    runner.start();
    clock.advance(100);
    expect(network.open).toBe(1);
    runner.stop();
    expect(network.open).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('servers without check and disabled backends are left alone', () => {
    const { runner, clock } = setup([{ check: null }]);
    runner.start();
    expect(clock.pending).toBe(0);
    const disabled = setup([{}], { disabled: true });
    disabled.runner.start();
    expect(disabled.clock.pending).toBe(0);
  });
});

describe('results of checks (management.txt 9.1)', () => {
  test('a row stands at the number of its status', () => {
    checkResults.forEach((row, i) => {
      expect(row.status as number).toBe(i);
    });
    expect(checkResult(99).name).toBe('UNK');
  });
});
