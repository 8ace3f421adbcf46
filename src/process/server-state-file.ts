/**
 * Reads the states that servers had before a restart, before the first connection is served and while
 * the files can still be reached (configuration.txt 4.2 load-server-state-from-file). A file is used
 * whole or, after one warning, not at all: servers then start as the configuration has them.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { restoreServer } from '../checks/restore.ts';
import type { ServerEntry, ServerStates } from '../checks/server-states.ts';
import { parseStateFile, type StateRow } from '../checks/state-file.ts';
import { fromByteString } from '../config/byte-string.ts';
import type { Configuration, ProxyConfig } from '../model/config.ts';
import { hasBackend } from '../model/entity.ts';
import { errnoText } from '../sys/errno.ts';
import type { Console } from './console.ts';

/** How messages name a file: the global one and that of a backend have words of their own. */
interface FileNames {
  /** `config: ` or `Proxy 'b': `. */
  prefix: string;
  /** `global server state file '...'`. */
  file: string;
  /** Ends a notice about a file that cannot be read. */
  end: string;
}

export function loadServerStates(
  config: Configuration,
  states: ServerStates,
  console: Console,
  wallSeconds: number,
): void {
  const { serverStateBase, serverStateFile } = config.global;
  const resolve = (name: string): string =>
    serverStateBase === null || isAbsolute(name) ? name : join(serverStateBase, name);
  const backends = config.proxies.filter((proxy) => hasBackend(proxy) && !proxy.disabled);
  let globalRows: StateRow[] | null = null;
  for (const proxy of backends) {
    let rows: StateRow[] = [];
    if (proxy.serverState === 'global') {
      if (serverStateFile === null) {
        console.warning(missingFile(proxy));
        continue;
      }
      globalRows ??= readRows(resolve(serverStateFile), globalNames, console);
      rows = globalRows.filter((row) => row.be_name === proxy.name);
    } else if (proxy.serverState === 'local') {
      rows = readRows(resolve(proxy.serverStateName ?? proxy.name), localNames(proxy), console);
    }
    for (const row of rows) apply(proxy, row, states, console, wallSeconds);
  }
}

function missingFile({ name }: ProxyConfig): string {
  return (
    `backend '${name}' configured to load server state file from global section ` +
    "'server-state-file' directive. Unfortunately, 'server-state-file' is not set!"
  );
}

const globalNames: FileNames = { prefix: 'config: ', file: 'global server state file', end: '' };

function localNames({ name }: ProxyConfig): FileNames {
  return { prefix: `Proxy '${name}': `, file: 'server state file', end: '.' };
}

function readRows(path: string, names: FileNames, console: Console): StateRow[] {
  const file = `${names.file} '${path}'`;
  let text: string;
  try {
    text = readFileSync(fromByteString(path), 'latin1');
  } catch (error) {
    const why = errnoText(Math.abs((error as { errno?: number }).errno ?? 0));
    console.notice(`${names.prefix}Can't open ${file}: ${why}${names.end}`);
    return [];
  }
  const found = parseStateFile(text);
  switch (found.kind) {
    case 'empty':
      console.notice(`${names.prefix}Empty ${file}.`);
      return [];
    case 'version':
      console.warning(`${names.prefix}Can't get version of the ${file}.`);
      return [];
    case 'corrupted':
      console.warning(`${names.prefix}corrupted ${file} at line ${found.line}.`);
      return [];
    case 'rows':
      return found.rows.map(({ row }) => row);
  }
}

function apply(
  proxy: ProxyConfig,
  row: StateRow,
  states: ServerStates,
  console: Console,
  wallSeconds: number,
): void {
  const server = findServer(proxy, row, states);
  if (server === undefined) return;
  const problem = restoreServer(states, server, row, wallSeconds);
  if (problem === null) return;
  const { backend, server: name } = server.label;
  console.warning(`server-state ${problem.replace('%', `${backend}/${name}`)}`);
}

/** By name, else by an id that was written in both configurations. */
function findServer(
  proxy: ProxyConfig,
  row: StateRow,
  states: ServerStates,
): ServerEntry | undefined {
  const own = states.servers.filter(({ backend }) => backend.proxy === proxy);
  const named = own.find(({ config }) => config.name === row.srv_name);
  if (named !== undefined || row.srv_f_forced_id !== '1') return named;
  return own.find(({ config }) => config.idGiven && String(config.id) === row.srv_id);
}
