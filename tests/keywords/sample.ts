/**
 * A line for every keyword, chosen so that it says something else than the default. A new keyword
 * without a sample fails the test in keywords.test.ts.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with the files that samples name; the caller removes it. */
export function sampleFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-samples-'));
  writeFileSync(join(folder, '404.http'), 'HTTP/1.0 404 Not found\r\n\r\n');
  writeFileSync(join(folder, 'case'), 'host Host\n');
  writeFileSync(join(folder, 'dh.pem'), dhParameters);
  writeFileSync(join(folder, 'site.pem'), certificate);
  writeFileSync(join(folder, 'list'), `${folder}/site.pem\n`);
  const key = Buffer.alloc(48, 1).toString('base64');
  writeFileSync(join(folder, 'keys'), `${key}\n`.repeat(3));
  return folder;
}

/** `openssl dhparam 1024`. */
const dhParameters = `-----BEGIN DH PARAMETERS-----
MEYCQQDVnQGQ+kRiBc0xkAEh9jeDkH+GU/A654HyFtfSUIUlTRnd7TsDRHTM6K9R
yqGH0Q1XimLoFaMl7mm0zr4aYKjXAgEC
-----END DH PARAMETERS-----
`;

/** A certificate of nobody, with its key. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIUb8bYG0d/tIaNRaYju7AeQ4AztgYwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLc2FtcGxlLnRlc3QwIBcNMjYxMTI2MTM1NjI3WhgPMjEyNjEx
MDIxMzU2MjdaMBYxFDASBgNVBAMMC3NhbXBsZS50ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAE/OIf2dbKD26tToumLIGbgjNbf+s8pAwOzrX1Yi+RQshB4KFa
uhTkVod6C8Z3RMR2VPYKVBdfR9RfOwPYqd7IkqNTMFEwHQYDVR0OBBYEFI9EjDsJ
YwNxhWgjl9qPevk3eDBzMB8GA1UdIwQYMBaAFI9EjDsJYwNxhWgjl9qPevk3eDBz
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJWZYELra9Mvy7Zz
j/5S60bbNk+6tBO4ATVVBywyBi17AiBH+snpIjQBQPCxfE2rLi35dzw+TYMt9VhP
3dKlb53xQA==
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8BMeB7TWBbbf+1pU
2oIRpfU2ixtXhz745cgn9zwvXfChRANCAAT84h/Z1soPbq1Oi6YsgZuCM1t/6zyk
DA7OtfViL5FCyEHgoVq6FORWh3oLxndExHZU9gpUF19H1F87A9ip3siS
-----END PRIVATE KEY-----
`;

/** What follows the keyword; `%` stands for the folder. Keywords without arguments need no entry. */
type Samples = Readonly<Record<string, string>>;

const global: Samples = {
  chroot: '/jail',
  'cpu-map': '1/1 0',
  description: 'a text',
  'fd-hard-limit': '5000',
  gid: '5',
  group: 'haproxy',
  'h1-case-adjust': 'host Host',
  'h1-case-adjust-file': '%/case',
  'hard-stop-after': '5s',
  'http-err-codes': '+500',
  'http-fail-codes': '-503',
  'default-path': 'current',
  localpeer: 'me',
  presetenv: 'A b',
  resetenv: '',
  setenv: 'A b',
  'set-var': 'proc.a int(1)',
  'set-var-fmt': 'proc.a %[pid]',
  unsetenv: 'A',
  'unix-bind': 'mode 600',
  log: '127.0.0.1 local0',
  'log-send-hostname': 'name',
  'log-tag': 'tag',
  nbthread: '3',
  node: 'n1',
  pidfile: '/run/p',
  stats: 'socket /s level admin mode 600 uid 5 gid 6 backlog 7 maxconn 8 expose-fd listeners',
  'thread-hard-limit': '3',
  uid: '5',
  'ulimit-n': '5000',
  user: 'haproxy',
  maxconn: '5',
  maxconnrate: '5',
  maxsessrate: '5',
  'max-spread-checks': '5',
  maxpipes: '5',
  'spread-checks': '5',
  'tune.bufsize': '32k',
  'tune.http.logurilen': '5',
  'tune.http.maxhdr': '5',
  'tune.maxaccept': '5',
  'tune.maxpollevents': '5',
  'tune.maxrewrite': '500',
  'tune.listener.default-shards': 'by-process',
  'tune.notsent-lowat.client': '5',
  'tune.notsent-lowat.server': '5',
  'tune.pipesize': '64k',
  'tune.rcvbuf.client': '5',
  'tune.rcvbuf.server': '5',
  'tune.sndbuf.client': '5',
  'tune.sndbuf.server': '5',
  'tune.stick-counters': '5',
  'acme.scheduler': 'auto',
  anonkey: '5',
  'cluster-secret': 's',
  'external-check': 'preserve-env',
  'httpclient.resolvers.id': 'r',
  'httpclient.resolvers.prefer': 'ipv4',
  'httpclient.ssl.ca-file': '/ca',
  'httpclient.ssl.verify': 'none',
  'issuers-chain-path': '%',
  'lua-prepend-path': '/lua cpath',
  'ocsp-update.httpproxy': '127.0.0.1:80',
  'ocsp-update.maxdelay': '7200',
  'ocsp-update.mindelay': '300',
  'tune.ssl.ocsp-update.maxdelay': '7200',
  'tune.ssl.ocsp-update.mindelay': '300',
  'profiling.tasks': 'on',
  'server-state-base': '/state',
  'server-state-file': 'state',
  'ssl-default-bind-options': 'ssl-min-ver TLSv1.2 no-tls-tickets strict-sni',
  'ssl-default-server-options': 'no-sslv3',
  'ssl-dh-param-file': '%/dh.pem',
  'ssl-load-extra-files': 'bundle key',
  'ssl-propquery': 'fips=no',
  'ssl-provider': 'default',
  'ssl-passphrase-cmd': '/bin/pass word',
  'ssl-server-verify': 'none',
  'tune.defaults.purge': 'all',
  'tune.events.max-events-at-once': '5',
  'tune.h2.fe.max-concurrent-streams': '50',
  'tune.h2.header-table-size': '5000',
  'tune.h2.log-errors': 'none',
  'tune.h2.max-frame-size': '20000',
  'tune.lua.bool-sample-conversion': 'normal',
  'tune.lua.log.stderr': 'auto',
  'tune.lua.openlibs': 'all',
  'tune.quic.fe.sock-per-conn': 'force-off',
  'tune.quic.frontend.default-max-window-size': '20k',
  'tune.quic.socket-owner': 'listener',
  'tune.ssl.certificate-compression': 'off',
  'tune.ssl.default-dh-param': '2048',
  'tune.takeover-other-tg-connections': 'full',
  'tune.zlib.windowsize': '9',
  'cpu-affinity': 'auto',
  'dns-accept-family': 'ipv4,ipv6',
  'max-threads-per-group': '64',
  'thread-group': '1 1-4',
  'tune.buffers.reserve': '7',
  'tune.fd.tables': 'shared',
};

const proxy: Samples = {
  'external-check': 'command /bin/true\n option external-check',
  stats: 'uri /page',
  errorloc: '404 /x',
  errorloc302: '404 /x',
  errorloc303: '404 /x',
  errorfiles: 'e\nhttp-errors e\n errorfile 404 %/404.http\nbackend more',
  'http-error': 'status 404 content-type text/plain lf-string %[src]',
  monitor: 'fail if TRUE\n monitor-uri /alive',
  'monitor-uri': '/alive',
  acl: 'a method GET',
  backlog: '5',
  balance: 'leastconn',
  bind: ':45001',
  capture: 'request header Host len 5',
  'clitcpka-cnt': '5',
  'clitcpka-idle': '5',
  'default-server': 'weight 5',
  'clitcpka-intvl': '5',
  default_backend: 'other',
  description: 'a text',
  errorfile: '404 %/404.http',
  'error-log-format': '%{+Q}o',
  fullconn: '5',
  'hash-balance-factor': '150',
  'hash-preserve-affinity': 'maxconn',
  'hash-type': 'consistent wt6 avalanche',
  'http-after-response': 'set-header a b',
  'http-check': 'send meth GET\n option httpchk\n http-check disable-on-404',
  'http-request': 'set-header a b',
  'http-response': 'set-header a b',
  'http-reuse': 'always',
  id: '77',
  'load-server-state-from-file': 'global',
  'server-state-file-name': 'x',
  log: '127.0.0.1 local0',
  'log-format': 'x',
  'log-format-sd': 'x',
  'log-tag': 'tag',
  maxconn: '5',
  mode: 'tcp',
  option: 'abortonclose',
  'rate-limit': 'sessions 5',
  redirect: 'location /x',
  retries: '7',
  'retry-on': 'empty-response 503',
  server: 's 127.0.0.1:1',
  'srvtcpka-cnt': '5',
  'srvtcpka-idle': '5',
  'srvtcpka-intvl': '5',
  'tcp-request': 'content accept',
  'tcp-response': 'content accept',
  stick: 'on src table other if TRUE',
  'stick-table':
    'type string len 5 size 9 expire 5s nopurge srvkey addr store gpt(2),bytes_in_rate(5s) brates-factor 5',
  timeout: 'queue 5s',
  'email-alert': 'level info',
  'max-keep-alive-queue': '5',
  'use-server': 'second if TRUE',
  'unique-id-format': 'x',
  'unique-id-header': 'X-Id',
  use_backend: 'other if TRUE',
  'tcp-check': 'send a\n option tcp-check',
};

const ring: Samples = {
  description: 'a text',
  format: 'rfc5424',
  maxlen: '500',
  server: 's 127.0.0.1:1',
  size: '64k',
  timeout: 'connect 5s',
};

const bind: Samples = {
  'ca-file': '%/site.pem',
  'ca-ignore-err': 'all',
  'ca-verify-file': '%/site.pem',
  'crl-file': '%/site.pem ca-file %/site.pem',
  crt: '%/site.pem',
  'crt-ignore-err': 'all',
  'crt-list': '%/list',
  'default-crt': '%/site.pem',
  ssl: 'crt %/site.pem',
  'tls-ticket-keys': '%/keys',
  verify: 'optional',
  'expose-fd': 'listeners',
  interface: 'lo',
  level: 'admin',
  mode: '600',
  name: 'n',
  group: 'haproxy',
  user: 'haproxy',
  'ssl-max-ver': 'TLSv1.3',
  'ssl-min-ver': 'TLSv1.2',
};

const server: Samples = {
  'init-addr': 'none',
  'init-state': 'down',
  'on-marked-down': 'shutdown-sessions',
  'on-marked-up': 'shutdown-backup-sessions',
  'resolve-net': '10.0.0.0/8',
  'resolve-prefer': 'ipv4',
  'agent-check': 'agent-port 5',
  'agent-send': 'x agent-check agent-port 5',
  'agent-inter': '7s agent-check agent-port 5',
  'agent-addr': '127.0.0.2 agent-check agent-port 5',
  'agent-port': '5 agent-check',
  track: 'third no-check',
  'ca-file': '%/site.pem',
  'crl-file': '%/site.pem ca-file %/site.pem',
  crt: '%/site.pem',
  sni: 'req.hdr(host) ssl verify none',
  ssl: 'verify none',
  addr: '127.0.0.9',
  'hash-key': 'addr-port',
  source: '127.0.0.9',
  cookie: 'c',
  'ssl-max-ver': 'TLSv1.3',
  'ssl-min-ver': 'TLSv1.2',
  verify: 'none',
  ws: 'h1',
};

const option: Samples = {
  'external-check': '\n external-check command /bin/true',
  httpchk: 'GET /x',
  'mysql-check': 'user u',
  'pgsql-check': 'user u',
  smtpchk: 'EHLO x',
  redispatch: '3',
};

const balance: Samples = {
  hash: 'req.hdr(a)',
  uri: 'len 5 depth 2 whole path-only',
  hdr: '(host) use_domain_only',
  url_param: 'id check_post',
  random: '(3)',
};

const userlist: Samples = {
  group: 'all users other',
  user: 'me password $1$saltsalt$9xy1btjgzLYfb7hivXtC// groups more',
};

export const samples = {
  global,
  proxy,
  ring,
  userlist,
  mailers: { mailer: 'one 127.0.0.1:25', timeout: 'mail 5s' },
  'http-errors': { errorfile: '404 %/404.http' },
  bind,
  server,
  option,
  balance,
} as const;

/** An argument by its grammar, for the many keywords whose argument is a number or the like. */
export function argumentFor(args: string): string | null {
  if (args === '' || args.startsWith('[')) return '';
  if (args === '{ on | off }') return 'on';
  if (args === 'off' || args === 'on' || args === 'none' || /^[0-9]+$/.test(args)) return args;
  if (/^\{ [a-z-]+ \|/.test(args)) return args.slice(2).split(' ')[0]!;
  return /^<[a-z0-9. ,-]+>/.test(args) ? '5' : null;
}
