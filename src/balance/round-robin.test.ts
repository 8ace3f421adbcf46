import { describe, expect, test } from 'bun:test';
import type { ServerConfig } from '../model/config.ts';
import { Option } from '../model/config.ts';
import { AdminFlag, Health, State } from '../model/shared.ts';
import { NO_KEY } from './balancer.ts';
import { createFixture, type Fixture } from './fixture.ts';
import { haproxyOrder, type OrderEvents } from './haproxy-order.ts';
import { createBalancer, parseBalance } from './registry.ts';
import { RoundRobin } from './round-robin.ts';
import { recountBackend } from './server-state.ts';
import { realign } from './turn-keeper.ts';
import { TurnTable } from './turn-table.ts';

function names(balancer: RoundRobin, count: number): string {
  return Array.from({ length: count }, () => balancer.pick(null)?.name.text ?? '-').join(' ');
}

function setup(servers: Partial<ServerConfig>[], options = 0, workers = 1) {
  const fixture = createFixture(servers, { options }, workers);
  const balancers = Array.from(
    { length: workers },
    () => new RoundRobin(fixture.createProxy(), fixture.shared),
  );
  const keeper = new TurnTable(fixture.config.proxies[0]!, fixture.servers, fixture.shared);
  /** What the control thread does after a change, and the workers on `refresh`. */
  const refresh = () => {
    const proxy = fixture.config.proxies[0]!;
    recountBackend(fixture.shared, proxy, fixture.backend, fixture.servers);
    realign(fixture.shared, fixture.backend, keeper);
    for (const balancer of balancers) balancer.rebuild();
  };
  const setAdmin = (index: number, admin: number) => {
    fixture.shared.set(fixture.servers[index]!, State.Admin, admin);
    refresh();
  };
  return { fixture, balancers, balancer: balancers[0]!, refresh, setAdmin };
}

function fill(fixture: Fixture, index: number, current: number): void {
  fixture.shared.set(fixture.servers[index]!, State.Current, current);
}

describe('balance roundrobin (4.2)', () => {
  test('workers share one round: together they give every server its exact share', () => {
    const { balancers } = setup([{ weight: 1 }, { weight: 2 }, { weight: 3 }], 0, 3);
    const seed = Date.now() & 0xffff;
    let state = seed;
    const order: string[] = [];
    for (let i = 0; i < 600; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      order.push(balancers[(state >>> 16) % 3]!.pick(null)!.name.text);
    }
    const shares = ['s1', 's2', 's3'].map((name) => order.filter((n) => n === name).length);
    expect(shares, `seed ${seed}`).toEqual([100, 200, 300]);
    expect(order.slice(0, 6).join(' ')).toBe('s3 s2 s3 s1 s3 s2');
  });

  test('a server that goes down leaves the round, which goes on where it was', () => {
    const { fixture, balancer, refresh } = setup([{}, {}, {}, {}]);
    expect(names(balancer, 6)).toBe('s1 s2 s3 s4 s1 s2');
    fixture.shared.set(fixture.servers[1]!, State.Health, Health.Down);
    refresh();
    expect(names(balancer, 6)).toBe('s3 s4 s1 s3 s4 s1');
    fixture.shared.set(fixture.servers[1]!, State.Health, Health.Up);
    refresh();
    expect(names(balancer, 4).split(' ').sort().join(' ')).toBe('s1 s2 s3 s4');
  });

  test('a server that went down before the table was rebuilt is skipped', () => {
    const { fixture, balancer } = setup([{}, {}, {}]);
    fixture.shared.set(fixture.servers[1]!, State.Health, Health.Down);
    expect(names(balancer, 4)).toBe('s1 s3 s1 s3');
  });

  test('maintenance, drain and weight 0 take a server out (5.2 disabled, weight)', () => {
    const { balancer, setAdmin } = setup([{ disabled: true }, {}, { weight: 0 }, {}]);
    expect(names(balancer, 4)).toBe('s2 s4 s2 s4');
    setAdmin(3, AdminFlag.Drain);
    expect(names(balancer, 2)).toBe('s2 s2');
    setAdmin(1, AdminFlag.Maintenance);
    expect(names(balancer, 1)).toBe('-');
  });

  test('the first usable backup server serves when no active one can (5.2 backup)', () => {
    const { balancer, setAdmin } = setup([{ backup: true }, {}, { backup: true }]);
    expect(names(balancer, 2)).toBe('s2 s2');
    setAdmin(1, AdminFlag.Maintenance);
    expect(names(balancer, 3)).toBe('s1 s1 s1');
    setAdmin(0, AdminFlag.Maintenance);
    expect(names(balancer, 2)).toBe('s3 s3');
  });

  test('option allbackups balances among all backup servers (4.2)', () => {
    const { balancer, setAdmin } = setup(
      [{ backup: true, weight: 2 }, {}, { backup: true }],
      Option.AllBackups,
    );
    setAdmin(1, AdminFlag.Maintenance);
    expect(names(balancer, 6)).toBe('s1 s1 s3 s1 s1 s3');
  });

  test('full servers are passed over, and the others share their part (5.2 maxconn)', () => {
    const { fixture, balancer } = setup([{ maxconn: 1 }, { maxconn: 1 }, { maxconn: 1 }]);
    fill(fixture, 1, 1);
    expect(names(balancer, 4)).toBe('s1 s3 s1 s3');
    fill(fixture, 0, 1);
    fill(fixture, 2, 1);
    expect(balancer.pick(null)).toBeNull();
  });

  test('a server with a queue has no room for newcomers', () => {
    const { fixture, balancer } = setup([{ maxconn: 5 }, { maxconn: 5 }]);
    fixture.shared.set(fixture.servers[0]!, State.Queued, 1);
    expect(names(balancer, 2)).toBe('s2 s2');
  });

  test('a redispatch avoids the server that failed unless it is the only one', () => {
    const { fixture, balancer, setAdmin } = setup([{}, {}]);
    const failed = balancer.pick(null)!;
    expect(balancer.pick(failed)!.name.text).toBe('s2');
    expect(balancer.pick(failed)!.name.text).toBe('s2');
    setAdmin(1, AdminFlag.Maintenance);
    expect(balancer.pick(failed)).toBe(failed);
    fixture.shared.set(failed.entity, State.Health, Health.Down);
    expect(balancer.pick(failed)).toBeNull();
  });

  test('the counter may wrap', () => {
    const { fixture, balancer } = setup([{}, {}]);
    fixture.shared.set(fixture.backend, State.RoundRobin, 0x7fffffff);
    expect(names(balancer, 4)).toBe('s2 s1 s2 s1');
  });

  const maintenance: OrderEvents = { 6: 'set server app/s2 state maint' };
  test.skipIf(!Bun.which('haproxy'))('a server taken out goes as in HAProxy', async () => {
    const { balancer, setAdmin } = setup([{}, {}, {}, {}]);
    const before = names(balancer, 6);
    setAdmin(1, AdminFlag.Maintenance);
    const ours = `${before} ${names(balancer, 9)}`;
    const theirs = await haproxyOrder(['', '', '', ''], 15, maintenance);
    expect(ours).toBe(theirs.map((server) => `s${server}`).join(' '));
  });

  test.skipIf(!Bun.which('haproxy'))(
    'a server that returns has its share as in HAProxy',
    async () => {
      const { balancer, setAdmin } = setup([{}, {}, {}, {}]);
      names(balancer, 6);
      setAdmin(1, AdminFlag.Maintenance);
      names(balancer, 6);
      setAdmin(1, 0);
      const ours = names(balancer, 12).split(' ');
      const events = { ...maintenance, 12: 'set server app/s2 state ready' };
      const theirs = (await haproxyOrder(['', '', '', ''], 24, events)).slice(12);
      // The place that it has in the round may differ; its share and the smoothness may not.
      for (const order of [ours, theirs.map((server) => `s${server}`)]) {
        expect(order.slice(0, 4)).not.toEqual(order.slice(1, 5));
        for (let i = 0; i + 4 <= 12; i++) expect(new Set(order.slice(i, i + 4)).size).toBe(4);
      }
    },
  );

  test.skipIf(!Bun.which('haproxy'))('backup servers take over as in HAProxy', async () => {
    const { balancer, setAdmin } = setup([{ backup: true }, {}, {}, { backup: true }]);
    let ours = names(balancer, 4);
    for (const index of [1, 2, 0]) {
      setAdmin(index, AdminFlag.Maintenance);
      ours += ` ${names(balancer, 4)}`;
    }
    const events = {
      4: 'set server app/s2 state maint',
      8: 'set server app/s3 state maint',
      12: 'set server app/s1 state maint',
    };
    const theirs = await haproxyOrder(['backup', '', '', 'backup'], 16, events);
    expect(ours).toBe(theirs.map((server) => `s${server}`).join(' '));
  });
});

describe('the table of algorithms (4.2 balance)', () => {
  test('roundrobin is the default and takes any words after it', () => {
    const roundRobin = { algorithm: 'roundrobin', args: [], expr: null };
    expect(parseBalance([])).toEqual(roundRobin);
    expect(parseBalance(['roundrobin', 'x'])).toEqual(roundRobin);
  });

  test('an algorithm without a row is refused by name', () => {
    expect(() => parseBalance(['rdp-cookie(x)'])).toThrow(
      "'balance rdp-cookie(x)' is not supported yet by sluice",
    );
    expect(() => parseBalance(['rundrobin'])).toThrow("did you mean 'roundrobin' ?");
  });

  test('createBalancer makes the algorithm of the backend', () => {
    const { fixture } = setup([{}]);
    const balancer = createBalancer(fixture.createProxy(), fixture.shared);
    expect(balancer.pick(null, NO_KEY)?.name.text).toBe('s1');
  });
});
