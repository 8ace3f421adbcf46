/**
 * Case folding of ASCII bytes by table; bytes above 127 stay as they are, as in the C locale.
 *
 * @dataplane
 */

/** Lower case of each byte. */
export const fold = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte,
);

/** Upper case of each byte. */
export const unfold = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x61 && byte <= 0x7a ? byte - 32 : byte,
);
