/**
 * The check of layer 4 (configuration.txt 5.2 check): the server is available when a connection can
 * be established. Nothing is sent; the connection ends with a reset, so that the server's accept
 * often never sees it and no TIME_WAIT stays behind on either side.
 */
import type { CheckKind, CheckOutcome } from './kind.ts';
import { CheckStatus } from './result.ts';

export const tcpCheck: CheckKind = {
  name: 'tcp',
  summary: 'The server is available when a connection can be established.',
  run(target, { clock, connect }, done) {
    const finish = (status: CheckStatus, info: string): void => {
      cancelTimer();
      cancelConnect();
      const outcome: CheckOutcome = { status, code: 0, info };
      done(outcome);
    };
    const cancelTimer = clock.after(target.connectMs, () => finish(CheckStatus.Layer4Timeout, ''));
    const cancelConnect = connect(target, (result) => {
      if (result.kind === 'connected') finish(CheckStatus.Layer4Ok, '');
      else if (result.kind === 'refused') finish(CheckStatus.Layer4Connection, result.info);
      else finish(CheckStatus.SocketError, result.info);
    });
    return () => {
      cancelTimer();
      cancelConnect();
    };
  },
};
