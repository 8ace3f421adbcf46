/**
 * TLS of a bind line in one worker (configuration.txt 5.1): the context that connections begin with, and
 * one per certificate, made when a client first asks for it. OpenSSL asks back through functions of this
 * thread, so contexts belong to it; certificates, keys and trusted authorities are everybody's.
 *
 *   ClientHello ─ name ─┬─ exact name ──────┐
 *                       ├─ `*.` name ───────┼─ group of certificates (rsa, ecdsa) ─ its context
 *                       └─ default, if not ─┘
 *                          strict-sni
 */
import { createHash } from 'node:crypto';
import type { BindConfig, CertificateUse, TlsDefaults, TlsSettings } from '../../model/config.ts';
import { base, mem, mem32, reserve, reserveBytes } from '../../sys/arena.ts';
import {
  type Address,
  addressOf,
  at,
  byteAt,
  Ctrl,
  createCallback,
  cString,
  inArena,
  needOpenssl,
  type Openssl,
  pointerAt,
  putInt,
} from '../../sys/openssl.ts';
import { currentTls } from '../tls.ts';
import { dhParameters } from './dh.ts';
import { NameTable } from './name-table.ts';
import { rememberSessions } from './session-cache.ts';
import { createContext, protocolList, verifyMode, versionRange } from './settings.ts';
import { useTicketFile } from './ticket-file.ts';

const EXTENSION_SNI = 0;
const ALERT_UNRECOGNIZED_NAME = 112;
const HELLO_SUCCESS = 1;
const HELLO_ERROR = 0;
/** SSL_TLSEXT_ERR_*: what extension callbacks say. */
const EXTENSION_OK = 0;
const EXTENSION_NOACK = 3;
const NEGOTIATED = 1;
const NAME_MAX = 255;
const TICKET_KEY_BYTES = 80;
const DOT = 0x2e;

const cells = reserve(32);
const nameOff = reserve(NAME_MAX + 1);

/** Certificates that stand for the same names under the same settings, one per kind of key. */
interface Group {
  uses: CertificateUse[];
  settings: TlsSettings | null;
  /** 0 until a client asks for it. */
  context: Address;
  /** Protocols in wire format, in the arena. */
  alpnOff: number;
  alpnLen: number;
}

/** What the workers of a process, and later its successors, have in common. */
export interface TlsSecrets {
  /** Ticket keys follow from it. */
  seed: Uint8Array;
}

export interface TlsListenerInit {
  bind: BindConfig;
  /** What tells the line from all others. */
  name: string;
  isHttp: boolean;
  defaults: TlsDefaults;
  secrets: TlsSecrets;
}

/** By number, which OpenSSL hands back. */
const listeners: TlsListener[] = [];
const groups: Group[] = [];
let callbacks: { hello: Address; alpn: Address; name: Address; status: Address; verify: Address };

function createCallbacks(): void {
  callbacks ??= {
    hello: createCallback(onClientHello, ['ptr', 'ptr', 'ptr']),
    alpn: createCallback(onProtocols, ['ptr', 'ptr', 'ptr', 'ptr', 'u32', 'ptr']),
    name: createCallback(() => EXTENSION_OK, ['ptr', 'ptr', 'ptr']),
    status: createCallback(onStatusRequest, ['ptr', 'ptr']),
    verify: createCallback(onVerify, ['i32', 'ptr']),
  };
}

export class TlsListener {
  /** The context that connections begin with. */
  readonly context: Address;
  readonly settings: TlsSettings;
  private readonly init: TlsListenerInit;
  private readonly lib: Openssl;
  /** Entries of the table; those of wildcard names stand in it without their `*`. */
  private readonly names: NameTable;
  private readonly choices: Group[];
  private readonly excluded: ReadonlyMap<Group, NameTable>;
  private readonly byUses = new Map<string, Group>();
  private readonly fallback: Group | null;
  private readonly isStrict: boolean;

  constructor(init: TlsListenerInit) {
    createCallbacks();
    const { bind, defaults } = init;
    this.init = init;
    this.lib = needOpenssl();
    this.settings = bind.tls;
    this.isStrict = bind.tls.strictSni ?? defaults.bind.strictSni ?? false;
    const byName = usesByName(bind.certificates);
    const names = [...byName.keys()].filter((name) => name !== '*');
    this.names = new NameTable(names.map((name) => name.replace(/^\*/, '')));
    this.choices = names.map((name) => this.groupOf(byName.get(name)!));
    this.excluded = this.exclusions(names, byName);
    const standing = byName.get('*') ?? [];
    this.fallback = standing.length > 0 ? this.groupOf(standing) : null;
    this.context = this.createFirst();
    listeners.push(this);
  }

  private createFirst(): Address {
    const { lib, init } = this;
    const { context } = createContext(lib, 'bind', this.settings, init.defaults);
    const number = (listeners.length + 1) as Address;
    lib.SSL_CTX_set_client_hello_cb(at(context), at(callbacks.hello), at(number));
    lib.SSL_CTX_callback_ctrl(at(context), Ctrl.SetServernameCallback, at(callbacks.name));
    const ticketKeys = init.bind.ticketKeys;
    if (ticketKeys.length > 0) useTicketFile(lib, context, ticketKeys);
    else this.setTicketKeys(context);
    rememberSessions(lib, context, init.defaults);
    this.identify(context, this.settings, 0);
    return context;
  }

  private setTicketKeys(context: Address): void {
    const keys = Buffer.concat([1, 2].map((part) => this.digest(`tickets ${part}`)));
    mem.set(keys.subarray(0, TICKET_KEY_BYTES), ticketScratch);
    this.lib.SSL_CTX_ctrl(
      at(context),
      Ctrl.SetTicketKeys,
      TICKET_KEY_BYTES,
      inArena(ticketScratch),
    );
    mem.fill(0, ticketScratch, ticketScratch + TICKET_KEY_BYTES);
  }

  private digest(purpose: string): Buffer {
    const { secrets, name } = this.init;
    return createHash('sha512').update(secrets.seed).update(`${name} ${purpose}`).digest();
  }

  /**
   * What a session belongs to: it is resumed under the same line and settings only, so that nobody
   * carries one from a name without client certificates to one that demands them. It is no secret, and
   * the same in every process with this configuration.
   */
  private identify(context: Address, settings: TlsSettings, group: number): void {
    const purpose = settings === this.settings ? 'line' : `settings ${group}`;
    const identity = createHash('sha256').update(`${this.init.name} ${purpose}`).digest();
    mem.set(identity, ticketScratch);
    this.lib.SSL_CTX_set_session_id_context(at(context), inArena(ticketScratch), 32);
    const mode = verifyMode('bind', settings, this.init.defaults);
    this.lib.SSL_CTX_set_verify(at(context), mode, at(callbacks.verify));
  }

  private groupOf(uses: readonly CertificateUse[]): Group {
    const first = uses[0]!;
    const kinds = new Set<string>();
    const members = uses.filter(({ certificate, settings }) => {
      const isOther = !kinds.has(certificate.keyType) && settings === first.settings;
      if (isOther) kinds.add(certificate.keyType);
      return isOther;
    });
    const key = members.map((use) => this.init.bind.certificates.indexOf(use)).join();
    const known = this.byUses.get(key);
    if (known !== undefined) return known;
    const alpn = (first.settings ?? this.settings).alpn ?? (this.init.isHttp ? ['http/1.1'] : []);
    const list = protocolList(alpn);
    const wire = mem.slice(list.off, list.off + list.len);
    const group: Group = {
      uses: members,
      settings: first.settings,
      context: 0,
      alpnOff: wire.length > 0 ? reserveBytes(wire) : 0,
      alpnLen: wire.length,
    };
    groups.push(group);
    this.byUses.set(key, group);
    return group;
  }

  /** `!name` on a line takes the name out of the line's wildcards. */
  private exclusions(
    names: readonly string[],
    byName: ReadonlyMap<string, CertificateUse[]>,
  ): Map<Group, NameTable> {
    const found = new Map<Group, NameTable>();
    for (const [index, name] of names.entries()) {
      if (!name.startsWith('*')) continue;
      const refused = byName.get(name)!.flatMap((use) => use.names.filter((one) => one[0] === '!'));
      if (refused.length === 0) continue;
      found.set(
        this.choices[index]!,
        new NameTable([...new Set(refused)].map((one) => one.slice(1))),
      );
    }
    return found;
  }

  /** Whose certificate a client is shown, by the name in the arena; null = nobody's. */
  choose(len: number): Group | null {
    const group = len > 0 ? this.named(len) : null;
    if (group !== null) return group;
    return this.isStrict ? null : this.fallback;
  }

  private named(len: number): Group | null {
    const exact = this.names.find(nameOff, len);
    if (exact >= 0) return this.choices[exact]!;
    let dot = 0;
    while (dot < len && mem[nameOff + dot] !== DOT) dot++;
    const wild = dot < len ? this.names.find(nameOff + dot, len - dot) : -1;
    if (wild < 0) return null;
    const group = this.choices[wild]!;
    const excluded = this.excluded.get(group);
    return excluded !== undefined && excluded.find(nameOff, len) >= 0 ? null : group;
  }

  /** The context of a group. */
  contextOf(group: Group): Address {
    if (group.context === 0) this.createContext(group);
    return group.context;
  }

  private createContext(group: Group): void {
    const { lib, init } = this;
    const settings = group.settings ?? this.settings;
    const { context } = createContext(lib, 'bind', settings, init.defaults);
    for (const { certificate } of group.uses) {
      const { certificate: x509, key, chain } = certificate;
      lib.SSL_CTX_use_cert_and_key(at(context), at(x509), at(key), at(chain), 1);
      if (certificate.ocsp.length > 0) this.staple(context, certificate.ocsp);
    }
    const dh = dhParameters(lib, group.uses[0]!.certificate, init.defaults);
    if (dh !== 0) {
      lib.EVP_PKEY_up_ref(at(dh));
      if (lib.SSL_CTX_set0_tmp_dh_pkey(at(context), at(dh)) !== 1) lib.EVP_PKEY_free(at(dh));
    }
    if (settings.trustNames > 0) {
      lib.SSL_CTX_set_client_CA_list(at(context), lib.SSL_dup_CA_list(at(settings.trustNames)));
    }
    rememberSessions(lib, context, init.defaults);
    const number = groups.indexOf(group) + 1;
    if (group.alpnLen > 0) {
      lib.SSL_CTX_set_alpn_select_cb(at(context), at(callbacks.alpn), at(number));
    }
    this.identify(context, settings, number);
    lib.ERR_clear_error();
    group.context = context;
  }

  private staple(context: Address, response: readonly number[]): void {
    const off = reserveBytes(Uint8Array.from(response));
    responses.set(context, { off, len: response.length });
    this.lib.SSL_CTX_callback_ctrl(at(context), Ctrl.SetStatusCallback, at(callbacks.status));
  }

  /** What does not follow from a change of context. */
  apply(ssl: Address, group: Group): void {
    const { settings } = group;
    if (settings === null) return;
    const { lib, init } = this;
    const { defaults } = init;
    lib.SSL_set_verify(at(ssl), verifyMode('bind', settings, defaults), at(callbacks.verify));
    const range = versionRange(settings, defaults.bind);
    if (range !== null) {
      lib.SSL_ctrl(at(ssl), Ctrl.SetMinVersion, range.min, null);
      lib.SSL_ctrl(at(ssl), Ctrl.SetMaxVersion, range.max, null);
    }
    const curves = settings.curves ?? defaults.bind.curves ?? settings.ecdhe;
    if (curves !== null) lib.SSL_ctrl(at(ssl), Ctrl.SetGroupsList, 0, cString(curves));
  }
}

const ticketScratch = reserve(128);
const responses = new Map<Address, { off: number; len: number }>();

/** The certificates of each name; those of no `!name`. */
function usesByName(uses: readonly CertificateUse[]): Map<string, CertificateUse[]> {
  const found = new Map<string, CertificateUse[]>();
  for (const use of uses) {
    for (const name of use.names) {
      if (name.startsWith('!')) continue;
      const list = found.get(name);
      if (list === undefined) found.set(name, [use]);
      else if (!list.includes(use)) list.push(use);
    }
  }
  return found;
}

/** Copies the name that the client asks for to `nameOff`, in lower case. @returns its length. */
function readName(lib: Openssl, ssl: Address): number {
  const out = inArena(cells);
  if (lib.SSL_client_hello_get0_ext(at(ssl), EXTENSION_SNI, out, inArena(cells + 8)) !== 1)
    return 0;
  const bytes = mem32[(cells + 8) >> 2]!;
  const data = pointerAt(base + cells);
  // RFC 6066 3: length of the list, type 0, length of the name, the name.
  if (bytes < 5 || byteAt(data, 2) !== 0) return 0;
  const len = (byteAt(data, 3) << 8) | byteAt(data, 4);
  if (len > NAME_MAX || len + 5 > bytes) return 0;
  for (let i = 0; i < len; i++) {
    const byte = byteAt(data, 5 + i);
    mem[nameOff + i] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
  }
  return len;
}

/** The ClientHello is complete: the context of its name takes over (SSL_CTX_set_client_hello_cb). */
function onClientHello(ssl: Address, alert: Address, number: Address): number {
  const lib = needOpenssl();
  try {
    const listener = listeners[Number(number) - 1]!;
    const group = listener.choose(readName(lib, Number(ssl)));
    if (group === null) {
      putInt(lib, Number(alert), ALERT_UNRECOGNIZED_NAME);
      return HELLO_ERROR;
    }
    lib.SSL_set_SSL_CTX(at(Number(ssl)), at(listener.contextOf(group)));
    listener.apply(Number(ssl), group);
    return HELLO_SUCCESS;
  } catch {
    // An exception must not cross OpenSSL; the handshake fails.
    return HELLO_ERROR;
  }
}

/** Chooses a protocol (RFC 7301): ours in our order, or none. */
function onProtocols(
  _ssl: Address,
  out: Address,
  outLen: Address,
  offered: Address,
  offeredLen: number,
  number: Address,
): number {
  const group = groups[Number(number) - 1];
  if (group === undefined) return EXTENSION_NOACK;
  const chosen = needOpenssl().SSL_select_next_proto(
    at(Number(out)),
    at(Number(outLen)),
    inArena(group.alpnOff),
    group.alpnLen,
    at(Number(offered)),
    offeredLen,
  );
  return chosen === NEGOTIATED ? EXTENSION_OK : EXTENSION_NOACK;
}

/** Staples the OCSP response of the certificate (RFC 6066 8). OpenSSL frees the copy. */
function onStatusRequest(ssl: Address): number {
  const lib = needOpenssl();
  const context = addressOf(lib.SSL_get_SSL_CTX(at(Number(ssl))));
  const response = responses.get(context);
  if (response === undefined) return EXTENSION_NOACK;
  const copy = lib.CRYPTO_memdup(inArena(response.off), response.len, null, 0);
  lib.SSL_ctrl(at(Number(ssl)), Ctrl.SetStatusResponse, response.len, copy);
  return EXTENSION_OK;
}

/** Keeps the first error of a verification, and passes over what the configuration says. */
export function onVerify(isGood: number, store: Address): number {
  if (isGood === 1) return 1;
  const lib = needOpenssl();
  const error = lib.X509_STORE_CTX_get_error(at(Number(store)));
  const depth = lib.X509_STORE_CTX_get_error_depth(at(Number(store)));
  const tls = currentTls();
  if (depth === 0) {
    if (tls.verifyError === 0) tls.verifyError = error;
  } else if (tls.caError === 0) {
    tls.caError = error;
    tls.caDepth = depth;
  }
  const ignored = depth === 0 ? tls.ignored : tls.ignoredCa;
  if (ignored === null || !(ignored.includes(-1) || ignored.includes(error))) return 0;
  lib.ERR_clear_error();
  return 1;
}
