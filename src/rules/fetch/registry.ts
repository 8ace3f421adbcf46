/** The sample fetches (configuration.txt 7.3.2 to 7.3.6), one file per family. */
import type { FetchRow } from '../row.ts';
import { authorizationFetches } from './authorization.ts';
import { captureFetches } from './capture.ts';
import { constantFetches } from './constant.ts';
import { cookieFetches } from './cookie.ts';
import { headerFetches } from './header.ts';
import { layer4Fetches } from './layer4.ts';
import { loadFetches } from './load.ts';
import { messageFetches } from './message.ts';
import { processFetches } from './process.ts';
import { proxyFetches } from './proxy.ts';
import { timerFetches } from './timer.ts';
import { urlFetches } from './url.ts';
import { urlParameterFetches } from './url-parameter.ts';
import { variableFetches } from './variable.ts';

export const fetchRows: readonly FetchRow[] = [
  ...constantFetches,
  ...processFetches,
  ...variableFetches,
  ...proxyFetches,
  ...loadFetches,
  ...layer4Fetches,
  ...timerFetches,
  ...messageFetches,
  ...urlFetches,
  ...urlParameterFetches,
  ...headerFetches,
  ...cookieFetches,
  ...authorizationFetches,
  ...captureFetches,
];

const byName = new Map(fetchRows.map((row) => [row.name, row]));

export function fetchRow(name: string): FetchRow | undefined {
  return byName.get(name);
}

export function fetchNames(): readonly string[] {
  return fetchRows.map((row) => row.name);
}
