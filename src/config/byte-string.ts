/**
 * Byte strings: strings whose characters are the bytes of a file (code units 0 to 255).
 *
 * The configuration is bytes (a header value may be in any encoding, `\xNN` names one byte), so it
 * is read, cut into words and later written to the wire one character per byte. What comes from
 * JavaScript (arguments, environment) is converted on its way in, file names on their way out.
 */

/** A JavaScript string as the bytes of its UTF-8 form. */
export function toByteString(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The JavaScript string of UTF-8 bytes, for functions of the platform such as `fs.open`. */
export function fromByteString(bytes: string): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
