/**
 * Proxies and servers that rules name (configuration.txt 7.3.2: `nbsrv(app)`, `srv_conn(app/s1)`).
 *
 * A name may stand before its section is read, so the parser notes it and judges it when the whole
 * configuration is known; a worker turns it into the number that shared state has for it.
 */
import { assert } from '../base/assert.ts';
import type { Configuration, Origin, ProxyConfig, ServerConfig } from '../model/config.ts';
import { hasBackend, hasFrontend } from '../model/entity.ts';
import type { EntityMap } from '../model/shared.ts';
import type { Session } from '../model/stream.ts';

export type EntityKind = 'frontend' | 'backend' | 'server';

/** A name as an expression uses it. */
export interface EntityUse {
  kind: EntityKind;
  /** Of a server: `server`, or `backend/server`. */
  name: string;
  /** The line names no proxy: its own is meant. */
  isOwn: boolean;
  /** The fetch that it is an argument of. */
  keyword: string;
  isCriterion: boolean;
}

/** A name to be judged when all sections are known. */
export interface EntityReference extends Origin {
  kind: EntityKind;
  name: string;
  isOwn: boolean;
  /** The proxy of the line. */
  proxy: string;
  /** Completes messages: `arg 1 of ACL keyword 'nbsrv' in proxy 'web'`. */
  where: string;
}

/** A proxy, and for a server which of its servers. */
export interface Entity {
  proxy: ProxyConfig;
  server: ServerConfig | null;
}

/** The sides of a name; a server's proxy has a backend side. */
function findProxy(
  proxies: readonly ProxyConfig[],
  name: string,
  hasSide: (proxy: ProxyConfig) => boolean,
): ProxyConfig | undefined {
  return proxies.find((proxy) => proxy.name === name && hasSide(proxy));
}

function splitServer(text: string, own: string): { proxy: string; server: string } {
  const slash = text.indexOf('/');
  if (slash < 0) return { proxy: own, server: text };
  return { proxy: text.slice(0, slash), server: text.slice(slash + 1) };
}

/** Finds what a reference means, or says in HAProxy's words why it means nothing. */
export function resolveEntity(
  reference: EntityReference,
  proxies: readonly ProxyConfig[],
): Entity | string {
  const { kind, name, where } = reference;
  if (kind === 'server') return resolveServer(reference, proxies);
  const hasSide = kind === 'frontend' ? hasFrontend : hasBackend;
  const proxy = findProxy(proxies, name, hasSide);
  if (proxy !== undefined) return { proxy, server: null };
  if (reference.isOwn) {
    return `proxy '${name}', referenced in ${where}, has not ${kind} capability.`;
  }
  return `unable to find ${kind} '${name}' referenced in ${where}.`;
}

function resolveServer(
  { name, proxy: own, where }: EntityReference,
  proxies: readonly ProxyConfig[],
): Entity | string {
  if (name === '') return `missing server name in ${where}.`;
  const wanted = splitServer(name, own);
  const proxy =
    findProxy(proxies, wanted.proxy, hasBackend) ?? findProxy(proxies, wanted.proxy, hasFrontend);
  if (proxy === undefined) return `unable to find proxy '${wanted.proxy}' referenced in ${where}.`;
  const server = proxy.servers.find((one) => one.name === wanted.server);
  if (server !== undefined) return { proxy, server };
  return `unable to find server '${wanted.server}' in proxy '${wanted.proxy}', referenced in ${where}.`;
}

/** A proxy's side or a server, as a worker reads its state. */
export class Target {
  /** Number in shared memory. */
  readonly entity: number;
  readonly proxy: ProxyConfig;
  readonly server: ServerConfig | null;
  /** Of a backend: the numbers of its servers. */
  readonly servers: Int32Array;

  constructor(entity: number, { proxy, server }: Entity, servers: readonly number[]) {
    this.entity = entity;
    this.proxy = proxy;
    this.server = server;
    this.servers = Int32Array.from(servers);
  }
}

let known: { config: Configuration; entities: EntityMap } | null = null;

/** Tells this thread the proxies of the configuration and their numbers, before rules compile. */
export function initEntities(config: Configuration, entities: EntityMap): void {
  known = { config, entities };
}

/** The number of the bind line that a session came in by; -1 when it is not known. */
export function listenerEntity({ frontend, bindIndex }: Session): number {
  if (known === null || frontend === null) return -1;
  return known.entities.listener[frontend.index]![bindIndex]!;
}

/** The target of a name that `resolveEntity` has found. @param name `proxy`, or `proxy/server` */
export function compileTarget(kind: EntityKind, name: string): Target {
  assert(known !== null, 'proxies are known before rules are compiled');
  const { config, entities } = known;
  const reference = { kind, name, isOwn: false, proxy: '', where: '', file: '', line: 0 };
  const found = resolveEntity(reference, config.proxies);
  assert(typeof found !== 'string', 'a name was found when the configuration was read');
  const { index } = found.proxy;
  const servers = entities.server[index]!;
  if (found.server !== null) return new Target(servers[found.server.index]!, found, servers);
  const sides = kind === 'frontend' ? entities.frontend : entities.backend;
  return new Target(sides[index]!, found, servers);
}
