/**
 * Where a sample fetch has a value: the columns of the fetch table (`-dKsmp`), the names of its
 * sets, and what the manual calls the data that is missing elsewhere (configuration.txt 7.3).
 */
import { Place } from './scope.ts';

/** Names of the columns, oldest rule first: for `-dKsmp` and warnings about conditions. */
export const placeNames = [
  'frontend tcp-request connection rule',
  'frontend tcp-request session rule',
  'frontend tcp-request content rule',
  'frontend http-request header rule',
  'frontend http-request body rule',
  'frontend use-backend rule',
  'backend tcp-request content rule',
  'backend http-request header rule',
  'backend http-request body rule',
  'backend use-server, balance or stick-match rule',
  'server source selection',
  'backend tcp-response content rule',
  'backend http-response header rule',
  'backend http-response body rule',
  'backend stick-store rule',
  'frontend tcp-response content rule',
  'frontend http-response header rule',
  'frontend http-response body rule',
  'logs',
  'backend tcp-check rule',
  'configuration parser',
  'CLI parser',
] as const;

export function placeName(place: Place): string {
  return placeNames[place]!;
}

/** Sets of places, as rows of the table of fetches write them. */
export const valid = {
  anywhere: 'YYYYYYYYYYYYYYYYYYYYYY',
  /** Everything but the configuration parser. */
  running: 'YYYYYYYYYYYYYYYYYYYY.Y',
  /** The client's connection. */
  client: 'YYYYYYYYYYYYYYYYYYYY..',
  /** The client's session, not in checks. */
  session: 'YYYYYYYYYYYYYYYYYYY...',
  /** The client's session once its connection is open. */
  handshake: '.YYYYYYYYYYYYYYYYYY...',
  /** The request's head, as long as it is there. */
  request: '..YYYYYYYYY...........',
  /** Facts of the request that are kept until its end. */
  transaction: '..YYYYYYYYYYYYYYYYY...',
  /** From the choice of the backend on. */
  backend: '......YYYYYYYYYYYYYY..',
  /** From the choice of the server on. */
  server: '..........YYYYYYYYYY..',
  /** The response's head, as long as it is there. */
  responseHead: '...........YYYYYYY.Y..',
  /** Facts of the response that are kept until its end. */
  response: '...........YYYYYYYYY..',
  /** Counters of the response stream. */
  responseBytes: '.........YYYYYYYYYY...',
  /** The head of the message that the rule is about. */
  head: '..YYYYYYYYYYYYYYYY.Y..',
} as const;

const needs: Record<string, string> = {
  [valid.running]: 'internal state',
  [valid.client]: 'client address',
  [valid.session]: 'client session',
  [valid.handshake]: 'client session',
  [valid.request]: 'HTTP request headers',
  [valid.transaction]: 'HTTP request',
  [valid.backend]: 'backend',
  [valid.server]: 'server',
  [valid.responseHead]: 'HTTP response headers',
  [valid.response]: 'HTTP response',
  [valid.responseBytes]: 'response buffer',
  [valid.head]: 'HTTP request headers,HTTP response headers',
};

/** Null when the fetch is valid at `place`, otherwise what it needs. */
export function placeNeed(columns: string, place: Place): string | null {
  return columns[place] === 'Y' ? null : (needs[columns] ?? 'information');
}

/** Whether rules of this place look at a response. */
export function isResponsePlace(place: Place): boolean {
  return (
    (place >= Place.BackendResponseContent && place <= Place.BackendResponseBody) ||
    (place >= Place.FrontendResponseContent && place <= Place.FrontendResponseBody)
  );
}
