/**
 * For tests of actions: rules from lines of configuration, a serialiser for the messages that they
 * change, and a context to run them in. Latin-1 throughout.
 */
import { Col, ConnectionFlag, HttpMessage, ROW } from '../../http/message.ts';
import type { RuleConfig, RulesetName } from '../../model/config.ts';
import { proxyConfig } from '../../model/config-fixture.ts';
import { Proxy } from '../../model/runtime.ts';
import { Family } from '../../model/stream.ts';
import { mem, text } from '../../sys/arena.ts';
import type { RuleContext } from '../context.ts';
import { fill, testContext, testScope } from '../rule-fixture.ts';
import { compileRuleset, type Ruleset } from '../ruleset.ts';
import { Place, type RuleScope } from '../scope.ts';
import { parseRule } from './registry.ts';

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

/** Parses lines that begin with the ruleset's name. */
export function rulesOf(lines: readonly string[], ruleScope?: RuleScope): RuleConfig[] {
  return lines.map((line) => {
    const [ruleset, ...rest] = words(line) as [RulesetName, ...string[]];
    const place =
      ruleset === 'http-request' ? Place.FrontendRequestHeader : Place.FrontendResponseHeader;
    const where = ruleScope ?? testScope(place);
    return { ...where.origin, ruleset, ...parseRule(ruleset, rest, where) };
  });
}

export function rulesetOf(lines: readonly string[], ruleScope?: RuleScope): Ruleset {
  return compileRuleset(rulesOf(lines, ruleScope));
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
  return ctx.replySilent ? body : serialise(ctx.response!) + body;
}

/** A context with an IPv4 client 192.0.2.7:40000 and destination 198.51.100.9:80. */
export function contextOf(request: string, scratch = 16384): RuleContext {
  const ctx = testContext(null);
  const { session } = ctx;
  const stream = ctx.stream!;
  session.destinationFamily = Family.Inet;
  session.destinationPort = 80;
  mem.set([192, 0, 2, 7], session.addressOff);
  mem.set([198, 51, 100, 9], session.addressOff + 16);
  stream.frontend = new Proxy(proxyConfig(), 1, 2, []);
  stream.backend = stream.frontend;
  session.frontend = stream.frontend;
  ctx.request = new HttpMessage(false, 101, scratch);
  ctx.response = new HttpMessage(true, 101, scratch);
  ctx.nowDateMs = Date.now();
  fill(ctx.request, request);
  return ctx;
}
