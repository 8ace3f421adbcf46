/**
 * Answers of the proxy itself on their way to the client: error pages, `deny`, `return`,
 * `redirect`. They take the same path as a server's response (rules, Connection, serialiser) but
 * come out of a block of their own.
 *
 * @dataplane
 */

import { hasErrorPage, prepareErrorPage } from '../http/error-page.ts';
import { removeFraming } from '../http/h1/framing.ts';
import { parseRequest } from '../http/h1/parse.ts';
import { serializeHead } from '../http/h1/serialize.ts';
import { BodyMode, ConnectionFlag, type HttpMessage } from '../http/message.ts';
import { Method } from '../http/method.ts';
import { hasBody } from '../http/status.ts';
import { Option } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause, StreamFlag } from '../model/stream.ts';
import { Verdict } from '../rules/context.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { beginResponse } from '../rules/variable/variables.ts';
import { Event } from '../stick-table/tracking.ts';
import { mem } from '../sys/arena.ts';
import { headSize } from './body.ts';
import { dropRequestCookie } from './capture.ts';
import { dropServer, vanishClient } from './close.ts';
import {
  addConnectionClose,
  addConnectionKeepAlive,
  connectionField,
  takeClose,
} from './connection-field.ts';
import {
  countBadRequest,
  countClient,
  countDeniedRequest,
  countDeniedResponse,
  countIntercepted,
} from './count.ts';
import { engine } from './engine.ts';
import { noteCookie } from './persist.ts';
import type { Plan } from './plan.ts';
import { endsAfterResponse } from './soft-stop.ts';
import { Next, Step } from './step.ts';
import { End, type Stream } from './stream.ts';
import { noteTracked } from './tracked.ts';

/** `HTTP/1.1` and three digits. */
export const STATUS_LINE_LEN = 11;
/** Name and value of `connection: close`, which counts when the answer itself asks for it. */
const CLOSE_BYTES = 15;

/** How long a tarpitted request waits when neither tarpit nor connect timeout is set, in ms. */
const TARPIT_DEFAULT_MS = 5000;

/**
 * Answers with an error page and ends the stream after it. When the response has begun already, or
 * the page is empty, the connection is closed without a word.
 */
export function replyError(strm: Stream, status: number): Next {
  dropServer(strm);
  if (strm.responseStarted) {
    strm.clientEnds |= End.Failure;
    return Next.Done;
  }
  engine.attend(strm);
  engine.request = null;
  engine.response = engine.responseMsg;
  engine.responseMsg.begin();
  const page = hasErrorPage(status) ? status : 500;
  if (strm.unruled) return replyPage(strm, page);
  prepareErrorPage(engine, page);
  if (engine.replySilent) {
    strm.status = page;
    strm.clientEnds |= End.Framing;
    return Next.Done;
  }
  return replyPrepared(strm);
}

/** HTTP clients get an error page; in TCP mode the connection just ends. */
export function replyOrAbort(strm: Stream, status: number): Next {
  return strm.plan.isHttp ? replyError(strm, status) : Next.Abort;
}

/** A malformed request: answered, counted and closed. */
export function replyBadRequest(strm: Stream, status: number): Next {
  const client = strm.client!;
  strm.blame(client.eof || client.error !== 0 ? Cause.Client : Cause.Proxy);
  strm.clientEnds |= End.Failure;
  strm.unruled = true;
  client.unread = true;
  if ((strm.flags & StreamFlag.HasRequest) === 0) countBadRequest(strm);
  else countClient(strm, Counter.RequestErrors);
  return replyError(strm, status);
}

/** An error before any rule saw the request: the page as it is, then the end. */
function replyPage(strm: Stream, status: number): Next {
  const pages = strm.plan.errorPages;
  strm.status = status;
  strm.clientEnds |= End.Failure;
  const len = pages.len(status);
  return len === 0 ? Next.Done : startReply(strm, pages.off(status), len);
}

/**
 * Runs a ruleset, from the rule on that has waited, and counts the edits that failed without stopping
 * it.
 */
export function runRuleset(strm: Stream, rules: Ruleset, entity: number): Verdict {
  const verdict = rules.run(engine, strm.ruleIndex);
  strm.ruleIndex = verdict === Verdict.Wait ? rules.at : 0;
  if (rules.failedRewrites > 0) {
    engine.count(entity, Counter.FailedRewrites, rules.failedRewrites);
    if (strm.server !== null) {
      engine.count(strm.server.entity, Counter.FailedRewrites, rules.failedRewrites);
    }
  }
  return verdict;
}

/** A rule has decided. @param plan the proxy whose rule it was; @param rules its ruleset */
export function replyVerdict(strm: Stream, verdict: Verdict, plan: Plan, rules: Ruleset): Next {
  const isBackend = strm.inBackend && plan === strm.backendPlan;
  const entity = isBackend ? plan.proxy.backend : strm.frontend!.frontend;
  switch (verdict) {
    case Verdict.Deny:
      strm.blame(Cause.Proxy);
      if (strm.step === Step.Request) {
        countDeniedResponse(strm);
      } else {
        refuseRequest(strm);
        noteCookie(strm);
      }
      return replyPrepared(strm);
    case Verdict.Reply:
      strm.blame(Cause.Local);
      dropRequestCookie(strm);
      countIntercepted(strm);
      return replyPrepared(strm);
    case Verdict.Drop:
      strm.blame(Cause.Proxy);
      countDeniedRequest(strm);
      if (engine.dropSilently) vanishClient(strm.client!, engine.dropTtl);
      return Next.Abort;
    case Verdict.Tarpit:
      return holdBack(strm, plan, rules);
    default:
      engine.count(entity, Counter.FailedRewrites, 1);
      return replyFailure(strm);
  }
}

/** A rule has refused the request: an error of its client. */
function refuseRequest(strm: Stream): void {
  countDeniedRequest(strm);
  noteTracked(strm, Event.Error, 1);
}

/** The head outgrew its limits or a rule failed: 500, `PR--`. */
export function replyFailure(strm: Stream): Next {
  strm.blame(Cause.Proxy);
  return replyError(strm, 500);
}

/** `http-request tarpit`: hold the connection without a word, then answer. */
function holdBack(strm: Stream, plan: Plan, rules: Ruleset): Next {
  const timeout = strm.backend!.config.timeout;
  let ms = timeout.tarpit >= 0 ? timeout.tarpit : timeout.connect;
  if (ms < 0) ms = TARPIT_DEFAULT_MS;
  // 8.5: a tarpitted request is `T` from here on, however it ends.
  strm.step = Step.Tarpit;
  noteCookie(strm);
  strm.tarpitPlan = plan;
  strm.ruleIndex = rules.at;
  engine.timers.set(engine.streamTimer(strm), engine.nowMs + ms);
  return Next.Wait;
}

/** Other streams have used the message: makes it and the context the stream's again. */
export function readHeadAgain(strm: Stream): boolean {
  engine.attend(strm);
  const msg = engine.requestMsg;
  engine.request = msg;
  engine.response = engine.responseMsg;
  return parseRequest(msg, strm.headOff, strm.headLen, engine.httpMaxhdr, true) > 0;
}

/** The time is over: the rule's answer is made now, from the request as it came. */
export function endTarpit(strm: Stream): Next {
  const rules = strm.tarpitPlan!.requestRules;
  strm.blame(Cause.Proxy);
  refuseRequest(strm);
  if (!readHeadAgain(strm)) return replyError(strm, 500);
  engine.responseMsg.begin();
  if (rules.answer(engine, strm.ruleIndex) === Verdict.Fail) return replyError(strm, 500);
  return replyPrepared(strm);
}

/** The answer stands in `engine.responseMsg` and `engine.replyBody*`. */
export function replyPrepared(strm: Stream): Next {
  dropServer(strm);
  beginResponse(strm);
  const { plan } = strm;
  const msg = engine.responseMsg;
  strm.status = msg.status;
  if (engine.replySilent) {
    strm.clientEnds |= End.Framing;
    return Next.Done;
  }
  const client = strm.client!;
  if ((msg.connection & ConnectionFlag.Close) !== 0) strm.clientEnds |= End.Rule;
  if (endsAfterResponse()) strm.clientEnds |= End.Stopping;
  // HTTP/1.0 has no way to say that the rest of the request is still welcome.
  if (client.body !== BodyMode.None && strm.version < 11) strm.clientEnds |= End.Framing;
  runAfterResponse(strm, plan);
  if (!hasBody(msg.status)) {
    engine.replyBodyLen = 0;
    removeFraming(msg);
  }
  const byRule = takeClose(msg, connectionField(strm));
  if (byRule) strm.clientEnds |= End.Rule;
  const closes = byRule || (msg.connection & ConnectionFlag.Close) !== 0;
  const counted = headSize(STATUS_LINE_LEN + msg.reasonLen, msg) + (closes ? CLOSE_BYTES : 0);
  tellClient(msg, strm);
  const block = engine.buffers.take();
  if (block === 0) return failReply(strm);
  strm.replyBlock = block;
  const spelling = plan.has(Option.H1CaseAdjustBogusClient) ? engine.spelling : null;
  const len = serializeHead(msg, block, engine.bufsize, spelling);
  if (len === 0 || !placeBody(strm, block + len)) {
    engine.buffers.give(block);
    strm.replyBlock = 0;
    // With a tiny tune.bufsize not even this page fits.
    return msg.status === 500 ? failReply(strm) : replyError(strm, 500);
  }
  strm.bytesOut += counted;
  return startReply(strm, block, strm.replyEnd - block);
}

/**
 * Puts the body behind the head that ends at `end`, or where it lies behind it in the order of sending.
 * @returns false when it is one that must be copied, and does not fit.
 */
function placeBody(strm: Stream, end: number): boolean {
  strm.replyEnd = end;
  if (strm.method === Method.Head) {
    strm.replyBytes = null;
    strm.replyChunked = false;
    return true;
  }
  const off = engine.replyBodyOff;
  const len = engine.replyBodyLen;
  if (end + len <= strm.replyBlock + engine.bufsize) {
    mem.copyWithin(end, off, off + len);
    strm.replyEnd += len;
    strm.bytesOut += len;
    return true;
  }
  if (!engine.replyFixed) return false;
  strm.replyRestRd = off;
  strm.replyRestEnd = off + len;
  return true;
}

/** Says whether the client's connection persists, where its version does not say so by itself. */
export function tellClient(msg: HttpMessage, strm: Stream): void {
  if (strm.clientEnds !== 0) {
    if (msg.version >= 11) addConnectionClose(msg, connectionField(strm));
  } else if (msg.version < 11 || strm.version < 11) {
    addConnectionKeepAlive(msg, connectionField(strm));
  }
}

/** The answer does not fit or there is no memory: the connection ends without one. */
function failReply(strm: Stream): Next {
  strm.cause = Cause.Internal;
  strm.clientEnds |= End.Failure;
  return Next.Done;
}

/** `http-after-response` of the backend, then of the frontend. A failure leaves what was done. */
export function runAfterResponse(strm: Stream, plan: Plan): void {
  engine.response = engine.responseMsg;
  const backend = strm.backendPlan;
  if (strm.inBackend && backend !== plan && !backend.afterResponseRules.empty) {
    runRuleset(strm, backend.afterResponseRules, backend.proxy.backend);
  }
  if (plan.afterResponseRules.empty) return;
  runRuleset(strm, plan.afterResponseRules, plan.proxy.frontend);
}

/** The answer begins at `off`, in its own block or in constants. */
function startReply(strm: Stream, off: number, len: number): Next {
  strm.replyRd = off;
  strm.replyEnd = off + len;
  strm.responseStarted = true;
  if (strm.plan.has(Option.LogAsap) && !strm.unruled) strm.flags |= StreamFlag.LoggedEarly;
  return Next.Answer;
}
