import { describe, expect, test } from 'bun:test';
import { HttpMode, Option, Reuse } from '../model/config.ts';
import { parseText } from './fixture.ts';

const timeouts = 'timeout connect 1s\n timeout client 1s\n timeout server 1s\n';

/** Parses lines of one section after `defaults` with all timeouts. */
function inSection(section: string, lines: string, defaults = ' mode http\n') {
  return parseText(`defaults\n${defaults} ${timeouts}${section}\n${lines}\n`);
}

describe('global (3.1, 3.2)', () => {
  test('every setting reaches its field', () => {
    const { config, errors, warnings } = parseText(`global
  daemon
  chroot /jail
  user haproxy
  group haproxy
  pidfile /run/p.pid
  maxconn 1000
  ulimit-n 5000
  nbthread 3
  node n1.example_x
  description two words
  log-tag tag
  log-send-hostname
  stats socket /run/s.sock mode 660 level admin user haproxy group haproxy
  stats socket ipv4@127.0.0.1:9999 maxconn 3 backlog 4
  stats timeout 2m
  stats maxconn 7
  hard-stop-after 30s
  h1-case-adjust content-type Content-Type
  tune.bufsize 32k
  tune.maxrewrite 2048
  tune.http.maxhdr 200
  tune.http.logurilen 100
  tune.http.cookielen 10
  tune.maxaccept -1
  tune.maxpollevents 50
  tune.rcvbuf.client 1k
  tune.rcvbuf.server 2k
  tune.sndbuf.client 3k
  tune.sndbuf.server 4k
  tune.pipesize 64k
  maxpipes 8
  tune.vars.global-max-size 5k
  tune.vars.proc-max-size 4k
  tune.vars.sess-max-size 3k
  tune.vars.txn-max-size 2k
  tune.vars.reqres-max-size 1k
  spread-checks 5
  max-spread-checks 3000
  nosplice
  nopoll
  quiet
  zero-warning
  no strict-limits
`);
    expect(errors).toEqual([]);
    expect(warnings).toEqual([]);
    expect(config.global).toMatchObject({
      daemon: true,
      chroot: '/jail',
      uid: 990,
      gid: 991,
      pidfile: '/run/p.pid',
      maxconn: 1000,
      ulimitN: 5000,
      nbthread: 3,
      node: 'n1.example_x',
      description: 'two words',
      logTag: 'tag',
      logSendHostname: '',
      statsTimeoutMs: 120_000,
      statsMaxconn: 7,
      hardStopAfterMs: 30_000,
      h1CaseAdjust: { 'content-type': 'Content-Type' },
      spreadChecksPercent: 5,
      maxSpreadChecksMs: 3000,
      noSplice: true,
      quiet: true,
      zeroWarning: true,
      strictLimits: false,
    });
    expect(config.global.tune).toEqual({
      bufsize: 32768,
      maxrewrite: 2048,
      httpMaxhdr: 200,
      httpLogurilen: 100,
      httpCookielen: 10,
      maxaccept: -1,
      maxpollevents: 50,
      rcvbufClient: 1024,
      rcvbufServer: 2048,
      sndbufClient: 3072,
      sndbufServer: 4096,
      pipesize: 65536,
      maxpipes: 8,
      notsentLowatClient: 0,
      notsentLowatServer: 0,
      varsGlobalMax: 5120,
      varsProcMax: 4096,
      varsSessMax: 3072,
      varsTxnMax: 2048,
      varsReqresMax: 1024,
      stickCounters: 3,
      sharesListeners: false,
    });
    expect(config.global.statsSockets).toMatchObject([
      { level: 'admin', mode: 0o660, uid: 990, gid: 991 },
      { level: 'operator', maxconn: 3, backlog: 4, address: { family: 'ipv4', port: 9999 } },
    ]);
  });

  test('tune.bufsize has an upper bound that the arena can hold (3.2)', () => {
    const { errors } = parseText('global\n tune.bufsize 16m\n');
    expect(errors.join()).toContain('at most 4194304 bytes');
  });

  test('tune.bufsize rounds up to 16 and bounds tune.maxrewrite to its half (3.2)', () => {
    const { config } = parseText('global\n tune.bufsize 1001\n tune.maxrewrite 900\n');
    expect(config.global.tune).toMatchObject({ bufsize: 1008, maxrewrite: 504 });
  });

  test('setenv is seen by the following lines, unsetenv takes it away (2.3, 3.1)', () => {
    const { config, errors } = parseText(
      'global\n setenv DIR /srv\n presetenv DIR /other\n chroot "$DIR/x"\n unsetenv DIR\n' +
        ' description "[$DIR]"\n',
    );
    expect(errors).toEqual([]);
    expect(config.global).toMatchObject({ chroot: '/srv/x', description: '[]' });
  });

  test('unix-bind is the start for unix sockets of bind lines (3.1)', () => {
    const { config, errors } = parseText(
      'global\n unix-bind prefix /jail mode 700 user haproxy\ndefaults\n timeout client 1s\n' +
        'frontend f\n bind /s.sock\n bind /t.sock mode 600\n bind :5001\n',
    );
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.binds).toMatchObject([
      { address: { path: '/jail/s.sock' }, mode: 0o700, uid: 990 },
      { address: { path: '/jail/t.sock' }, mode: 0o600, uid: 990 },
      { mode: null, uid: null },
    ]);
  });

  test('the first user counts, an unknown one has no id (3.1)', () => {
    const { errors, warnings } = parseText(
      'global\n user nosuch\n user haproxy\n uid 5\n group x\n',
    );
    expect(errors).toEqual([
      "parsing [t.cfg:2] : cannot find user id for 'nosuch'",
      "parsing [t.cfg:5] : cannot find group id for 'x'",
    ]);
    expect(warnings).toEqual(["parsing [t.cfg:4] : 'user' already specified. Continuing."]);
  });
});

describe('log (4.2)', () => {
  test('targets, parameters and severities', () => {
    const { config, errors } = inSection(
      'frontend f',
      ` bind :5001
 log 127.0.0.1:1514 len 2000 format rfc5424 sample 1,3-4:5 local0 notice err
 log /dev/log daemon
 log stdout format raw daemon
 log fd@7 local7 info
 log [::1] user
 log ring@r local1
 log ring@r2 format iso local1
ring r
 format timed
ring r2
`,
    );
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.logs).toMatchObject([
      {
        target: { kind: 'udp', address: { port: 1514 } },
        length: 2000,
        format: 'rfc5424',
        sample: {
          ranges: [
            [1, 1],
            [3, 4],
          ],
          size: 5,
        },
        facility: 16,
        levelMax: 5,
        levelMin: 3,
      },
      { target: { kind: 'unix', path: '/dev/log' }, format: 'local', facility: 3, levelMax: 7 },
      { target: { kind: 'fd', fd: 1 }, format: 'raw' },
      { target: { kind: 'fd', fd: 7 }, facility: 23, levelMax: 6 },
      { target: { kind: 'udp', address: { family: 'ipv6', port: 514 } }, facility: 1 },
      { target: { kind: 'ring', ring: 'r' }, format: 'timed' },
      { target: { kind: 'ring', ring: 'r2' }, format: 'iso' },
    ]);
  });

  test('"log global" expands at the end, "no log" forgets, the hostname makes rfc3164', () => {
    const { config } = parseText(`defaults
 log global
 ${timeouts}frontend a
 bind :5001
frontend b
 bind :5002
 no log
 log 127.0.0.1:1 local2
global
 log 127.0.0.1:2 local0
 log-send-hostname h
`);
    expect(config.proxies[0]!.logs).toMatchObject([{ facility: 16, format: 'rfc3164' }]);
    expect(config.proxies[1]!.logs).toMatchObject([{ facility: 18, format: 'rfc3164' }]);
    expect(config.global.logSendHostname).toBe('h');
  });

  test('an unknown ring is refused', () => {
    const { errors } = inSection('backend b', ' log ring@nosuch local0');
    expect(errors).toEqual(["parsing [t.cfg:7] : log : uses unknown ring named 'nosuch'"]);
  });
});

describe('bind (4.2, 5.1)', () => {
  test('comma lists and port ranges become listeners of their own', () => {
    const { config, errors } = inSection(
      'frontend f',
      ' bind 127.0.0.1:5000-5002,[::1]:6000 name n maxconn 10 backlog 20 nice -5 mss 1400\n' +
        ' bind :7000 id 2 tfo v4v6 v6only defer-accept interface lo tcp-ut 5s',
    );
    expect(errors).toEqual([]);
    const { binds } = config.proxies[0]!;
    expect(binds.map((bind) => [bind.index, bind.id, bind.address.port])).toEqual([
      [0, 1, 5000],
      [1, 3, 5001],
      [2, 4, 5002],
      [3, 5, 6000],
      [4, 2, 7000],
    ]);
    expect(binds[3]).toMatchObject({ name: 'n', maxconn: 10, backlog: 20, nice: -5, mss: 1400 });
    expect(binds[4]).toMatchObject({
      tfo: true,
      v4v6: true,
      v6only: true,
      deferAccept: -1,
      interface: 'lo',
      tcpUserTimeout: 5000,
    });
  });

  test('options that exist in HAProxy only are refused by name', () => {
    const { errors } = inSection('frontend f', ' bind :5001 npn x\n bind :5002 allow-0rtt');
    expect(errors).toEqual([
      "parsing [t.cfg:7] : 'bind :5001' in section 'frontend' : 'npn' is not supported yet by sluice",
      "parsing [t.cfg:8] : 'bind :5002' in section 'frontend' : 'allow-0rtt' is not supported yet " +
        'by sluice',
    ]);
  });
});

describe('server (5.2)', () => {
  test('all options, after default-server', () => {
    const { config, errors } = inSection(
      'backend b',
      ` default-server check inter 3s fastinter 1s downinter 500 rise 3 fall 4 weight 7 backup
 server a 127.0.0.1:80 id 4 maxconn 10 minconn 2 maxqueue 5 cookie ck
 server b 127.0.0.1 port 81 addr 127.0.0.2 no-backup disabled pool-max-conn 3 max-reuse 9
 server c unix@/s.sock no-check pool-purge-delay 2s tcp-ut 1s source 127.0.0.9 minconn 3
 server d 127.0.0.1:+5 no-check enabled
`,
    );
    expect(errors).toEqual([]);
    const [a, b, c, d] = config.proxies[0]!.servers;
    expect(a).toMatchObject({
      index: 0,
      id: 4,
      weight: 7,
      backup: true,
      maxconn: 10,
      minconn: 2,
      maxqueue: 5,
      cookie: 'ck',
      portOffset: false,
      check: { interMs: 3000, fastinterMs: 1000, downinterMs: 500, rise: 3, fall: 4 },
    });
    expect(b).toMatchObject({
      // The server with an id of its own has used up the number 1.
      id: 2,
      backup: false,
      disabled: true,
      poolMaxConn: 3,
      maxReuse: 9,
      portOffset: true,
      check: { port: 81, address: { bytes: [127, 0, 0, 2] } },
    });
    expect(c).toMatchObject({
      id: 3,
      check: null,
      poolPurgeDelayMs: 2000,
      tcpUserTimeout: 1000,
      sourceAddress: { bytes: [127, 0, 0, 9] },
      maxconn: 3,
      minconn: 3,
    });
    expect(d).toMatchObject({ portOffset: true, address: { port: 5 }, disabled: false });
  });

  test('default-server belongs to the lines after it and to its own section', () => {
    const { config } = parseText(`defaults
 default-server weight 9
 ${timeouts}backend a
 server s1 127.0.0.1:1
 default-server weight 3
 server s2 127.0.0.1:1
backend b
 server s3 127.0.0.1:1
`);
    const weights = config.proxies.map((proxy) => proxy.servers.map((server) => server.weight));
    expect(weights).toEqual([[9, 3], [9]]);
  });
});

describe('options (4.2)', () => {
  test('flags are set, negated and reset to their defaults', () => {
    const { config, errors } = inSection(
      'listen l',
      ' bind :5001\n option dontlognull\n option nolinger\n no option dontlognull\n' +
        ' option abortonclose\n default option nolinger',
    );
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.options).toBe(Option.AbortOnClose);
  });

  test('the connection mode is the last one written; "no" undoes only its own', () => {
    const { config } = parseText(`defaults
 option http-server-close
backend a
 no option http-server-close
backend b
 option httpclose
 no option http-server-close
backend c
 option httpclose
 option http-keep-alive
`);
    expect(config.proxies.map((proxy) => proxy.httpMode)).toEqual([
      HttpMode.KeepAlive,
      HttpMode.Close,
      HttpMode.KeepAlive,
    ]);
  });

  test('forwardfor, originalto and forwarded with all their words', () => {
    const { config, errors } = inSection(
      'listen l',
      ` bind :5001
 option forwardfor except 10.0.0.0/8 except ::1 header X-Client if-none
 option originalto except 127.0.0.1 header X-Dst
 option forwarded proto host by by_port for-expr src for_port-expr src_port
`,
    );
    expect(errors).toEqual([]);
    const [proxy] = config.proxies;
    expect(proxy!.forwardFor).toMatchObject({
      header: 'X-Client',
      ifNone: true,
      except: [{ prefix: 8 }, { prefix: 128 }],
    });
    expect(proxy!.originalTo).toMatchObject({ header: 'X-Dst', except: [{ prefix: 32 }] });
    expect(proxy!.forwarded).toMatchObject({
      proto: true,
      host: true,
      by: true,
      byPort: true,
      for: { fetch: 'src' },
      forPort: { fetch: 'src_port' },
    });
  });

  test('option forwarded without words is "proto for" (RFC 7239)', () => {
    const { config } = inSection('backend b', ' option forwarded');
    expect(config.proxies[0]!.forwarded).toEqual({
      proto: true,
      host: null,
      by: null,
      byPort: null,
      for: true,
      forPort: null,
    });
  });

  test('redispatch has an interval and 0 turns it off', () => {
    const { config } = parseText(`defaults
 option redispatch
backend a
backend b
 option redispatch 3
backend c
 option redispatch 0
backend d
 no option redispatch
`);
    const found = config.proxies.map((proxy) => [
      (proxy.options & Option.Redispatch) !== 0,
      proxy.redispatchInterval,
    ]);
    expect(found).toEqual([
      [true, -1],
      [true, 3],
      [false, -1],
      [false, -1],
    ]);
  });

  test('tcpka stands for the sides that the section has', () => {
    const { config } = parseText(
      'defaults\n option tcpka\nfrontend f\n bind :5001\n option tcpka\nbackend b\n',
    );
    const both = Option.ClientTcpKeepalive | Option.ServerTcpKeepalive;
    expect(config.proxies.map((proxy) => proxy.options & both)).toEqual([both, both]);
  });
});

describe('other proxy keywords (4.2)', () => {
  test('settings of a listen section reach their fields', () => {
    const { config, errors, warnings } = inSection(
      'listen l',
      ` bind :5001
 id 77
 description some words
 maxconn 10
 fullconn 20
 backlog 30
 retries 4
 balance roundrobin
 http-reuse always
 log 127.0.0.1 local0
 log-tag x
 log-format %ci
 error-log-format %cp
 log-format-sd %ST
 unique-id-format %ci_%cp
 unique-id-header X-Id
 capture request header Host len 20
 capture request header Referer len 30
 capture response header Server len 40
 capture cookie SID= len 500
 clitcpka-cnt 3
 clitcpka-idle 10
 clitcpka-intvl 500ms
 srvtcpka-cnt 4
 srvtcpka-idle 1m
 srvtcpka-intvl 20
 timeout client-fin 1ms
 timeout client-hs 2ms
 timeout server-fin 3ms
 timeout tunnel 4ms
 timeout http-request 5ms
 timeout http-keep-alive 6ms
 timeout queue 7ms
 timeout check 8ms
 timeout tarpit 9ms
`,
    );
    expect(errors).toEqual([]);
    expect(warnings).toEqual([]);
    expect(config.proxies[0]).toMatchObject({
      id: 77,
      description: 'some words',
      maxconn: 10,
      fullconn: 20,
      backlog: 30,
      retries: 4,
      reuse: Reuse.Always,
      logTag: 'x',
      logFormat: { text: '%ci' },
      errorLogFormat: { text: '%cp' },
      logFormatSd: { text: '%ST' },
      uniqueIdFormat: { text: '%ci_%cp' },
      uniqueIdHeader: 'X-Id',
      captureRequest: [
        { name: 'Host', length: 20 },
        { name: 'Referer', length: 30 },
      ],
      captureResponse: [{ name: 'Server', length: 40 }],
      captureCookie: { name: 'SID=', length: 63 },
      clitcpkaCnt: 3,
      clitcpkaIdleMs: 10_000,
      clitcpkaIntvlMs: 500,
      srvtcpkaCnt: 4,
      srvtcpkaIdleMs: 60_000,
      srvtcpkaIntvlMs: 20_000,
      timeout: {
        client: 1000,
        clientFin: 1,
        clientHs: 2,
        connect: 1000,
        server: 1000,
        serverFin: 3,
        tunnel: 4,
        httpRequest: 5,
        httpKeepAlive: 6,
        queue: 7,
        check: 8,
        tarpit: 9,
      },
    });
  });

  test('rules keep their order; redirect comes after and block before http-request', () => {
    const { config, warnings } = inSection(
      'listen l',
      ` bind :5001
 acl a path /a
 http-request set-header X-A 1 if a
 redirect location /x if a
 http-request deny unless a
 block if a
 http-response del-header Server
 http-after-response set-header X-B 2
`,
    );
    expect(config.proxies[0]!.rules.map((rule) => [rule.ruleset, rule.action, rule.line])).toEqual([
      ['http-request', 'deny', 12],
      ['http-request', 'set-header', 9],
      ['http-request', 'deny', 11],
      ['http-response', 'del-header', 13],
      ['http-after-response', 'set-header', 14],
      ['http-request', 'redirect', 10],
    ]);
    expect(warnings).toEqual([
      "parsing [t.cfg:11] : a 'http-request' rule placed after a 'redirect' rule will still be " +
        'processed before.',
      "parsing [t.cfg:12] : the 'block' directive is obsolete. Use 'http-request deny if a'.",
    ]);
  });

  test('"http-request capture ... len" declares a slot after the captures above it (4.4)', () => {
    const { config, errors } = inSection(
      'frontend f',
      ' bind :5001\n capture request header Host len 10\n http-request capture path len 20',
    );
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.captureRequest).toEqual([
      { name: 'Host', length: 10 },
      { name: '', length: 20 },
    ]);
  });

  test('a backend may be named by a log-format', () => {
    const { config, errors } = inSection(
      'frontend f',
      ' bind :5001\n use_backend %[path]\n use_backend be if TRUE\nbackend be',
    );
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.useBackends).toMatchObject([
      { backend: { text: '%[path]' }, condition: null },
      { backend: 'be', condition: { negate: false } },
    ]);
  });

  test('fullconn is a tenth of the limits that may branch to the backend', () => {
    const { config } = parseText(`global
 maxconn 1000
defaults
 ${timeouts}frontend a
 bind :5001
 maxconn 55
 default_backend x
frontend b
 bind :5002
 use_backend x if TRUE
 default_backend y
backend x
backend y
backend z
`);
    const found = config.proxies.map((proxy) => [proxy.name, proxy.fullconn]);
    expect(found.slice(2)).toEqual([
      ['x', 106],
      ['y', 100],
      ['z', 0],
    ]);
  });

  test('automatic ids avoid the ones that are given', () => {
    const { config } = parseText('backend a\nbackend b\n id 2\nbackend c\n');
    expect(config.proxies.map((proxy) => proxy.id)).toEqual([3, 2, 4]);
  });
});

describe('ring (12.5)', () => {
  test('all keywords', () => {
    const { config, errors } = parseText(`ring r
 description "my ring"
 format rfc5424
 size 32764
 maxlen 1200
 timeout connect 5s
 timeout server 10s
 server s 127.0.0.1:6514 log-proto octet-count
 server t 127.0.0.1:6515
ring q
 size 20000
`);
    expect(errors).toEqual([]);
    expect(config.rings).toMatchObject([
      {
        name: 'r',
        description: 'my ring',
        format: 'rfc5424',
        size: 32764,
        maxlen: 1200,
        timeoutConnectMs: 5000,
        timeoutServerMs: 10_000,
        servers: [
          { name: 's', logProto: 'octet-count', address: { port: 6514 } },
          { name: 't', logProto: 'legacy' },
        ],
      },
      { name: 'q', size: 20000, maxlen: 20000, format: 'raw', description: null },
    ]);
  });
});
