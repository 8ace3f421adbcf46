/**
 * OpenSSL 3 (libssl.so.3, libcrypto.so.3; Debian: libssl3) through bun:ffi: names and types of what
 * is called, and nothing of what it means. The libraries are opened when a configuration first asks
 * for TLS, so that one without it needs neither; a thread that opens them after chroot gets the ones
 * that the process has loaded.
 *
 * OpenSSL keeps a queue of errors per thread. Whoever calls leaves it empty: what is in it after a
 * failed call is then about that call. An object may be used by several threads if its manual says so
 * (X509, EVP_PKEY and X509_STORE may); SSL_CTX and SSL belong to the thread that made them, because
 * their callbacks are functions of that thread's JavaScript.
 */
import { dlopen, type FFIFunction, JSCallback, type Pointer, ptr, read } from 'bun:ffi';
import { base, mem, mem32, reserve, text } from './arena.ts';

const sslSignatures = {
  TLS_server_method: { args: [], returns: 'ptr' },
  TLS_client_method: { args: [], returns: 'ptr' },
  SSL_CTX_new: { args: ['ptr'], returns: 'ptr' },
  SSL_CTX_free: { args: ['ptr'], returns: 'void' },
  SSL_CTX_set_options: { args: ['ptr', 'u64'], returns: 'void' },
  SSL_CTX_clear_options: { args: ['ptr', 'u64'], returns: 'void' },
  SSL_CTX_ctrl: { args: ['ptr', 'i32', 'i64', 'ptr'], returns: 'i32' },
  SSL_CTX_set_security_level: { args: ['ptr', 'i32'], returns: 'void' },
  SSL_CTX_set_cipher_list: { args: ['ptr', 'ptr'], returns: 'i32' },
  SSL_CTX_set_ciphersuites: { args: ['ptr', 'ptr'], returns: 'i32' },
  SSL_CTX_use_cert_and_key: { args: ['ptr', 'ptr', 'ptr', 'ptr', 'i32'], returns: 'i32' },
  SSL_CTX_set0_tmp_dh_pkey: { args: ['ptr', 'ptr'], returns: 'i32' },
  SSL_CTX_set1_cert_store: { args: ['ptr', 'ptr'], returns: 'void' },
  SSL_CTX_set_client_CA_list: { args: ['ptr', 'ptr'], returns: 'void' },
  SSL_dup_CA_list: { args: ['ptr'], returns: 'ptr' },
  SSL_CTX_set_client_hello_cb: { args: ['ptr', 'ptr', 'ptr'], returns: 'void' },
  SSL_CTX_set_alpn_select_cb: { args: ['ptr', 'ptr', 'ptr'], returns: 'void' },
  SSL_CTX_set_alpn_protos: { args: ['ptr', 'ptr', 'u32'], returns: 'i32' },
  SSL_CTX_set_verify: { args: ['ptr', 'i32', 'ptr'], returns: 'void' },
  SSL_CTX_set_session_id_context: { args: ['ptr', 'ptr', 'u32'], returns: 'i32' },
  SSL_CTX_set_timeout: { args: ['ptr', 'i64'], returns: 'i64' },
  SSL_CTX_sess_set_new_cb: { args: ['ptr', 'ptr'], returns: 'void' },
  SSL_CTX_sess_set_get_cb: { args: ['ptr', 'ptr'], returns: 'void' },
  SSL_CTX_set_tlsext_ticket_key_evp_cb: { args: ['ptr', 'ptr'], returns: 'i32' },
  SSL_select_next_proto: { args: ['ptr', 'ptr', 'ptr', 'u32', 'ptr', 'u32'], returns: 'i32' },
  SSL_client_hello_get0_ext: { args: ['ptr', 'u32', 'ptr', 'ptr'], returns: 'i32' },
  SSL_client_hello_get0_ciphers: { args: ['ptr', 'ptr'], returns: 'u32' },
  SSL_new: { args: ['ptr'], returns: 'ptr' },
  SSL_free: { args: ['ptr'], returns: 'void' },
  SSL_ctrl: { args: ['ptr', 'i32', 'i64', 'ptr'], returns: 'i32' },
  SSL_set_fd: { args: ['ptr', 'i32'], returns: 'i32' },
  SSL_set_accept_state: { args: ['ptr'], returns: 'void' },
  SSL_set_connect_state: { args: ['ptr'], returns: 'void' },
  SSL_set_SSL_CTX: { args: ['ptr', 'ptr'], returns: 'ptr' },
  SSL_set_verify: { args: ['ptr', 'i32', 'ptr'], returns: 'void' },
  SSL_CTX_callback_ctrl: { args: ['ptr', 'i32', 'ptr'], returns: 'i32' },
  SSL_get_SSL_CTX: { args: ['ptr'], returns: 'ptr' },
  SSL_SESSION_has_ticket: { args: ['ptr'], returns: 'i32' },
  SSL_set_options: { args: ['ptr', 'u64'], returns: 'void' },
  SSL_do_handshake: { args: ['ptr'], returns: 'i32' },
  SSL_read: { args: ['ptr', 'ptr', 'i32'], returns: 'i32' },
  SSL_write: { args: ['ptr', 'ptr', 'i32'], returns: 'i32' },
  SSL_shutdown: { args: ['ptr'], returns: 'i32' },
  SSL_set_shutdown: { args: ['ptr', 'i32'], returns: 'void' },
  SSL_get_error: { args: ['ptr', 'i32'], returns: 'i32' },
  SSL_set1_host: { args: ['ptr', 'ptr'], returns: 'i32' },
  SSL_set_session: { args: ['ptr', 'ptr'], returns: 'i32' },
  SSL_get1_session: { args: ['ptr'], returns: 'ptr' },
  SSL_get_session: { args: ['ptr'], returns: 'ptr' },
  SSL_SESSION_free: { args: ['ptr'], returns: 'void' },
  SSL_SESSION_get_id: { args: ['ptr', 'ptr'], returns: 'ptr' },
  SSL_SESSION_is_resumable: { args: ['ptr'], returns: 'i32' },
  SSL_SESSION_get_master_key: { args: ['ptr', 'ptr', 'u64'], returns: 'i32' },
  i2d_SSL_SESSION: { args: ['ptr', 'ptr'], returns: 'i32' },
  d2i_SSL_SESSION: { args: ['ptr', 'ptr', 'i64'], returns: 'ptr' },
  SSL_session_reused: { args: ['ptr'], returns: 'i32' },
  SSL_get_version: { args: ['ptr'], returns: 'ptr' },
  SSL_get_servername: { args: ['ptr', 'i32'], returns: 'ptr' },
  SSL_get_current_cipher: { args: ['ptr'], returns: 'ptr' },
  SSL_CIPHER_get_name: { args: ['ptr'], returns: 'ptr' },
  SSL_CIPHER_get_bits: { args: ['ptr', 'ptr'], returns: 'i32' },
  SSL_get0_alpn_selected: { args: ['ptr', 'ptr', 'ptr'], returns: 'void' },
  SSL_get0_peer_certificate: { args: ['ptr'], returns: 'ptr' },
  SSL_get_peer_cert_chain: { args: ['ptr'], returns: 'ptr' },
  SSL_get0_verified_chain: { args: ['ptr'], returns: 'ptr' },
  SSL_group_to_name: { args: ['ptr', 'i32'], returns: 'ptr' },
  SSL_get_certificate: { args: ['ptr'], returns: 'ptr' },
  SSL_get_verify_result: { args: ['ptr'], returns: 'i32' },
  SSL_get_client_random: { args: ['ptr', 'ptr', 'u64'], returns: 'u32' },
  SSL_get_server_random: { args: ['ptr', 'ptr', 'u64'], returns: 'u32' },
  SSL_get_finished: { args: ['ptr', 'ptr', 'u64'], returns: 'u32' },
  SSL_get_peer_finished: { args: ['ptr', 'ptr', 'u64'], returns: 'u32' },
} as const satisfies Record<string, FFIFunction>;

const cryptoSignatures = {
  OpenSSL_version: { args: ['i32'], returns: 'ptr' },
  CRYPTO_free: { args: ['ptr', 'ptr', 'i32'], returns: 'void' },
  OPENSSL_strlcpy: { args: ['ptr', 'ptr', 'u64'], returns: 'u32' },
  OPENSSL_sk_new_null: { args: [], returns: 'ptr' },
  OPENSSL_sk_push: { args: ['ptr', 'ptr'], returns: 'i32' },
  OPENSSL_sk_num: { args: ['ptr'], returns: 'i32' },
  OPENSSL_sk_value: { args: ['ptr', 'i32'], returns: 'ptr' },
  ERR_get_error: { args: [], returns: 'ptr' },
  ERR_peek_error: { args: [], returns: 'ptr' },
  ERR_clear_error: { args: [], returns: 'void' },
  ERR_reason_error_string: { args: ['ptr'], returns: 'ptr' },
  ERR_error_string_n: { args: ['ptr', 'ptr', 'u64'], returns: 'void' },
  BIO_new_mem_buf: { args: ['ptr', 'i32'], returns: 'ptr' },
  BIO_s_mem: { args: [], returns: 'ptr' },
  BIO_new: { args: ['ptr'], returns: 'ptr' },
  BIO_read: { args: ['ptr', 'ptr', 'i32'], returns: 'i32' },
  X509_NAME_print_ex: { args: ['ptr', 'ptr', 'i32', 'u64'], returns: 'i32' },
  OBJ_obj2txt: { args: ['ptr', 'i32', 'ptr', 'i32'], returns: 'i32' },
  BIO_free: { args: ['ptr'], returns: 'i32' },
  PEM_read_bio_X509_AUX: { args: ['ptr', 'ptr', 'ptr', 'ptr'], returns: 'ptr' },
  PEM_read_bio_X509: { args: ['ptr', 'ptr', 'ptr', 'ptr'], returns: 'ptr' },
  PEM_read_bio_X509_CRL: { args: ['ptr', 'ptr', 'ptr', 'ptr'], returns: 'ptr' },
  PEM_read_bio_PrivateKey: { args: ['ptr', 'ptr', 'ptr', 'ptr'], returns: 'ptr' },
  PEM_read_bio_Parameters: { args: ['ptr', 'ptr'], returns: 'ptr' },
  EVP_PKEY_up_ref: { args: ['ptr'], returns: 'i32' },
  EVP_PKEY_get_base_id: { args: ['ptr'], returns: 'i32' },
  EVP_PKEY_get_bits: { args: ['ptr'], returns: 'i32' },
  EVP_PKEY_get_group_name: { args: ['ptr', 'ptr', 'u64', 'ptr'], returns: 'i32' },
  EVP_PKEY_free: { args: ['ptr'], returns: 'void' },
  X509_check_private_key: { args: ['ptr', 'ptr'], returns: 'i32' },
  X509_free: { args: ['ptr'], returns: 'void' },
  X509_get0_pubkey: { args: ['ptr'], returns: 'ptr' },
  X509_get_subject_name: { args: ['ptr'], returns: 'ptr' },
  X509_get_issuer_name: { args: ['ptr'], returns: 'ptr' },
  X509_NAME_dup: { args: ['ptr'], returns: 'ptr' },
  X509_NAME_cmp: { args: ['ptr', 'ptr'], returns: 'i32' },
  X509_NAME_entry_count: { args: ['ptr'], returns: 'i32' },
  X509_NAME_get_entry: { args: ['ptr', 'i32'], returns: 'ptr' },
  X509_NAME_ENTRY_get_object: { args: ['ptr'], returns: 'ptr' },
  X509_NAME_ENTRY_get_data: { args: ['ptr'], returns: 'ptr' },
  X509_get_serialNumber: { args: ['ptr'], returns: 'ptr' },
  X509_get_version: { args: ['ptr'], returns: 'i32' },
  X509_get0_notBefore: { args: ['ptr'], returns: 'ptr' },
  X509_get0_notAfter: { args: ['ptr'], returns: 'ptr' },
  X509_get_signature_nid: { args: ['ptr'], returns: 'i32' },
  X509_get_ext_d2i: { args: ['ptr', 'i32', 'ptr', 'ptr'], returns: 'ptr' },
  X509_check_issued: { args: ['ptr', 'ptr'], returns: 'i32' },
  X509_digest: { args: ['ptr', 'ptr', 'ptr', 'ptr'], returns: 'i32' },
  EVP_sha1: { args: [], returns: 'ptr' },
  GENERAL_NAME_get0_value: { args: ['ptr', 'ptr'], returns: 'ptr' },
  GENERAL_NAMES_free: { args: ['ptr'], returns: 'void' },
  i2d_X509: { args: ['ptr', 'ptr'], returns: 'i32' },
  ASN1_STRING_length: { args: ['ptr'], returns: 'i32' },
  ASN1_STRING_type: { args: ['ptr'], returns: 'i32' },
  ASN1_STRING_get0_data: { args: ['ptr'], returns: 'ptr' },
  OBJ_obj2nid: { args: ['ptr'], returns: 'i32' },
  OBJ_nid2sn: { args: ['i32'], returns: 'ptr' },
  OBJ_nid2ln: { args: ['i32'], returns: 'ptr' },
  X509_STORE_new: { args: [], returns: 'ptr' },
  X509_STORE_add_cert: { args: ['ptr', 'ptr'], returns: 'i32' },
  X509_STORE_add_crl: { args: ['ptr', 'ptr'], returns: 'i32' },
  X509_STORE_set_flags: { args: ['ptr', 'u64'], returns: 'i32' },
  X509_STORE_set_default_paths: { args: ['ptr'], returns: 'i32' },
  X509_STORE_CTX_get_error: { args: ['ptr'], returns: 'i32' },
  X509_STORE_CTX_get_error_depth: { args: ['ptr'], returns: 'i32' },
  X509_verify_cert_error_string: { args: ['i64'], returns: 'ptr' },
  EVP_CIPHER_fetch: { args: ['ptr', 'ptr', 'ptr'], returns: 'ptr' },
  EVP_EncryptInit_ex: { args: ['ptr', 'ptr', 'ptr', 'ptr', 'ptr'], returns: 'i32' },
  EVP_DecryptInit_ex: { args: ['ptr', 'ptr', 'ptr', 'ptr', 'ptr'], returns: 'i32' },
  EVP_MAC_init: { args: ['ptr', 'ptr', 'u64', 'ptr'], returns: 'i32' },
  d2i_OCSP_RESPONSE: { args: ['ptr', 'ptr', 'i64'], returns: 'ptr' },
  OCSP_RESPONSE_free: { args: ['ptr'], returns: 'void' },
  OCSP_response_status: { args: ['ptr'], returns: 'i32' },
  OCSP_response_get1_basic: { args: ['ptr'], returns: 'ptr' },
  OCSP_BASICRESP_free: { args: ['ptr'], returns: 'void' },
  OCSP_resp_count: { args: ['ptr'], returns: 'i32' },
  OCSP_cert_to_id: { args: ['ptr', 'ptr', 'ptr'], returns: 'ptr' },
  OCSP_CERTID_free: { args: ['ptr'], returns: 'void' },
  OCSP_resp_find_status: {
    args: ['ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr'],
    returns: 'i32',
  },
  OCSP_check_validity: { args: ['ptr', 'ptr', 'i64', 'i64'], returns: 'i32' },
  EVP_PKEY_CTX_new_from_name: { args: ['ptr', 'ptr', 'ptr'], returns: 'ptr' },
  EVP_PKEY_CTX_free: { args: ['ptr'], returns: 'void' },
  EVP_PKEY_CTX_set_group_name: { args: ['ptr', 'ptr'], returns: 'i32' },
  EVP_PKEY_paramgen_init: { args: ['ptr'], returns: 'i32' },
  EVP_PKEY_generate: { args: ['ptr', 'ptr'], returns: 'i32' },
  CRYPTO_memdup: { args: ['ptr', 'u64', 'ptr', 'i32'], returns: 'ptr' },
  RAND_bytes: { args: ['ptr', 'i32'], returns: 'i32' },
} as const satisfies Record<string, FFIFunction>;

const libcSignatures = {
  memcpy: { args: ['ptr', 'ptr', 'u64'], returns: 'ptr' },
} as const satisfies Record<string, FFIFunction>;

/** An address of OpenSSL's; 0 is null. Below 2^47, so exact. */
export type Address = number;

type Argument<Type> = Type extends 'ptr' ? Address | null : number;
type Result<Type> = Type extends 'ptr' ? Address | null : number;

type Arguments<Types extends readonly string[]> = {
  -readonly [At in keyof Types]: Argument<Types[At]>;
};

/** Calls with plain numbers: sizes are below 2^53. */
type Calls<Table> = {
  [Name in keyof Table]: Table[Name] extends {
    readonly args: infer Types extends readonly string[];
    readonly returns: infer Type;
  }
    ? (...args: Arguments<Types>) => Result<Type>
    : never;
};

/** OpenSSL by name. */
export type Openssl = Calls<typeof sslSignatures> &
  Calls<typeof cryptoSignatures> &
  Calls<typeof libcSignatures>;

/** What `SSL_get_error` says (ssl.h). */
export const enum SslError {
  Ssl = 1,
  WantRead = 2,
  WantWrite = 3,
  Syscall = 5,
  ZeroReturn = 6,
}

/** Commands of `SSL_CTX_ctrl` and `SSL_ctrl` (ssl.h). */
export const enum Ctrl {
  Mode = 33,
  SetReadAhead = 41,
  SessionCacheSize = 42,
  SessionCacheMode = 44,
  SetMaxFragment = 52,
  SetServernameCallback = 53,
  SetTlsextHostname = 55,
  SetTicketKeys = 59,
  SetStatusCallback = 63,
  SetStatusResponse = 71,
  SetGroupsList = 92,
  SetSigalgsList = 98,
  SetClientSigalgsList = 102,
  SetDhAuto = 118,
  SetMinVersion = 123,
  SetMaxVersion = 124,
  GetNegotiatedGroup = 134,
}

/** Options of a context (ssl.h). */
export const Op = {
  IgnoreUnexpectedEof: 2 ** 7,
  NoTicket: 2 ** 14,
  NoCompression: 2 ** 17,
  CipherServerPreference: 2 ** 22,
  PrioritizeChacha: 2 ** 21,
  NoRenegotiation: 2 ** 30,
  /** Both directions; OpenSSL before 3.2 knows no compression and passes over them. */
  NoCertificateCompression: 2 ** 32 + 2 ** 33,
} as const;

const files = { ssl: 'libssl.so.3', crypto: 'libcrypto.so.3' } as const;

function createLibrary(): Openssl | null {
  try {
    // The second one is what the first one needs: it must be the very same file.
    const ssl = dlopen(process.env['SLUICE_LIBSSL'] || files.ssl, sslSignatures).symbols;
    const crypto = dlopen(files.crypto, cryptoSignatures).symbols;
    const libc = dlopen('libc.so.6', libcSignatures).symbols;
    return { ...ssl, ...crypto, ...libc } as unknown as Openssl;
  } catch {
    return null;
  }
}

let library: Openssl | null | undefined;

/**
 * The library, or null when it is not installed. `SLUICE_LIBSSL` names another libssl; one that does
 * not exist stands for "not installed".
 */
export function openssl(): Openssl | null {
  if (library === undefined) library = createLibrary();
  return library;
}

/** For code that runs only when the configuration's reader has found the library. */
export function needOpenssl(): Openssl {
  const found = openssl();
  if (found === null) throw new Error(`sluice: ${missingLibrary}`);
  return found;
}

export const missingLibrary = 'libssl.so.3 and libcrypto.so.3 were not found (Debian: libssl3)';

/** An address as the calls want it: null is NULL. */
export function at(address: Address): Address | null {
  return address === 0 ? null : address;
}

/** A result of a call as a number. */
export function addressOf(pointer: Address | null): Address {
  return pointer === null ? 0 : pointer;
}

/** The address of an offset of the arena. */
export function inArena(off: number): Address {
  return base + off;
}

export function byteAt(address: Address, index: number): number {
  return read.u8(address as Pointer, index);
}

export function pointerAt(address: Address): Address {
  return Number(read.ptr(address as Pointer, 0));
}

const callbacks: JSCallback[] = [];

/** Makes a function that OpenSSL calls in this thread, for ever. @returns its address. */
export function createCallback(
  run: (...args: never[]) => number,
  args: readonly string[],
): Address {
  const callback = new JSCallback(run as never, { args: args as never, returns: 'i32' });
  callbacks.push(callback);
  return Number(callback.ptr);
}

/** As `createCallback`, for one that answers with an address. */
export function createPointerCallback(
  run: (...args: never[]) => number,
  args: readonly string[],
): Address {
  const callback = new JSCallback(run as never, { args: args as never, returns: 'ptr' });
  callbacks.push(callback);
  return Number(callback.ptr);
}

const scratch = reserve(4096);

/** A C string as a text. Allocates. */
export function textAt(lib: Openssl, address: Address): string {
  if (address === 0) return '';
  const len = lib.OPENSSL_strlcpy(inArena(scratch), at(address), 4096);
  return text(scratch, Math.min(len, 4095));
}

/** `len` bytes at an address as a byte string. Allocates. */
export function bytesAt(address: Address, len: number): string {
  let found = '';
  for (let i = 0; i < len; i++) found += String.fromCharCode(byteAt(address, i));
  return found;
}

/** Writes a 32-bit integer to an address that OpenSSL has given. */
export function putInt(lib: Openssl, address: Address, value: number): void {
  mem32[scratch >> 2] = value;
  lib.memcpy(at(address), inArena(scratch), 4);
}

/** The reason of the first error in the queue, as HAProxy shows it; the queue is empty afterwards. */
export function takeReason(lib: Openssl): string {
  const code = addressOf(lib.ERR_get_error());
  const reason = code === 0 ? '' : textAt(lib, addressOf(lib.ERR_reason_error_string(at(code))));
  lib.ERR_clear_error();
  return reason;
}

/** A C string in the arena, valid until the next one; for calls that copy. */
export function cString(value: string): Address {
  const bytes = Buffer.from(value.slice(0, 4095), 'latin1');
  mem.set(bytes, scratch);
  mem[scratch + bytes.length] = 0;
  return inArena(scratch);
}

/** A BIO that reads `bytes` without a copy: they must live until it is freed, and not be empty. */
export function memoryBio(lib: Openssl, bytes: Uint8Array): Address {
  return addressOf(lib.BIO_new_mem_buf(Number(ptr(bytes)), bytes.length));
}

const ERROR_TEXT_MAX = 256;

/** Writes the text of an error to the arena, as `openssl errstr` does. @returns its length. */
export function putErrorText(code: number, off: number): number {
  needOpenssl().ERR_error_string_n(code, inArena(off), ERROR_TEXT_MAX);
  let len = 0;
  while (len < ERROR_TEXT_MAX && mem[off + len] !== 0) len++;
  return len;
}
