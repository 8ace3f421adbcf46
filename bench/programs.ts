/** The measured programs, each with one proxy thread in front of the same two back ends. */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, freePort, waitForHttp, withOpenFiles } from './process.ts';

/** `before` is sluice as another commit has it (`--against`). */
export type ProgramName = 'haproxy' | 'nginx' | 'before' | 'sluice';
export const programNames: readonly ProgramName[] = ['haproxy', 'nginx', 'sluice'];

export interface Setting {
  dir: string;
  backEndPorts: [number, number];
  logPort: number;
  /** Root of the other commit's tree, '' = there is none. */
  beforeRoot: string;
}

export interface Variation {
  threads: number;
  maxconn: number;
  /** More lines of the `global` section. */
  globals: string[];
  /** More lines of the `defaults` section. */
  defaults: string[];
  /** Idle server connections that are kept. */
  poolMax: number;
  /** Clients come over TLS. */
  tls: boolean;
}

export const usual: Variation = {
  threads: 1,
  maxconn: 4000,
  globals: [],
  defaults: [],
  poolMax: -1,
  tls: false,
};

export interface Running {
  name: ProgramName;
  pid: number;
  port: number;
  child: Child;
  /** From the start of the process to the first answer. */
  startMs: number;
}

const root = join(import.meta.dir, '..');

/** The reference first, as bin/test has it. */
const searchPath = `${process.env.SLUICE_REFERENCE ?? '/opt/haproxy-3.2'}:${process.env.PATH}`;

/** The file that runs a program, or null when it is not installed. */
export function pathOf(name: ProgramName, beforeRoot = ''): string | null {
  if (name === 'sluice') return join(root, 'bin', 'sluice');
  if (name === 'before') return join(beforeRoot, 'bin', 'sluice');
  return Bun.which(name, { PATH: searchPath });
}

/** The first line of what a program says about its version. */
export function versionOf(name: ProgramName, beforeRoot = ''): string {
  const run = Bun.spawnSync([pathOf(name, beforeRoot)!, '-v'], { stdin: 'ignore' });
  return `${run.stdout}${run.stderr}`.trim().split('\n')[0]!;
}

/** haproxy and sluice run the same text. */
export function haproxyConfig(setting: Setting, port: number, variation: Variation): string {
  const pool = variation.poolMax >= 0 ? ` pool-max-conn ${variation.poolMax}` : '';
  return `global
  nbthread ${variation.threads}
  maxconn ${variation.maxconn}
  ${variation.globals.join('\n  ')}
  log 127.0.0.1:${setting.logPort} local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  timeout http-keep-alive 120s
  ${variation.defaults.join('\n  ')}
frontend main
  bind 127.0.0.1:${port}${variation.tls ? ` ssl crt ${setting.dir}/site.pem` : ''}
  default_backend app
backend app
  balance roundrobin
  server s1 127.0.0.1:${setting.backEndPorts[0]}${pool}
  server s2 127.0.0.1:${setting.backEndPorts[1]}${pool}
`;
}

export function nginxConfig(setting: Setting, port: number, prefix: string, tls = false): string {
  const certificate = `ssl_certificate ${setting.dir}/site.pem; ssl_certificate_key ${setting.dir}/site.pem;`;
  return `daemon off;
master_process off;
worker_processes 1;
pid ${prefix}/nginx.pid;
error_log ${prefix}/error.log crit;
events { worker_connections 24000; }
http {
  log_format proxy '$remote_addr:$remote_port [$time_local] $upstream_addr $request_time '
    '$upstream_connect_time $status $bytes_sent "$request"';
  access_log syslog:server=127.0.0.1:${setting.logPort} proxy;
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/f; uwsgi_temp_path ${prefix}/u; scgi_temp_path ${prefix}/s;
  keepalive_timeout 120s;
  keepalive_requests 100000000;
  upstream app {
    server 127.0.0.1:${setting.backEndPorts[0]};
    server 127.0.0.1:${setting.backEndPorts[1]};
    keepalive 64;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''} backlog=1024;
    ${tls ? certificate : ''}
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`;
}

/** An ECDSA certificate with its key in `site.pem`. */
function makeSite(dir: string): void {
  const file = join(dir, 'site.pem');
  if (existsSync(file)) return;
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const request = ['req', '-x509', ...key, '-subj', '/CN=localhost', '-keyout', file];
  const made = Bun.spawnSync(['openssl', ...request], { stdin: 'ignore' });
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr}`);
  appendFileSync(file, made.stdout);
}

/** Writes the configuration. @returns the command that reads it, in two parts. */
function commandOf(name: ProgramName, setting: Setting, port: number, variation: Variation) {
  const dir = join(setting.dir, `${name}-${port}`);
  mkdirSync(dir, { recursive: true });
  if (variation.tls) makeSite(setting.dir);
  const file = join(dir, 'proxy.conf');
  if (name === 'nginx') {
    writeFileSync(file, nginxConfig(setting, port, dir, variation.tls));
    const nginx = [pathOf(name)!, '-p', dir, '-e', join(dir, 'start.log')];
    return { command: nginx, rest: ['-c', file] };
  }
  writeFileSync(file, haproxyConfig(setting, port, variation));
  return { command: [pathOf(name, setting.beforeRoot)!], rest: ['-f', file] };
}

/**
 * Starts a program and waits for its first answer.
 * @param instead of the program's own command, without the file of the configuration
 */
export async function startProgram(
  name: ProgramName,
  setting: Setting,
  variation: Variation = usual,
  instead: string[] | null = null,
): Promise<Running> {
  const port = freePort();
  const parts = commandOf(name, setting, port, variation);
  const command = instead ?? parts.command;
  const began = performance.now();
  const child = Bun.spawn(withOpenFiles([...command, ...parts.rest]), {
    stdio: ['ignore', 'ignore', 'inherit'],
  }) as Child;
  try {
    await waitForHttp(port, child, variation.tls);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${name}: ${(error as Error).message}`);
  }
  return { name, pid: child.pid, port, child, startMs: performance.now() - began };
}

const answers: [string, number][] = [
  ['64k', 64 << 10],
  ['1m', 1 << 20],
];

/** Starts nginx as the two back ends: `/small` is 42 bytes, `/64k` and `/1m` are files. */
export async function startBackEnds(
  dir: string,
): Promise<{ child: Child; ports: [number, number] }> {
  const ports: [number, number] = [freePort(), freePort()];
  const prefix = join(dir, 'back-ends');
  mkdirSync(join(prefix, 'files'), { recursive: true });
  for (const [name, size] of answers) writeFileSync(join(prefix, 'files', name), 'x'.repeat(size));
  const small = 'a'.repeat(42);
  writeFileSync(
    join(prefix, 'nginx.conf'),
    `daemon off;
user root;
worker_processes 2;
pid ${prefix}/nginx.pid;
error_log ${prefix}/error.log crit;
events { worker_connections 24000; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/f; uwsgi_temp_path ${prefix}/u; scgi_temp_path ${prefix}/s;
  keepalive_timeout 300s;
  keepalive_requests 100000000;
  open_file_cache max=10;
  server {
    listen 127.0.0.1:${ports[0]} backlog=4096;
    listen 127.0.0.1:${ports[1]} backlog=4096;
    location = /small { return 200 "${small}"; }
    location / { root ${prefix}/files; }
  }
}
`.replace('user root;\n', process.getuid?.() === 0 ? 'user root;\n' : ''),
  );
  const file = join(prefix, 'nginx.conf');
  const command = ['nginx', '-p', prefix, '-e', join(prefix, 'start.log'), '-c', file];
  const child = Bun.spawn(withOpenFiles(command), { stdio: ['ignore', 'ignore', 'inherit'] });
  await waitForHttp(ports[0], child);
  return { child: child as Child, ports };
}
