/**
 * A local answer on its way to the client.
 *
 * @dataplane
 */
import { Errno, errno } from '../sys/errno.ts';
import { send } from '../sys/socket.ts';
import { noteSend } from './body.ts';
import { engine } from './engine.ts';
import { Next } from './step.ts';
import { End, type Stream } from './stream.ts';

/** Sends the answer as far as the client takes it. */
export function sendAnswer(strm: Stream): Next {
  const conn = strm.client!;
  while (strm.replyRd < strm.replyEnd) {
    if (!conn.writable) return waitForClient(strm);
    noteSend(conn);
    const n = send(conn.fd, strm.replyRd, strm.replyEnd - strm.replyRd, false);
    if (n < 0) {
      const code = errno();
      if (code === Errno.EINTR) continue;
      if (code === Errno.EAGAIN) {
        conn.writable = false;
        continue;
      }
      conn.error = code;
      strm.clientEnds |= End.Failure;
      return Next.Done;
    }
    conn.activeMs = engine.nowMs;
    strm.replyRd += n;
  }
  strm.responseComplete = true;
  return Next.Done;
}

function waitForClient(strm: Stream): Next {
  const ms = strm.frontend!.config.timeout.client;
  if (ms >= 0) engine.timers.set(strm.client!.id, strm.client!.activeMs + ms);
  return Next.Wait;
}
