/**
 * Which connections are TLS: those of `bind ... ssl` lines and to `server ... ssl` servers
 * (configuration.txt 5.1, 5.2), and the names that servers are told (`sni`). An expression about the
 * request is evaluated while the request is there, before a server has been chosen, and kept with the
 * stream; a connection that was told a name is reused for the same name only.
 *
 * @dataplane
 */
import { randomInt } from 'node:crypto';
import type { ExprConfig } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { asString } from '../rules/cast.ts';
import { compileExpression, type Expression } from '../rules/expression.ts';
import { Sample } from '../rules/sample.ts';
import { mem } from '../sys/arena.ts';
import { BlockPool } from '../sys/pool.ts';
import { TlsClient } from '../transport/tls/client.ts';
import { TlsListener } from '../transport/tls/listener.ts';
import { initSessionCache } from '../transport/tls/session-cache.ts';
import { initTls, openTls } from '../transport/tls.ts';
import { engine } from './engine.ts';
import { proxyHeaderOff, putProxyHeader } from './proxy-header.ts';
import type { Conn, Stream } from './stream.ts';
import type { WorkerInit } from './worker-init.ts';

/** A value in a block: its length, then at most so many bytes (RFC 6066 3, RFC 1035 2.3.4). */
const NAME_MAX = 255;
const SLOT_BYTES = 1 + NAME_MAX;

/** By proxy and bind line; null where it is plain. */
const listeners: (TlsListener | null)[][] = [];
/** By proxy and server: its context, and which of the backend's names it is told; -1 = none. */
const clients: (TlsClient | null)[][] = [];
const nameIndex: number[][] = [];
/** By proxy: the different `sni` expressions of its servers. */
const expressions: Expression[][] = [];
let blocks: BlockPool | null = null;
const sample = new Sample();
const seedA = randomInt(1 << 30);
const seedB = randomInt(1 << 30);

/** Makes what the worker needs for TLS. */
export function createSecure(init: WorkerInit): void {
  listeners.length = 0;
  clients.length = 0;
  nameIndex.length = 0;
  expressions.length = 0;
  blocks = null;
  const { config, tls } = init;
  if (tls !== null) {
    initTls(config.global.tls.hardMaxRecord);
    initSessionCache(tls.sessions);
  }
  const defaults = config.global.tls;
  for (const proxy of config.proxies) {
    listeners.push(
      proxy.binds.map((bind) => {
        if (tls === null || !bind.ssl || proxy.disabled) return null;
        const name = `${proxy.kind} ${proxy.name} ${bind.index}`;
        return new TlsListener({
          bind,
          name,
          isHttp: proxy.mode === 'http',
          defaults,
          secrets: tls,
        });
      }),
    );
    clients.push(
      proxy.servers.map((server) =>
        tls === null || !server.ssl ? null : new TlsClient(server, defaults),
      ),
    );
    const texts = new Map<string, ExprConfig>();
    for (const { sni } of proxy.servers) if (sni !== null) texts.set(sni.text, sni);
    const order = [...texts.keys()];
    nameIndex.push(proxy.servers.map(({ sni }) => (sni === null ? -1 : order.indexOf(sni.text))));
    expressions.push([...texts.values()].map((sni) => compileExpression(sni)));
  }
  const most = expressions.reduce((max, list) => Math.max(max, list.length), 0);
  if (most > 0) blocks = new BlockPool(most * SLOT_BYTES, init.streamsMax, init.poison);
}

/** Makes a client's connection what its bind line says. @returns false when there is no memory. */
export function secureClient(conn: Conn): boolean {
  const sess = conn.session;
  sess.tls = null;
  const listener = listeners[conn.plan!.proxy.index]![sess.bindIndex]!;
  if (listener === null) return true;
  const tls = openTls(conn, listener.context, true);
  if (tls === null) return false;
  tls.ignored = listener.settings.ignoredErrors;
  tls.ignoredCa = listener.settings.ignoredCaErrors;
  sess.tls = tls;
  return true;
}

/** Evaluates the names that servers of the stream's backend may have to be told. */
export function noteNames(strm: Stream): void {
  const list = expressions[strm.backendPlan.proxy.index]!;
  if (list.length === 0 || blocks === null) return;
  if (strm.sniBlock === 0) strm.sniBlock = blocks.take();
  const block = strm.sniBlock;
  if (block === 0) return;
  for (let i = 0; i < list.length; i++) {
    const at = block + i * SLOT_BYTES;
    mem[at] = 0;
    if (!list[i]!.evaluate(engine, sample) || !asString(sample)) continue;
    if (sample.len > NAME_MAX) continue;
    mem[at] = sample.len;
    mem.copyWithin(at + 1, sample.off, sample.off + sample.len);
  }
}

/** Gives the stream's names back. */
export function dropNames(strm: Stream): void {
  if (strm.sniBlock === 0) return;
  blocks!.give(strm.sniBlock);
  strm.sniBlock = 0;
}

/** Where the name for a server stands; 0 = there is none. */
function nameFor(strm: Stream, server: Server): number {
  const index = nameIndex[server.backend.index]![server.index]!;
  return index < 0 || strm.sniBlock === 0 ? 0 : strm.sniBlock + index * SLOT_BYTES;
}

let keyA = 0;
let keyB = 0;

function addToKey(off: number, len: number): void {
  for (let i = off; i < off + len; i++) {
    keyA = Math.imul(keyA ^ mem[i]!, 0x01000193);
    keyA ^= keyA >>> 13;
    keyB = Math.imul(keyB + mem[i]!, 0x5bd1e995);
    keyB ^= keyB >>> 15;
  }
}

/**
 * What a connection to the server must have been made with to carry this stream: 0 = nothing, else a
 * hash of the name and of the PROXY header. Two secret seeds: nobody can choose names that are taken for each other.
 */
export function reuseKey(strm: Stream, server: Server): number {
  const at = nameFor(strm, server);
  const len = at === 0 ? 0 : mem[at]!;
  const version = server.config.sendProxy;
  if (len === 0 && version === 0) return 0;
  keyA = seedA;
  keyB = seedB;
  addToKey(at + 1, len);
  if (version > 0) addToKey(proxyHeaderOff, putProxyHeader(strm.session, version));
  return (keyA >>> 0) * 0x100000 + ((keyB >>> 0) & 0xfffff) + 1;
}

/** Makes a connection to a server what its line says. @returns false when there is no memory. */
export function secureServer(conn: Conn, strm: Stream, server: Server): boolean {
  conn.reuseKey = reuseKey(strm, server);
  const client = clients[server.backend.index]![server.index]!;
  if (client === null) return true;
  const at = nameFor(strm, server);
  const len = at === 0 ? 0 : mem[at]!;
  return client.open(conn, at + 1, len, conn.reuseKey) !== null;
}
