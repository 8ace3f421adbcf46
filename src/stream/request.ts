/**
 * The rules of the frontend and the backend, and the rewritten head: it is left in the client's buffer,
 * ready to be sent to a server.
 *
 * @dataplane
 */
import { serializeHead } from '../http/h1/serialize.ts';
import { ConnectionFlag, type HttpMessage } from '../http/message.ts';
import { Method } from '../http/method.ts';
import { HttpMode, Option } from '../model/config.ts';
import { Verdict } from '../rules/context.ts';
import { mem } from '../sys/arena.ts';
import {
  addConnectionClose,
  addConnectionKeepAlive,
  connectionField,
  takeClose,
} from './connection-field.ts';
import { engine } from './engine.ts';
import { holdRequest } from './hold.ts';
import { bindServer } from './persist.ts';
import type { Plan } from './plan.ts';
import { replyFailure, replyVerdict, runRuleset } from './reply.ts';
import { noteNames } from './secure.ts';
import { serveByControl } from './service.ts';
import { endsAfterResponse } from './soft-stop.ts';
import { Next, Step } from './step.ts';
import { applyStickRules } from './stick.ts';
import { End, type Stream } from './stream.ts';

/** `http-request` of the frontend. */
export function runFrontendRules(strm: Stream): Next {
  const { plan } = strm;
  if (!plan.requestRules.empty) {
    const verdict = runRuleset(strm, plan.requestRules, plan.proxy.frontend);
    if (verdict === Verdict.Wait) return holdRequest(strm);
    if (verdict > Verdict.Allow) return concludeRules(strm, verdict, plan);
  }
  strm.step = Step.Route;
  return Next.Go;
}

/** `http-request` of the backend, and what both proxies tell the server by themselves. */
export function runBackendRules(strm: Stream): Next {
  const { plan, backendPlan } = strm;
  const { requestRules } = backendPlan;
  if (backendPlan !== plan && !requestRules.empty) {
    const verdict = runRuleset(strm, requestRules, backendPlan.proxy.backend);
    if (verdict === Verdict.Wait) return holdRequest(strm);
    if (verdict > Verdict.Allow) return concludeRules(strm, verdict, backendPlan);
  }
  if (!bindServer(strm, backendPlan)) return replyFailure(strm);
  if (!plan.forwardingTo(backendPlan).apply(engine)) return replyFailure(strm);
  // The fields lie elsewhere once the head has been written.
  noteNames(strm);
  if (!placeRequest(strm)) return replyFailure(strm);
  strm.step = Step.Balance;
  return Next.Go;
}

/** A rule of a proxy has the last word on the request. */
function concludeRules(strm: Stream, verdict: Verdict, plan: Plan): Next {
  if (verdict === Verdict.Serve) return serveByControl(strm, plan);
  return replyVerdict(strm, verdict, plan, plan.requestRules);
}

/**
 * Writes the rewritten head so that it ends where the body starts.
 * @returns false when there is no room for it.
 */
function placeRequest(strm: Stream): boolean {
  const { plan, backendPlan: backend } = strm;
  const msg = engine.requestMsg;
  const conn = strm.client!;
  // The head is complete, as the server will see it, and still apart.
  if (backend.balanceKey !== null) {
    strm.balanceKey = backend.balanceKey(engine, strm.bodyOff, conn.outEnd - strm.bodyOff);
  }
  if (backend.stickRules !== null) applyStickRules(strm);
  strm.sentMethod = msg.method;
  const mode = Math.max(plan.config.httpMode, backend.config.httpMode);
  if (mode === HttpMode.Close) strm.clientEnds |= End.Mode;
  // A rule made HEAD of it: the announced body will not come, so only the end can tell the client.
  const isCut = msg.method === Method.Head && strm.method !== Method.Head;
  if (isCut || msg.insecureFraming) strm.clientEnds |= End.Framing;
  if (endsAfterResponse()) strm.clientEnds |= End.Stopping;
  strm.serverEnds = mode === HttpMode.KeepAlive ? 0 : End.Mode;
  // A rule that says `close` ends the server's connection.
  if (takeClose(msg, connectionField(strm))) strm.serverEnds |= End.Rule;
  const pretend = plan.has(Option.HttpPretendKeepalive) || backend.has(Option.HttpPretendKeepalive);
  askServer(msg, strm, strm.serverEnds === 0 || pretend);
  const spelling = backend.has(Option.H1CaseAdjustBogusServer) ? engine.spelling : null;
  const len = serializeHead(msg, engine.assembly, engine.assemblyMax, spelling);
  const dst = strm.bodyOff - len;
  if (len === 0 || dst < conn.buf) return false;
  mem.copyWithin(dst, engine.assembly, engine.assembly + len);
  conn.outRd = dst;
  strm.resendFrom = strm.requestComplete ? dst : 0;
  return true;
}

/** HTTP/1.1 connections persist unless told otherwise, those of HTTP/1.0 when told so. */
function askServer(msg: HttpMessage, strm: Stream, keep: boolean): void {
  const field = connectionField(strm);
  if (msg.version >= 11) {
    if (!keep) addConnectionClose(msg, field);
  } else if (keep && (msg.connection & ConnectionFlag.Upgrade) === 0) {
    addConnectionKeepAlive(msg, field);
  }
}
