/**
 * Splits a log-format string into items (configuration.txt 8.2.6).
 *
 *   %%                          a percent sign
 *   %alias  %{flags}alias       one of the table of aliases
 *   %[expr] %{flags}[expr]      a sample expression
 *   %(name:type){flags}...      a name and a type for the json and cbor encodings
 *   %{flags}o                   flags for everything that follows
 *
 * Runs of spaces are items of their own: whether they are merged depends on where the string is
 * used, which only the compiler knows.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { LogFormatConfig, LogFormatItem } from '../../model/config.ts';
import { parseExpressionAt } from '../expression.ts';
import type { RuleScope } from '../scope.ts';
import { aliasRow, LogFlag } from './alias.ts';

const flagBits: Record<string, number> = {
  Q: LogFlag.Quote,
  X: LogFlag.Hex,
  E: LogFlag.Escape,
  bin: LogFlag.Bin,
  json: LogFlag.Json,
  cbor: LogFlag.Cbor,
};

const itemTypes = ['', 'str', 'sint', 'bool'];

/**
 * Parses a log-format string.
 * @param text one word of the configuration, quotes and escapes already resolved.
 * @throws ConfigError in HAProxy's words; the caller says which keyword it was for.
 */
export function parseLogFormat(text: string, scope: RuleScope): LogFormatConfig {
  const parser = new LogFormatParser(text, scope);
  return { ...scope.origin, text, items: parser.parse() };
}

class LogFormatParser {
  private readonly text: string;
  private readonly scope: RuleScope;
  private readonly items: LogFormatItem[] = [];
  private at = 0;
  private literal = '';
  /** Flags that `%o` has set for the items that follow. */
  private flags = 0;

  constructor(text: string, scope: RuleScope) {
    this.text = text;
    this.scope = scope;
  }

  parse(): LogFormatItem[] {
    const { text } = this;
    while (this.at < text.length) {
      const char = text[this.at]!;
      if (char === '%') this.parseItem();
      else if (char === ' ') this.parseSpace();
      else {
        this.literal += char;
        this.at++;
      }
    }
    this.endLiteral();
    return this.items;
  }

  private parseSpace(): void {
    this.endLiteral();
    const from = this.at;
    while (this.text[this.at] === ' ') this.at++;
    this.push('space', this.text.slice(from, this.at));
  }

  private parseItem(): void {
    const start = this.at++;
    let name = '';
    let type = '';
    if (this.text[this.at] === '(') [name, type] = this.parseName();
    const argument = this.text[this.at] === '{' ? this.parseFlags() : null;
    const flags = argument ? argument.flags : this.flags;
    const char = this.text[this.at];
    if (char === '[') this.parseExpression(flags, name, type);
    else if (char !== undefined && /[A-Za-z]/.test(char)) this.parseAlias(flags, name, type);
    else this.parsePercent(start, argument !== null || name !== '' || type !== '');
  }

  /** A percent sign before anything else; `start` is its position. */
  private parsePercent(start: number, modified: boolean): void {
    const char = this.text[this.at];
    if (modified) {
      const written = this.text.slice(start, this.at);
      throw new ConfigError(`parse argument modifier without variable name near '${written}'`);
    }
    if (char === undefined) throw new ConfigError("truncated line after '%'");
    if (/[0-9\s]/.test(char)) {
      throw new ConfigError(
        `unexpected variable name near '${char}' at position ${this.at} line : ` +
          `'${this.text}'. Maybe you want to write a single '%', use the syntax '%%'`,
      );
    }
    // '%%', and like HAProxy any other punctuation, stands for the character itself.
    this.literal += char;
    this.at++;
  }

  /** `(name:type)`: at the parenthesis. */
  private parseName(): [string, string] {
    const end = this.text.indexOf(')', this.at);
    if (end < 0) throw new ConfigError(`truncated line after '${this.text.slice(this.at + 1)}'`);
    const written = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    const colon = written.indexOf(':');
    const name = colon < 0 ? written : written.slice(0, colon);
    const type = colon < 0 ? '' : written.slice(colon + 1);
    if (!/^[A-Za-z0-9_.-]*$/.test(name)) {
      throw new ConfigError(
        `invalid item name '${name}', expected letters, digits, '_', '-' and '.'`,
      );
    }
    if (!itemTypes.includes(type)) {
      throw new ConfigError(`unknown item type '${type}', expected 'str', 'sint' or 'bool'`);
    }
    return [name, type];
  }

  /** `{+Q,-X}`: at the brace. Unknown flags, and those without a sign, do nothing in HAProxy. */
  private parseFlags(): { flags: number } {
    const end = this.text.indexOf('}', this.at);
    if (end < 0) throw new ConfigError(`truncated line after '${this.text.slice(this.at + 1)}'`);
    let flags = this.flags;
    for (const word of this.text.slice(this.at + 1, end).split(',')) {
      const flag = word.trim();
      const bit = flagBits[flag.slice(1).trim()] ?? 0;
      if (flag[0] === '+') flags |= bit;
      else if (flag[0] === '-') flags &= ~bit;
    }
    this.at = end + 1;
    return { flags };
  }

  private parseAlias(flags: number, name: string, type: string): void {
    const word = /^[A-Za-z0-9]+/.exec(this.text.slice(this.at))![0];
    this.at += word.length;
    if (word === 'o') {
      this.flags = flags;
      this.endLiteral();
      this.items.push(item('alias', 'o', flags));
      return;
    }
    const row = aliasRow(word);
    if (!row) {
      throw new ConfigError(
        `no such format alias '${word}'. If you wanted to emit the '%' character verbatim, ` +
          `you need to use '%%'`,
      );
    }
    if (row.http && this.scope.mode !== 'http') {
      throw new ConfigError(`format variable '${word}' is reserved for HTTP mode`);
    }
    this.push('alias', word, this.itemFlags(flags), name, type);
  }

  private parseExpression(flags: number, name: string, type: string): void {
    const from = this.at + 1;
    let parsed: ReturnType<typeof parseExpressionAt>;
    try {
      parsed = parseExpressionAt(this.text, from, this.scope);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw this.expressionError(this.text.slice(from, expressionEnd(this.text, from)), error);
    }
    const written = this.text.slice(from, parsed.end);
    const next = this.text[parsed.end];
    if (next === undefined) throw new ConfigError(`missing ']' after '${written}'`);
    if (next !== ']') throw new ConfigError(`expected ']' after '${written}', but found '${next}'`);
    this.at = parsed.end + 1;
    this.push('expr', written, this.itemFlags(flags), name, type);
    this.items.at(-1)!.expr = parsed.expr;
  }

  /** The error about an expression, which knows nothing of what stands behind its bracket. */
  private expressionError(expression: string, first: ConfigError): ConfigError {
    let problem = first;
    try {
      parseExpressionAt(expression, 0, this.scope);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problem = error;
    }
    if (problem.message.startsWith('sample fetch <')) return problem;
    return new ConfigError(
      `failed to parse sample expression <${expression}> : ${problem.message}`,
    );
  }

  /** 8.2.6: `bin` counts only when it was set for the whole string. */
  private itemFlags(flags: number): number {
    return (flags & ~LogFlag.Bin) | (this.flags & LogFlag.Bin);
  }

  private push(kind: LogFormatItem['kind'], text: string, flags = 0, name = '', type = ''): void {
    this.endLiteral();
    this.items.push({ ...item(kind, text, flags), name, type });
  }

  private endLiteral(): void {
    if (this.literal === '') return;
    this.items.push(item('text', this.literal, 0));
    this.literal = '';
  }
}

/**
 * Where an expression that begins at `from` ends: at the first bracket that is neither quoted nor
 * in parentheses, or failing that at the first of all.
 */
function expressionEnd(text: string, from: number): number {
  let quote = '';
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === '\\' && quote !== "'") at++;
    else if (quote !== '') quote = char === quote ? '' : quote;
    else if (depth > 0 && (char === '"' || char === "'")) quote = char;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === ']' && depth <= 0) return at;
  }
  const first = text.indexOf(']', from);
  return first < 0 ? text.length : first;
}

function item(kind: LogFormatItem['kind'], text: string, flags: number): LogFormatItem {
  return { kind, text, expr: null, flags, name: '', type: '' };
}
