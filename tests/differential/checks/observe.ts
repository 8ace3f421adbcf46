/**
 * What a program says about servers that are checked: all cases are backends of one configuration,
 * each with a scripted server of its own that is checked once, so that a hundred cases take a
 * second. A case is observed as the log line of its check, its statistics, and the bytes that its
 * server received.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOf } from '../../harness/bytes.ts';
import type { Peer } from '../../harness/peer.ts';
import { RawServer } from '../../harness/peer.ts';
import type { Program } from '../../harness/proxy.ts';
import type { World } from '../../harness/scenario.ts';
import { until } from '../../harness/wait.ts';
import { hangingCases } from './hanging.ts';

/** One thing that a scripted server does with a connection. */
export type Act =
  /** Sends bytes (latin1). */
  | { send: string }
  /** Reads until the text has come. */
  | { until: string }
  /** Reads so many bytes. */
  | { read: number }
  /** Ends the connection in order, or with a reset. */
  | 'close'
  | 'reset';

export interface CheckCase {
  name: string;
  /** Lines of the backend. */
  lines: string[];
  /** More words of the server line. */
  server?: string;
  /** Per connection what the server does; the last is for all that follow. Then it holds still. */
  acts: Act[][];
  /** The server's address when it is another than the scripted one. */
  address?: string;
}

export interface CheckObservation {
  log: string;
  /** check_status, check_code, last_chk, status, check_desc, check_health. */
  stat: string;
  received: string[];
}

const fields = ['check_status', 'check_code', 'last_chk', 'status', 'check_desc', 'check_health'];

/** How long a check may take that is meant to hang, and one that is not. */
const hangMs = 1500;
const patientMs = 15_000;

async function serve(peer: Peer, acts: readonly Act[]): Promise<void> {
  for (const act of acts) {
    // A check that has seen enough may be gone before the script is through.
    if (peer.closed) return;
    if (act === 'close') peer.close();
    else if (act === 'reset') peer.reset();
    else if ('send' in act) peer.send(bytesOf(act.send));
    else if ('until' in act) await peer.readUntil(act.until).catch(() => {});
    else await peer.read(act.read).catch(() => {});
  }
}

function configuration(cases: readonly CheckCase[], ports: number[]): string {
  const backends = cases.map(
    (kase, i) => `
backend c${i}
  option log-health-checks
  timeout check ${hangingCases.has(kase.name) ? hangMs : patientMs}ms
  ${kase.lines.join('\n  ')}
  server s ${kase.address ?? `127.0.0.1:${ports[i]}`} check inter 60s ${kase.server ?? ''}`,
  );
  return `global
  log stdout format raw local0
  stats socket {{dir}}/{{program}}
  max-spread-checks 200ms
defaults
  mode http
  log global
  timeout connect ${patientMs}ms
  timeout client 5s
  timeout server 5s
${backends.join('\n')}
`;
}

/** Waits until each server has been checked, and gives the log lines of the checks in their order. */
function linesOf(file: string, count: number): Promise<string[]> {
  const lines = new Map<string, string>();
  const look = (): string[] | null => {
    for (const line of readFileSync(file, 'latin1').split('\n')) {
      const server = /^Health check for server (\S+) .*\.$/.exec(line)?.[1];
      if (server !== undefined && !lines.has(server)) lines.set(server, line);
    }
    if (lines.size < count) return null;
    return Array.from({ length: count }, (_, i) => lines.get(`c${i}/s`)!);
  };
  return until(look, () => `${lines.size} of ${count} servers have been checked`, patientMs);
}

/** Runs a program on all cases. */
export async function observeChecks(
  world: World,
  program: Program,
  cases: readonly CheckCase[],
): Promise<Map<string, CheckObservation>> {
  const servers = cases.map(
    (kase) => new RawServer((peer, i) => serve(peer, kase.acts[i] ?? kase.acts.at(-1) ?? [])),
  );
  world.defer(() => {
    for (const server of servers) server.stop();
  });
  const ports = servers.map((server) => server.port);
  const stdoutFile = join(world.dir, `${program}.log`);
  const options = { program, vars: { program }, stdoutFile };
  const proxy = await world.proxy(configuration(cases, ports), options);
  const lines = await linesOf(stdoutFile, cases.length);
  const found = new Map<string, CheckObservation>();
  for (const [i, kase] of cases.entries()) {
    const text = lines[i]!.replace(`c${i}/s`, 'c/s')
      .replace(/check duration: \d+ms/, 'check duration: Nms')
      .replaceAll(String(ports[i]), 'PORT');
    found.set(kase.name, { log: text, stat: '', received: [] });
  }
  const table = (await proxy.command('show stat', program))
    .split('\n')
    .map((line) => line.split(','));
  const columns = fields.map((name) => table[0]!.indexOf(name));
  for (const [i, kase] of cases.entries()) {
    const row = table.find((cells) => cells[0] === `c${i}` && cells[1] === 's')!;
    const observation = found.get(kase.name)!;
    observation.stat = columns.map((column) => row[column]).join(', ');
    // A connection that was reset before it was accepted has not been seen.
    const received = servers[i]!.received().filter((bytes) => bytes !== '');
    observation.received = received.map((bytes) =>
      bytes
        .replaceAll(String(ports[i]), 'PORT')
        // The random part of a ClientHello.
        .replace(/^(\x16\x03\0.{6}\x03\0).{32}/s, '$1RANDOM'),
    );
  }
  return found;
}
