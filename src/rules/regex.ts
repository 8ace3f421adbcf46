/**
 * Regular expressions of the configuration (PCRE, as HAProxy is built with) as JavaScript ones.
 *
 * Expressions and texts are byte strings, one character per byte (Latin-1). Where the two languages
 * write the same thing differently it is translated: POSIX classes, `\A \z \Z \Q..\E \h \x{..}`,
 * `\e \a`, octal escapes, `(?P<name>..)`, comments, a leading `(?i)`, and `\s`, which in JavaScript
 * would also match 0xA0.
 * What JavaScript cannot say (possessive quantifiers, atomic groups, recursion, conditionals,
 * `\K`, `\G`, Unicode properties) is refused by name, never approximated.
 *
 * Cost of the design: matching needs a string, made for each value that is matched.
 */
import { ConfigError } from '../base/config-error.ts';

const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: ' \\t-\\r',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** The complement of each class within one byte. */
const posixComplements: Readonly<Record<string, string>> = {
  alnum: '\\x00-\\/:-@\\[-`{-\\xff',
  alpha: '\\x00-@\\[-`{-\\xff',
  ascii: '\\x80-\\xff',
  blank: '\\x00-\\x08\\n-\\x1f!-\\xff',
  cntrl: ' -~\\x80-\\xff',
  digit: '\\x00-\\/:-\\xff',
  graph: '\\x00- \\x7f-\\xff',
  lower: '\\x00-`{-\\xff',
  print: '\\x00-\\x1f\\x7f-\\xff',
  punct: '\\x00- 0-9A-Za-z\\x7f-\\xff',
  space: '\\x00-\\x08\\x0e-\\x1f!-\\xff',
  upper: '\\x00-@\\[-\\xff',
  word: '\\x00-\\/:-@\\[-\\^`{-\\xff',
  xdigit: '\\x00-\\/:-@G-`g-\\xff',
};

const SPACE = '\\t-\\r ';
const NOT_SPACE = '\\x00-\\x08\\x0e-\\x1f!-\\xff';

/**
 * Translates and compiles.
 * @param ignoreCase `-i`.
 * @param flags more flags for `RegExp`, e.g. `g`.
 * @throws ConfigError when the expression is invalid or has no JavaScript equivalent.
 */
export function createRegex(source: string, ignoreCase = false, flags = ''): RegExp {
  const translator = new Translator(source);
  const body = translator.run();
  const foldFlag = ignoreCase || translator.ignoreCase ? 'i' : '';
  try {
    return new RegExp(body, foldFlag + translator.flags + flags);
  } catch (problem) {
    const reason = (problem as Error).message.replace(/^Invalid regular expression: /, '');
    throw new ConfigError(`regex '${source}' is invalid (error=${reason})`);
  }
}

class Translator {
  ignoreCase = false;
  flags = '';
  private at = 0;
  private out = '';
  private depth = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  run(): string {
    this.leadingFlags();
    while (this.at < this.text.length) this.step();
    if (this.depth > 0) throw this.invalid('missing closing parenthesis', this.text.length);
    return this.out;
  }

  private invalid(reason: string, offset: number): ConfigError {
    return new ConfigError(
      `regex '${this.text}' is invalid (error=${reason}, erroffset=${offset})`,
    );
  }

  private unsupported(what: string): ConfigError {
    return new ConfigError(`regex '${this.text}': ${what} is not supported yet by sluice`);
  }

  /** `(?i)`, `(?s)` and `(?m)` at the very start apply to the whole expression. */
  private leadingFlags(): void {
    const found = /^\(\?([a-zA-Z]+)\)/.exec(this.text);
    if (!found) return;
    for (const flag of found[1]!) {
      if (flag === 'i') this.ignoreCase = true;
      else if (flag === 's' || flag === 'm') this.flags += this.flags.includes(flag) ? '' : flag;
      else throw this.unsupported(`the flag (?${flag})`);
    }
    this.at = found[0].length;
  }

  private step(): void {
    const c = this.text[this.at]!;
    switch (c) {
      case '\\':
        this.escape();
        return;
      case '[':
        this.class();
        return;
      case '(':
        this.group();
        return;
      case ')':
        if (this.depth-- === 0) throw this.invalid('unmatched closing parenthesis', this.at);
        break;
      case '.':
        // PCRE's dot leaves out LF alone.
        this.out += this.flags.includes('s') ? '.' : '[^\\n]';
        this.at++;
        return;
      case '$':
        // PCRE's dollar also matches before a final LF.
        this.out += this.flags.includes('m') ? '$' : '(?=\\n?$)';
        this.at++;
        this.refuseQuantifiedAnchor();
        return;
      case '*':
      case '+':
      case '?':
        this.quantifier(c);
        return;
      case '{':
        this.brace();
        return;
      default:
    }
    this.out += c;
    this.at++;
  }

  /** A quantifier after the lookahead that stands for `$` would quantify something else. */
  private refuseQuantifiedAnchor(): void {
    const next = this.text[this.at];
    if (next === '*' || next === '+' || next === '?') throw this.unsupported(`'$${next}'`);
  }

  private quantifier(text: string): void {
    this.out += text;
    this.at += text.length;
    const next = this.text[this.at];
    if (next === '+') throw this.unsupported(`the possessive quantifier '${text}+'`);
    if (next === '?') {
      this.out += '?';
      this.at++;
    }
  }

  /** `{n}`, `{n,}`, `{n,m}` are quantifiers; any other brace is a literal. */
  private brace(): void {
    const found = /^\{\d+(,\d*)?\}/.exec(this.text.slice(this.at));
    if (found) {
      this.quantifier(found[0]);
      return;
    }
    this.out += '\\{';
    this.at++;
  }

  private group(): void {
    const rest = this.text.slice(this.at);
    this.depth++;
    if (!rest.startsWith('(?')) {
      if (rest.startsWith('(*')) throw this.unsupported('the verb (*...)');
      this.out += '(';
      this.at++;
      return;
    }
    const comment = /^\(\?#[^)]*\)/.exec(rest);
    if (comment) {
      this.depth--;
      this.at += comment[0].length;
      return;
    }
    const named = /^\(\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/.exec(rest);
    if (named) {
      this.out += `(?<${named[1] ?? named[2]}>`;
      this.at += named[0].length;
      return;
    }
    const back = /^\(\?P=([A-Za-z_]\w*)\)/.exec(rest);
    if (back) {
      this.depth--;
      this.out += `\\k<${back[1]}>`;
      this.at += back[0].length;
      return;
    }
    const plain = /^\(\?(?:-?i:|:|=|!|<=|<!)/.exec(rest);
    if (plain) {
      this.out += plain[0];
      this.at += plain[0].length;
      return;
    }
    throw this.unsupported(`the group '${rest.slice(0, 4)}'`);
  }

  private escape(): void {
    const rest = this.text.slice(this.at + 1);
    const c = rest[0];
    if (c === undefined) throw this.invalid('\\ at end of pattern', this.text.length);
    if (c === 'Q') {
      const end = rest.indexOf('\\E');
      const literal = end < 0 ? rest.slice(1) : rest.slice(1, end);
      this.out += literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
      this.at += 1 + (end < 0 ? rest.length : end + 2);
      return;
    }
    const outside: Record<string, string> = {
      A: '^',
      z: '$',
      Z: '(?=\\n?$)',
      E: '',
      R: '(?:\\r\\n|[\\n-\\r\\x85])',
      N: '[^\\n]',
      s: `[${SPACE}]`,
      S: `[${NOT_SPACE}]`,
      h: '[\\t \\xa0]',
      H: '[^\\t \\xa0]',
      v: '[\\n-\\r\\x85]',
      V: '[^\\n-\\r\\x85]',
    };
    const anchors = c === 'A' || c === 'z' || c === 'Z';
    if (anchors && this.flags.includes('m')) throw this.unsupported(`'\\${c}' with (?m)`);
    const translated = outside[c];
    if (translated !== undefined) {
      this.out += translated;
      this.at += 2;
      return;
    }
    const reference = /^(?:g\{?(\d+)\}?|k\{([A-Za-z_]\w*)\}|k<([A-Za-z_]\w*)>)/.exec(rest);
    if (reference) {
      const name = reference[2] ?? reference[3];
      this.out += name === undefined ? `(?:\\${reference[1]})` : `\\k<${name}>`;
      this.at += 1 + reference[0].length;
      return;
    }
    if (/^[1-9]/.test(c)) {
      const digits = /^\d{1,2}/.exec(rest)![0];
      this.out += `(?:\\${digits})`;
      this.at += 1 + digits.length;
      return;
    }
    this.out += this.characterEscape();
  }

  /** Escapes that mean the same inside and outside a class. */
  private characterEscape(): string {
    const rest = this.text.slice(this.at + 1);
    const c = rest[0]!;
    const hex = /^x(?:\{([0-9A-Fa-f]{1,2})\}|([0-9A-Fa-f]{0,2}))/.exec(rest);
    if (hex) {
      if (rest.startsWith('x{') && hex[1] === undefined) {
        throw this.unsupported(`the escape '\\${rest.slice(0, 5)}'`);
      }
      this.at += 1 + hex[0].length;
      return `\\x${(hex[1] ?? hex[2] ?? '').padStart(2, '0')}`;
    }
    const octal = /^0[0-7]{0,2}/.exec(rest);
    if (octal) {
      this.at += 1 + octal[0].length;
      return `\\x${Number.parseInt(octal[0], 8).toString(16).padStart(2, '0')}`;
    }
    this.at += 2;
    if (c === 'a') return '\\x07';
    if (c === 'e') return '\\x1b';
    if ('dDwWbBntrf'.includes(c)) return `\\${c}`;
    if (/[A-Za-z]/.test(c)) throw this.unsupported(`the escape '\\${c}'`);
    return /[0-9_ "#%&',:;<=>@`~!-]/.test(c) ? c.replace('-', '\\-') : `\\${c}`;
  }

  private class(): void {
    const start = this.at;
    this.at++;
    let body = '';
    if (this.text[this.at] === '^') {
      body = '^';
      this.at++;
    }
    // A closing bracket in first place is a literal.
    if (this.text[this.at] === ']') {
      body += '\\]';
      this.at++;
    }
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) {
        throw this.invalid('missing terminating ] for character class', this.text.length);
      }
      if (c === ']') break;
      body += this.classItem(c);
    }
    this.at++;
    if (body === '') throw this.invalid('empty character class', start);
    this.out += `[${body}]`;
  }

  private classItem(c: string): string {
    const rest = this.text.slice(this.at);
    if (c === '[') {
      const named = /^\[([:.=])(\^?)(\w*)\1\]/.exec(rest);
      if (!named) {
        this.at++;
        return '\\[';
      }
      const table = named[2] === '^' ? posixComplements : posixClasses;
      const members = named[1] === ':' ? table[named[3]!] : undefined;
      if (members === undefined) throw this.invalid('unknown POSIX class name', this.at);
      this.at += named[0].length;
      return members;
    }
    if (c !== '\\') {
      this.at++;
      return c;
    }
    const next = rest[1];
    if (next === undefined) throw this.invalid('\\ at end of pattern', this.text.length);
    const inside: Record<string, string> = {
      s: SPACE,
      S: NOT_SPACE,
      h: '\\t \\xa0',
      v: '\\n-\\r\\x85',
      E: '',
    };
    const translated = inside[next];
    if (translated !== undefined) {
      this.at += 2;
      return translated;
    }
    if ('HVNRQB'.includes(next)) throw this.unsupported(`'\\${next}' in a character class`);
    const octal = /^\\([0-7]{1,3})/.exec(rest);
    if (octal) {
      this.at += octal[0].length;
      const code = Number.parseInt(octal[1]!, 8) & 255;
      return `\\x${code.toString(16).padStart(2, '0')}`;
    }
    return this.characterEscape();
  }
}
