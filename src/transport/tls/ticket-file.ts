/**
 * Session tickets under the keys of `tls-ticket-keys` (configuration.txt 5.1): the key in the middle
 * encrypts, all of them decrypt, so that programs with overlapping files read each other's tickets.
 * A key is a name of 16 bytes and two keys: for AES-128 `name, aes, hmac` of 16 bytes each, for AES-256
 * `name, hmac, aes` of 32. The hash is HMAC-SHA256 (RFC 5077 4).
 */

import { base, mem, mem32, putPointer, reserve, reserveBytes } from '../../sys/arena.ts';
import {
  type Address,
  addressOf,
  at,
  byteAt,
  createCallback,
  cString,
  inArena,
  needOpenssl,
  type Openssl,
} from '../../sys/openssl.ts';
import { currentTls } from '../tls.ts';

const NAME_BYTES = 16;
const IV_BYTES = 16;
const SMALL_BYTES = 48;
/** The place of the key to encrypt with. */
const CURRENT = 1;
/** OSSL_PARAM (params.h): 40 bytes; type of a text. */
const PARAM_BYTES = 40;
const PARAM_UTF8_STRING = 4;
/** What the callback says (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)). */
const FAILED = -1;
const UNKNOWN = 0;
const GOOD = 1;
const RENEW = 2;

interface TicketKey {
  nameOff: number;
  aesOff: number;
  hmacOff: number;
  keyBytes: number;
}

/** By the context that tickets come to. */
const keysOf = new Map<Address, TicketKey[]>();
const params = reserve(PARAM_BYTES * 2);
let callback: Address = 0;
let ciphers: { small: Address; large: Address };

function prepare(lib: Openssl): void {
  if (callback !== 0) return;
  putPointer(params, base + reserveBytes('digest'));
  mem32[(params + 8) >> 2] = PARAM_UTF8_STRING;
  putPointer(params + 16, base + reserveBytes('SHA256'));
  putPointer(params + 24, 6);
  putPointer(params + 32, 0);
  mem.fill(0, params + PARAM_BYTES, params + PARAM_BYTES * 2);
  ciphers = {
    small: addressOf(lib.EVP_CIPHER_fetch(null, cString('AES-128-CBC'), null)),
    large: addressOf(lib.EVP_CIPHER_fetch(null, cString('AES-256-CBC'), null)),
  };
  callback = createCallback(onTicket, ['ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'i32']);
}

/** @param keys byte strings, see `BindConfig.ticketKeys`. */
export function useTicketFile(lib: Openssl, context: Address, keys: readonly string[]): void {
  prepare(lib);
  const placed = keys.map((key): TicketKey => {
    const off = reserveBytes(key);
    const first = off + NAME_BYTES;
    if (key.length === SMALL_BYTES) {
      return { nameOff: off, aesOff: first, hmacOff: first + 16, keyBytes: 16 };
    }
    return { nameOff: off, hmacOff: first, aesOff: first + 32, keyBytes: 32 };
  });
  keysOf.set(context, placed);
  lib.SSL_CTX_set_tlsext_ticket_key_evp_cb(at(context), at(callback));
}

/** Arguments are OpenSSL's: SSL, key name, IV, EVP_CIPHER_CTX, EVP_MAC_CTX, direction. */
function onTicket(
  _ssl: Address,
  name: Address,
  iv: Address,
  cipher: Address,
  mac: Address,
  encrypts: number,
): number {
  const lib = needOpenssl();
  const keys = keysOf.get(currentTls().context);
  if (keys === undefined) return FAILED;
  if (encrypts === 1) return seal(lib, keys[CURRENT]!, Number(name), Number(iv), cipher, mac);
  const index = keys.findIndex((key) => hasName(key, Number(name)));
  if (index < 0) return UNKNOWN;
  const key = keys[index]!;
  const isReady = lib.EVP_DecryptInit_ex(
    at(Number(cipher)),
    cipherOf(key),
    null,
    inArena(key.aesOff),
    at(Number(iv)),
  );
  if (isReady !== 1 || !hash(lib, mac, key)) return FAILED;
  return index === CURRENT ? GOOD : RENEW;
}

function seal(
  lib: Openssl,
  key: TicketKey,
  name: Address,
  iv: Address,
  cipher: Address,
  mac: Address,
): number {
  if (lib.RAND_bytes(at(iv), IV_BYTES) !== 1) return FAILED;
  lib.memcpy(at(name), inArena(key.nameOff), NAME_BYTES);
  const aes = inArena(key.aesOff);
  const isReady = lib.EVP_EncryptInit_ex(at(Number(cipher)), cipherOf(key), null, aes, at(iv));
  return isReady === 1 && hash(lib, mac, key) ? GOOD : FAILED;
}

function cipherOf(key: TicketKey) {
  return at(key.keyBytes === 16 ? ciphers.small : ciphers.large);
}

function hash(lib: Openssl, mac: Address, key: TicketKey): boolean {
  const { hmacOff, keyBytes } = key;
  return lib.EVP_MAC_init(at(Number(mac)), inArena(hmacOff), keyBytes, inArena(params)) === 1;
}

function hasName(key: TicketKey, name: Address): boolean {
  for (let i = 0; i < NAME_BYTES; i++) if (byteAt(name, i) !== mem[key.nameOff + i]) return false;
  return true;
}
