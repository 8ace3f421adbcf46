/**
 * Character classes of HTTP/1 (RFC 9110 5.6.2, RFC 3986), one byte of flags per character.
 *
 * @dataplane
 */
export const enum Char {
  /** Allowed in a token: methods and field names. */
  Token = 1,
  /** 33..126 without '#': allowed in a request target. */
  Target = 2,
  /** Allowed in a field value: everything but NUL, CR and LF. */
  Value = 4,
  Digit = 8,
  HexDigit = 16,
  /** A registered name or an IPv4 address (RFC 3986 3.2.2), without the comma of lists. */
  Host = 32,
  /** What Host may hold when violations are accepted: nothing that another part begins with. */
  LooseHost = 64,
  /** A digit of base64 (RFC 4648 4). */
  Base64 = 128,
}

export const charClass = createClasses();

/** Lower case of a token character; 0 for any other byte. */
export const tokenLower = createTokenLower();

function createClasses(): Uint8Array {
  const table = new Uint8Array(256);
  for (let c = 0; c < 256; c++) {
    const ch = String.fromCharCode(c);
    let flags = 0;
    if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(ch) && c < 128) flags |= Char.Token;
    if (c > 32 && c < 127 && ch !== '#') flags |= Char.Target;
    if (c !== 0 && c !== 10 && c !== 13) flags |= Char.Value;
    if (c >= 48 && c <= 57) flags |= Char.Digit;
    if (/[0-9A-Fa-f]/.test(ch) && c < 128) flags |= Char.HexDigit;
    if (/[-._~%!$&'()*+;=0-9A-Za-z]/.test(ch) && c < 128) flags |= Char.Host;
    if (c > 32 && c < 127 && !/[@,#?/\\[\]]/.test(ch)) flags |= Char.LooseHost;
    if (/[+/0-9A-Za-z]/.test(ch) && c < 128) flags |= Char.Base64;
    table[c] = flags;
  }
  return table;
}

function createTokenLower(): Uint8Array {
  const table = new Uint8Array(256);
  for (let c = 0; c < 128; c++) {
    if ((charClass[c]! & Char.Token) !== 0) {
      table[c] = String.fromCharCode(c).toLowerCase().charCodeAt(0);
    }
  }
  return table;
}
