/** Hexadecimal digits as numbers: one table for all that read them byte by byte. */

/** Value of a hexadecimal digit; 255 for any other byte. */
export const hexValue = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 255 : value;
});
