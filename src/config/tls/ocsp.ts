/**
 * The checks of an OCSP response before it is stapled (configuration.txt 5.1 crt): a good status, of
 * this certificate alone, valid now.
 */
import { base, mem, mem32, putPointer, reserve } from '../../sys/arena.ts';
import {
  type Address,
  addressOf,
  at,
  inArena,
  type Openssl,
  pointerAt,
} from '../../sys/openssl.ts';

/** How far the clocks of the responder and of this machine may differ, in seconds. */
const SKEW_S = 300;
const bytesMax = 32 * 1024;
const cells = reserve(64);
let buffer = 0;

/** @returns what is wrong with the response, or null. */
export function ocspResponse(
  lib: Openssl,
  bytes: Uint8Array,
  certificate: Address,
  issuer: Address,
): string | null {
  if (bytes.length > bytesMax) return 'the OCSP response is too large';
  if (buffer === 0) buffer = reserve(bytesMax);
  mem.set(bytes, buffer);
  putPointer(cells, base + buffer);
  const response = lib.d2i_OCSP_RESPONSE(null, inArena(cells), bytes.length);
  const basic =
    response !== null && lib.OCSP_response_status(response) === 0
      ? lib.OCSP_response_get1_basic(response)
      : null;
  const problem =
    basic === null
      ? 'Unable to parse OCSP response'
      : problemOf(lib, addressOf(basic), certificate, issuer);
  if (basic !== null) lib.OCSP_BASICRESP_free(basic);
  if (response !== null) lib.OCSP_RESPONSE_free(response);
  lib.ERR_clear_error();
  return problem;
}

function problemOf(
  lib: Openssl,
  basic: Address,
  certificate: Address,
  issuer: Address,
): string | null {
  if (lib.OCSP_resp_count(at(basic)) !== 1) {
    return 'OCSP response ignored because contains multiple single responses';
  }
  const id = lib.OCSP_cert_to_id(lib.EVP_sha1(), at(certificate), at(issuer));
  const found = lib.OCSP_resp_find_status(
    at(basic),
    id,
    inArena(cells + 8),
    inArena(cells + 16),
    inArena(cells + 24),
    inArena(cells + 32),
    inArena(cells + 40),
  );
  lib.OCSP_CERTID_free(id);
  if (found !== 1) return 'OCSP response: Certificate ID does not match certificate and issuer';
  if (mem32[(cells + 8) >> 2] !== 0) return 'OCSP single response: certificate status not good';
  const from = pointerAt(base + cells + 32);
  const until = pointerAt(base + cells + 40);
  if (lib.OCSP_check_validity(at(from), at(until), SKEW_S, -1) !== 1) {
    return 'OCSP single response: no longer valid';
  }
  return null;
}
