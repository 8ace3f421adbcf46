/**
 * The request path allocates nothing in the steady state: not on the JavaScript heap, not in the
 * pools. The heap's capacity grows by whatever garbage needs room, so it shows what was allocated
 * even when it was collected since.
 */
import { expect } from 'bun:test';
import { makeCertificate } from './harness/certificate.ts';
import type { Proxy } from './harness/proxy.ts';
import { needs, scenario } from './harness/scenario.ts';

const windows = 5;
const REPORTS_MAX = 100;
/** Blocks of the heap are 16 KiB; some are opened for reasons of the runtime's own. */
const bytesPerWindowMax = 100_000;
const connections = 16;

/** One kind of traffic: what goes in and comes out, and how the end of each is seen. */
interface Traffic {
  /** Of the frontend and the backend, whose server is `127.0.0.1:{{server}}`. */
  config: string;
  request: string;
  requestEnd: string;
  response: string;
  responseEnd: string;
  /** Clients come over TLS. */
  tls?: boolean;
  /** Every exchange has a connection of its own. */
  connects?: boolean;
  /** Exchanges of a window, enough for a leak of one small object each to be seen. */
  exchanges?: number;
}

const get =
  'GET /static/a?b=c HTTP/1.1\r\nHost: example\r\nCookie: a=b\r\nConnection: keep-alive\r\n\r\n';
const hello = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello';

const backend = 'backend app\n  server s1 127.0.0.1:{{server}}\n';

/** Answers whatever ends as a request does. */
function serve(traffic: Traffic) {
  const response = Buffer.from(traffic.response);
  const end = Buffer.from(traffic.requestEnd);
  return Bun.listen<{ left: number }>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open(socket) {
        socket.data = { left: 0 };
      },
      data(socket, data) {
        if (!endsWith(data, end)) return;
        socket.data.left = response.length - socket.write(response);
      },
      drain(socket) {
        const { left } = socket.data;
        if (left > 0) socket.data.left = left - socket.write(response.subarray(-left));
      },
    },
  });
}

function endsWith(data: Buffer, end: Buffer): boolean {
  return data.length >= end.length && data.subarray(-end.length).equals(end);
}

/** Makes `total` exchanges over a few connections, one at a time on each. */
async function load(port: number, total: number, traffic: Traffic): Promise<void> {
  const request = Buffer.from(traffic.request);
  const end = Buffer.from(traffic.responseEnd);
  let left = total;
  let open = connections;
  const done = Promise.withResolvers<void>();
  const connect = () =>
    Bun.connect({
      hostname: '127.0.0.1',
      port,
      ...(traffic.tls === true ? { tls: { rejectUnauthorized: false } } : {}),
      socket: {
        open: (socket) => void socket.write(request),
        data(socket, data) {
          if (!endsWith(data, end)) return;
          if (left-- > 0 && traffic.connects !== true) socket.write(request);
          else socket.end();
        },
        close() {
          if (traffic.connects === true && left > 0) void connect();
          else if (--open === 0) done.resolve();
        },
      },
    });
  for (let i = 0; i < connections; i++) await connect();
  await done.promise;
}

interface Memory {
  heapBytes: number;
  buffers: number;
}

async function memoryOf(proxy: Proxy, reports: number): Promise<Memory> {
  const pattern = /worker 1: (\d+) of .* (\d+) bytes of heap/g;
  proxy.signal('SIGQUIT');
  await proxy.changes.until(
    () => [...proxy.stderr.matchAll(pattern)].length >= reports,
    () => `no memory report: ${proxy.stderr}`,
  );
  const [, buffers, heapBytes] = [...proxy.stderr.matchAll(pattern)].at(-1)!;
  return { heapBytes: Number(heapBytes), buffers: Number(buffers) };
}

const traffics: Record<string, Traffic> = {
  'requests with rules, captures and a log line': {
    config: `
  capture request header Host len 20
  acl static path_beg -i /static
  http-request set-header X-Path "%[path] %[src]"
  http-response del-header X-A
  use_backend app if static
backend app
  balance roundrobin
  server s1 127.0.0.1:{{server}}
  server s2 127.0.0.1:{{server}} weight 2
`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: hello,
    responseEnd: 'hello',
  },
  'requests that are tracked in stick tables and stick to servers': {
    config: `
  stick-table type ip size 100 expire 10s store http_req_rate(1s),conn_cur,bytes_out_cnt,gpc(2)
  http-request track-sc0 src
  http-request track-sc1 path table seen
  http-request sc-inc-gpc(1,0)
  http-request set-header X-Rate "%[sc0_http_req_rate] %[src_get_gpc(1,l)] %[path,table_conn_cnt(seen)]"
  http-request deny if { sc_conn_cur(0) gt 5000 }
  http-response track-sc2 status table codes
  default_backend app
backend seen
  stick-table type string len 8 size 2 store conn_cnt,http_err_cnt,bytes_in_rate(1s)
backend codes
  stick-table type integer size 10 nopurge store gpt0
backend app
  stick-table type binary len 12 size 10
  stick on req.hdr(cookie)
  stick store-response res.hdr(x-a)
  server s1 127.0.0.1:{{server}}
  server s2 127.0.0.1:{{server}}
`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: hello,
    responseEnd: 'hello',
  },
  'requests that set and read variables of every scope': {
    config: `
  http-request set-var(txn.path) path,lower
  http-request set-var(req.host) req.hdr(host)
  http-request set-var(sess.count) var(sess.count,0),add(1)
  http-request set-var(proc.last) var(txn.path),concat(-,req.host)
  http-request set-var-fmt(txn.text,ifnotset) "%[var(proc.last)] %[var(sess.count),mod(txn.none)]"
  http-request set-header X-Text "%[var(txn.text)] %[var(req.host)]"
  http-request unset-var(req.host) if { var(txn.path) -m beg /static }
  http-response set-var(res.status) status
  http-response set-header X-Status "%[var(res.status),set-var(txn.status),add(txn.status)]"
  log-format "%[var(txn.path)] %[var(res.status)] %[var(sess.count)] %[var(proc.last)]"
  default_backend app
${backend}`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: hello,
    responseEnd: 'hello',
  },
  'bodies in chunks, both ways': {
    config: `  default_backend app\n${backend}`,
    request:
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    requestEnd: '\r\n0\r\n\r\n',
    response: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    responseEnd: '\r\n0\r\n\r\n',
  },
  'requests with a body': {
    config: `  default_backend app\n${backend}`,
    request: `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n${'x'.repeat(1999)}!`,
    requestEnd: '!',
    response: hello,
    responseEnd: 'hello',
  },
  'requests that wait in the queue': {
    config: `  default_backend app\n${backend.trimEnd()} maxconn 2\n`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: hello,
    responseEnd: 'hello',
  },
  'requests that are balanced by load': {
    config: `
  default_backend app
backend app
  balance leastconn
  server s1 127.0.0.1:{{server}}
  server s2 127.0.0.1:{{server}} weight 2
`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: hello,
    responseEnd: 'hello',
  },
  'requests that wait for the server of their key': {
    config: `
  default_backend app
backend app
  balance hash path,lower
  hash-type consistent wt6 avalanche
  hash-balance-factor 150
  server s1 127.0.0.1:{{server}} maxconn 1
  server s2 127.0.0.1:{{server}} maxconn 1 weight 2
`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: hello,
    responseEnd: 'hello',
  },
  'answers of the proxy itself': {
    config: `  http-request return status 200 content-type text/plain string hello if { path_beg /static }
  http-request deny\n`,
    request: get,
    requestEnd: '',
    response: '',
    responseEnd: 'hello',
  },
  'large bodies': {
    config: `  default_backend app\n${backend}`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: `HTTP/1.1 200 OK\r\nContent-Length: 131072\r\n\r\n${'x'.repeat(131071)}!`,
    responseEnd: '!',
    exchanges: 5000,
  },
  'tunnels in TCP mode': {
    config: `  mode tcp\n  option tcplog\n  default_backend app\n${backend}  mode tcp\n`,
    request: 'ping',
    requestEnd: 'ping',
    response: 'pong',
    responseEnd: 'pong',
  },
  'bytes of both sides that are inspected': {
    config: `  mode tcp
  option tcplog
  tcp-request connection reject if { src 192.0.2.1 }
  tcp-request session accept if { src_port gt 0 }
  tcp-request inspect-delay 5s
  tcp-request content capture req.ssl_sni len 20
  tcp-request content capture path len 20 if HTTP
  tcp-request content reject if { req.rdp_cookie -m found } or { req.payload_lv(0,1) -m str x }
  tcp-request content accept if { req.len gt 3 } or { hdr(host) -m found }
  default_backend app
${backend}  mode tcp
  tcp-response inspect-delay 5s
  tcp-response content accept if { res.payload(0,4) -m str pong } or { res.ssl_hello_type 2 }
`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: 'pong',
    responseEnd: 'pong',
    connects: true,
    exchanges: 6000,
  },
  'rules that wait': {
    config: `  tcp-request inspect-delay 1ms
  tcp-request content accept if WAIT_END
  http-request pause 1
  http-request wait-for-body time 5s
  http-request set-header X-Length %[req.body_len]
  default_backend app
${backend}  http-response pause 1
  http-response wait-for-body time 5s at-least 3
  http-response set-header X-Length %[res.body_len]
`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: hello,
    responseEnd: 'hello',
    exchanges: 4000,
  },
  'requests over TLS with what is known of it': {
    config: `
  http-request set-header X-TLS "%[ssl_fc_protocol] %[ssl_fc_cipher] %[ssl_fc_sni]"
  log-format "%ft %sslv %sslc %[ssl_fc_session_id,hex] %[ssl_f_s_dn]"
  default_backend app
${backend}`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: hello,
    responseEnd: 'hello',
    tls: true,
  },
  'connections that come and go': {
    config: `  option httpclose\n  default_backend app\n${backend}`,
    request: get,
    requestEnd: '\r\n\r\n',
    response: hello,
    responseEnd: 'hello',
    connects: true,
    exchanges: 8000,
  },
};

for (const [name, traffic] of Object.entries(traffics)) {
  scenario(
    `${name}: nothing is allocated once the proxy is warm`,
    async (world) => {
      const server = serve(traffic);
      world.defer(() => server.stop(true));
      const log = await world.syslog();
      if (traffic.tls === true) makeCertificate(world.dir, 'site', {});
      const proxy = await world.proxy(
        `
global
  nbthread 1
  log 127.0.0.1:${log.port} local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend l
  bind fd@{{l}}${traffic.tls === true ? ' ssl crt {{dir}}/site.pem' : ''}
${traffic.config}`,
        { vars: { server: server.port } },
      );
      const { exchanges = 25_000 } = traffic;
      await load(proxy.port('l'), exchanges, traffic);
      await memoryOf(proxy, 1);
      // The optimiser works beside the program and leaves its results on the heap, sooner or later. A
      // request path that allocates does so in every window; one that does not has a clean one.
      let reports = 1;
      let grown = Number.POSITIVE_INFINITY;
      let before = await memoryOf(proxy, ++reports);
      for (let window = 0; window < windows && grown >= bytesPerWindowMax; window++) {
        await load(proxy.port('l'), exchanges, traffic);
        const after = await memoryOf(proxy, ++reports);
        grown = after.heapBytes - before.heapBytes;
        before = after;
      }
      expect(grown).toBeLessThan(bytesPerWindowMax);
      // The proxy may hear of the last connections' ends after their clients did.
      while (before.buffers > 0 && reports < REPORTS_MAX) before = await memoryOf(proxy, ++reports);
      expect(before.buffers).toBe(0);
    },
    { timeoutMs: 60_000, skip: traffic.tls === true ? needs('openssl') : null },
  );
}
