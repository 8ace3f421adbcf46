/** `http-check expect` and `tcp-check expect` (4.2): options, then one pattern. */
import type { CheckExpectConfig, CheckMatchConfig, FieldMatchConfig } from '../../model/config.ts';
import { checkRegex } from '../../rules/regex.ts';
import { expectStep } from './check-draft.ts';
import { type CheckLine, expression, fault, formatText, hexFault } from './check-text.ts';
import { explained } from './words.ts';

const httpOnly =
  "'only supports min-recv, [!]string', '[!]rstring', '[!]string-lf', '[!]status', '[!]rstatus', " +
  '[!]hdr, [!]fhdr or comment';
const tcpOnly =
  "'only supports min-recv, '[!]binary', '[!]string', '[!]rstring', '[!]string-lf''[!]rbinary', " +
  "'[!]binary-lf' or comment";

const okStatuses = ['L4OK', 'L6OK', 'L7OK', 'L7OKC'];
const errorStatuses = ['L4CON', 'L6RSP', 'L7OKC', 'L7RSP', 'L7STS'];
const timeoutStatuses = ['L4TOUT', 'L6TOUT', 'L7TOUT'];

/** Reads the words of one line in turn. */
class ExpectReader {
  private at = 2;
  private readonly line: CheckLine;
  readonly rule: CheckExpectConfig;
  private isFound = false;

  constructor(line: CheckLine, number: number) {
    this.line = line;
    this.rule = expectStep(number, { kind: 'string', text: '' });
  }

  read(): CheckExpectConfig {
    const { words } = this.line;
    if (words.length < 3) throw this.fault('expects at least a matching pattern as arguments.');
    while (this.at < words.length) this.readWord(words[this.at++]!);
    if (!this.isFound) throw this.unknown('');
    return this.rule;
  }

  private fault(text: string) {
    return fault(this.line, text);
  }

  private unknown(word: string) {
    return this.fault(`${this.isHttp ? httpOnly : tcpOnly} but got '${word}' as argument..`);
  }

  private get isHttp(): boolean {
    return this.line.words[0] === 'http-check';
  }

  /** The next word; @param text what is wrong when there is none. */
  private take(text: string): string {
    const word = this.line.words[this.at++];
    if (word === undefined || word === '') throw this.fault(text);
    return word;
  }

  private readWord(word: string): void {
    const { rule } = this;
    const needs = `'${word}' expects a string as argument.`;
    switch (word) {
      case 'comment':
        rule.comment = this.take(needs);
        return;
      case 'min-recv':
        rule.minRecv = this.minRecv();
        return;
      case 'ok-status':
        rule.okStatus = this.status(word, okStatuses, "'L4OK', 'L6OK', 'L7OK' or 'L7OKC'");
        return;
      case 'error-status':
        rule.errorStatus = this.status(word, errorStatuses, "'L4CON', 'L6RSP', 'L7RSP' or 'L7STS'");
        return;
      case 'tout-status':
        rule.timeoutStatus = this.status(word, timeoutStatuses, "'L4TOUT', 'L6TOUT' or 'L7TOUT'");
        return;
      case 'on-success':
        rule.onSuccess = formatText(this.line, this.take(needs));
        return;
      case 'on-error':
        rule.onError = formatText(this.line, this.take(needs));
        return;
      case 'status-code': {
        const text = this.take("'status-code' expects an expression as argument.");
        rule.statusCode = expression(this.line, text, 'status-code');
        return;
      }
      default:
        this.readPattern(word);
    }
  }

  private minRecv(): number {
    const word = this.take("'min-recv' expects a integer as argument.");
    const value = /^[+-]?\d{1,10}$/.test(word) ? Number(word) : Number.NaN;
    if (value >= -1 && value < 2 ** 31) return value;
    throw this.fault("'min-recv' expects -1 or an integer from 0 to INT_MAX.");
  }

  private status(name: string, known: readonly string[], list: string): string {
    const word = this.take(`'${name}' expects a string as argument.`);
    if (known.includes(word)) return word;
    throw this.fault(`'${name}' only supports ${list} status (got '${word}')..`);
  }

  private readPattern(first: string): void {
    let word = first;
    while (word.startsWith('!')) {
      this.rule.negate = !this.rule.negate;
      word = word.slice(1);
      if (word === '') word = this.line.words[this.at++] ?? '';
    }
    const match = this.isHttp ? this.httpMatch(word) : this.tcpMatch(word);
    if (match === null) throw this.unknown(word);
    if (this.isFound) throw this.fault('only one pattern expected.');
    this.isFound = true;
    this.rule.match = match;
  }

  private pattern(word: string): string {
    return this.take(`'${word}' expects a <pattern> as argument.`);
  }

  private regex(word: string): string {
    const text = this.pattern(word);
    explained(`'${this.line.name}' : `, () => checkRegex(text));
    return text;
  }

  private commonMatch(word: string): CheckMatchConfig | null {
    switch (word) {
      case 'string':
        return { kind: 'string', text: this.pattern(word) };
      case 'rstring':
        return { kind: 'regex', text: this.regex(word) };
      case 'string-lf':
        return { kind: 'string-format', format: formatText(this.line, this.pattern(word)) };
      default:
        return null;
    }
  }

  private tcpMatch(word: string): CheckMatchConfig | null {
    switch (word) {
      case 'binary': {
        const text = this.pattern(word);
        const wrong = hexFault(text);
        if (wrong !== null) throw this.fault(`invalid binary string (${wrong}).`);
        return { kind: 'binary', text };
      }
      case 'rbinary':
        return { kind: 'binary-regex', text: this.regex(word) };
      case 'binary-lf':
        return { kind: 'binary-format', format: formatText(this.line, this.pattern(word)) };
      default:
        return this.commonMatch(word);
    }
  }

  private httpMatch(word: string): CheckMatchConfig | null {
    switch (word) {
      case 'status':
        return { kind: 'status', ranges: this.ranges(this.pattern(word)) };
      case 'rstatus':
        return { kind: 'status-regex', text: this.regex(word) };
      case 'hdr':
      case 'fhdr':
        return this.fieldMatch(word);
      default:
        return this.commonMatch(word);
    }
  }

  /** `200,201,300-310` */
  private ranges(text: string): [number, number][] {
    const bad = /[^0-9, -]/.exec(text)?.[0];
    if (bad !== undefined) {
      throw this.fault(`invalid character '${bad}' in the list of status codes.`);
    }
    const parts = text.split(',').map((part) => part.trim());
    return parts
      .filter((part) => part !== '')
      .map((part) => {
        const [, from, until = from] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part) ?? [];
        if (from === undefined || Number(until) < Number(from)) {
          throw this.fault(`invalid range of status codes '${part}'.`);
        }
        return [Number(from), Number(until)];
      });
  }

  private fieldMatch(word: string): CheckMatchConfig {
    const missing = `'${word}' expects at the name keyword as first argument followed by a pattern.`;
    const keyword = this.take(missing);
    if (keyword !== 'name' && keyword !== 'name-lf') throw this.fault(missing);
    const name = this.fieldPattern(word, keyword === 'name-lf', missing);
    const next = this.line.words[this.at];
    let value: FieldMatchConfig | null = null;
    if (next === 'value' || next === 'value-lf') {
      this.at++;
      const needs = `'${word}' expect a pattern with the value keyword.`;
      value = this.fieldPattern(word, next === 'value-lf', needs);
    }
    return { kind: 'field', name, value, full: word === 'fhdr' };
  }

  private fieldPattern(word: string, isFormat: boolean, missing: string): FieldMatchConfig {
    let how = 'str';
    let text = this.take(missing);
    if (text === '-m') {
      how = this.take(missing);
      text = this.take(missing);
    }
    if (how !== 'str' && how !== 'beg' && how !== 'end' && how !== 'sub' && how !== 'reg') {
      const known = "'str', 'beg', 'end', 'sub' or 'reg'";
      throw this.fault(`'${word}' : '-m' only supports ${known} (got '${how}').`);
    }
    if (how === 'reg') {
      if (isFormat) {
        throw this.fault(
          `'${word}': log-format string is not supported with a regex matching method.`,
        );
      }
      explained(`'${this.line.name}' : `, () => checkRegex(text));
    }
    return { how, text: isFormat ? formatText(this.line, text) : text };
  }
}

/** @param number of the rule among its lines */
export function parseExpect(line: CheckLine, number: number): CheckExpectConfig {
  return new ExpectReader(line, number).read();
}
