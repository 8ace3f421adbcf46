/** The text of a regular expression and the place where its parser is. */
import { SyntaxFault } from './syntax.ts';

export class TextReader {
  at = 0;
  /** Within `\Q..\E`, where every byte stands for itself. */
  quoted = false;
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character; '' at the end. */
  get peek(): string {
    return this.text[this.at] ?? '';
  }

  startsWith(what: string): boolean {
    return this.text.startsWith(what, this.at);
  }

  /** Goes over `what` when it is next. */
  take(what: string): boolean {
    if (this.quoted || !this.startsWith(what)) return false;
    this.at += what.length;
    return true;
  }

  /** Goes over `\Q` when it is next; an empty quotation is none. */
  takeQuote(): boolean {
    if (!this.take('\\Q')) return false;
    if (this.startsWith('\\E')) this.at += 2;
    else this.quoted = !this.atEnd;
    return true;
  }

  /** The next byte as it is, and the end of a quotation behind it. */
  takeByte(): number {
    if (this.atEnd) throw new SyntaxFault('\\ at end of pattern', this.at);
    const byte = this.text.charCodeAt(this.at++);
    if (!this.quoted) return byte;
    if (this.startsWith('\\E')) {
      this.at += 2;
      this.quoted = false;
    }
    if (this.atEnd) this.quoted = false;
    return byte;
  }

  /** What a sticky expression finds here; nothing is taken. */
  matchHere(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.at;
    return expression.exec(this.text);
  }
}
