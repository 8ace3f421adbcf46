/**
 * Scopes, messages and contexts for tests of rules: messages are made from text, without a parser
 * or a connection.
 */
import { ConfigError } from '../base/config-error.ts';
import { fieldId } from '../http/field.ts';
import { BodyMode, HttpMessage } from '../http/message.ts';
import { type Method, methodNames } from '../http/method.ts';
import type { AclTestConfig } from '../model/config.ts';
import { Family, Session, StreamFacts } from '../model/stream.ts';
import { noVariables } from '../model/variable.ts';
import { mem, reserve, reserveBytes, text } from '../sys/arena.ts';
import { asString } from './cast.ts';
import type { RuleContext } from './context.ts';
import { createDetachedContext } from './detached-context.ts';
import type { EntityUse } from './entity.ts';
import { compileExpression, parseExpression } from './expression.ts';
import { Place, type RuleScope } from './scope.ts';

export interface TestScope extends RuleScope {
  warnings: string[];
  references: EntityUse[];
  files: Record<string, string>;
}

export function testScope(place: Place = Place.FrontendRequestHeader): TestScope {
  const warnings: string[] = [];
  const references: EntityUse[] = [];
  const files: Record<string, string> = {};
  return {
    origin: { file: 'test.cfg', line: 1 },
    proxy: "frontend 'main'",
    mode: 'http',
    place,
    acls: new Map<string, AclTestConfig[]>(),
    variables: noVariables(),
    self: 'main',
    refer: (use) => references.push(use),
    references,
    warn: (message) => warnings.push(message),
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw new ConfigError(`cannot read ${path}`);
      return content;
    },
    patternFile: (path, _kind, compile) => {
      const content = files[path];
      return content === undefined ? null : compile(Buffer.from(content, 'latin1'));
    },
    lists: new Map(),
    maps: [],
    aclMaps: new Set(),
    bufsize: 16384,
    stickCounters: 3,
    table: (name) => name,
    warnings,
    files,
  };
}

/** Fills a message from the text of a head (Latin-1), with names folded as the parser does. */
export function fill(msg: HttpMessage, raw: string): void {
  msg.begin();
  const end = raw.indexOf('\r\n\r\n');
  const at = reserveBytes(raw);
  msg.headOff = at;
  msg.headLen = end + 4;
  const [first, ...lines] = raw.slice(0, end).split('\r\n') as [string, ...string[]];
  const [a, b, c] = first.split(' ') as [string, string, string];
  msg.version = (msg.isResponse ? a : c) === 'HTTP/1.1' ? 11 : 10;
  if (msg.isResponse) {
    msg.status = Number(b);
    msg.reasonOff = at + 13;
    msg.reasonLen = first.length - 13;
  } else {
    msg.method = Math.max(0, (methodNames as readonly string[]).indexOf(a)) as Method;
    msg.methodOff = at;
    msg.methodLen = a.length;
    msg.setUri(at + a.length + 1, b.length);
  }
  let off = at + first.length + 2;
  for (const line of lines) {
    fillField(msg, line, off);
    off += line.length + 2;
  }
}

function fillField(msg: HttpMessage, line: string, off: number): void {
  const name = line.slice(0, line.indexOf(':')).toLowerCase();
  mem.set(Buffer.from(name, 'latin1'), off);
  const padded = line.slice(name.length + 1);
  const lead = /^[ \t]*/.exec(padded)![0].length;
  const value = padded.slice(lead).replace(/[ \t]+$/, '');
  const id = fieldId(off, name.length);
  msg.add(id, off, name.length, off + name.length + 1 + lead, value.length);
  if (name === 'content-length') {
    msg.body = BodyMode.Length;
    msg.contentLength = Number(value);
  }
  if (name === 'transfer-encoding') msg.body = BodyMode.Chunked;
}

/** A message of its own from its head as text; lines end with CR LF. */
export function testMessage(head: string): HttpMessage {
  const msg = new HttpMessage(head.startsWith('HTTP/'), 101, 4096);
  fill(msg, head);
  return msg;
}

export const plainRequest = 'GET / HTTP/1.1\r\nHost: example.com\r\n\r\n';

export function testContext(request: string | null, response: string | null = null): RuleContext {
  const session = new Session(reserve(32));
  session.sourceFamily = Family.Inet;
  session.sourcePort = 40000;
  mem.set([127, 0, 0, 1], session.addressOff);
  session.requests = 1;
  return {
    ...createDetachedContext(session, new StreamFacts(session)),
    request: request === null ? null : testMessage(request),
    response: response === null ? null : testMessage(response),
    nowDateMs: 1700000000123,
    nowMs: 5000,
  };
}

/** Keeps a request line in the stream's capture block, as the log wants it. */
export function captureRequestLine(ctx: RuleContext, line: string): void {
  ctx.stream!.captureOff = reserveBytes(line);
  ctx.stream!.requestLineLen = line.length;
}

/** The value of an expression as text of bytes (Latin-1), null when it has none. */
export function valueOf(ctx: RuleContext, expression: string, scope = testScope()): string | null {
  const compiled = compileExpression(parseExpression(expression, scope));
  if (!compiled.evaluate(ctx, ctx.sample) || !asString(ctx.sample)) return null;
  return text(ctx.sample.off, ctx.sample.len);
}
