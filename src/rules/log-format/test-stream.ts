/** A stream with hand-made facts for the tests of log formats. */
import { proxyFixture } from '../../log/test-fixture.ts';
import { type CaptureLayout, captureLayout } from '../../model/capture.ts';
import type { BindConfig, ProxyConfig, ServerConfig } from '../../model/config.ts';
import { numberEntities } from '../../model/entity.ts';
import { Proxy } from '../../model/runtime.ts';
import { SharedState, State } from '../../model/shared.ts';
import { Family, Session, StreamFacts, StreamFlag } from '../../model/stream.ts';
import { noVariables } from '../../model/variable.ts';
import { mem, reserve, text } from '../../sys/arena.ts';
import type { RuleContext } from '../context.ts';
import {
  compileLogFormat,
  initLogEnvironment,
  type LogFormatMode,
  parseLogFormat,
} from '../log-format.ts';
import { testContext, testScope } from '../rule-fixture.ts';
import { Place, type RuleScope } from '../scope.ts';

export const uriMax = 1024;
const out = reserve(70000);

export interface TestStream {
  ctx: RuleContext;
  strm: StreamFacts;
  sess: Session;
  shared: SharedState;
  frontend: Proxy;
  backend: Proxy;
  /** Stores a captured field: slots of the request or the response, or a cookie. */
  capture(slot: 'request' | 'response', index: number, value: string): void;
  captureCookie(side: 'request' | 'response', value: string): void;
  requestLine(line: string): void;
}

export function scopeFixture(mode: 'http' | 'tcp' = 'http'): RuleScope {
  return { ...testScope(Place.Log), mode };
}

/** A frontend `fe`, a backend `be` with the server `s1`, and a finished request between them. */
export function testStream(values: Partial<ProxyConfig> = {}): TestStream {
  const bind = { id: 1, index: 0, name: null } as BindConfig;
  const fe = proxyFixture({ binds: [bind], ...values });
  const layout = captureLayout(fe, uriMax);
  const { shared, frontend, backend } = createSides(fe, layout);
  const sess = createSession(frontend);
  const strm = createStream(sess, backend);
  strm.captureOff = reserve(layout.size);
  mem.fill(0, strm.captureOff, strm.captureOff + layout.size);
  const store = (at: number, max: number, value: string) => {
    const bytes = Buffer.from(value, 'latin1').subarray(0, max);
    const off = strm.captureOff + at;
    mem[off] = (bytes.length + 1) & 255;
    mem[off + 1] = (bytes.length + 1) >> 8;
    mem.set(bytes, off + 2);
  };
  const nowDateMs = sess.acceptDateMs + 121;
  const test: TestStream = {
    ctx: { ...testContext(null), session: sess, stream: strm, nowDateMs, nowMs: 1121 },
    strm,
    sess,
    shared,
    frontend,
    backend,
    capture: (slot, index, value) => {
      const { at, max } = layout[slot][index]!;
      store(at, max, value);
    },
    captureCookie: (side, value) => {
      const { at, max } = layout[side === 'request' ? 'requestCookie' : 'responseCookie']!;
      store(at, max, value);
    },
    requestLine: (line) => {
      const bytes = Buffer.from(line, 'latin1').subarray(0, uriMax);
      mem.set(bytes, strm.captureOff);
      strm.requestLineLen = bytes.length;
    },
  };
  test.requestLine('GET /index.html?a=1 HTTP/1.1');
  return test;
}

/** The proxies with their shared counters, and what logs know of the process. */
function createSides(fe: ProxyConfig, layout: CaptureLayout) {
  const srv = { index: 0, name: 's1', portOffset: false } as ServerConfig;
  const { mode } = fe;
  const be = proxyFixture({ index: 1, name: 'be', kind: 'backend', servers: [srv], mode });
  const variables = noVariables();
  const entities = numberEntities({
    global: {} as never,
    proxies: [fe, be],
    rings: [],
    variables,
    userlists: [],
    maps: [],
    mailers: [],
  });
  const shared = new SharedState(SharedState.allocate(entities.count, 1));
  const [frontend, backend] = [fe, be].map(
    (proxy, i) =>
      new Proxy(proxy, entities.frontend[i]!, entities.backend[i]!, entities.server[i]!),
  ) as [Proxy, Proxy];
  initLogEnvironment({
    shared,
    pid: 12345,
    hostname: 'machine',
    captureLayouts: [layout, null],
    destinationHook: (session) => {
      session.destinationFamily = Family.Inet;
      session.destinationPort = 80;
      mem.set([10, 0, 0, 1], session.addressOff + 16);
    },
  });
  shared.set(0, State.Current, 3);
  shared.set(frontend.frontend, State.Current, 2);
  shared.set(backend.backend, State.Current, 1);
  return { shared, frontend, backend };
}

function createSession(frontend: Proxy): Session {
  const sess = new Session(reserve(32));
  sess.frontend = frontend;
  sess.sourceFamily = Family.Inet;
  sess.sourcePort = 33317;
  mem.set([127, 0, 0, 1], sess.addressOff);
  sess.acceptDateMs = Date.UTC(2009, 1, 6, 12, 14, 14, 655);
  sess.acceptMs = 1000;
  return sess;
}

function createStream(sess: Session, backend: Proxy): StreamFacts {
  const strm = new StreamFacts(sess);
  strm.id = 7;
  strm.frontend = sess.frontend!;
  strm.backend = backend;
  strm.server = backend.servers[0]!;
  strm.server.addressOff = reserve(16);
  mem.set([2, 0, 0x1f, 0x90, 10, 0, 0, 2], strm.server.addressOff);
  strm.flags = StreamFlag.HasRequest | StreamFlag.FromServer;
  strm.status = 200;
  strm.startMs = 1000;
  strm.startDateMs = sess.acceptDateMs;
  strm.requestDateMs = sess.acceptDateMs + 1;
  Object.assign(strm, { handshakeMs: 2, idleMs: 3, requestMs: 10, queueMs: 12 });
  Object.assign(strm, { connectMs: 42, dataMs: 111, closeMs: 121 });
  strm.bytesIn = 84;
  strm.bytesOut = 2750;
  return strm;
}

/** The line that a format gives for a stream, as latin1 text. */
export function line(
  format: string,
  test: TestStream,
  mode: LogFormatMode = 'log',
  max = 65535,
): string {
  const scope = scopeFixture(test.frontend.config.mode);
  const writer = compileLogFormat(parseLogFormat(format, scope), mode);
  return text(out, writer.write(test.ctx, out, max));
}
