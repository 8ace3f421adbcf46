/**
 * Which server a program sends requests to. The program is its own farm: each server of `app` is a
 * frontend of the same process on a unix socket, which answers with its number.
 */
import { connect } from 'node:net';
import { connectPeer } from '../harness/peer.ts';
import { type Program, type Proxy, startProxy } from '../harness/proxy.ts';

export interface Farm {
  /** Per backend its lines; frontend `f<n>` leads to backend `b<n>`. */
  backends: string[];
  /** Options of the servers, the same in every backend; one with an address is not of the farm. */
  servers: string[];
  /** Lines of each frontend. */
  frontend?: string;
  mode?: 'http' | 'tcp';
  threads?: number;
}

/** Requests that are sent before their answers are read. */
const PIPELINE = 250;

export function farmConfig(farm: Farm): string {
  const { backends, servers, frontend = '', mode = 'http', threads = 1 } = farm;
  const lines = servers.map((words, i) => {
    const address = /^\S*:\d/.test(words) ? '' : `unix@{{dir}}/s${i + 1}`;
    return `  server s${i + 1} ${address} ${words}`;
  });
  const pairs = backends.map(
    (text, i) => `frontend f${i}
  mode ${mode}
  bind fd@{{f${i}}}
  ${frontend}
  default_backend b${i}
backend b${i}
  mode ${mode}
  ${text}
${lines.join('\n')}`,
  );
  const targets = servers.map(
    (_, i) => `frontend s${i + 1}
  bind unix@{{dir}}/s${i + 1}
  http-request return status 200 content-type text/plain string "<${i + 1}>"`,
  );
  return `global
  nbthread ${threads}
  stats socket {{dir}}/stats level admin
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
${pairs.join('\n')}
${targets.join('\n')}
`;
}

/** Starts a program on the farm; `dir` is a folder of its own. */
export function startFarm(program: Program, farm: Farm, dir: string): Promise<Proxy> {
  return startProxy({ program, config: farmConfig(farm), dir });
}

/**
 * Sends whole requests to a backend over one connection.
 * @returns per request the number of its server, or the negative status of an error
 */
export async function choices(
  proxy: Proxy,
  backend: number,
  requests: readonly string[],
): Promise<number[]> {
  const peer = await connectPeer({ hostname: '127.0.0.1', port: proxy.port(`f${backend}`) });
  const found: number[] = [];
  try {
    for (let i = 0; i < requests.length; i += PIPELINE) {
      const part = requests.slice(i, i + PIPELINE);
      peer.send(part.join(''));
      for (const _ of part) {
        const { start, body } = await peer.readMessage();
        const server = /^<(\d+)>/.exec(body)?.[1];
        found.push(server === undefined ? -Number(start.split(' ')[1]) : Number(server));
      }
    }
  } finally {
    peer.close();
  }
  return found;
}

/** A request of a target and header lines. */
export function get(target: string, ...fields: string[]): string {
  const lines = [`GET ${target} HTTP/1.1`, 'Host: a', ...fields, '', ''];
  return lines.join('\r\n');
}

/**
 * Sends one request from each address of this machine, over a connection of its own.
 * @returns per address the number of its server
 */
export async function choicesFrom(
  proxy: Proxy,
  backend: number,
  addresses: readonly string[],
): Promise<number[]> {
  const port = proxy.port(`f${backend}`);
  const found: number[] = [];
  for (let i = 0; i < addresses.length; i += CONNECTIONS) {
    const part = addresses.slice(i, i + CONNECTIONS);
    found.push(...(await Promise.all(part.map((address) => askFrom(address, port)))));
  }
  return found;
}

/** Connections that are open at a time. */
const CONNECTIONS = 50;

function askFrom(localAddress: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const host = localAddress.includes(':') ? '::1' : '127.0.0.1';
    const conn = connect({ host, port, localAddress });
    conn.on('error', reject);
    conn.on('data', (data) => {
      answer += data;
    });
    conn.on('close', () => resolve(Number(/<(\d+)>/.exec(answer)?.[1] ?? 0)));
    conn.write(get('/', 'Connection: close'));
  });
}
