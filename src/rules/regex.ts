/**
 * Regular expressions as the configuration writes them (PCRE) as JavaScript `RegExp` objects.
 *
 * Differences that are translated: options at the start `(?i)`, POSIX classes `[[:alpha:]]`, anchors
 * `\A \z \Z`, named groups `(?P<name>...)`, comments `(?#...)`, quoting `\Q...\E`, `\h`, `\a`, `\e`,
 * `\x{41}`, and that `.` excludes only the line feed and `\s` only ASCII blanks. Possessive and
 * atomic groups, recursion and conditionals have no counterpart and are refused.
 *
 * Patterns and subjects are strings of bytes (Latin-1).
 */
import { ConfigError } from '../base/config-error.ts';

const posixClasses: Record<string, string> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '!-\\/:-@\\[-`{-~',
  space: ' \\t\\n\\v\\f\\r',
  upper: 'A-Z',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
};

const escapes: Record<string, string> = {
  A: '^',
  z: '$',
  Z: '(?=\\n?$)',
  a: '\\x07',
  e: '\\x1b',
  h: '[ \\t]',
  s: '[ \\t\\n\\v\\f\\r]',
  S: '[^ \\t\\n\\v\\f\\r]',
  R: '(?:\\r\\n|[\\n\\v\\f\\r])',
};

const classEscapes: Record<string, string> = {
  a: '\\x07',
  e: '\\x1b',
  h: ' \\t',
  s: ' \\t\\n\\v\\f\\r',
};

class Translator {
  private readonly source: string;
  private at = 0;
  private out = '';

  constructor(source: string) {
    this.source = source;
  }

  translate(): string {
    while (this.at < this.source.length) this.step();
    return this.out;
  }

  private step(): void {
    const char = this.source[this.at]!;
    switch (char) {
      case '\\':
        this.escape(escapes);
        return;
      case '[':
        this.bracket();
        return;
      case '.':
        this.put('[^\\n]', 1);
        return;
      case '(':
        this.group();
        return;
      default:
        this.put(char, 1);
        if ('*+?}'.includes(char) && this.source[this.at] === '+') {
          throw new ConfigError('possessive quantifiers are not supported yet');
        }
    }
  }

  private put(text: string, used: number): void {
    this.out += text;
    this.at += used;
  }

  private escape(table: Record<string, string>): void {
    const next = this.source[this.at + 1];
    if (next === undefined) throw new ConfigError('\\ at end of pattern');
    if (next === 'Q') {
      const end = this.source.indexOf('\\E', this.at + 2);
      const until = end < 0 ? this.source.length : end;
      const literal = this.source.slice(this.at + 2, until);
      this.put(
        literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'),
        until - this.at + (end < 0 ? 0 : 2),
      );
      return;
    }
    const hex = /^\\x\{([0-9a-fA-F]{1,2})\}/.exec(this.source.slice(this.at, this.at + 7));
    if (hex) {
      this.put(`\\x${hex[1]!.padStart(2, '0')}`, hex[0].length);
      return;
    }
    const known = table[next];
    this.put(known ?? (/[A-Za-z0-9]/.test(next) ? `\\${next}` : quote(next)), 2);
  }

  private bracket(): void {
    this.put('[', 1);
    if (this.source[this.at] === '^') this.put('^', 1);
    // A closing bracket in first place is a literal.
    if (this.source[this.at] === ']') this.put('\\]', 1);
    while (this.at < this.source.length && this.source[this.at] !== ']') {
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.source.slice(this.at, this.at + 12));
      if (posix) this.posix(posix);
      else if (this.source[this.at] === '\\') this.escape(classEscapes);
      else if (this.source[this.at] === '[') this.put('\\[', 1);
      else this.put(this.source[this.at]!, 1);
    }
    if (this.at >= this.source.length) {
      throw new ConfigError('missing terminating ] for character class');
    }
    this.put(']', 1);
  }

  private posix(match: RegExpExecArray): void {
    const set = posixClasses[match[2]!];
    if (set === undefined) throw new ConfigError('unknown POSIX class name');
    if (match[1] === '^') throw new ConfigError('negated POSIX classes are not supported yet');
    this.put(set, match[0].length);
  }

  private group(): void {
    const rest = this.source.slice(this.at);
    if (rest.startsWith('(?#')) {
      const end = rest.indexOf(')');
      if (end < 0) throw new ConfigError('missing ) after (?# comment');
      this.at += end + 1;
      return;
    }
    if (rest.startsWith('(?P<')) {
      this.put('(?<', 4);
      return;
    }
    if (/^\(\?(>|\||R|[0-9&P(]|[+-][0-9])/.test(rest)) {
      throw new ConfigError(`the group '${rest.slice(0, 3)}' is not supported yet`);
    }
    this.put('(', 1);
  }
}

function quote(char: string): string {
  return /[\\^$.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char;
}

/**
 * Compiles a regular expression for Latin-1 subjects.
 * @param flags more flags for `RegExp`, e.g. `g`.
 * @throws ConfigError with the reason.
 */
export function compileRegex(pattern: string, ignoreCase: boolean, flags = ''): RegExp {
  let source = pattern;
  const options = new Set(flags);
  if (ignoreCase) options.add('i');
  const leading = /^\(\?([imsU]+)\)/.exec(source);
  if (leading) {
    for (const option of leading[1]!) addOption(options, option);
    source = source.slice(leading[0].length);
  }
  try {
    let text = new Translator(source).translate();
    if (options.has('s')) text = text.replaceAll('[^\\n]', '[^]');
    return new RegExp(text, [...options].join(''));
  } catch (error) {
    const reason = (error as Error).message.replace(/^Invalid regular expression: /, '');
    throw new ConfigError(`regex '${pattern}' is invalid (error=${reason})`);
  }
}

function addOption(options: Set<string>, option: string): void {
  if (option === 'U') throw new ConfigError("the option 'U' is not supported yet");
  options.add(option);
}
