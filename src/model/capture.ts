/**
 * Layout of a capture block: what must outlive the request's buffer for the log.
 *
 *   0 .. uriMax                 request line, cut at tune.http.logurilen
 *   then per capture slot       2 bytes of length + 1 (0 = nothing captured), then the bytes
 *
 * Slots: request headers, response headers, request cookie, response cookie, unique ID. Every frontend has
 * its own layout; all blocks of a worker have the size of the largest.
 */
import type { ProxyConfig } from './config.ts';

/** Longest unique ID that is kept, in bytes. */
const UNIQUE_ID_MAX = 256;

export interface CaptureLayout {
  uriMax: number;
  /** Offset within the block per request capture, and its capacity in bytes. */
  request: { at: number; max: number }[];
  response: { at: number; max: number }[];
  requestCookie: { at: number; max: number } | null;
  responseCookie: { at: number; max: number } | null;
  /** The unique ID of the request (`unique-id-format`). */
  uniqueId: { at: number; max: number } | null;
  size: number;
}

export function captureLayout(proxy: ProxyConfig, logurilen: number): CaptureLayout {
  let at = logurilen;
  const slot = (max: number) => {
    const here = { at, max };
    at += 2 + max;
    return here;
  };
  const request = proxy.captureRequest.map((c) => slot(c.length));
  const response = proxy.captureResponse.map((c) => slot(c.length));
  const cookie = proxy.captureCookie;
  return {
    uriMax: logurilen,
    request,
    response,
    requestCookie: cookie ? slot(cookie.length) : null,
    responseCookie: cookie ? slot(cookie.length) : null,
    uniqueId: proxy.uniqueIdFormat ? slot(UNIQUE_ID_MAX) : null,
    size: at,
  };
}
