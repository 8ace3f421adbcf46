/** Character classes, `[...]` (pcre2pattern(3)), as sets of bytes. */
import {
  addAll,
  addRange,
  type ByteSet,
  complement,
  createByteSet,
  escapedSets,
  namedSets,
} from './byte-set.ts';
import { readCharacter } from './escape.ts';
import { BeyondJavaScript, SyntaxFault } from './syntax.ts';
import type { TextReader } from './text-reader.ts';

/**
 * Reads the class that begins at the place, and goes over it.
 * @param fold letters stand for both cases.
 * @param skipBlanks `(?xx)`: a blank or a tab does not count.
 */
export function readClass(reader: TextReader, fold: boolean, skipBlanks: boolean): ByteSet {
  if (reader.matchHere(/\[\[:[<>]:\]\]/y) !== null) throw new BeyondJavaScript("'[[:<:]]'");
  if (reader.matchHere(/\[([:.=])\w*\1\]/y) !== null) {
    throw new BeyondJavaScript('a POSIX name outside a class');
  }
  reader.at++;
  const isNegative = reader.take('^');
  const set = createByteSet(() => false);
  let isFirst = true;
  for (;;) {
    if (reader.atEnd) {
      throw new SyntaxFault('missing terminating ] for character class', reader.text.length);
    }
    if (!reader.quoted) {
      if (reader.peek === ']' && !isFirst) break;
      if (reader.take('\\E') || reader.takeQuote()) continue;
      if (skipBlanks && (reader.take(' ') || reader.take('\t'))) continue;
    }
    isFirst = false;
    readItem(reader, set, fold, skipBlanks);
  }
  reader.at++;
  return isNegative ? complement(set) : set;
}

function readItem(reader: TextReader, set: ByteSet, fold: boolean, skipBlanks: boolean): void {
  const members = reader.quoted ? null : readMembers(reader, fold);
  if (members !== null) {
    addAll(set, members);
    refuseHiddenDash(reader, skipBlanks);
    // PCRE2 refuses `[\d-z]` and takes `[\d-]`.
    if (reader.matchHere(/-[^\]]/y) !== null) throw new BeyondJavaScript("a '-' after a set");
    return;
  }
  const from = readByte(reader);
  refuseHiddenDash(reader, skipBlanks);
  if (reader.quoted || reader.matchHere(/-(?!\])/y) === null) {
    addRange(set, from, from, fold);
    return;
  }
  reader.at++;
  const oddEnd = skipBlanks || reader.atEnd || reader.matchHere(/\\[EQ]/y) !== null;
  if (oddEnd || readMembers(reader, fold) !== null) {
    throw new BeyondJavaScript("a '-' before a set or a quotation");
  }
  const until = readByte(reader);
  if (until < from) throw new SyntaxFault('range out of order in character class', reader.at);
  addRange(set, from, until, fold);
}

/** A `-` behind something that PCRE2 skips still makes a range there. */
function refuseHiddenDash(reader: TextReader, skipBlanks: boolean): void {
  const skipped = skipBlanks ? /(?:\\[EQ]|[ \t])+-/y : /(?:\\[EQ])+-/y;
  if (!reader.quoted && reader.matchHere(skipped) !== null) {
    throw new BeyondJavaScript("a '-' after a quotation or a blank");
  }
}

/** `\d` and its like, and `[:name:]`; null for anything else. */
function readMembers(reader: TextReader, fold: boolean): ByteSet | null {
  if (reader.peek === '[') return readNamed(reader, fold);
  if (reader.peek !== '\\') return null;
  const letter = reader.text[reader.at + 1] ?? '';
  const set = escapedSets.get(letter);
  if (set !== undefined) reader.at += 2;
  return set ?? null;
}

function readNamed(reader: TextReader, fold: boolean): ByteSet | null {
  const found = reader.matchHere(/\[([:.=])(\^?)([^\\\]:]*)\1\]/y);
  if (found === null) {
    // `[:` may still be the start of something that PCRE2 sees.
    if (reader.matchHere(/\[[:.=]/y) !== null) throw new BeyondJavaScript("'[:' in a class");
    return null;
  }
  let name = found[3]!;
  if (fold && (name === 'upper' || name === 'lower')) name = 'alpha';
  const set = namedSets.get(name);
  reader.at += found[0].length;
  if (found[1] !== ':') {
    throw new SyntaxFault('POSIX collating elements are not supported', reader.at);
  }
  if (set === undefined) throw new SyntaxFault('unknown POSIX class name', reader.at);
  return found[2] === '^' ? complement(set) : set;
}

function readByte(reader: TextReader): number {
  if (reader.quoted || reader.peek !== '\\') return reader.takeByte();
  if (reader.startsWith('\\b')) {
    reader.at += 2;
    return 0x08;
  }
  const octal = reader.matchHere(/\\([0-7]{1,3})/y);
  if (octal === null) return readCharacter(reader);
  reader.at += octal[0].length;
  const code = Number.parseInt(octal[1]!, 8);
  if (code <= 255) return code;
  throw new SyntaxFault('octal value is greater than \\377 in 8-bit non-UTF-8 mode', reader.at);
}
