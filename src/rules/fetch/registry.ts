/** The sample fetches (configuration.txt 7.3.2 to 7.3.6), one file per family. */
import type { FetchRow } from '../row.ts';
import { authorizationFetches } from './authorization.ts';
import { bodyFetches } from './body.ts';
import { captureFetches } from './capture.ts';
import { constantFetches } from './constant.ts';
import { cookieFetches } from './cookie.ts';
import { headerFetches } from './header.ts';
import { helloFetches } from './hello.ts';
import { layer4Fetches } from './layer4.ts';
import { loadFetches } from './load.ts';
import { messageFetches } from './message.ts';
import { payloadFetches } from './payload.ts';
import { processFetches } from './process.ts';
import { proxyFetches } from './proxy.ts';
import { stickSourceFetches } from './stick-source.ts';
import { tcpInfoFetches } from './tcp-info.ts';
import { timerFetches } from './timer.ts';
import { tlsFetches } from './tls.ts';
import { certificateFetches } from './tls-certificate.ts';
import { trackedFetches } from './tracked.ts';
import { urlFetches } from './url.ts';
import { urlHashFetches } from './url-hash.ts';
import { urlParameterFetches } from './url-parameter.ts';
import { variableFetches } from './variable.ts';

/** What is read from the head of an HTTP message. */
const headFetches: readonly FetchRow[] = [
  ...messageFetches,
  ...bodyFetches,
  ...urlFetches,
  ...urlHashFetches,
  ...urlParameterFetches,
  ...headerFetches,
  ...cookieFetches,
  ...authorizationFetches,
];

export const fetchRows: readonly FetchRow[] = [
  ...constantFetches,
  ...processFetches,
  ...variableFetches,
  ...proxyFetches,
  ...loadFetches,
  ...layer4Fetches,
  ...tcpInfoFetches,
  ...timerFetches,
  ...tlsFetches,
  ...certificateFetches,
  ...stickSourceFetches,
  ...trackedFetches,
  ...headFetches,
  ...payloadFetches,
  ...helloFetches,
  ...captureFetches,
];

const byName = new Map(fetchRows.map((row) => [row.name, row]));

export function fetchRow(name: string): FetchRow | undefined {
  return byName.get(name);
}

const headNames = new Set(headFetches.map((row) => row.name));

const byteNames = new Set([...payloadFetches, ...helloFetches].map((row) => row.name));

/** Whether a fetch reads bytes as they have come, which HTTP mode does not have (7.3.5). */
export function readsBytes(name: string): boolean {
  return byteNames.has(name as never);
}

/** Whether a fetch reads the head of an HTTP message. */
export function readsHead(name: string): boolean {
  return headNames.has(name);
}

export function fetchNames(): readonly string[] {
  return fetchRows.map((row) => row.name);
}
