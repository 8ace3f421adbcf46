/**
 * Addresses that logs print beyond the client's: asked of the kernel only when a format needs them.
 *
 * @dataplane
 */
import { Family, type Session, type StreamFacts } from '../../model/stream.ts';
import { mem, reserve } from '../../sys/arena.ts';
import {
  copyPeerAddress,
  localAddress,
  peerFamily,
  peerPort,
  remoteAddress,
} from '../../sys/socket.ts';
import { environment } from './environment.ts';

const kernelAddress = reserve(16);

/** What the last `find...` call found: family, port and arena offset of the bytes. */
export let connectedFamily: Family = Family.None;
export let connectedPort = 0;
export let connectedOff = 0;

/** Family of the address the client connected to, asked of the kernel once per session. */
export function destinationFamily(sess: Session): Family {
  if (sess.destinationFamily === Family.None && environment.destinationHook !== null) {
    environment.destinationHook(sess);
  }
  return sess.destinationFamily;
}

/** The address that the connection to the server left from (`%bi`, `%bp`). */
export function findSourceAddress(strm: StreamFacts | null): boolean {
  if (strm === null || strm.serverFd < 0 || !localAddress(strm.serverFd)) return false;
  takeKernelAddress();
  return true;
}

/** The address of the server (`%si`, `%sp`): as configured, or of the connection for port maps. */
export function findServerAddress(strm: StreamFacts | null): boolean {
  const srv = strm === null ? null : strm.server;
  if (strm === null || srv === null) return false;
  if (srv.config.portOffset && strm.serverFd >= 0 && remoteAddress(strm.serverFd)) {
    takeKernelAddress();
    return true;
  }
  const off = srv.addressOff;
  if (off === 0) return false;
  connectedFamily = mem[off]! | (mem[off + 1]! << 8);
  connectedPort = (mem[off + 2]! << 8) | mem[off + 3]!;
  connectedOff = connectedFamily === Family.Inet ? off + 4 : off + 8;
  return true;
}

function takeKernelAddress(): void {
  copyPeerAddress(kernelAddress);
  connectedFamily = peerFamily();
  connectedPort = peerPort();
  connectedOff = kernelAddress;
}
