/**
 * The PROXY header of a health check (configuration.txt 5.2 send-proxy; proxy-protocol.txt 2.1, 2.2): the
 * check is nobody's connection, and says so.
 */
import type { CheckConfig, ServerConfig } from '../model/config.ts';

const none = new Uint8Array(0);
const text = Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
const local = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1');

/** Another address or port is asked as it is, unless `check-send-proxy` says otherwise. */
export function greetingOf(server: ServerConfig, check: CheckConfig): Uint8Array {
  const isElsewhere = check.address !== null || check.port !== 0;
  const version = server.sendProxy;
  if (version === 0 ? !check.sendsProxy : isElsewhere && !check.sendsProxy) return none;
  return version === 2 ? local : text;
}
