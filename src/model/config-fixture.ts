/** Test support: nouns of a configuration, with the default of every value a test does not name. */
import type { Address } from '../base/value/address.ts';
import type { ProxyConfig, ServerConfig } from './config.ts';
import { defaultProxy, defaultServer, noAddress } from './defaults.ts';

export const origin = { file: 'test.cfg', line: 1 };

/** An address of the loopback interface. */
export function ipv4(port: number): Address {
  return { ...noAddress(), bytes: [127, 0, 0, 1], port, text: '127.0.0.1' };
}

/** A `listen` section in HTTP mode. */
export function proxyConfig(changes: Partial<ProxyConfig> = {}): ProxyConfig {
  return { ...defaultProxy('l', origin), index: 0, mode: 'http', ...changes };
}

/** The server `s1` for index 0, and so on. */
export function serverConfig(index: number, changes: Partial<ServerConfig> = {}): ServerConfig {
  return {
    ...defaultServer({ file: 'test.cfg', line: index + 1 }),
    index,
    name: `s${index + 1}`,
    id: index + 1,
    address: ipv4(1),
    ...changes,
  };
}
