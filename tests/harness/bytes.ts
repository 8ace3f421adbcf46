/** Bytes in tests are latin1 strings: one character is one byte, and a failure prints readably. */

/** The bytes of a latin1 string. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Bytes as one printable line: `\r\n` and control bytes escaped, long runs of one byte folded. */
export function printable(bytes: Uint8Array | string): string {
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1');
  return text
    .replace(/(.)\1{63,}/gs, (run, byte: string) => `${byte}<x${run.length}>`)
    .replace(/[\\\x00-\x1f\x7f-\xff]/g, (c) => {
      if (c === '\r') return '\\r';
      if (c === '\n') return '\\n';
      if (c === '\t') return '\\t';
      if (c === '\\') return '\\\\';
      return `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
    });
}
