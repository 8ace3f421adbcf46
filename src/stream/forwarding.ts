/**
 * Fields that tell the server about the client's connection (configuration.txt 4.2
 * `option forwardfor`, `option originalto`, `option forwarded`, `unique-id-header`).
 *
 * One object per pair of frontend and backend, because both decide: the header is added when either
 * asks for it, under the backend's name for it, unless a network of either is excepted; `if-none`
 * counts only when all that ask say it. The fields are appended after everything that rules did, in
 * the order unique ID, forwarded, x-forwarded-for, x-original-to.
 *
 * @dataplane
 */

import type { HttpMessage } from '../http/message.ts';
import type { ForwardConfig, ProxyConfig } from '../model/config.ts';
import { Family } from '../model/stream.ts';
import { FieldName } from '../rules/action/edit.ts';
import type { RuleContext } from '../rules/context.ts';
import { IPV6_TEXT_MAX, putIpv4, putIpv6, readIpv4Bytes } from '../rules/inet.ts';
import { destinationFamily } from '../rules/log-format/address.ts';
import type { LogFormatWriter } from '../rules/log-format.ts';
import { mem } from '../sys/arena.ts';
import type { ForwardedField } from './forwarded.ts';

const IPV4_LEN = 4;
const IPV6_LEN = 16;
/** Where a session keeps the destination, after the source. */
const DESTINATION = 16;

/** Networks whose addresses get no header. */
export class Networks {
  readonly count: number;
  /** 4 or 16 per network. */
  private readonly lens: Uint8Array;
  private readonly prefixes: Uint8Array;
  /** 16 bytes per network. */
  private readonly bytes: Uint8Array;

  constructor(networks: ForwardConfig['except']) {
    this.count = networks.length;
    this.lens = Uint8Array.from(networks, (network) => network.bytes.length);
    this.prefixes = Uint8Array.from(networks, (network) => network.prefix);
    this.bytes = new Uint8Array(networks.length * IPV6_LEN);
    for (const [i, network] of networks.entries()) this.bytes.set(network.bytes, i * IPV6_LEN);
  }

  /** @param len 4 or 16: bytes of the address at arena offset `off`. */
  has(off: number, len: number): boolean {
    for (let i = 0; i < this.count; i++) {
      if (this.lens[i] === len && this.matches(i, off)) return true;
    }
    return false;
  }

  private matches(index: number, off: number): boolean {
    const start = index * IPV6_LEN;
    let bits = this.prefixes[index]!;
    for (let i = 0; bits > 0; i++, bits -= 8) {
      const mask = bits >= 8 ? 0xff : (0xff00 >> bits) & 0xff;
      if (((mem[off + i]! ^ this.bytes[start + i]!) & mask) !== 0) return false;
    }
    return true;
  }
}

/** `forwardfor` or `originalto` of a pair of sections. */
class AddressField {
  private readonly name: FieldName;
  private readonly ifNone: boolean;
  private readonly except: Networks;

  constructor(frontend: ForwardConfig | null, backend: ForwardConfig | null) {
    const first = backend ?? frontend!;
    this.name = createFieldName(first.header.toLowerCase());
    this.ifNone = (frontend ?? first).ifNone && first.ifNone;
    const both = frontend === backend ? [first] : [frontend, backend];
    this.except = new Networks(both.flatMap((side) => side?.except ?? []));
  }

  /** @returns false when the message is full. */
  add(msg: HttpMessage, family: Family, addressOff: number): boolean {
    const len = family === Family.Inet ? IPV4_LEN : IPV6_LEN;
    if (family !== Family.Inet && family !== Family.Inet6) return true;
    if (this.except.has(addressOff, len)) return true;
    const { id, off: nameOff, len: nameLen } = this.name;
    if (this.ifNone && msg.find(id, nameOff, nameLen, 0) >= 0) return true;
    const at = msg.takeScratch(IPV6_TEXT_MAX);
    if (at === 0) return false;
    const written =
      family === Family.Inet ? putIpv4(at, readIpv4Bytes(addressOff)) : putIpv6(at, addressOff);
    msg.scratchUsed -= IPV6_TEXT_MAX - written;
    return msg.add(id, nameOff, nameLen, at, written);
  }
}

export class Forwarding {
  /** Nothing is to be added. */
  readonly empty: boolean;
  private readonly forwardFor: AddressField | null;
  private readonly originalTo: AddressField | null;
  private readonly forwarded: ForwardedField | null;
  private readonly uniqueName: FieldName | null;
  private readonly uniqueId: LogFormatWriter | null;

  constructor(frontend: ForwardingSide, backend: ForwardingSide) {
    const fe = frontend.config;
    const be = backend.config;
    this.forwardFor = createAddressField(fe.forwardFor, be.forwardFor);
    this.originalTo = createAddressField(fe.originalTo, be.originalTo);
    this.forwarded = backend.forwarded;
    const header = fe.uniqueIdHeader;
    this.uniqueId = frontend.uniqueId;
    const unique = header !== null && this.uniqueId !== null;
    this.uniqueName = unique ? createFieldName(header.toLowerCase()) : null;
    this.empty =
      this.forwardFor === null && this.originalTo === null && this.forwarded === null && !unique;
  }

  /**
   * Adds the fields to the request.
   * @returns false when the request has outgrown its limit (answer 500).
   */
  apply(ctx: RuleContext): boolean {
    const msg = ctx.request;
    if (msg === null || this.empty) return true;
    const sess = ctx.session;
    if (this.uniqueName !== null && !this.addUniqueId(ctx, msg, this.uniqueName)) return false;
    if (this.forwarded !== null && !this.forwarded.add(ctx, msg)) return false;
    const source = this.forwardFor;
    if (source !== null && !source.add(msg, sess.sourceFamily, sess.addressOff)) return false;
    const destination = this.originalTo;
    if (destination === null) return true;
    return destination.add(msg, destinationFamily(sess), sess.addressOff + DESTINATION);
  }

  /** The ID that the stream has already, so that logs and servers see the same one. */
  private addUniqueId(ctx: RuleContext, msg: HttpMessage, name: FieldName): boolean {
    const strm = ctx.stream;
    if (strm !== null && strm.uniqueIdLen > 0) {
      const at = msg.keep(strm.uniqueIdOff, strm.uniqueIdLen);
      return at !== 0 && msg.add(name.id, name.off, name.len, at, strm.uniqueIdLen);
    }
    const at = msg.scratchOff + msg.scratchUsed;
    const room = msg.scratchSize - msg.scratchUsed;
    const len = this.uniqueId!.write(ctx, at, room);
    if (len >= room) return false;
    msg.scratchUsed += len;
    return len === 0 || msg.add(name.id, name.off, name.len, at, len);
  }
}

function createAddressField(
  frontend: ForwardConfig | null,
  backend: ForwardConfig | null,
): AddressField | null {
  return frontend === null && backend === null ? null : new AddressField(frontend, backend);
}

const fieldNames = new Map<string, FieldName>();

/** Names are few, and pairs of frontends and backends may be many. */
function createFieldName(name: string): FieldName {
  const known = fieldNames.get(name);
  if (known !== undefined) return known;
  const created = new FieldName(name);
  fieldNames.set(name, created);
  return created;
}

/** What one section says about it, compiled. */
export interface ForwardingSide {
  readonly config: Pick<ProxyConfig, 'forwardFor' | 'originalTo' | 'uniqueIdHeader'>;
  /** `option forwarded` of a backend. */
  readonly forwarded: ForwardedField | null;
  /** `unique-id-format` of a frontend. */
  readonly uniqueId: LogFormatWriter | null;
}

/** @param backend the section the request goes to; for `listen` the same as `frontend` */
export function createForwarding(frontend: ForwardingSide, backend: ForwardingSide): Forwarding {
  return new Forwarding(frontend, backend);
}
