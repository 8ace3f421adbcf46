import { expect, test } from 'bun:test';
import { Option } from '../model/config.ts';
import { parseText } from './fixture.ts';

/** The example configuration of the 1.5 era that sluice must run as it is. */
const seed = `
global
    log         127.0.0.1 local2

    chroot      /var/lib/haproxy
    pidfile     /var/run/haproxy.pid
    maxconn     4000
    user        haproxy
    group       haproxy
    daemon

    # turn on stats unix socket
    stats socket /var/lib/haproxy/stats

defaults
    mode                    http
    log                     global
    option                  httplog
    option                  dontlognull
    option http-server-close
    option forwardfor       except 127.0.0.0/8
    option                  redispatch
    retries                 3
    timeout http-request    10s
    timeout queue           1m
    timeout connect         10s
    timeout client          1m
    timeout server          1m
    timeout http-keep-alive 10s
    timeout check           10s
    maxconn                 3000

frontend  main *:5000
    acl url_static       path_beg       -i /static /images /javascript /stylesheets
    acl url_static       path_end       -i .jpg .gif .png .css .js

    use_backend static          if url_static
    default_backend             app

backend static
    balance     roundrobin
    server      static 127.0.0.1:4331 check

backend app
    balance     roundrobin
    server  app1 127.0.0.1:5001 check
    server  app2 127.0.0.1:5002 check
    server  app3 127.0.0.1:5003 check
    server  app4 127.0.0.1:5004 check
`;

test('a configuration of the 1.5 era parses; the address on the section line warns (4)', () => {
  const { config, errors, warnings } = parseText(seed);
  expect(errors).toEqual([]);
  expect(warnings).toEqual([
    "parsing [t.cfg:33] : please use the 'bind' keyword for listening addresses: " +
      "'frontend main' followed by 'bind *:5000'.",
  ]);
  expect(config.global).toMatchObject({
    daemon: true,
    chroot: '/var/lib/haproxy',
    pidfile: '/var/run/haproxy.pid',
    maxconn: 4000,
    uid: 990,
    gid: 991,
  });
  expect(config.global.statsSockets).toMatchObject([
    { address: { family: 'unix', path: '/var/lib/haproxy/stats' }, level: 'operator', mode: null },
  ]);
  expect(config.global.logs).toMatchObject([
    { target: { kind: 'udp', address: { bytes: [127, 0, 0, 1], port: 514 } }, facility: 18 },
  ]);
});

test('the frontend of that configuration has its listener, rules and inherited settings', () => {
  const { config } = parseText(seed);
  const [main] = config.proxies;
  expect(main).toMatchObject({
    name: 'main',
    id: 2,
    index: 0,
    kind: 'frontend',
    mode: 'http',
    maxconn: 3000,
    defaultBackend: 'app',
    forwardFor: { header: 'X-Forwarded-For', ifNone: false },
    binds: [{ address: { family: 'ipv4', bytes: [0, 0, 0, 0], port: 5000 }, id: 1, line: 33 }],
  });
  expect(main!.forwardFor!.except).toEqual([{ bytes: [127, 0, 0, 0], prefix: 8 }]);
  expect(main!.options & Option.DontLogNull).toBe(Option.DontLogNull);
  expect(main!.logs).toEqual(config.global.logs);
  expect(main!.logFormat!.text).toContain('%ST');
  expect(main!.timeout).toMatchObject({ client: 60_000, httpRequest: 10_000, tunnel: -1 });
  const [rule] = main!.useBackends;
  expect(rule).toMatchObject({ backend: 'static', condition: { negate: false } });
  expect(rule!.condition!.any[0]![0]!.tests).toMatchObject([
    { name: 'url_static', match: 'beg', ignoreCase: true, line: 34 },
    { name: 'url_static', match: 'end', ignoreCase: true, line: 35 },
  ]);
});

test('the backends of that configuration have their servers and checks', () => {
  const { config } = parseText(seed);
  const [, fixed, app] = config.proxies;
  expect(fixed).toMatchObject({ name: 'static', kind: 'backend', fullconn: 300, retries: 3 });
  expect(app!.servers.map((server) => [server.name, server.address.port, server.id])).toEqual([
    ['app1', 5001, 1],
    ['app2', 5002, 2],
    ['app3', 5003, 3],
    ['app4', 5004, 4],
  ]);
  expect(app!.servers[0]!.check).toEqual({
    interMs: 2000,
    fastinterMs: -1,
    downinterMs: -1,
    sendsProxy: false,
    rise: 2,
    fall: 3,
    address: null,
    port: 0,
  });
  expect(app!.options & Option.Redispatch).toBe(Option.Redispatch);
});

test('the configuration is plain data that a worker can receive', () => {
  const { config } = parseText(seed);
  expect(structuredClone(config)).toEqual(config);
});
