/**
 * `cookie ... dynamic` (configuration.txt 4.2): the value of a server is a hash of the backend's key and
 * of the server's address and port, so that balancers that share the key agree on it.
 */
import type { ServerConfig } from '../model/config.ts';

/** XXH64 of key, address and port (32 bits) as 16 hexadecimal digits; null without an IP address. */
export function dynamicValue(key: string, server: ServerConfig): string | null {
  const { family, bytes, port } = server.address;
  if (family !== 'ipv4' && family !== 'ipv6') return null;
  const text = Buffer.concat([
    Buffer.from(key, 'latin1'),
    Uint8Array.from(bytes),
    Uint8Array.of(0, 0, port >> 8, port & 255),
  ]);
  return Bun.hash.xxHash64(text, 0n).toString(16).padStart(16, '0');
}
