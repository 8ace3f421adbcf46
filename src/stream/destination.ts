/**
 * The address that a client connected to.
 *
 * @dataplane
 */
import { Family, type Session } from '../model/stream.ts';
import { copyPeerAddress, localAddress, peerFamily, peerPort } from '../sys/socket.ts';

/** Asks the kernel for the destination address of a session, once. */
export function fetchDestination(sess: Session): void {
  if (sess.destinationFamily !== Family.None || !localAddress(sess.fd)) return;
  sess.destinationFamily = peerFamily() as Family;
  sess.destinationPort = sess.destinationFamily === Family.Unix ? 0 : peerPort();
  copyPeerAddress(sess.addressOff + 16);
}
