/**
 * Ends the streams of a server from outside: it went down, an active server came up, or an
 * administrator asked for it (configuration.txt 5.2 on-marked-down, on-marked-up; management.txt 9.3
 * shutdown sessions server). Who only waits for the server in its queue stays there.
 *
 * @dataplane
 */
import type { Cause } from '../model/stream.ts';
import { engine } from './engine.ts';
import { abortStream } from './phases.ts';

/**
 * @param server its entity
 * @param cause the first letter of the termination state that logs show
 */
export function shutdownSessions(server: number, cause: Cause): void {
  const streams = engine.streams;
  for (let i = 0; i < streams.length; i++) {
    const strm = streams[i]!;
    if (strm.slotHeld?.entity === server && !strm.ended) abortStream(strm, cause);
  }
}
