/**
 * Parameters of ephemeral Diffie-Hellman (configuration.txt 3.2 tune.ssl.default-dh-param): those of the
 * certificate's file, those of `ssl-dh-param-file`, or a group of RFC 7919 that is as large as the
 * certificate's key and no larger than the setting. Without any of them there is no DHE.
 */
import type { CertificateConfig, TlsDefaults } from '../../model/config.ts';
import { base, putPointer, reserve } from '../../sys/arena.ts';
import { type Address, at, cString, inArena, type Openssl, pointerAt } from '../../sys/openssl.ts';

/** The largest group of at most so many bits. */
const groups: readonly (readonly [bits: number, name: string])[] = [
  [8192, 'ffdhe8192'],
  [6144, 'ffdhe6144'],
  [4096, 'ffdhe4096'],
  [3072, 'ffdhe3072'],
  [2048, 'ffdhe2048'],
  [1536, 'modp_1536'],
  [1024, 'dh_1024_160'],
];

const cell = reserve(8);
const made = new Map<string, Address>();

/** @returns the address of an EVP_PKEY that lives for ever; 0 = none. */
export function dhParameters(
  lib: Openssl,
  certificate: CertificateConfig,
  defaults: TlsDefaults,
): Address {
  const given = certificate.dhParameters || defaults.dhParameters;
  if (given !== 0 || defaults.dhParamBits === 0) return given;
  const keyBits = lib.EVP_PKEY_get_bits(at(certificate.key));
  // Small keys are those of elliptic curves: they say nothing about Diffie-Hellman.
  const bits = Math.min(defaults.dhParamBits, Math.max(keyBits, 2048));
  const name = groups.find(([size]) => size <= bits)?.[1];
  if (name === undefined) return 0;
  const known = made.get(name) ?? create(lib, name);
  made.set(name, known);
  return known;
}

function create(lib: Openssl, name: string): Address {
  const ctx = lib.EVP_PKEY_CTX_new_from_name(null, cString('DH'), null);
  putPointer(cell, 0);
  const isMade =
    lib.EVP_PKEY_paramgen_init(ctx) === 1 &&
    lib.EVP_PKEY_CTX_set_group_name(ctx, cString(name)) === 1 &&
    lib.EVP_PKEY_generate(ctx, inArena(cell)) === 1;
  lib.EVP_PKEY_CTX_free(ctx);
  lib.ERR_clear_error();
  return isMade ? pointerAt(base + cell) : 0;
}
