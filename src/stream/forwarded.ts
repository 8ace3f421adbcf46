/**
 * The `forwarded` field (RFC 7239; configuration.txt 4.2 `option forwarded`):
 *
 *   forwarded: proto=http;host="example.org";by=_proxy;for="[2001:db8::1]:40310"
 *
 * Parts stand in this order. A node is an address, `unknown`, or an obfuscated identifier, which
 * begins with an underscore; one with a port or in brackets is quoted, a host always is.
 *
 * @dataplane
 */
import { FieldId, fieldNameOff } from '../http/field.ts';
import { Col, type HttpMessage, ROW } from '../http/message.ts';
import type { ExprConfig, ForwardedConfig } from '../model/config.ts';
import { Bytes } from '../model/runtime.ts';
import { Family } from '../model/stream.ts';
import { Assembly } from '../rules/action/assembly.ts';
import { asString } from '../rules/cast.ts';
import type { RuleContext } from '../rules/context.ts';
import { compileExpression, type Expression } from '../rules/expression.ts';
import {
  IPV6_TEXT_MAX,
  putIpv4,
  putIpv6,
  readIpv4,
  readIpv4Bytes,
  readIpv6,
} from '../rules/inet.ts';
import { INT_TEXT_MAX, putInt } from '../rules/integer.ts';
import { destinationFamily } from '../rules/log-format/address.ts';
import { SampleType } from '../rules/sample.ts';
import { mem, reserve } from '../sys/arena.ts';

const FORWARDED_LEN = 9;
const HOST_LEN = 4;
/** Where a session keeps the destination, after the source. */
const DESTINATION = 16;
const PORT_MAX = 65535;
const PORT_DIGITS_MAX = 5;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;

const protoHttp = new Bytes('proto=http');
const hostName = new Bytes('host=');
const byName = new Bytes('by=');
const forName = new Bytes('for=');
const unknown = new Bytes('unknown');

/** Room for one address as text, and for one as bytes. */
const addressText = reserve(IPV6_TEXT_MAX + INT_TEXT_MAX);
const addressBytes = reserve(16);

const line = new Assembly();

/** A part: off, automatic, or an expression. */
class Source {
  readonly wanted: boolean;
  readonly expression: Expression | null;

  constructor(config: true | ExprConfig | null) {
    this.wanted = config !== null;
    this.expression = config === null || config === true ? null : compileExpression(config);
  }
}

const enum NodeKind {
  Unknown = 0,
  Ipv4 = 1,
  Ipv6 = 2,
  Obfuscated = 3,
}

/** The node being written: what it is and its text. */
class Node {
  kind: NodeKind;
  off: number;
  len: number;
  /** An underscore must be put in front of an obfuscated name. */
  bare: boolean;

  constructor() {
    this.kind = NodeKind.Unknown;
    this.off = 0;
    this.len = 0;
    this.bare = false;
  }
}

const node = new Node();
const port = new Node();

export class ForwardedField {
  private readonly proto: boolean;
  private readonly host: Source;
  private readonly by: Source;
  private readonly byPort: Source;
  private readonly for: Source;
  private readonly forPort: Source;

  constructor(config: ForwardedConfig) {
    this.proto = config.proto;
    this.host = new Source(config.host);
    this.by = new Source(config.by);
    this.byPort = new Source(config.byPort);
    this.for = new Source(config.for);
    this.forPort = new Source(config.forPort);
  }

  /** @returns false when the message is full. */
  add(ctx: RuleContext, msg: HttpMessage): boolean {
    line.begin(msg);
    if (this.proto && !line.put(protoHttp.off, protoHttp.len)) return false;
    if (this.host.wanted && !this.putHost(ctx, msg)) return false;
    const sess = ctx.session;
    if (this.by.wanted) {
      const family = this.by.expression === null ? destinationFamily(sess) : Family.None;
      findNode(ctx, this.by, family, sess.addressOff + DESTINATION);
      if (this.byPort.wanted) destinationFamily(sess);
      findPort(ctx, this.byPort, sess.destinationPort);
      if (!putNode(byName)) return false;
    }
    if (this.for.wanted) {
      findNode(ctx, this.for, sess.sourceFamily, sess.addressOff);
      findPort(ctx, this.forPort, sess.sourcePort);
      if (!putNode(forName)) return false;
    }
    const len = line.to - line.start;
    if (len === 0) return true;
    msg.scratchUsed += len;
    const name = fieldNameOff[FieldId.Forwarded]!;
    return msg.add(FieldId.Forwarded, name, FORWARDED_LEN, line.start, len);
  }

  /** Left out when the request or the expression has none. */
  private putHost(ctx: RuleContext, msg: HttpMessage): boolean {
    const { expression } = this.host;
    if (expression !== null) {
      const { sample } = ctx;
      if (!expression.evaluate(ctx, sample) || !asString(sample)) return true;
      return putName(hostName) && putQuoted(sample.off, sample.len);
    }
    const index = msg.find(FieldId.Host, fieldNameOff[FieldId.Host]!, HOST_LEN, 0);
    if (index < 0) return true;
    const row = index * ROW;
    return putName(hostName) && putQuoted(msg.rows[row + Col.ValOff]!, msg.rows[row + Col.ValLen]!);
  }
}

/** Starts a part, after a semicolon when it is not the first. */
function putName(name: Bytes): boolean {
  if (line.to > line.start && !line.putByte(SEMICOLON)) return false;
  return line.put(name.off, name.len);
}

/** RFC 9110 5.6.4; controls, which no quoted string may hold, are left out. */
function putQuoted(off: number, len: number): boolean {
  if (!line.putByte(QUOTE)) return false;
  for (let i = 0; i < len; i++) {
    const byte = mem[off + i]!;
    if (byte < 0x20 || byte === 0x7f) continue;
    if ((byte === QUOTE || byte === BACKSLASH) && !line.putByte(BACKSLASH)) return false;
    if (!line.putByte(byte)) return false;
  }
  return line.putByte(QUOTE);
}

/** Fills `node` from an expression, or from an address of the session. */
function findNode(ctx: RuleContext, source: Source, family: Family, addressOff: number): void {
  node.kind = NodeKind.Unknown;
  node.off = unknown.off;
  node.len = unknown.len;
  node.bare = false;
  if (source.expression !== null) {
    findNodeBy(ctx, source.expression);
    return;
  }
  if (family === Family.Inet) setIpv4(readIpv4Bytes(addressOff));
  else if (family === Family.Inet6) setIpv6(addressOff);
}

function findNodeBy(ctx: RuleContext, expression: Expression): void {
  const { sample } = ctx;
  if (!expression.evaluate(ctx, sample)) return;
  if (sample.type === SampleType.Ipv4) {
    setIpv4(sample.num);
    return;
  }
  if (sample.type === SampleType.Ipv6) {
    setIpv6(sample.off);
    return;
  }
  if (!asString(sample)) return;
  const { off, len } = sample;
  if (readIpv4(off, len)) setText(NodeKind.Ipv4, off, len);
  else if (readIpv6(off, len, addressBytes)) setIpv6(addressBytes);
  else if (isObfuscated(off, len)) setObfuscated(node, off, len);
}

function setIpv4(address: number): void {
  setText(NodeKind.Ipv4, addressText, putIpv4(addressText, address));
}

function setIpv6(addressOff: number): void {
  setText(NodeKind.Ipv6, addressText, putIpv6(addressText, addressOff));
}

function setText(kind: NodeKind, off: number, len: number): void {
  node.kind = kind;
  node.off = off;
  node.len = len;
}

function setObfuscated(target: Node, off: number, len: number): void {
  target.kind = NodeKind.Obfuscated;
  target.off = off;
  target.len = len;
  target.bare = mem[off] !== UNDERSCORE;
}

/** RFC 7239 6.3: letters, digits, dot, underscore and hyphen. */
function isObfuscated(off: number, len: number): boolean {
  for (let i = 0; i < len; i++) {
    const byte = mem[off + i]!;
    const letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
    const digit = byte >= 0x30 && byte <= 0x39;
    if (!letter && !digit && byte !== 0x2e && byte !== UNDERSCORE && byte !== 0x2d) return false;
  }
  return len > 0;
}

function isPort(off: number, len: number): boolean {
  if (len === 0 || len > PORT_DIGITS_MAX) return false;
  let value = 0;
  for (let i = 0; i < len; i++) {
    const digit = mem[off + i]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  return value <= PORT_MAX;
}

/** Fills `port`; its length is 0 when there is none. */
function findPort(ctx: RuleContext, source: Source, sessionPort: number): void {
  port.len = 0;
  port.bare = false;
  if (!source.wanted) return;
  const digits = addressText + IPV6_TEXT_MAX;
  if (source.expression === null) {
    if (sessionPort === 0) return;
    port.off = digits;
    port.len = putInt(digits, sessionPort);
    return;
  }
  // The node's text may lie in the sample's memory: its bytes stay, the registers do not.
  const { sample } = ctx;
  if (!source.expression.evaluate(ctx, sample) || !asString(sample)) return;
  if (isPort(sample.off, sample.len)) {
    port.off = sample.off;
    port.len = sample.len;
  } else if (isObfuscated(sample.off, sample.len)) {
    setObfuscated(port, sample.off, sample.len);
  }
}

function putNode(name: Bytes): boolean {
  if (!putName(name)) return false;
  const ipv6 = node.kind === NodeKind.Ipv6;
  const quoted = ipv6 || port.len > 0;
  if (quoted && !line.putByte(QUOTE)) return false;
  if (ipv6 && !line.putByte(BRACKET)) return false;
  if (node.bare && !line.putByte(UNDERSCORE)) return false;
  if (!line.put(node.off, node.len)) return false;
  if (ipv6 && !line.putByte(BRACKET_END)) return false;
  if (port.len > 0) {
    if (!line.putByte(COLON)) return false;
    if (port.bare && !line.putByte(UNDERSCORE)) return false;
    if (!line.put(port.off, port.len)) return false;
  }
  return !quoted || line.putByte(QUOTE);
}

/** @param config `option forwarded` of the backend; frontends do not have it. */
export function createForwardedField(config: ForwardedConfig): ForwardedField {
  return new ForwardedField(config);
}
