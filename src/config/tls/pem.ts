/**
 * What PEM files hold, as OpenSSL reads it: certificates, keys, revocation lists, parameters. The
 * objects are made once, by the thread that reads the configuration, and stay until the process ends;
 * workers use them where they are (X509, EVP_PKEY and X509_STORE may be shared by threads).
 */

import { mem32, reserve } from '../../sys/arena.ts';
import {
  type Address,
  addressOf,
  at,
  bytesAt,
  cString,
  inArena,
  memoryBio,
  type Openssl,
  takeReason,
} from '../../sys/openssl.ts';

const NID_COMMON_NAME = 13;
const NID_SUBJECT_ALT_NAME = 85;
const GENERAL_NAME_DNS = 2;

const typeCell = reserve(4);

type Reader = 'PEM_read_bio_X509_AUX' | 'PEM_read_bio_X509' | 'PEM_read_bio_X509_CRL';

/** Runs `read` over the bytes of a file. */
function withBio<Result>(
  lib: Openssl,
  bytes: Uint8Array,
  read: (bio: ReturnType<typeof memoryBio>) => Result,
): Result {
  // OpenSSL refuses an empty buffer; a line end holds as little.
  const bio = memoryBio(lib, bytes.length > 0 ? bytes : new Uint8Array([10]));
  const result = read(bio);
  lib.BIO_free(bio);
  return result;
}

/** Every object of a kind, and why the reading of the next one ended. */
function readAll(
  lib: Openssl,
  bytes: Uint8Array,
  first: Reader,
  next: Reader,
): { found: Address[]; reason: string } {
  return withBio(lib, bytes, (bio) => {
    const found: Address[] = [];
    for (let reader = first; ; reader = next) {
      const object = addressOf(lib[reader](bio, null, null, null));
      if (object === 0) return { found, reason: takeReason(lib) };
      found.push(object);
    }
  });
}

/** All certificates; the first one is the site's own. */
export function readCertificates(lib: Openssl, bytes: Uint8Array) {
  return readAll(lib, bytes, 'PEM_read_bio_X509_AUX', 'PEM_read_bio_X509');
}

export function readRevocations(lib: Openssl, bytes: Uint8Array): Address[] {
  return readAll(lib, bytes, 'PEM_read_bio_X509_CRL', 'PEM_read_bio_X509_CRL').found;
}

/** The private key, or 0. A key with a passphrase is none: nobody is asked for it. */
export function readKey(lib: Openssl, bytes: Uint8Array): Address {
  return withBio(lib, bytes, (bio) => {
    const key = addressOf(lib.PEM_read_bio_PrivateKey(bio, null, null, cString('')));
    lib.ERR_clear_error();
    return key;
  });
}

/** Diffie-Hellman parameters, or 0. */
export function readParameters(lib: Openssl, bytes: Uint8Array): Address {
  return withBio(lib, bytes, (bio) => {
    const parameters = addressOf(lib.PEM_read_bio_Parameters(bio, null));
    lib.ERR_clear_error();
    return parameters;
  });
}

/** A new STACK_OF the objects, which it does not own. */
export function stackOf(lib: Openssl, objects: readonly Address[]): Address {
  const stack = lib.OPENSSL_sk_new_null();
  for (const object of objects) lib.OPENSSL_sk_push(stack, at(object));
  return addressOf(stack);
}

const keyTypes: Readonly<Record<number, string>> = {
  6: 'rsa',
  912: 'rsa',
  116: 'dsa',
  408: 'ecdsa',
};

/** The kind of key that a certificate is for. */
export function keyTypeOf(lib: Openssl, certificate: Address): string {
  const key = lib.X509_get0_pubkey(at(certificate));
  const type = key === null ? 0 : lib.EVP_PKEY_get_base_id(key);
  return keyTypes[type] ?? `${type}`;
}

/** The host names of a certificate in lower case: its common name and the alternative names. */
export function hostNames(lib: Openssl, certificate: Address): string[] {
  const names = new Set<string>();
  const subject = lib.X509_get_subject_name(at(certificate));
  const count = lib.X509_NAME_entry_count(subject);
  for (let i = 0; i < count; i++) {
    const entry = lib.X509_NAME_get_entry(subject, i);
    const kind = lib.OBJ_obj2nid(lib.X509_NAME_ENTRY_get_object(entry));
    if (kind === NID_COMMON_NAME) names.add(stringOf(lib, lib.X509_NAME_ENTRY_get_data(entry)));
  }
  const list = lib.X509_get_ext_d2i(at(certificate), NID_SUBJECT_ALT_NAME, null, null);
  if (list !== null) {
    for (let i = 0; i < lib.OPENSSL_sk_num(list); i++) {
      const value = lib.GENERAL_NAME_get0_value(lib.OPENSSL_sk_value(list, i), inArena(typeCell));
      if (mem32[typeCell >> 2] === GENERAL_NAME_DNS) names.add(stringOf(lib, value));
    }
    lib.GENERAL_NAMES_free(list);
  }
  lib.ERR_clear_error();
  return [...names].filter((name) => name !== '').map((name) => name.toLowerCase());
}

/** An ASN1_STRING as a byte string. */
function stringOf(lib: Openssl, value: Parameters<Openssl['ASN1_STRING_length']>[0]): string {
  const len = lib.ASN1_STRING_length(value);
  return bytesAt(addressOf(lib.ASN1_STRING_get0_data(value)), len);
}
