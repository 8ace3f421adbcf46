/**
 * Heads for tests: a small parser that fills an `HttpMessage` the way the real one does, a
 * serialiser, and a context to evaluate rules in. Latin-1 throughout.
 */
import { fieldId } from '../../http/field.ts';
import { BodyMode, Col, ConnectionFlag, HttpMessage, ROW } from '../../http/message.ts';
import { type Method, methodNames } from '../../http/method.ts';
import type { RuleConfig, RulesetName } from '../../model/config.ts';
import { proxyConfig } from '../../model/config-fixture.ts';
import { Proxy } from '../../model/runtime.ts';
import { Family, Session, Stream } from '../../model/stream.ts';
import { mem, reserve, reserveBytes, text } from '../../sys/arena.ts';
import type { RuleContext } from '../context.ts';
import { compileRuleset, type Ruleset } from '../ruleset.ts';
import { Sample } from '../sample.ts';
import { Place, type RuleScope } from '../scope.ts';
import { parseRule } from './registry.ts';

export function bytes(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

/** Words of a configuration line: blanks separate, quotes and backslashes protect (2.2). */
export function words(line: string): string[] {
  const found: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote !== "'" && c === '\\') {
      word = (word ?? '') + line[++i]!;
    } else if (quote !== '') {
      if (c === quote) quote = '';
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (c === ' ') {
      if (word !== null) found.push(word);
      word = null;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (word !== null) found.push(word);
  return found;
}

export const warnings: string[] = [];

export function scope(place: Place = Place.FrontendRequestHeader): RuleScope {
  return {
    origin: { file: 'test.cfg', line: 1 },
    proxyName: 'l',
    mode: 'http',
    place,
    acls: new Map(),
    warn: (message) => warnings.push(message),
    readFile: (path) => {
      throw new Error(`no file ${path}`);
    },
  };
}

/** Parses lines that begin with the ruleset's name. */
export function rulesOf(lines: readonly string[], ruleScope?: RuleScope): RuleConfig[] {
  return lines.map((line) => {
    const [ruleset, ...rest] = words(line) as [RulesetName, ...string[]];
    const place =
      ruleset === 'http-request' ? Place.FrontendRequestHeader : Place.FrontendResponseHeader;
    const where = ruleScope ?? scope(place);
    return { ...where.origin, ruleset, ...parseRule(ruleset, rest, where) };
  });
}

export function rulesetOf(lines: readonly string[], ruleScope?: RuleScope): Ruleset {
  return compileRuleset(rulesOf(lines, ruleScope));
}

/** Fills a message from the text of a head and returns where the body starts. */
export function fill(msg: HttpMessage, raw: string): void {
  msg.begin();
  const at = reserveBytes(bytes(raw));
  const headLen = raw.indexOf('\r\n\r\n') + 4;
  msg.headOff = at;
  msg.headLen = headLen;
  const lines = raw.slice(0, headLen - 4).split('\r\n');
  const first = lines[0]!;
  if (msg.isResponse) {
    msg.version = first.startsWith('HTTP/1.1') ? 11 : 10;
    msg.status = Number(first.slice(9, 12));
    msg.reasonOff = at + 13;
    msg.reasonLen = first.length - 13;
  } else {
    const [method, uri, version] = first.split(' ') as [string, string, string];
    msg.method = Math.max(0, (methodNames as readonly string[]).indexOf(method)) as Method;
    msg.methodOff = at;
    msg.methodLen = method.length;
    msg.uriOff = at + method.length + 1;
    msg.uriLen = uri.length;
    msg.version = version === 'HTTP/1.1' ? 11 : 10;
  }
  let offset = at + first.length + 2;
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    for (let i = 0; i < colon; i++) {
      const byte = mem[offset + i]!;
      if (byte >= 0x41 && byte <= 0x5a) mem[offset + i] = byte | 0x20;
    }
    const value = line.slice(colon + 1);
    const lead = value.length - value.trimStart().length;
    const id = fieldId(offset, colon);
    msg.add(id, offset, colon, offset + colon + 1 + lead, value.trim().length);
    const name = line.slice(0, colon).toLowerCase();
    if (name === 'content-length') {
      msg.body = BodyMode.Length;
      msg.contentLength = Number(value);
    }
    if (name === 'transfer-encoding') msg.body = BodyMode.Chunked;
    offset += line.length + 2;
  }
}

/** The head as it is sent, `connection: close` last when the message asks for it. */
export function serialise(msg: HttpMessage): string {
  const version = msg.version === 10 ? 'HTTP/1.0' : 'HTTP/1.1';
  let out = msg.isResponse
    ? `${version} ${msg.status} ${text(msg.reasonOff, msg.reasonLen)}\r\n`
    : `${text(msg.methodOff, msg.methodLen)} ${text(msg.uriOff, msg.uriLen)} ${version}\r\n`;
  for (let i = 0; i < msg.count; i++) {
    const r = i * ROW;
    const len = msg.rows[r + Col.NameLen]!;
    if (len === 0) continue;
    const name = text(msg.rows[r + Col.NameOff]!, len);
    out += `${name}: ${text(msg.rows[r + Col.ValOff]!, msg.rows[r + Col.ValLen]!)}\r\n`;
  }
  if (msg.isResponse && (msg.connection & ConnectionFlag.Close) !== 0)
    out += 'connection: close\r\n';
  return `${out}\r\n`;
}

/** Head and body of a local answer. */
export function answerOf(ctx: RuleContext): string {
  const body = text(ctx.replyBodyOff, ctx.replyBodyLen);
  return ctx.replyRaw ? body : serialise(ctx.response!) + body;
}

/** A context with an IPv4 client 192.0.2.7:40000 and destination 198.51.100.9:80. */
export function contextOf(request: string, scratch = 16384): RuleContext {
  const session = new Session(reserve(32));
  session.sourceFamily = Family.Inet;
  session.sourcePort = 40000;
  session.destinationFamily = Family.Inet;
  session.destinationPort = 80;
  mem.set([192, 0, 2, 7], session.addressOff);
  mem.set([198, 51, 100, 9], session.addressOff + 16);
  const stream = new Stream(0, session);
  stream.frontend = new Proxy(proxyConfig(), 1, 2, []);
  stream.backend = stream.frontend;
  session.frontend = stream.frontend;
  const ctx: RuleContext = {
    session,
    stream,
    request: new HttpMessage(false, 101, scratch),
    response: new HttpMessage(true, 101, scratch),
    sample: new Sample(),
    nowDateMs: Date.now(),
    nowMs: 0,
    replyBodyOff: 0,
    replyBodyLen: 0,
    replyRaw: false,
  };
  fill(ctx.request!, request);
  return ctx;
}
