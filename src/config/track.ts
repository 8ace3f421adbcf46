/** `track` of server lines (5.2): the servers that others follow, found when all sections are read. */
import type { ProxyConfig, ServerConfig } from '../model/config.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { ParserState } from './section/state.ts';

interface Place {
  proxy: ProxyConfig;
  server: ServerConfig;
}

/** Fills `ServerConfig.track`; messages name the line as HAProxy's second reading does. */
export function resolveTracks(proxies: readonly ProxyConfig[], state: ParserState): void {
  for (const [index, draft] of state.proxies.entries()) {
    const proxy = proxies[index]!;
    for (const [i, text] of draft.tracks.entries()) {
      if (text !== null) resolve({ proxy, server: proxy.servers[i]! }, text, proxies, state);
    }
  }
  for (const proxy of proxies) {
    for (const server of proxy.servers) checkChain({ proxy, server }, proxies, state.diagnostics);
  }
}

function error(place: Place, diagnostics: Diagnostics, text: string): void {
  const { proxy, server } = place;
  const where = `[${server.file}:${server.line}] : 'server ${proxy.name}/${server.name}'`;
  diagnostics.error(null, `${where} : ${text}`);
}

function resolve(
  place: Place,
  text: string,
  proxies: readonly ProxyConfig[],
  { diagnostics }: ParserState,
): void {
  const slash = text.lastIndexOf('/');
  const name = slash < 0 ? place.proxy.name : text.slice(0, slash);
  const proxy = proxies.find((candidate) => {
    return candidate.name === name && candidate.kind !== 'frontend';
  });
  if (proxy === undefined) {
    error(place, diagnostics, `unable to find required proxy '${name}' for tracking.`);
    return;
  }
  const wanted = text.slice(slash + 1);
  const server = proxy.servers.find((candidate) => candidate.name === wanted);
  if (server === undefined) {
    error(place, diagnostics, `unable to find required server '${wanted}' for tracking.`);
    return;
  }
  if (proxy.check.disableOn404 !== place.proxy.check.disableOn404) {
    const what = `unable to use ${name}/${wanted} for tracking: disable-on-404 option inconsistency.`;
    error(place, diagnostics, what);
    return;
  }
  place.server.track = { proxyIndex: proxies.indexOf(proxy), serverIndex: server.index };
}

/** A chain must end at a server that is checked. */
function checkChain(start: Place, proxies: readonly ProxyConfig[], diagnostics: Diagnostics): void {
  const seen = new Set<ServerConfig>();
  let { proxy, server } = start;
  if (server.track === null) return;
  const first = `${proxies[server.track.proxyIndex]!.name}/${
    proxies[server.track.proxyIndex]!.servers[server.track.serverIndex]!.name
  }`;
  while (server.track !== null) {
    if (seen.has(server)) {
      const back = `${start.proxy.name}/${start.server.name}`;
      error(
        start,
        diagnostics,
        `unable to track ${first} as it belongs to a tracking chain looping back to ${back}.`,
      );
      return;
    }
    seen.add(server);
    proxy = proxies[server.track.proxyIndex]!;
    server = proxy.servers[server.track.serverIndex]!;
  }
  if (server.check !== null || server.agent !== null) return;
  error(
    start,
    diagnostics,
    `unable to use ${first} for tracking as it does not have any check nor agent enabled.`,
  );
}
