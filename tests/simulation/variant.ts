/** The configurations and the weather that simulations run under. */
import type { ExchangeLimits } from '../fuzz/exchange.ts';
import type { Kind } from './client.ts';

export interface Variant {
  name: string;
  /** Lines of the global section. */
  global?: string;
  /** Lines of the defaults section. */
  defaults: string;
  servers: string;
  /** Rules of the proxy. */
  rules?: string;
  mode?: 'http' | 'tcp';
  limits: ExchangeLimits;
  /** Nothing fails but what a kernel may do at any time: every sound exchange must succeed. */
  strict?: boolean;
  /** Servers close kept connections without a word. */
  hangUps?: boolean;
  clients: number;
  /** All clients are of this kind. */
  kind?: Kind;
  /** Receive buffers of the worker. */
  buffers?: number;
}

const gentle: ExchangeLimits = { bodyMax: 60_000, paddingMax: 3000, faults: false, liars: false };
const rough: ExchangeLimits = { ...gentle, faults: true, liars: true };
const small: ExchangeLimits = { ...rough, bodyMax: 20_000, paddingMax: 700 };

/** Ports of servers: two that serve, one that refuses, one that never answers a SYN. */
export const serverPorts = { a: 8001, b: 8002, dead: 8009, mute: 8010 } as const;

const pair = (options = '') => `
  server a 127.0.0.1:${serverPorts.a} ${options}
  server b 127.0.0.1:${serverPorts.b} ${options}`;

export const variants: Variant[] = [
  {
    name: 'keep-alive, http-reuse always, sound',
    defaults: 'http-reuse always',
    servers: pair(),
    limits: gentle,
    strict: true,
    clients: 10,
  },
  {
    name: 'http-reuse never and httpclose, large bodies, sound',
    defaults: 'http-reuse never\n  option httpclose',
    servers: pair(),
    limits: { ...gentle, bodyMax: 300_000 },
    strict: true,
    clients: 6,
  },
  {
    name: 'http-reuse aggressive, large bodies, faults',
    global: 'maxpipes 2',
    defaults: 'http-reuse aggressive',
    servers: pair('pool-purge-delay 100ms'),
    limits: { ...rough, bodyMax: 300_000 },
    clients: 10,
  },
  {
    name: 'maxconn 2 and a queue, redispatch, faults',
    global: 'maxconn 8',
    defaults: 'http-reuse safe\n  option redispatch 1\n  retries 4\n  timeout connect 150ms',
    servers: `${pair('maxconn 2')}
  server dead 127.0.0.1:${serverPorts.dead}
  server mute 127.0.0.1:${serverPorts.mute}`,
    limits: rough,
    clients: 14,
  },
  {
    name: 'http-buffer-request, maxconn 1, abortonclose, http-reuse never',
    defaults: 'option http-buffer-request\n  option abortonclose\n  http-reuse never',
    servers: pair('maxconn 1 max-reuse 3'),
    limits: rough,
    clients: 10,
  },
  {
    name: 'tune.bufsize 2048 and tune.maxrewrite 64, http-server-close',
    global: 'tune.bufsize 2048\n  tune.maxrewrite 64\n  tune.maxpollevents 3',
    defaults: 'option http-server-close\n  option logasap\n  option contstats',
    servers: pair(),
    limits: { ...small, bodyMax: 60_000 },
    clients: 10,
  },
  {
    name: 'tune.bufsize 4096, always, nosplice, sound',
    global: 'tune.bufsize 4096\n  tune.maxrewrite 2048\n  nosplice',
    defaults: 'http-reuse always\n  option http-buffer-request',
    servers: pair(),
    limits: { ...small, faults: false, liars: false },
    strict: true,
    clients: 10,
  },
  {
    name: 'tune.bufsize 2048 and tune.maxrewrite 1024, sound',
    global: 'tune.bufsize 2048\n  tune.maxrewrite 1024',
    defaults: 'http-reuse always',
    servers: pair(),
    limits: { bodyMax: 150_000, paddingMax: 700, faults: false, liars: false },
    strict: true,
    clients: 10,
  },
  {
    name: 'a dead server beside living ones, redispatch, sound',
    defaults: 'option redispatch 1\n  retries 3\n  http-reuse safe',
    servers: `${pair()}\n  server dead 127.0.0.1:${serverPorts.dead}`,
    limits: gentle,
    strict: true,
    clients: 10,
  },
  {
    name: 'http-reuse always, servers hang up, otherwise sound',
    defaults: 'http-reuse always',
    servers: pair(),
    limits: gentle,
    strict: true,
    hangUps: true,
    clients: 12,
  },
  {
    name: 'variables of every scope, retries, local answers, faults',
    global: 'tune.vars.sess-max-size 3000',
    defaults: 'http-reuse always\n  option redispatch 1\n  retries 3\n  timeout connect 150ms',
    rules: `
  http-request set-var(sess.count) var(sess.count,0),add(1)
  http-request set-var(txn.seed) req.hdr(x-seed)
  http-request set-var(req.text) str(),concat(,txn.seed),concat(,sess.count)
  http-request set-var(proc.last) var(req.text)
  http-request set-var(sess.texts) var(sess.texts,a),concat(b,req.text)
  http-request return status 200 content-type text/plain string local if { var(req.text) -m sub 31 }
  http-request deny if { var(txn.seed) -m end 7 } || { var(req.gone) -m found }
  http-response set-var(res.text) var(proc.last),concat(-,req.text)
  http-response set-header x-count %[var(res.text),length]
  http-after-response set-var-fmt(txn.status) "%[status] %[var(res.text)]"
  http-after-response unset-var(sess.texts) if { var(sess.texts),length gt 500 }`,
    servers: `${pair()}
  server dead 127.0.0.1:${serverPorts.dead}
  server mute 127.0.0.1:${serverPorts.mute}`,
    limits: rough,
    clients: 10,
  },
  {
    name: 'answers of rules: deny, tarpit, return, redirect, silent-drop, changed statuses',
    defaults: 'http-reuse always\n  timeout tarpit 1s',
    rules: `
  http-request deny if { req.hdr(x-seed) -m end 1 }
  http-request tarpit if { req.hdr(x-seed) -m end 2 }
  http-request return status 200 content-type text/plain string local if { req.hdr(x-seed) -m end 3 }
  http-request redirect location /elsewhere if { req.hdr(x-seed) -m end 4 }
  http-request silent-drop if { req.hdr(x-seed) -m end 55 }
  http-response deny if { status 500 }
  http-response return status 200 content-type text/plain string local if { status 404 }`,
    servers: pair(),
    limits: rough,
    clients: 12,
  },
  {
    name: 'stick tables: tracking, stickiness and a full table, maxconn 1 and maxqueue, faults',
    defaults: 'option redispatch 1\n  retries 2\n  http-reuse safe',
    rules: `
  stick-table type string len 12 size 4 expire 1s store conn_cnt,conn_cur,http_req_rate(1s),http_err_cnt,http_fail_cnt,bytes_in_cnt,bytes_out_rate(500ms),gpc(2),gpt0
  stick on req.hdr(x-seed),field(1,-)
  stick store-request path
  stick store-response res.hdr(x-seed) if { res.hdr(x-seed) -m found }
  tcp-request connection track-sc2 src
  tcp-request session sc-inc-gpc(0,2)
  http-request track-sc0 req.hdr(x-seed)
  http-request track-sc1 path
  http-request sc-inc-gpc(1,0)
  http-request sc-set-gpt0(1) 7
  http-request deny if { sc_conn_cur(0) gt 9 } or { req.hdr(x-seed) -m end 77 }
  http-response track-sc2 status if { status ge 500 }`,
    servers: `${pair('maxconn 1 maxqueue 2')}
  server dead 127.0.0.1:${serverPorts.dead} non-stick`,
    limits: rough,
    clients: 14,
  },
  {
    name: 'mode tcp, sound',
    mode: 'tcp',
    defaults: 'option tcplog\n  timeout client-fin 3s\n  timeout server-fin 3s',
    servers: pair(),
    limits: gentle,
    strict: true,
    clients: 8,
  },
  {
    name: 'mode tcp, bytes of both sides are inspected, sound',
    mode: 'tcp',
    defaults: 'option tcplog\n  timeout client-fin 3s\n  timeout server-fin 3s',
    rules: `
  tcp-request inspect-delay 900ms
  tcp-request content set-log-level info if { req.payload(0,200) -m found }
  tcp-request content accept if { req.ssl_hello_type 1 } or { hdr(host) -m found }
  tcp-request content accept if { req.len gt 3000 }
  tcp-response inspect-delay 700ms
  tcp-response content accept if { res.len gt 2000 }`,
    servers: pair(),
    limits: gentle,
    strict: true,
    clients: 8,
  },
  {
    name: 'mode tcp, bytes of both sides are inspected, small buffers, faults',
    mode: 'tcp',
    global: 'tune.bufsize 2048\n  tune.maxrewrite 64',
    defaults: 'option tcplog',
    rules: `
  tcp-request connection reject if { src_port -m int 40000:40100 }
  tcp-request inspect-delay 300ms
  tcp-request content reject if { req.len 13 } WAIT_END
  tcp-request content accept if { req.len gt 5000 }
  tcp-response inspect-delay 300ms
  tcp-response content close if { res.len 17 }
  tcp-response content accept if { res.len gt 5000 }`,
    servers: pair('maxconn 2'),
    limits: rough,
    clients: 10,
  },
  {
    name: 'rules that wait: pauses, bodies, inspection of heads, sound',
    defaults: 'http-reuse always\n  option http-buffer-request',
    rules: `
  tcp-request inspect-delay 20ms
  tcp-request content accept if { req.hdr(x-seed) -m end 1 } WAIT_END
  http-request pause 15 if { req.hdr(x-seed) -m end 2 4 6 }
  http-request wait-for-body time 3s
  http-request set-header X-Length %[req.body_len]
  http-response pause 10ms if { status 200 }
  http-response wait-for-body time 3s at-least 500
  http-response set-header X-Length %[res.body_len]`,
    servers: pair(),
    limits: gentle,
    strict: true,
    clients: 10,
  },
  {
    name: 'rules that wait: pauses and bodies, small buffers, faults',
    global: 'tune.bufsize 2048\n  tune.maxrewrite 512',
    defaults: 'http-reuse safe',
    rules: `
  http-request wait-for-body time 800ms at-least 300
  http-request pause req.hdr(content-length),mod(40)
  http-request deny if { req.body -m sub abc }
  http-response wait-for-body time 800ms
  http-response pause 5`,
    servers: pair('maxconn 3'),
    limits: { ...small, paddingMax: 300 },
    clients: 12,
  },
  {
    name: 'mode tcp, maxconn 2, stick on src_port, faults',
    mode: 'tcp',
    defaults: 'option tcplog\n  option nolinger',
    rules: '\n  stick-table type integer size 5\n  stick on src_port,mod(4)',
    servers: `${pair('maxconn 2')}\n  server dead 127.0.0.1:${serverPorts.dead}`,
    limits: rough,
    clients: 10,
  },
];

/** Clients that begin a request and fall silent, and a worker with one buffer for all of them. */
export const scarcity: Variant = {
  name: 'stalled clients, one buffer',
  defaults: 'http-reuse safe',
  servers: pair(),
  limits: gentle,
  strict: true,
  clients: 6,
  kind: 'stalled',
  buffers: 1,
};

export function configOf(variant: Variant): string {
  const mode = variant.mode ?? 'http';
  const rules =
    mode === 'tcp'
      ? ''
      : `
  capture request header X-Token len 20
  http-request set-header X-Rewritten %[path]
  http-response set-header X-Answered yes`;
  return `
global
  nbthread 1
  maxconn 40
  log 127.0.0.1:514 local0
  ${variant.global ?? ''}
defaults
  mode ${mode}
  log global
  ${mode === 'http' ? 'option httplog' : ''}
  timeout connect 2s
  timeout client 4s
  timeout server 4s
  timeout queue 8s
  timeout http-request 3s
  timeout tunnel 6s
  ${variant.defaults}
listen sim
  bind 127.0.0.1:80${rules}${variant.rules ?? ''}
${variant.servers}
`;
}
