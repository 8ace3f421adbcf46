/**
 * The request line of a stream and its parts, for `%r` and the `%H...` aliases: from the capture
 * block, which outlives the request's buffer, or while the request is still there from its head.
 *
 *   method SP target SP version          cut at tune.http.logurilen
 *
 * @dataplane
 */
import { pathEnd, pathStart, queryMark } from '../../http/uri.ts';
import { StreamFlag } from '../../model/stream.ts';
import { mem } from '../../sys/arena.ts';
import type { RuleContext } from '../context.ts';
import { Op } from './alias.ts';

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;

/** The slice that the last call found. */
export let partOff = 0;
export let partLen = 0;

function set(off: number, until: number): true {
  partOff = off;
  partLen = until - off;
  return true;
}

/**
 * Finds a part of the request line and leaves it in `partOff` and `partLen`.
 * @param op RequestLine, Method, UriNoQuery, Path, Query, Uri or Version.
 * @returns false when no valid request was received (`<BADREQ>`).
 */
export function findRequestPart(ctx: RuleContext, op: Op): boolean {
  if (!findLine(ctx)) return false;
  const off = partOff;
  const end = off + partLen;
  if (op === Op.RequestLine) return true;
  let method = off;
  while (method < end && mem[method] !== SPACE) method++;
  if (op === Op.Method) return set(off, method);
  const uri = method < end ? method + 1 : end;
  let uriEnd = uri;
  while (uriEnd < end && mem[uriEnd] !== SPACE) uriEnd++;
  if (op === Op.Version) return set(uriEnd < end ? uriEnd + 1 : end, end);
  if (op === Op.Uri) return set(uri, uriEnd);
  const len = uriEnd - uri;
  if (op === Op.UriNoQuery) return set(uri, queryMark(uri, len));
  // With its question mark; empty when there is none.
  if (op === Op.Query) return set(queryMark(uri, len), uriEnd);
  const path = pathStart(uri, len);
  return set(path, path < uriEnd ? pathEnd(path, uri, len) : path);
}

function findLine(ctx: RuleContext): boolean {
  const strm = ctx.stream;
  if (strm === null) return false;
  if (strm.captureOff !== 0 && (strm.flags & StreamFlag.HasRequest) !== 0) {
    return set(strm.captureOff, strm.captureOff + strm.requestLineLen);
  }
  const request = ctx.request;
  if (request === null || request.methodLen === 0) return false;
  // Rules may have replaced the target: the line is the one that came.
  let end = request.methodOff + request.methodLen;
  const until = request.headOff + request.headLen;
  while (end < until && mem[end] !== CR && mem[end] !== LF) end++;
  return set(request.methodOff, end);
}
