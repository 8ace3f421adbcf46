/** Escapes that mean one byte, in and outside of classes. */
import { BeyondJavaScript, SyntaxFault } from './syntax.ts';
import type { TextReader } from './text-reader.ts';

const named: Readonly<Record<string, number>> = {
  a: 0x07,
  e: 0x1b,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
};

/** Reads an escape at the backslash that stands for one byte, and goes over it. */
export function readCharacter(reader: TextReader): number {
  const letter = reader.text[reader.at + 1];
  if (letter === undefined) throw new SyntaxFault('\\ at end of pattern', reader.text.length);
  const coded =
    reader.matchHere(/\\x\{([0-9A-Fa-f]+)\}/y) ?? reader.matchHere(/\\x([0-9A-Fa-f]{1,2})/y);
  if (coded !== null) return takeCode(reader, coded[0].length, coded[1]!, 16);
  const octal = reader.matchHere(/\\o\{([0-7]+)\}/y) ?? reader.matchHere(/\\(0[0-7]{0,2})/y);
  if (octal !== null) return takeCode(reader, octal[0].length, octal[1]!, 8);
  const control = reader.matchHere(/\\c([ -~])/y);
  if (control !== null) {
    reader.at += 3;
    return control[1]!.toUpperCase().charCodeAt(0) ^ 0x40;
  }
  const byte = named[letter];
  if (byte !== undefined) {
    reader.at += 2;
    return byte;
  }
  if (/[0-9A-Za-z]/.test(letter)) throw new BeyondJavaScript(`the escape '\\${letter}'`);
  reader.at++;
  return reader.takeByte();
}

function takeCode(reader: TextReader, length: number, digits: string, radix: number): number {
  reader.at += length;
  const code = Number.parseInt(digits, radix);
  if (code <= 255) return code;
  throw new SyntaxFault('character code point value in \\x{} or \\o{} is too large', reader.at - 1);
}
