/** A context for tests of rules: messages made from text, without a parser or a connection. */
import { ConfigError } from '../base/config-error.ts';
import { type FieldId, fieldId } from '../http/field.ts';
import { HttpMessage } from '../http/message.ts';
import { type Method, methodNames } from '../http/method.ts';
import type { AclTestConfig } from '../model/config.ts';
import { Family, Session, Stream } from '../model/stream.ts';
import { mem, reserve, reserveBytes, text } from '../sys/arena.ts';
import { asString } from './cast.ts';
import type { RuleContext } from './context.ts';
import { compileExpression, parseExpression } from './expression.ts';
import { Sample } from './sample.ts';
import { Place, type RuleScope } from './scope.ts';

export interface TestScope extends RuleScope {
  warnings: string[];
  files: Record<string, string>;
}

export function testScope(place: Place = Place.FrontendRequestHeader): TestScope {
  const warnings: string[] = [];
  const files: Record<string, string> = {};
  return {
    origin: { file: 'test.cfg', line: 1 },
    proxyName: 'main',
    mode: 'http',
    place,
    acls: new Map<string, AclTestConfig[]>(),
    warn: (message) => warnings.push(message),
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw new ConfigError(`cannot read ${path}`);
      return content;
    },
    warnings,
    files,
  };
}

function put(value: string): { off: number; len: number } {
  const bytes = Buffer.from(value, 'latin1');
  return { off: reserveBytes(bytes), len: bytes.length };
}

/** A message from its head as text; lines end with CR LF, names are folded as the parser does. */
export function testMessage(head: string): HttpMessage {
  const [first, ...lines] = head.split('\r\n');
  const isResponse = first!.startsWith('HTTP/');
  const msg = new HttpMessage(isResponse, 100, 4096);
  msg.begin();
  const [a, b, c] = first!.split(' ');
  const version = (isResponse ? a! : c!).endsWith('1.0') ? 10 : 11;
  msg.version = version;
  if (isResponse) {
    msg.status = Number(b);
  } else {
    const method = put(a!);
    const uri = put(b!);
    msg.method = Math.max(0, methodNames.indexOf(a as (typeof methodNames)[number])) as Method;
    msg.methodOff = method.off;
    msg.methodLen = method.len;
    msg.setUri(uri.off, uri.len);
  }
  for (const line of lines) {
    if (line === '') break;
    const colon = line.indexOf(':');
    const name = put(line.slice(0, colon).toLowerCase());
    const value = put(line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''));
    const id = fieldId(name.off, name.len);
    msg.add(id as FieldId, name.off, name.len, value.off, value.len);
  }
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
    session,
    stream: new Stream(0, session),
    request: request === null ? null : testMessage(request),
    response: response === null ? null : testMessage(response),
    sample: new Sample(),
    nowDateMs: 1700000000123,
    nowMs: 5000,
    replyBodyOff: 0,
    replyBodyLen: 0,
    replyRaw: false,
  };
}

/** Keeps a request line in the stream's capture block, as the log wants it. */
export function captureRequestLine(ctx: RuleContext, line: string): void {
  const { off, len } = put(line);
  ctx.stream!.captureOff = off;
  ctx.stream!.requestLineLen = len;
}

/** The value of an expression as text of bytes (Latin-1), null when it has none. */
export function valueOf(ctx: RuleContext, expression: string, scope = testScope()): string | null {
  const compiled = compileExpression(parseExpression(expression, scope));
  if (!compiled.evaluate(ctx, ctx.sample) || !asString(ctx.sample)) return null;
  return text(ctx.sample.off, ctx.sample.len);
}
