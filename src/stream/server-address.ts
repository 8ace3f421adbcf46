/**
 * A server gets another address while the process runs (management.txt 9.3 set server addr): new
 * connections go there, idle ones to the old address are closed, streams end where they are.
 */
import type { Address } from '../base/value/address.ts';
import { createSockaddr } from '../sys/socket.ts';
import { engine } from './engine.ts';
import { closeIdleOf } from './idle.ts';

export function changeAddress(proxyIndex: number, serverIndex: number, address: Address): void {
  const server = engine.plans[proxyIndex]!.proxy.servers[serverIndex]!;
  server.config.address = address;
  server.addressLen = createSockaddr(address, server.addressOff);
  closeIdleOf(server);
}
