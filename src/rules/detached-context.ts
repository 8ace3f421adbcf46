/** A context of rules outside of the data plane: for checks, the configuration, the Runtime API. */
import type { Session, StreamFacts } from '../model/stream.ts';
import type { RuleContext } from './context.ts';
import { Sample } from './sample.ts';

/** Nothing has come, and nothing more will. */
export function createDetachedContext(session: Session, stream: StreamFacts | null): RuleContext {
  return {
    session,
    stream,
    request: null,
    response: null,
    requestBytesOff: 0,
    requestBytesLen: 0,
    responseBytesOff: 0,
    responseBytesLen: 0,
    isHeadAwaited: false,
    isFinal: true,
    isUndecided: false,
    isResumed: false,
    waitMs: 0,
    waitBytes: -1,
    dropSilently: false,
    dropTtl: 0,
    sample: new Sample(),
    nowDateMs: 0,
    nowMs: 0,
    stopping: false,
    replyBodyOff: 0,
    replyBodyLen: 0,
    replyFixed: false,
    replySilent: false,
  };
}
