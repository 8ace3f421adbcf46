/** `option redis-check` (configuration.txt 4.2): PING, to which a server answers `+PONG`. */
import type { CheckStepConfig } from '../../model/config.ts';
import { wait } from '../outcome.ts';
import { CheckStatus } from '../result.ts';
import { answerStep, connectStep, firstLine, mismatch, type ProtocolRow, sendStep } from './row.ts';

export function redisSteps(): CheckStepConfig[] {
  return [connectStep(1), sendStep(2, '*1\r\n$4\r\nPING\r\n'), answerStep(3, 'redis')];
}

export const redis: ProtocolRow = {
  name: 'redis',
  examine(bytes, isLast) {
    if (Buffer.from(bytes).includes('+PONG\r\n')) {
      return { kind: 'match', info: 'Redis server is ok' };
    }
    return isLast ? mismatch(CheckStatus.Layer7Status, firstLine(bytes)) : wait;
  },
};
