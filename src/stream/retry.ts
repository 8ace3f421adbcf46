/**
 * A request that a server did not answer well is sent again, if the configuration wants that
 * (configuration.txt 4.2 retry-on, retries, http-request disable-l7-retry). All of it lies in the
 * client's buffer until an answer begins; one that does not is never sent twice.
 *
 * @dataplane
 */
import { RetryOn } from '../model/config.ts';
import { Counter } from '../model/shared.ts';
import { StreamFlag } from '../model/stream.ts';
import { resend } from './connect.ts';
import { countServer } from './count.ts';
import { Next } from './step.ts';
import type { Stream } from './stream.ts';

/**
 * @param condition what has happened, a `RetryOn` bit
 * @returns Back when the request is sent again, Wait when it is not
 */
export function retryRequest(strm: Stream, condition: number): Next {
  const { retryOn, retries } = strm.backend!.config;
  if ((retryOn & condition) === 0 || strm.retries >= retries) return Next.Wait;
  // An interim response has gone to the client already.
  if (strm.resendFrom === 0 || strm.interim) return Next.Wait;
  if ((strm.flags & StreamFlag.NoRetry) !== 0) return Next.Wait;
  const isError = (condition & (RetryOn.EmptyResponse | RetryOn.JunkResponse)) !== 0;
  if (isError) countServer(strm, Counter.ResponseErrors);
  return resend(strm);
}

/** The condition that a status is; 0 = none. */
export function retryStatus(status: number): number {
  switch (status) {
    case 401:
      return RetryOn.Status401;
    case 403:
      return RetryOn.Status403;
    case 404:
      return RetryOn.Status404;
    case 408:
      return RetryOn.Status408;
    case 421:
      return RetryOn.Status421;
    case 425:
      return RetryOn.Status425;
    case 429:
      return RetryOn.Status429;
    case 500:
      return RetryOn.Status500;
    case 501:
      return RetryOn.Status501;
    case 502:
      return RetryOn.Status502;
    case 503:
      return RetryOn.Status503;
    case 504:
      return RetryOn.Status504;
    default:
      return 0;
  }
}
