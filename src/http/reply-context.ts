/**
 * Where a local answer is put together: the part of a rule's context (rules/context.ts) that replies
 * and error pages see.
 *
 * @dataplane
 */
import type { Session, StreamFacts } from '../model/stream.ts';
import type { HttpMessage } from './message.ts';

export interface ReplyContext {
  session: Session;
  /** Null while rules of the connection run. */
  stream: StreamFacts | null;
  /** The response head; null until it is there. In `http-after-response` also a local answer. */
  response: HttpMessage | null;
  /**
   * A local answer that an action prepared in `response` (status, reason and fields): the body
   * slice, in constants (`replyFixed`) or in message scratch.
   */
  replyBodyOff: number;
  replyBodyLen: number;
  /** The body never changes: it may be sent from where it lies, whatever its size. */
  replyFixed: boolean;
  /** There is no answer (an empty errorfile): close without a word. */
  replySilent: boolean;
}
