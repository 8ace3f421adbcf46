/**
 * One line of the configuration into words (configuration.txt 2.2 and 2.3): blanks, quotes,
 * escapes, comments and environment variables.
 *
 * It follows the matrix of section 2.2: outside of single quotes a backslash protects a blank, a
 * tab, `#`, `\` and both quotes, and spells `\n \r \t \xNN`; in front of any other character it
 * stays, so that regular expressions can be written without quotes. Variables live in double quotes
 * only, and so does `\$`: without quotes haproxy keeps its backslash, whatever the matrix says.
 *
 * Quotes around variables that do not exist are an empty word at the end of a line, and no word in
 * front of another one, so that a variable can hold an optional argument.
 */
import { ConfigError } from '../base/config-error.ts';
import type { Environment } from './environment.ts';

/** Words per line, as in HAProxy. */
export const lineWordsMax = 64;

/** A word without a character (`""`, or the value of a variable that is not set). */
export interface EmptyWord {
  /** Which word of the line, from 0. */
  index: number;
  /** Column where it begins, from 1. */
  position: number;
}

export interface SplitLine {
  /** None for a blank line or a comment. */
  words: string[];
  /** The first empty word. */
  empty: EmptyWord | null;
}

/** A mistake at one character of a line; the message shows the line with a mark below it. */
export class LexerError extends ConfigError {
  /** The mistake, without where it is. */
  readonly what: string;
  /** Column of the mistake, from 1. */
  readonly position: number;

  constructor(what: string, line: string, position: number) {
    super(`${what} at position ${position}:\n${markedLine(line, position)}`);
    this.what = what;
    this.position = position;
  }
}

const markedColumns = 80;

/**
 * The line and a caret under a column, as HAProxy shows them: without indentation, unprintable
 * characters as `?`, and around the mark only when the line is long.
 * @param position from 1, counted in the line as written
 */
export function markedLine(line: string, position: number): string {
  const trimmed = line.replace(/^[ \t]+/, '');
  const indent = line.length - trimmed.length;
  let column = Math.max(0, position - 1 - indent);
  let shown = trimmed.replace(/\t/g, ' ').replace(/[^ -~]/g, '?');
  if (column >= markedColumns) {
    const from = column - markedColumns / 2;
    shown = `...${shown.slice(from + 3, from + markedColumns - 3)}...`;
    column = markedColumns / 2;
  }
  return `  ${shown.slice(0, markedColumns)}\n  ${' '.repeat(column)}^`;
}

/**
 * Cuts a line into words.
 * @param text one line without its line feed; a byte string
 * @param env gives variables their values
 * @param comments a bare `#` begins a comment; otherwise it is an ordinary character
 * @throws LexerError, or ConfigError for too many words
 */
export function splitLine(text: string, env: Environment, comments = true): SplitLine {
  return new Lexer(text.endsWith('\r') ? text.slice(0, -1) : text, env, comments).run();
}

function isBlank(char: string): boolean {
  return char === ' ' || (char >= '\t' && char <= '\r');
}

/** Escapes that yield another character than the one behind the backslash. */
const spelled: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
const protectable = ' \t#\\\'"';

class Lexer {
  private readonly text: string;
  private readonly env: Environment;
  private readonly comments: boolean;
  private readonly words: string[] = [];
  private empty: EmptyWord | null = null;
  private at = 0;
  private word = '';
  /** A word has begun, even if it is still empty (`""`). */
  private begun = false;
  /** What was read last is a variable that does not exist, without a default. */
  private missing = false;
  private wordFrom = 0;
  private lastFrom = 0;
  /** The open quote and its index; '' outside of quotes. */
  private quote = '';
  private quoteAt = 0;

  constructor(text: string, env: Environment, comments: boolean) {
    this.comments = comments;
    this.text = text;
    this.env = env;
  }

  run(): SplitLine {
    while (this.at < this.text.length) {
      const char = this.text[this.at]!;
      if (this.quote === "'") this.strong(char);
      else if (char === '\\') this.escape();
      else if (this.quote === '"') this.weak(char);
      else if (char === '#' && this.comments) break;
      else this.plain(char);
    }
    if (this.quote !== '') this.fail('unmatched quote', this.quoteAt);
    this.endWord();
    return { words: this.words, empty: this.empty };
  }

  private plain(char: string): void {
    if (isBlank(char)) {
      if (this.word !== '' || !this.missing) this.endWord();
    } else if (char === '"' || char === "'") {
      this.openQuote(char);
    } else {
      this.append(char);
    }
    this.at++;
  }

  private strong(char: string): void {
    if (char === "'") this.quote = '';
    else this.append(char);
    this.at++;
  }

  private weak(char: string): void {
    if (char === '$') {
      this.variable();
      return;
    }
    if (char === '"') this.quote = '';
    else this.append(char);
    this.at++;
  }

  private openQuote(char: string): void {
    this.begin();
    this.missing = false;
    this.quote = char;
    this.quoteAt = this.at;
  }

  private escape(): void {
    const next = this.text[this.at + 1];
    if (next === 'x') {
      this.hexadecimal();
    } else if (next !== undefined && spelled[next] !== undefined) {
      this.append(spelled[next]!);
      this.at += 2;
    } else if (next !== undefined && this.isProtectable(next)) {
      this.append(next);
      this.at += 2;
    } else {
      this.append('\\');
      this.at++;
    }
  }

  private isProtectable(char: string): boolean {
    return protectable.includes(char) || (char === '$' && this.quote === '"');
  }

  private hexadecimal(): void {
    const digits = this.text.slice(this.at + 2, this.at + 4);
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
      this.fail('truncated or invalid hexadecimal sequence', this.at);
    }
    // A word is a string that ends at a NUL for HAProxy; sluice does not cut words silently.
    if (digits === '00') this.fail('NUL character is not supported in a word', this.at);
    this.append(String.fromCharCode(Number.parseInt(digits, 16)));
    this.at += 4;
  }

  /** `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`, `${NAME[*]-default}` (2.3). */
  private variable(): void {
    let at = this.at + 1;
    const brace = this.text[at] === '{' ? at : -1;
    if (brace >= 0) at++;
    const name = /^(\.?[A-Za-z_][A-Za-z0-9_]*)/.exec(this.text.slice(at))?.[1] ?? '';
    const value = this.env.get(name);
    if (name === '' || (name[0] === '.' && value === null)) {
      this.fail('forbidden first char in environment variable name', at);
    }
    at += name.length;
    if (brace < 0) {
      this.append(value ?? '');
      this.missing = value === null;
      this.at = at;
      return;
    }
    const list = this.text[at] === '[';
    if (list) {
      if (!this.text.startsWith('[*]', at)) {
        this.fail('truncated or invalid word expansion sequence', at);
      }
      at += 3;
    }
    const close = this.text[at] === '-' ? this.text.indexOf('}', at) : at;
    if (close < 0 || this.text[close] !== '}') {
      this.fail('unmatched brace in environment variable name', brace);
    }
    const text = value ?? (close > at ? this.text.slice(at + 1, close) : '');
    if (list) this.appendList(text);
    else this.append(text);
    this.missing = value === null && close === at;
    this.at = close + 1;
  }

  /** Every value of a list becomes a word; what touches the list joins its outer words. */
  private appendList(text: string): void {
    const values = text.split(/[ \t\n\v\f\r]+/).filter((value) => value !== '');
    values.forEach((value, i) => {
      if (i > 0) this.endWord();
      this.append(value);
    });
  }

  private begin(): void {
    if (this.begun) return;
    if (this.words.length >= lineWordsMax) {
      throw new ConfigError(
        `too many words, truncating after word ${lineWordsMax}, position ${this.lastFrom + 1}: ` +
          `<${this.words[lineWordsMax - 1]}>.`,
      );
    }
    this.begun = true;
    this.wordFrom = this.at;
  }

  private append(text: string): void {
    this.begin();
    this.word += text;
  }

  private endWord(): void {
    if (!this.begun) return;
    if (this.word === '') this.empty ??= { index: this.words.length, position: this.wordFrom + 1 };
    this.words.push(this.word);
    this.lastFrom = this.wordFrom;
    this.word = '';
    this.begun = false;
  }

  private fail(what: string, index: number): never {
    throw new LexerError(what, this.text, index + 1);
  }
}
