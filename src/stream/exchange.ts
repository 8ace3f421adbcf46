/**
 * An HTTP exchange: the request goes to the server and the response to the client, both at once
 * (steps Request, Transfer and Last).
 *
 * @dataplane
 */
import { BodyMode } from '../http/message.ts';
import { Option } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { Cause } from '../model/stream.ts';
import { Event } from '../stick-table/tracking.ts';
import { endWrite } from '../transport/io.ts';
import { flush, forward, retryForBuffer } from './body.ts';
import { countClient, countServer } from './count.ts';
import { engine } from './engine.ts';
import { Flow } from './flow.ts';
import { checkHeld, Held } from './hold-response.ts';
import { countBytes } from './log.ts';
import { replyError } from './reply.ts';
import { badResponse, onResponseTimeout, readResponse, resumeResponse } from './response.ts';
import { Next, Step } from './step.ts';
import { End, type Stream } from './stream.ts';
import { noteTracked } from './tracked.ts';

/** Most response heads of one stream in one turn: a server may send interim ones without end. */
const HEADS_PER_TURN = 16;

/** Most rules that wait for what is there already, of one response in one turn. */
const WAITS_PER_TURN = 1024;

/** Goes on with whatever both sides are ready for. */
export function runExchange(strm: Stream): Next {
  const client = strm.client!;
  const server = strm.serverConn!;
  if (!strm.requestSent) {
    const flow = forward(client, server);
    if (flow !== Flow.Wait && flow !== Flow.Blocked) {
      const next = onRequestFlow(strm, flow);
      if (next !== Next.Go) return next;
    }
  }
  // A client that is gone for good must not keep a server busy.
  if (client.error !== 0 && !strm.requestSent) return clientLeft(strm);
  if (strm.responseComplete) return strm.requestSent ? Next.Done : armTimers(strm);
  if (strm.step === Step.Request) {
    if (client.hup && givesUp(strm)) return clientLeft(strm);
    const next = strm.isResponseHeld ? awaitHeld(strm) : awaitHead(strm);
    if (next !== Next.Wait) return next;
    if (strm.isResponseHeld) return next;
  }
  if (strm.responseStarted) {
    const flow = forward(server, client);
    if (flow !== Flow.Wait && flow !== Flow.Blocked) return onResponseFlow(strm, flow);
  }
  return armTimers(strm);
}

/** Reads response heads until the final one. @returns Wait when the exchange goes on here. */
function awaitHead(strm: Stream): Next {
  const client = strm.client!;
  const server = strm.serverConn!;
  for (let heads = 0; !strm.responseStarted && !strm.isResponseHeld; heads++) {
    if (strm.interim && flush(server, client) !== Flow.Done) return Next.Wait;
    if (heads === HEADS_PER_TURN) {
      engine.resume(server);
      return Next.Wait;
    }
    const isBare = !server.readable && server.inRd === server.inWr;
    if (isBare && !server.eof && server.error === 0) return Next.Wait;
    const next = readResponse(strm);
    if (next !== Next.Go) return next;
  }
  if (strm.isResponseHeld) return awaitHeld(strm);
  return strm.step === Step.Tunnel ? Next.Go : Next.Wait;
}

/** A response whose rules wait. @returns Wait as long as they do, or when it is ready to be sent */
function awaitHeld(strm: Stream): Next {
  for (let waits = 0; strm.isResponseHeld; waits++) {
    const held = waits === WAITS_PER_TURN ? Held.Yes : checkHeld(strm);
    switch (held) {
      case Held.Yes:
        return Next.Wait;
      case Held.Late:
        return onResponseTimeout(strm);
      case Held.Invalid:
        return badResponse(strm);
      default:
    }
    const next = resumeResponse(strm);
    if (next !== Next.Go) return next;
  }
  return strm.step === Step.Tunnel ? Next.Go : Next.Wait;
}

/** Whether a client that closed its side gives up its request (4.2 option abortonclose). */
export function givesUp(strm: Stream): boolean {
  if (strm.client!.error !== 0) return true;
  return ((strm.plan.options | strm.backendPlan.options) & Option.AbortOnClose) !== 0;
}

/** @returns Go when the exchange goes on. */
function onRequestFlow(strm: Stream, flow: Flow): Next {
  const client = strm.client!;
  switch (flow) {
    case Flow.Done:
      strm.requestSent = true;
      strm.requestComplete = true;
      return Next.Go;
    case Flow.TargetError:
      // The server takes no more; it may have answered before (RFC 9112 9.5).
      strm.requestSent = true;
      client.unread = client.unread || client.body !== BodyMode.None;
      strm.serverEnds |= End.Failure;
      strm.serverConn!.readable = true;
      return Next.Go;
    case Flow.Invalid:
      strm.blame(Cause.Proxy);
      strm.clientEnds |= End.Failure;
      client.unread = true;
      countClient(strm, Counter.RequestErrors);
      return replyError(strm, 400);
    case Flow.NoBuffer:
      retryForBuffer(strm);
      return Next.Go;
    default:
      return clientLeft(strm);
  }
}

function onResponseFlow(strm: Stream, flow: Flow): Next {
  const client = strm.client!;
  switch (flow) {
    case Flow.Done:
      strm.responseComplete = true;
      if (strm.requestSent) return Next.Done;
      strm.step = Step.Last;
      // An early answer: the server still gets the rest of the request (RFC 9112 9.3). A client
      // whose connection ends with the answer must see its end now.
      if (strm.clientEnds !== 0) endWrite(client);
      return armTimers(strm);
    case Flow.TargetError:
      return clientLeft(strm);
    case Flow.NoBuffer:
      retryForBuffer(strm);
      return Next.Wait;
    default:
      strm.blame(flow === Flow.Invalid ? Cause.Proxy : Cause.Server);
      // 9.1: srv_abrt is a part of eresp.
      countServer(strm, Counter.ServerAborts);
      countServer(strm, Counter.ResponseErrors);
      noteTracked(strm, Event.Failure, 1);
      return Next.Abort;
  }
}

/** The client aborted in the middle of its request or of the response. */
function clientLeft(strm: Stream): Next {
  strm.blame(Cause.Client);
  engine.count(strm.frontend!.frontend, Counter.ClientAborts, 1);
  countServer(strm, Counter.ClientAborts);
  if (strm.responseStarted || strm.requestSent) return Next.Abort;
  // Half of a request is a bad request; who has only closed one direction still reads the answer.
  strm.clientEnds |= End.Failure;
  return replyError(strm, 400);
}

/** Timers of an exchange: who is waited for, and since when. */
function armTimers(strm: Stream): Next {
  if (strm.plan.has(Option.Contstats)) countBytes(strm);
  const client = strm.client!;
  const server = strm.serverConn!;
  const clientMs = strm.frontend!.config.timeout.client;
  const serverMs = strm.backend!.config.timeout.server;
  const timers = engine.timers;
  // A client that does not take what is ready holds back the server, which then is not to blame.
  const clientBlocks = strm.responseStarted && !client.writable;
  const clientWaited = !strm.requestSent || clientBlocks;
  if (clientWaited && clientMs >= 0) timers.set(client.id, client.activeMs + clientMs);
  else timers.clear(client.id);
  const serverWaited = strm.requestSent ? !clientBlocks : !server.writable;
  if (serverWaited && serverMs >= 0) timers.set(server.id, server.activeMs + serverMs);
  else timers.clear(server.id);
  return Next.Wait;
}
