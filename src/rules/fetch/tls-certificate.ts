/**
 * Certificates of a TLS connection as samples (configuration.txt 7.3.4): `ssl_c_*` is the client's,
 * `ssl_f_*` the one that the client was shown, `ssl_s_*` the server's.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import type { TlsState } from '../../model/tls.ts';
import { base, mem, putPointer, reserve, reserveBytes } from '../../sys/arena.ts';
import { type Address, addressOf, at, byteAt, inArena, needOpenssl } from '../../sys/openssl.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow, TypeName } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { scratchMax, takeScratch } from '../scratch.ts';
import { setTaken, setText } from './tls.ts';

const SHA1_BYTES = 20;
/** XN_FLAG_RFC2253 (x509.h). */
const RFC2253 = 0x1110317;
const GENERALIZED_TIME = 24;
const OID_MAX = 80;
const SLASH = 0x2f;
const EQUALS = 0x3d;

const cells = reserve(16);

/** The certificate that a fetch is about; 0 = there is none. */
type Owner = (ctx: RuleContext) => Address;
type CertificateFetch = (certificate: Address, sample: Sample) => boolean;

function frontTls(ctx: RuleContext): TlsState | null {
  const { tls } = ctx.session;
  return tls === null || tls.ssl === 0 ? null : tls;
}

function ofClient(ctx: RuleContext): Address {
  const tls = frontTls(ctx);
  return tls === null ? 0 : addressOf(needOpenssl().SSL_get0_peer_certificate(at(tls.ssl)));
}

function ofFrontend(ctx: RuleContext): Address {
  const tls = frontTls(ctx);
  return tls === null ? 0 : addressOf(needOpenssl().SSL_get_certificate(at(tls.ssl)));
}

function ofServer(ctx: RuleContext): Address {
  const tls = ctx.stream === null ? null : ctx.stream.serverTls;
  if (tls === null || tls.ssl === 0) return 0;
  return addressOf(needOpenssl().SSL_get0_peer_certificate(at(tls.ssl)));
}

/** The end of the chain that was verified. */
function ofRoot(ctx: RuleContext): Address {
  const tls = frontTls(ctx);
  if (tls === null) return 0;
  const lib = needOpenssl();
  const chain = lib.SSL_get0_verified_chain(at(tls.ssl));
  const count = chain === null ? 0 : lib.OPENSSL_sk_num(chain);
  return count > 0 ? addressOf(lib.OPENSSL_sk_value(chain, count - 1)) : 0;
}

/** Writes the DER form to `off`. @returns its length, 0 = it has no room. */
function putDer(certificate: Address, off: number, room: number): number {
  const lib = needOpenssl();
  const len = lib.i2d_X509(at(certificate), null);
  if (len <= 0 || len > room) return 0;
  putPointer(cells, base + off);
  return lib.i2d_X509(at(certificate), inArena(cells));
}

function der(certificate: Address, sample: Sample): boolean {
  const off = takeScratch(scratchMax());
  const len = putDer(certificate, off, scratchMax());
  return setTaken(sample, off, len, SampleType.Bin) && len > 0;
}

function chainDer(tls: TlsState, sample: Sample): boolean {
  const lib = needOpenssl();
  const chain = lib.SSL_get_peer_cert_chain(at(tls.ssl));
  const count = chain === null ? 0 : lib.OPENSSL_sk_num(chain);
  if (count <= 0) return false;
  const off = takeScratch(scratchMax());
  let len = 0;
  for (let i = 0; i < count; i++) {
    const one = addressOf(lib.OPENSSL_sk_value(chain, i));
    const size = putDer(one, off + len, scratchMax() - len);
    if (size === 0) break;
    len += size;
  }
  return setTaken(sample, off, len, SampleType.Bin) && len > 0;
}

function keyAlgorithm(certificate: Address, sample: Sample): boolean {
  const lib = needOpenssl();
  const key = lib.X509_get0_pubkey(at(certificate));
  return key !== null && setText(sample, addressOf(lib.OBJ_nid2sn(lib.EVP_PKEY_get_base_id(key))));
}

function signatureAlgorithm(certificate: Address, sample: Sample): boolean {
  const lib = needOpenssl();
  return setText(sample, addressOf(lib.OBJ_nid2sn(lib.X509_get_signature_nid(at(certificate)))));
}

/** A time as `YYMMDDhhmmss[Z]`, whatever form the certificate has it in. */
function setTime(sample: Sample, time: Address): boolean {
  const lib = needOpenssl();
  const skip = lib.ASN1_STRING_type(at(time)) === GENERALIZED_TIME ? 2 : 0;
  return setString(sample, time, skip, SampleType.Str);
}

/** The bytes of an ASN1_STRING from `skip` on. */
function setString(sample: Sample, string: Address, skip: number, type: SampleType): boolean {
  if (string === 0) return false;
  const lib = needOpenssl();
  const len = lib.ASN1_STRING_length(at(string)) - skip;
  if (len < 0 || len > scratchMax()) return false;
  const off = takeScratch(len);
  const data = addressOf(lib.ASN1_STRING_get0_data(at(string)));
  if (len > 0) lib.memcpy(inArena(off), data + skip, len);
  return setTaken(sample, off, len, type);
}

function notAfter(certificate: Address, sample: Sample): boolean {
  return setTime(sample, addressOf(needOpenssl().X509_get0_notAfter(at(certificate))));
}

function notBefore(certificate: Address, sample: Sample): boolean {
  return setTime(sample, addressOf(needOpenssl().X509_get0_notBefore(at(certificate))));
}

function serial(certificate: Address, sample: Sample): boolean {
  const number = addressOf(needOpenssl().X509_get_serialNumber(at(certificate)));
  return setString(sample, number, 0, SampleType.Bin);
}

function sha1(certificate: Address, sample: Sample): boolean {
  const lib = needOpenssl();
  const off = takeScratch(SHA1_BYTES);
  lib.X509_digest(at(certificate), lib.EVP_sha1(), inArena(off), null);
  return setTaken(sample, off, SHA1_BYTES, SampleType.Bin);
}

function version(certificate: Address, sample: Sample): boolean {
  sample.setInt(needOpenssl().X509_get_version(at(certificate)) + 1);
  return true;
}

function checkName(args: ArgConfig[]): void {
  const format = String(args[2] ?? '');
  if (format !== '' && format !== 'rfc2253') {
    throw new ConfigError('only rfc2253 is currently supported as third argument');
  }
}

/** `([<entry>[,<occ>[,<format>]]])`: the whole name, or the nth entry of a kind. */
function compileName(issuer: boolean, args: readonly ArgConfig[]): CertificateFetch {
  const entry = String(args[0] ?? '').toLowerCase();
  const occurrence = Number(args[1] ?? 0) || 1;
  const isLdap = args[2] === 'rfc2253';
  const wanted = reserveBytes(entry);
  return (certificate, sample) => {
    const lib = needOpenssl();
    const name = addressOf(
      issuer
        ? lib.X509_get_issuer_name(at(certificate))
        : lib.X509_get_subject_name(at(certificate)),
    );
    if (entry.length > 0) return oneEntry(name, wanted, entry.length, occurrence, sample);
    return isLdap ? ldapName(name, sample) : wholeName(name, sample);
  };
}

/** Writes the short name of an entry's kind to the arena. @returns its length. */
function putKind(entry: Address, off: number): number {
  const lib = needOpenssl();
  const object = lib.X509_NAME_ENTRY_get_object(at(entry));
  const nid = lib.OBJ_obj2nid(object);
  if (nid !== 0) return lib.OPENSSL_strlcpy(inArena(off), lib.OBJ_nid2sn(nid), OID_MAX);
  return lib.OBJ_obj2txt(inArena(off), OID_MAX, object, 1);
}

const kind = reserve(OID_MAX);

function oneEntry(
  name: Address,
  wanted: number,
  wantedLen: number,
  occurrence: number,
  sample: Sample,
): boolean {
  const lib = needOpenssl();
  const count = lib.X509_NAME_entry_count(at(name));
  const step = occurrence > 0 ? 1 : -1;
  let left = Math.abs(occurrence);
  for (let i = step > 0 ? 0 : count - 1; i >= 0 && i < count; i += step) {
    const entry = addressOf(lib.X509_NAME_get_entry(at(name), i));
    if (!isKind(putKind(entry, kind), wanted, wantedLen) || --left > 0) continue;
    const data = addressOf(lib.X509_NAME_ENTRY_get_data(at(entry)));
    return !hasNul(data) && setString(sample, data, 0, SampleType.Str);
  }
  return false;
}

function isKind(len: number, wanted: number, wantedLen: number): boolean {
  if (len !== wantedLen) return false;
  for (let i = 0; i < len; i++) {
    const byte = mem[kind + i]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== mem[wanted + i]) return false;
  }
  return true;
}

/** A name with a zero in it is made to be read differently by others. */
function hasNul(string: Address): boolean {
  const lib = needOpenssl();
  const len = lib.ASN1_STRING_length(at(string));
  const data = addressOf(lib.ASN1_STRING_get0_data(at(string)));
  for (let i = 0; i < len; i++) if (byteAt(data, i) === 0) return true;
  return false;
}

/** `/C=../O=../CN=..`. */
function wholeName(name: Address, sample: Sample): boolean {
  const lib = needOpenssl();
  const count = lib.X509_NAME_entry_count(at(name));
  const room = scratchMax();
  const off = takeScratch(room);
  let end = off;
  for (let i = 0; i < count; i++) {
    const entry = lib.X509_NAME_get_entry(at(name), i);
    const data = addressOf(lib.X509_NAME_ENTRY_get_data(entry));
    const len = lib.ASN1_STRING_length(at(data));
    if (hasNul(data) || end + len + OID_MAX + 2 > off + room) return false;
    mem[end++] = SLASH;
    end += putKind(addressOf(entry), end);
    mem[end++] = EQUALS;
    if (len > 0) lib.memcpy(inArena(end), lib.ASN1_STRING_get0_data(at(data)), len);
    end += len;
  }
  return setTaken(sample, off, end - off, SampleType.Str);
}

function ldapName(name: Address, sample: Sample): boolean {
  const lib = needOpenssl();
  const bio = lib.BIO_new(lib.BIO_s_mem());
  if (bio === null) return false;
  lib.X509_NAME_print_ex(bio, at(name), 0, RFC2253);
  const off = takeScratch(scratchMax());
  const len = lib.BIO_read(bio, inArena(off), scratchMax());
  lib.BIO_free(bio);
  return setTaken(sample, off, len > 0 ? len : 0, SampleType.Str) && len > 0;
}

function compileOf(owner: Owner, read: CertificateFetch): Fetch {
  return (ctx, sample) => {
    const certificate = owner(ctx);
    return certificate !== 0 && read(certificate, sample);
  };
}

const plain: readonly (readonly [string, TypeName, string, CertificateFetch])[] = [
  ['der', 'bin', 'certificate in DER form', der],
  ['key_alg', 'str', 'algorithm of the key', keyAlgorithm],
  ['notafter', 'str', 'end of the validity, YYMMDDhhmmss[Z]', notAfter],
  ['notbefore', 'str', 'start of the validity, YYMMDDhhmmss[Z]', notBefore],
  ['serial', 'bin', 'serial number', serial],
  ['sha1', 'bin', 'SHA-1 fingerprint', sha1],
  ['sig_alg', 'str', 'algorithm of the signature', signatureAlgorithm],
  ['version', 'sint', 'version of the certificate', version],
];

type OwnerRow = readonly [prefix: string, whose: string, owner: Owner];
const owners: readonly OwnerRow[] = [
  ['ssl_c', 'of the client', ofClient],
  ['ssl_f', 'that the client is shown', ofFrontend],
  ['ssl_s', 'of the server', ofServer],
];

const nameArguments = '[string,integer,string]';

function createNameRow(
  prefix: string,
  whose: string,
  owner: Owner,
  suffix: 'i' | 's' | 'r',
): FetchRow {
  const what = { i: 'issuer', s: 'subject', r: 'subject of the root' }[suffix];
  return {
    name: `${prefix}_${suffix}_dn`,
    args: nameArguments,
    out: 'str',
    valid: valid.handshake,
    doc: `${what} of the certificate ${whose}`,
    check: checkName,
    compile: (args) => compileOf(owner, compileName(suffix === 'i', args)),
  };
}

function createRows([prefix, whose, owner]: OwnerRow): FetchRow[] {
  return [
    ...plain.map(
      ([name, out, doc, read]): FetchRow => ({
        name: `${prefix}_${name}`,
        args: '',
        out,
        valid: valid.handshake,
        doc: `${doc}, of the certificate ${whose}`,
        compile: () => compileOf(owner, read),
      }),
    ),
    createNameRow(prefix, whose, owner, 'i'),
    createNameRow(prefix, whose, owner, 's'),
  ];
}

/** What is known of the client's verification. */
function createVerification(
  name: string,
  doc: string,
  out: TypeName,
  read: (tls: TlsState, sample: Sample) => boolean,
): FetchRow {
  const fetch: Fetch = (ctx, sample) => {
    const tls = frontTls(ctx);
    return tls !== null && read(tls, sample);
  };
  return { name, args: '', out, valid: valid.handshake, doc, compile: () => fetch };
}

function verifyResult(tls: TlsState, sample: Sample): boolean {
  sample.setInt(needOpenssl().SSL_get_verify_result(at(tls.ssl)));
  return true;
}

function isUsed(tls: TlsState, sample: Sample): boolean {
  sample.setBool(needOpenssl().SSL_get0_peer_certificate(at(tls.ssl)) !== null);
  return true;
}

function clientError(tls: TlsState, sample: Sample): boolean {
  sample.setInt(tls.verifyError);
  return true;
}

function authorityError(tls: TlsState, sample: Sample): boolean {
  sample.setInt(tls.caError);
  return true;
}

function authorityDepth(tls: TlsState, sample: Sample): boolean {
  sample.setInt(tls.caDepth);
  return true;
}

export const certificateFetches: readonly FetchRow[] = [
  ...owners.flatMap(createRows),
  createNameRow('ssl_c', 'of the client', ofRoot, 'r'),
  createVerification('ssl_c_ca_err', 'first error of an authority', 'sint', authorityError),
  createVerification('ssl_c_ca_err_depth', 'depth of that error', 'sint', authorityDepth),
  createVerification('ssl_c_chain_der', "client's chain in DER form", 'bin', chainDer),
  createVerification('ssl_c_err', "first error of the client's certificate", 'sint', clientError),
  createVerification('ssl_c_used', 'whether the session has a client certificate', 'bool', isUsed),
  createVerification('ssl_c_verify', 'result of the verification, 0 = good', 'sint', verifyResult),
];
