/**
 * What a line says about TLS, laid over what the global section says for all lines, as an SSL_CTX
 * (configuration.txt 5.1, 5.2, 3.1 ssl-default-*). Used by workers, and by the reader of the
 * configuration to find what OpenSSL does not take.
 */
import type { TlsDefaults, TlsSettings } from '../../model/config.ts';
import { mem, reserve } from '../../sys/arena.ts';
import {
  type Address,
  addressOf,
  at,
  Ctrl,
  cString,
  inArena,
  Op,
  type Openssl,
} from '../../sys/openssl.ts';

export type TlsSide = 'bind' | 'server';

const VERSION_BASE = 0x300;
const TLS_1_0 = 0x301;
const TLS_1_2 = 0x303;
const TLS_1_3 = 0x304;

/** Partial writes, a buffer that may move, and none kept while idle (ssl.h SSL_MODE_*). */
const MODE = 0x1 | 0x2 | 0x10;

/** SSL_VERIFY_PEER, SSL_VERIFY_FAIL_IF_NO_PEER_CERT (ssl.h). */
const verifyModes = { none: 0, optional: 1, required: 3 } as const;

const protocols = reserve(1024);

export interface VersionRange {
  min: number;
  max: number;
  /** Why the range is not quite what was asked for; null = it is. */
  warning: 'no-ignored' | 'min-lowered' | null;
}

/** The versions that remain, or null when none does. */
export function versionRange(own: TlsSettings, defaults: TlsSettings): VersionRange | null {
  const refused = own.refusedVersions | defaults.refusedVersions;
  const givenMin = own.minVersion || defaults.minVersion;
  const givenMax = own.maxVersion || defaults.maxVersion;
  let warning: VersionRange['warning'] = null;
  let max = givenMax || TLS_1_3;
  let min = givenMin || TLS_1_2;
  if (givenMin === 0 && max < min) {
    min = max;
    warning = 'min-lowered';
  }
  if (givenMin !== 0 || givenMax !== 0) {
    if (refused !== 0) warning = 'no-ignored';
  } else {
    while (min <= max && (refused & (1 << (min - VERSION_BASE))) !== 0) min++;
    while (max >= min && (refused & (1 << (max - VERSION_BASE))) !== 0) max--;
  }
  // OpenSSL has no SSLv3 any more.
  min = Math.max(min, TLS_1_0);
  return min > max ? null : { min, max, warning };
}

/** Whether and how the certificate of the peer is asked for (SSL_VERIFY_*). */
export function verifyMode(side: TlsSide, own: TlsSettings, tls: TlsDefaults): number {
  return verifyModes[own.verify ?? (side === 'bind' ? 'none' : tls.serverVerify)];
}

export interface MadeContext {
  context: Address;
  /** What OpenSSL did not take, in the middle of HAProxy's message; null = everything was taken. */
  problem: string | null;
}

/** Makes the context of a side, without a certificate and without callbacks. */
export function createContext(
  lib: Openssl,
  side: TlsSide,
  own: TlsSettings,
  tls: TlsDefaults,
): MadeContext {
  const method = side === 'bind' ? lib.TLS_server_method() : lib.TLS_client_method();
  const context = lib.SSL_CTX_new(method);
  if (context === null) throw new Error('OpenSSL: no memory for a context');
  const defaults = tls[side];
  lib.SSL_CTX_set_options(context, optionBits(own, defaults, tls.compressesCertificates));
  if (tls.securityLevel !== null) lib.SSL_CTX_set_security_level(context, tls.securityLevel);
  lib.SSL_CTX_ctrl(context, Ctrl.Mode, MODE, null);
  // A record comes with one system call instead of two.
  lib.SSL_CTX_ctrl(context, Ctrl.SetReadAhead, 1, null);
  const range = versionRange(own, defaults);
  if (range !== null) {
    lib.SSL_CTX_ctrl(context, Ctrl.SetMinVersion, range.min, null);
    lib.SSL_CTX_ctrl(context, Ctrl.SetMaxVersion, range.max, null);
  }
  if (own.trustStore !== 0) lib.SSL_CTX_set1_cert_store(context, at(own.trustStore));
  const problem = applyLists(lib, context, own, defaults);
  lib.ERR_clear_error();
  return { context: addressOf(context), problem };
}

function optionBits(own: TlsSettings, defaults: TlsSettings, compresses: boolean): number {
  let bits = Op.NoCompression + Op.NoRenegotiation + Op.IgnoreUnexpectedEof;
  if (!compresses) bits += Op.NoCertificateCompression;
  if ((own.tickets ?? defaults.tickets) === false) bits += Op.NoTicket;
  if ((own.preferClientCiphers ?? defaults.preferClientCiphers) === true) return bits;
  return bits + Op.CipherServerPreference + Op.PrioritizeChacha;
}

type Context = Parameters<Openssl['SSL_CTX_free']>[0];

/** @returns what OpenSSL refused first. */
function applyLists(
  lib: Openssl,
  context: Context,
  own: TlsSettings,
  defaults: TlsSettings,
): string | null {
  const refuse = (what: string, value: string) => `unable to set ${what} to '${value}'`;
  const ctrl = (command: Ctrl, value: string) =>
    lib.SSL_CTX_ctrl(context, command, 0, cString(value)) === 1;
  const ciphers = own.ciphers ?? defaults.ciphers;
  if (ciphers !== null && lib.SSL_CTX_set_cipher_list(context, cString(ciphers)) !== 1) {
    return refuse('SSL cipher list', ciphers);
  }
  const suites = own.ciphersuites ?? defaults.ciphersuites;
  if (suites !== null && lib.SSL_CTX_set_ciphersuites(context, cString(suites)) !== 1) {
    return refuse('TLS 1.3 cipher suites', suites);
  }
  const curves = own.curves ?? defaults.curves;
  if (curves !== null && !ctrl(Ctrl.SetGroupsList, curves)) {
    return refuse('SSL curves list', curves);
  }
  const { ecdhe } = own;
  if (curves === null && ecdhe !== null && !ctrl(Ctrl.SetGroupsList, ecdhe)) {
    return refuse('elliptic named curve', ecdhe);
  }
  const sigalgs = own.sigalgs ?? defaults.sigalgs;
  if (sigalgs !== null && !ctrl(Ctrl.SetSigalgsList, sigalgs)) {
    return refuse('SSL Signature Algorithm list', sigalgs);
  }
  const client = own.clientSigalgs ?? defaults.clientSigalgs;
  if (client !== null && !ctrl(Ctrl.SetClientSigalgsList, client)) {
    return refuse('SSL Signature Algorithm list', client);
  }
  return null;
}

/** Protocol names as the extension carries them (RFC 7301 3.1), in the arena until the next call. */
export function protocolList(names: readonly string[]): { off: number; len: number } {
  let end = protocols;
  for (const name of names) {
    if (end + 1 + name.length > protocols + 1024) break;
    mem[end++] = name.length;
    mem.set(Buffer.from(name, 'latin1'), end);
    end += name.length;
  }
  return { off: protocols, len: end - protocols };
}

/** Offers protocols to servers. */
export function offerProtocols(lib: Openssl, context: Address, names: readonly string[]): void {
  if (names.length === 0) return;
  const { off, len } = protocolList(names);
  lib.SSL_CTX_set_alpn_protos(at(context), inArena(off), len);
}
