import { describe, expect, test } from 'bun:test';
import { Option } from '../model/config.ts';
import { isReachable, isUsable } from '../model/server-health.ts';
import { AdminFlag, Health, State } from '../model/shared.ts';
import { createFixture, tcpCheckConfig } from './fixture.ts';
import { connectionLimit, hasRoom } from './server-limit.ts';
import { recountBackend, takesFromBackend } from './server-state.ts';

describe('state of servers at start (5.2)', () => {
  test('a checked server is up and one failure from down, others are always usable', () => {
    const { shared, servers } = createFixture([{ check: tcpCheckConfig({ rise: 4 }) }, {}]);
    expect(shared.get(servers[0]!, State.Health)).toBe(Health.Up);
    expect(shared.get(servers[0]!, State.CheckCounter)).toBe(4);
    expect(shared.get(servers[1]!, State.Health)).toBe(Health.NoCheck);
    expect(servers.every((entity) => isUsable(shared, entity))).toBe(true);
  });

  test('a disabled server is in maintenance, one of weight 0 takes only its own', () => {
    const { shared, servers } = createFixture([{ disabled: true }, { weight: 0 }]);
    expect(isUsable(shared, servers[0]!)).toBe(false);
    expect(isReachable(shared, servers[0]!)).toBe(false);
    expect(isUsable(shared, servers[1]!)).toBe(false);
    expect(isReachable(shared, servers[1]!)).toBe(true);
  });

  test('a backend counts usable active and backup servers and is down without any', () => {
    const { shared, backend } = createFixture([{}, { disabled: true }, { backup: true }]);
    expect(shared.get(backend, State.ActiveServers)).toBe(1);
    expect(shared.get(backend, State.BackupServers)).toBe(1);
    expect(shared.get(backend, State.Health)).toBe(Health.Up);
    const down = createFixture([{ disabled: true }]);
    expect(down.shared.get(down.backend, State.Health)).toBe(Health.Down);
    const empty = createFixture([]);
    expect(empty.shared.get(empty.backend, State.Health)).toBe(Health.Up);
  });

  test('a recount says how many servers there were before', () => {
    const { shared, backend, servers, config } = createFixture([{}, {}]);
    shared.set(servers[0]!, State.Admin, AdminFlag.Drain);
    expect(recountBackend(shared, config.proxies[0]!, backend, servers)).toBe(2);
    expect(recountBackend(shared, config.proxies[0]!, backend, servers)).toBe(1);
  });

  test('backup servers take from the backend only when no active server is usable', () => {
    for (const options of [0, Option.AllBackups]) {
      const { shared, backend, servers, config, createProxy } = createFixture(
        [{}, { backup: true }, { backup: true }],
        { options },
      );
      const takes = () => createProxy().servers.map((srv) => takesFromBackend(shared, srv));
      expect(takes()).toEqual([true, false, false]);
      shared.set(servers[0]!, State.Health, Health.Down);
      recountBackend(shared, config.proxies[0]!, backend, servers);
      expect(takes()).toEqual([false, true, options !== 0]);
      shared.set(servers[1]!, State.Health, Health.Down);
      expect(takes()).toEqual([false, false, true]);
    }
  });
});

describe('limit of a server (5.2 maxconn, minconn; 4.2 fullconn)', () => {
  test('minconn makes it follow the sessions of the backend', () => {
    const { shared, backend, createProxy } = createFixture([{ minconn: 2, maxconn: 10 }], {
      fullconn: 20,
    });
    const server = createProxy().servers[0]!;
    const limits = [0, 4, 5, 11, 12, 19, 20, 500].map((sessions) => {
      shared.set(backend, State.Current, sessions);
      return connectionLimit(shared, server);
    });
    // As HAProxy was seen to fill such a server.
    expect(limits).toEqual([2, 2, 2, 5, 6, 9, 10, 10]);
  });

  test('without minconn it is maxconn, minconn alone is the limit, and 0 is none', () => {
    const { shared, createProxy, servers } = createFixture(
      [{ maxconn: 3 }, { minconn: 4 }, {}, { minconn: 5, maxconn: 3 }],
      { fullconn: 100 },
    );
    const proxy = createProxy();
    expect(proxy.servers.map((srv) => connectionLimit(shared, srv))).toEqual([3, 4, 0, 5]);
    shared.set(servers[0]!, State.Current, 3);
    shared.set(servers[2]!, State.Current, 1000);
    expect(proxy.servers.map((srv) => hasRoom(shared, srv))).toEqual([false, true, true, true]);
  });
});
