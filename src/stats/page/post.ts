/**
 * Forms that administrators send to the page (4.2 "stats admin"): `s=` servers, `b=` their backend by
 * name or `#` and number, `action=`.
 */
import type { ProxyConfig } from '../../model/config.ts';
import type { ServiceRequest } from '../../model/service.ts';
import { decode } from './query.ts';

/** What the page can do to servers. */
export interface ServerActions {
  /** Value and text, in the order of the form. */
  readonly names: readonly (readonly [value: string, text: string])[];
  /** @returns false when the server has no use for it. */
  act(action: string, proxy: ProxyConfig, server: number): boolean;
}

/** `st=` of the page that follows. */
export type Outcome = 'DONE' | 'PART' | 'NONE' | 'ERRP' | 'EXCD' | 'DENY';

interface Form {
  servers: string[];
  backend: string;
  action: string;
}

function readForm(body: string): Form {
  const form: Form = { servers: [], backend: '', action: '' };
  for (const pair of body.split('&')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s).map(decode);
    if (name === 's') form.servers.push(value);
    else if (name === 'b') form.backend = value;
    else if (name === 'action') form.action = value;
  }
  return form;
}

/**
 * A browser says which site a form comes from; a form of another site than this one does nothing. The
 * comparison is one of texts, as the manual has it: `Origin`, else `Referer`, with `Host`.
 */
function isFromElsewhere(request: ServiceRequest): boolean {
  const value = (wanted: string) => request.fields.find(([name]) => name === wanted)?.[1];
  const origin = value('origin') ?? value('referer');
  if (origin === undefined) return false;
  const site = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(origin)?.[1];
  return site === undefined || site !== value('host');
}

/** @param proxies those that the page may change */
export function carryOut(
  request: ServiceRequest,
  proxies: readonly ProxyConfig[],
  all: readonly ProxyConfig[],
  actions: ServerActions,
): Outcome {
  if (!request.admin || isFromElsewhere(request)) return 'DENY';
  if (request.body === null) return 'EXCD';
  const { servers, backend, action } = readForm(request.body);
  if (servers.length === 0 || action === '') return 'NONE';
  if (!actions.names.some(([name]) => name === action)) return 'ERRP';
  const named = (proxy: ProxyConfig) =>
    proxy.kind !== 'frontend' &&
    (backend.startsWith('#') ? `#${proxy.id}` === backend : proxy.name === backend);
  const proxy = proxies.find(named);
  if (proxy === undefined) return all.some(named) ? 'DENY' : 'ERRP';
  return actOn(proxy, servers, action, actions);
}

function actOn(
  proxy: ProxyConfig,
  names: readonly string[],
  action: string,
  actions: ServerActions,
): Outcome {
  let known = 0;
  let done = 0;
  for (const name of names) {
    const index = proxy.servers.findIndex((server) => server.name === name);
    if (index < 0) continue;
    known++;
    if (actions.act(action, proxy, index)) done++;
  }
  if (known === 0) return 'ERRP';
  if (done === 0) return 'NONE';
  return known === names.length ? 'DONE' : 'PART';
}
