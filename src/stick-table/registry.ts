/**
 * The stick tables of this thread, made before anything that refers to them is compiled. The memory
 * behind them is that of all threads.
 */
import { randomBytes } from 'node:crypto';
import { assert } from '../base/assert.ts';
import { formatIp } from '../base/value/ip.ts';
import type { Configuration, ServerConfig, StickTableConfig } from '../model/config.ts';
import { Head, tableLayout } from './layout.ts';
import { StickTable } from './table.ts';

let tables: readonly StickTable[] = [];
let byName = new Map<string, StickTable>();
let keys: readonly string[] = [];
let keyNumbers = new Map<string, number>();

export function tableConfigs(config: Configuration): StickTableConfig[] {
  return config.proxies.flatMap((proxy) => (proxy.stickTable === null ? [] : [proxy.stickTable]));
}

/**
 * The memory of all tables, in the order of the configuration. For the control thread, once.
 * @param seed where hashes start; a test gives its own
 */
export function allocateStickTables(config: Configuration, seed?: number): SharedArrayBuffer[] {
  return tableConfigs(config).map((table) => {
    const buffer = new SharedArrayBuffer(tableLayout(table).bytes);
    const words = new Int32Array(buffer, 0, Head.WORDS);
    words[Head.Seed] = seed ?? randomBytes(4).readInt32LE();
    return buffer;
  });
}

/** Makes this thread's tables. @param buffers what `allocateStickTables` has returned */
export function initStickTables(
  config: Configuration,
  buffers: readonly SharedArrayBuffer[],
): readonly StickTable[] {
  tables = tableConfigs(config).map((table, i) => new StickTable(table, i, buffers[i]!));
  byName = new Map(tables.map((table) => [table.name, table]));
  const texts = config.proxies.flatMap((proxy) =>
    proxy.servers.flatMap((server) => [server.name, addressText(server)]),
  );
  keys = [...new Set(texts)];
  keyNumbers = new Map(keys.map((text, i) => [text, i + 1]));
  return tables;
}

/** All tables, in the order of the configuration. */
export function stickTables(): readonly StickTable[] {
  return tables;
}

/** The table of a name that the configuration has been checked for. */
export function stickTable(name: string): StickTable {
  const table = byName.get(name);
  assert(table !== undefined, `no stick table ${name}`);
  return table;
}

/** What stands for a server in `server_key`: its name, or its address and port (11.1 srvkey). */
export function serverKey(table: StickTable, server: ServerConfig): number {
  const text = table.config.serverKey === 'name' ? server.name : addressText(server);
  return keyNumbers.get(text) ?? 0;
}

/** The text behind such a number; null for 0. */
export function serverKeyText(number: number): string | null {
  return keys[number - 1] ?? null;
}

/** `127.0.0.1:80`; of a socket its path. */
function addressText(server: ServerConfig): string {
  const { family, bytes, port, text } = server.address;
  return family === 'ipv4' || family === 'ipv6' ? `${formatIp(bytes)}:${port}` : text;
}
