/**
 * Arguments of a predicate: a list in parentheses, cut at commas, with a second level of quotes and
 * escapes (configuration.txt 2.2). As at the first level, but `\#`, `\$` and `\xNN` stay as they
 * are. Without parentheses there is one empty argument.
 */

export interface ArgumentList {
  values: string[];
  /** Index behind what was read: behind `)`, or where `)` was expected. */
  at: number;
  /** A `)` ended the list (always true without parentheses). */
  closed: boolean;
}

const spelled: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
const protectable = ' \\\'"';

/**
 * Reads an argument list that begins at `from`.
 * @param countMax arguments to read; a comma behind the last one is left for the caller to refuse
 */
export function readArguments(text: string, from: number, countMax: number): ArgumentList {
  if (text[from] !== '(') return { values: [''], at: from, closed: true };
  const values: string[] = [];
  let at = from + 1;
  while (true) {
    const value = readValue(text, at);
    values.push(value.text);
    at = value.at;
    if (text[at] !== ',' || values.length >= countMax) break;
    at++;
  }
  return { values, at, closed: text[at] === ')' };
}

/** One value, up to a comma or parenthesis that no quote protects. */
function readValue(text: string, from: number): { text: string; at: number } {
  let value = '';
  let quote = '';
  let at = from;
  for (; at < text.length; at++) {
    const char = text[at]!;
    if (quote === "'") {
      if (char === "'") quote = '';
      else value += char;
    } else if (char === '\\') {
      const next = text[at + 1] ?? '';
      if (next !== '' && (spelled[next] !== undefined || protectable.includes(next))) {
        value += spelled[next] ?? next;
        at++;
      } else {
        value += char;
      }
    } else if (quote === '"') {
      if (char === '"') quote = '';
      else value += char;
    } else if (char === '"' || char === "'") {
      quote = char;
    } else if (char === ',' || char === ')') {
      break;
    } else {
      value += char;
    }
  }
  return { text: value, at };
}
