/**
 * TLS of the client's and of the server's connection as samples (configuration.txt 7.3.4, 7.3.3
 * fc_err). Values are copied out of OpenSSL's memory when they are asked for.
 *
 * @dataplane
 */
import { Bytes } from '../../model/runtime.ts';
import { failureText, type TlsState } from '../../model/tls.ts';
import { base, mem, mem32, reserve } from '../../sys/arena.ts';
import {
  type Address,
  addressOf,
  at,
  Ctrl,
  inArena,
  needOpenssl,
  pointerAt,
  putErrorText,
} from '../../sys/openssl.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow, TypeName } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch, trimScratch } from '../scratch.ts';

/** TLSEXT_NAMETYPE_host_name (tls1.h). */
const HOST_NAME = 0;
const RANDOM_BYTES = 32;
const TEXT_MAX = 256;
const UNIQUE_MAX = 64;
const KEY_MAX = 64;
const LOWER_A = 0x61;
const LOWER_Z = 0x7a;
const CASE = 0x20;

const cells = reserve(32);

/** Fills the sample from the state of a TLS connection. */
type TlsFetch = (tls: TlsState, sample: Sample) => boolean;

/** Copies a C string of OpenSSL's into the sample. */
export function setText(sample: Sample, text: Address): boolean {
  if (text === 0) return false;
  const off = takeScratch(TEXT_MAX);
  const len = needOpenssl().OPENSSL_strlcpy(inArena(off), text, TEXT_MAX);
  return setTaken(sample, off, len < TEXT_MAX ? len : TEXT_MAX - 1, SampleType.Str);
}

/** The sample is what stands at the start of the piece of scratch taken last. */
export function setTaken(sample: Sample, off: number, len: number, type: SampleType): boolean {
  trimScratch(off + len);
  sample.setStr(off, len);
  sample.type = type;
  return true;
}

function alpn(tls: TlsState, sample: Sample): boolean {
  const lib = needOpenssl();
  lib.SSL_get0_alpn_selected(at(tls.ssl), inArena(cells), inArena(cells + 8));
  const len = mem32[(cells + 8) >> 2]!;
  if (len === 0 || len > TEXT_MAX) return false;
  const off = takeScratch(len);
  lib.memcpy(inArena(off), pointerAt(base + cells), len);
  return setTaken(sample, off, len, SampleType.Str);
}

function cipherOf(tls: TlsState): Address {
  return addressOf(needOpenssl().SSL_get_current_cipher(at(tls.ssl)));
}

function cipher(tls: TlsState, sample: Sample): boolean {
  const found = cipherOf(tls);
  return found !== 0 && setText(sample, addressOf(needOpenssl().SSL_CIPHER_get_name(found)));
}

function keySize(tls: TlsState, sample: Sample): boolean {
  const found = cipherOf(tls);
  if (found === 0) return false;
  sample.setInt(needOpenssl().SSL_CIPHER_get_bits(found, inArena(cells)));
  return true;
}

function algorithmKeySize(tls: TlsState, sample: Sample): boolean {
  if (!keySize(tls, sample)) return false;
  sample.setInt(mem32[cells >> 2]!);
  return true;
}

function clientRandom(tls: TlsState, sample: Sample): boolean {
  const off = takeScratch(RANDOM_BYTES);
  const len = needOpenssl().SSL_get_client_random(at(tls.ssl), inArena(off), RANDOM_BYTES);
  return setTaken(sample, off, len, SampleType.Bin);
}

function serverRandom(tls: TlsState, sample: Sample): boolean {
  const off = takeScratch(RANDOM_BYTES);
  const len = needOpenssl().SSL_get_server_random(at(tls.ssl), inArena(off), RANDOM_BYTES);
  return setTaken(sample, off, len, SampleType.Bin);
}

function curve(tls: TlsState, sample: Sample): boolean {
  const lib = needOpenssl();
  const group = lib.SSL_ctrl(at(tls.ssl), Ctrl.GetNegotiatedGroup, 0, null);
  if (group <= 0) return false;
  if (!setText(sample, addressOf(lib.SSL_group_to_name(at(tls.ssl), group)))) return false;
  // HAProxy shows the names of RFC 8446 4.2.7 in upper case, whatever OpenSSL calls them.
  for (let i = sample.off; i < sample.off + sample.len; i++) {
    if (mem[i]! >= LOWER_A && mem[i]! <= LOWER_Z) mem[i] = mem[i]! - CASE;
  }
  return true;
}

function error(tls: TlsState, sample: Sample): boolean {
  sample.setInt(tls.error);
  return true;
}

function errorString(tls: TlsState, sample: Sample): boolean {
  if (tls.error === 0) return false;
  const off = takeScratch(TEXT_MAX);
  return setTaken(sample, off, putErrorText(tls.error, off), SampleType.Str);
}

function hasCertificate(tls: TlsState, sample: Sample): boolean {
  const lib = needOpenssl();
  const has = lib.SSL_get0_peer_certificate(at(tls.ssl)) !== null;
  sample.setBool(has && lib.SSL_session_reused(at(tls.ssl)) === 0);
  return true;
}

/** There is no early data: nothing of it is ever accepted. */
function never(_tls: TlsState, sample: Sample): boolean {
  sample.setBool(false);
  return true;
}

function nameOf(tls: TlsState): Address {
  return addressOf(needOpenssl().SSL_get_servername(at(tls.ssl), HOST_NAME));
}

function name(tls: TlsState, sample: Sample): boolean {
  return setText(sample, nameOf(tls));
}

function isReused(tls: TlsState | null): boolean {
  return tls !== null && tls.ssl !== 0 && needOpenssl().SSL_session_reused(at(tls.ssl)) === 1;
}

function protocol(tls: TlsState, sample: Sample): boolean {
  return setText(sample, addressOf(needOpenssl().SSL_get_version(at(tls.ssl))));
}

function sessionId(tls: TlsState, sample: Sample): boolean {
  const lib = needOpenssl();
  const session = lib.SSL_get_session(at(tls.ssl));
  if (session === null) return false;
  const data = addressOf(lib.SSL_SESSION_get_id(session, inArena(cells)));
  const len = mem[cells]!;
  if (data === 0 || len === 0) return false;
  const off = takeScratch(len);
  lib.memcpy(inArena(off), data, len);
  return setTaken(sample, off, len, SampleType.Bin);
}

function sessionKey(tls: TlsState, sample: Sample): boolean {
  const lib = needOpenssl();
  const session = lib.SSL_get_session(at(tls.ssl));
  if (session === null) return false;
  const off = takeScratch(KEY_MAX);
  const len = lib.SSL_SESSION_get_master_key(session, inArena(off), KEY_MAX);
  return len > 0 && setTaken(sample, off, len, SampleType.Bin);
}

/** RFC 5929 3: the first Finished message of the handshake; the client's when it is a full one. */
function compileUniqueId(isFront: boolean): TlsFetch {
  return (tls, sample) => {
    const lib = needOpenssl();
    const ofClient = lib.SSL_session_reused(at(tls.ssl)) === 0;
    const off = takeScratch(UNIQUE_MAX);
    const len =
      ofClient === isFront
        ? lib.SSL_get_peer_finished(at(tls.ssl), inArena(off), UNIQUE_MAX)
        : lib.SSL_get_finished(at(tls.ssl), inArena(off), UNIQUE_MAX);
    return len > 0 && setTaken(sample, off, len, SampleType.Bin);
  };
}

function compileFront(read: TlsFetch): Fetch {
  return (ctx, sample) => {
    const { tls } = ctx.session;
    return tls !== null && tls.ssl !== 0 && read(tls, sample);
  };
}

function compileBack(read: TlsFetch): Fetch {
  return (ctx, sample) => {
    const tls = ctx.stream === null ? null : ctx.stream.serverTls;
    return tls !== null && tls.ssl !== 0 && read(tls, sample);
  };
}

/** `%sslc` and `%sslv` are the same facts. */
export const tlsCipher = compileFront(cipher);
export const tlsVersion = compileFront(protocol);

function isTls(ctx: RuleContext, sample: Sample): boolean {
  sample.setBool(ctx.session.tls !== null);
  return true;
}

/** Of a plain connection these two are false, not missing. */
function hasClientName(ctx: RuleContext, sample: Sample): boolean {
  const { tls } = ctx.session;
  sample.setBool(tls !== null && tls.ssl !== 0 && nameOf(tls) !== 0);
  return true;
}

function isClientResumed(ctx: RuleContext, sample: Sample): boolean {
  sample.setBool(isReused(ctx.session.tls));
  return true;
}

function isServerResumed(ctx: RuleContext, sample: Sample): boolean {
  sample.setBool(ctx.stream !== null && isReused(ctx.stream.serverTls));
  return true;
}

function isServerTls(ctx: RuleContext, sample: Sample): boolean {
  sample.setBool(ctx.stream !== null && ctx.stream.serverTls !== null);
  return true;
}

const failures = createFailures();

function createFailures(): Bytes[] {
  const found: Bytes[] = [];
  for (const [code, text] of failureText) found[code] = new Bytes(text);
  return found;
}

function failureOf(ctx: RuleContext): number {
  const { tls } = ctx.session;
  return tls === null ? 0 : tls.failure;
}

function connectionError(ctx: RuleContext, sample: Sample): boolean {
  sample.setInt(failureOf(ctx));
  return true;
}

function connectionErrorString(ctx: RuleContext, sample: Sample): boolean {
  const text = failures[failureOf(ctx)]!;
  sample.setStr(text.off, text.len);
  return true;
}

/** What both sides know: name without its prefix, type, documentation, function. */
type CommonRow = readonly [name: string, out: TypeName, doc: string, read: TlsFetch];
const common: readonly CommonRow[] = [
  ['alg_keysize', 'sint', 'key size of the cipher in bits', algorithmKeySize],
  ['alpn', 'str', 'protocol chosen by ALPN', alpn],
  ['cipher', 'str', 'name of the cipher', cipher],
  ['client_random', 'bin', 'random of the client', clientRandom],
  ['curve', 'str', 'curve of the key exchange', curve],
  ['err', 'sint', 'number of the first error, 0 = none', error],
  ['err_str', 'str', 'text of the first error', errorString],
  ['protocol', 'str', 'version of the protocol', protocol],
  ['server_random', 'bin', 'random of the server', serverRandom],
  ['session_id', 'bin', 'number of the session', sessionId],
  ['session_key', 'bin', 'master key of the session', sessionKey],
  ['sni', 'str', 'server name sent in the handshake', name],
  ['use_keysize', 'sint', 'bits of the key in use', keySize],
];

const ofServer = "of the server's connection";
const ofClient = "of the client's connection";

export const tlsFetches: readonly FetchRow[] = [
  {
    name: 'fc_err',
    args: '',
    out: 'sint',
    valid: valid.client,
    doc: 'why the connection failed, 0 = it did not',
    compile: () => connectionError,
  },
  {
    name: 'fc_err_str',
    args: '',
    out: 'str',
    valid: valid.client,
    doc: 'why the connection failed, in words',
    compile: () => connectionErrorString,
  },
  {
    name: 'ssl_bc',
    args: '',
    out: 'bool',
    valid: valid.response,
    doc: 'whether the connection to the server is TLS',
    compile: () => isServerTls,
  },
  ...common.map(createCommonBack),
  createBack('unique_id', 'bin', 'TLS unique id', compileUniqueId(false)),
  createRow(
    'ssl_bc_is_resumed',
    'bool',
    valid.response,
    "whether the session of the server's connection was resumed",
    () => isServerResumed,
  ),
  {
    name: 'ssl_fc',
    args: '',
    out: 'bool',
    valid: valid.handshake,
    doc: 'whether the connection of the client is TLS',
    compile: () => isTls,
  },
  ...common.map(createCommonFront),
  createFront('early_rcvd', 'bool', 'whether early data came', never),
  createFront(
    'has_crt',
    'bool',
    'whether a certificate was shown in this handshake',
    hasCertificate,
  ),
  createFront(
    'has_early',
    'bool',
    'whether early data came before the end of the handshake',
    never,
  ),
  createRow(
    'ssl_fc_has_sni',
    'bool',
    valid.handshake,
    'whether the client sent a server name',
    () => hasClientName,
  ),
  createRow(
    'ssl_fc_is_resumed',
    'bool',
    valid.handshake,
    "whether the session of the client's connection was resumed",
    () => isClientResumed,
  ),
  createFront('unique_id', 'bin', 'TLS unique id', compileUniqueId(true)),
];

function createCommonFront([name, out, doc, read]: CommonRow): FetchRow {
  return createFront(name, out, doc, read);
}

function createCommonBack([name, out, doc, read]: CommonRow): FetchRow {
  return createBack(name, out, doc, read);
}

function createFront(name: string, out: TypeName, doc: string, read: TlsFetch): FetchRow {
  const fetch = compileFront(read);
  const compile = () => fetch;
  return createRow(`ssl_fc_${name}`, out, valid.handshake, `${doc} ${ofClient}`, compile);
}

function createBack(name: string, out: TypeName, doc: string, read: TlsFetch): FetchRow {
  const fetch = compileBack(read);
  const compile = () => fetch;
  return createRow(`ssl_bc_${name}`, out, valid.response, `${doc} ${ofServer}`, compile);
}

function createRow(
  name: string,
  out: TypeName,
  places: string,
  doc: string,
  compile: () => Fetch,
): FetchRow {
  return { name, args: '', out, valid: places, doc, compile };
}
