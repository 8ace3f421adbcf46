/**
 * Diagnostics of the configuration. All errors of all files are collected; none stops the parser.
 * They print as HAProxy prints them:
 * `[ALERT]    (pid) : config : parsing [file:line] : message`.
 */
import type { Origin } from '../model/config.ts';

export type Severity = 'ALERT' | 'WARNING' | 'NOTICE' | 'DIAG';

export interface Diagnostic {
  severity: Severity;
  /** Null for a finding about the whole configuration. */
  origin: Origin | null;
  /**
   * Already complete text after `config : `, or after the location when `origin` is set. One that
   * begins with `:` follows the location without the usual ` : ` in between. A byte string.
   */
  message: string;
}

/** Errors of one file that are listed: what is no configuration must not flood the terminal. */
const FILE_ERRORS_MAX = 50;

export class Diagnostics {
  readonly list: Diagnostic[] = [];
  private readonly reported = new Set<string>();
  /** Errors by file. */
  private readonly byFile = new Map<string, number>();
  /** What stands for the errors of a file that are not listed. */
  private readonly rest = new Map<string, Diagnostic>();
  private errorCount = 0;
  private warningCount = 0;

  /**
   * Records an error; the configuration will be refused. Those behind the fiftieth of a file are
   * only counted.
   */
  error(origin: Origin | null, message: string): void {
    // A line of `defaults` is read for each proxy that inherits it; it is wrong once.
    const key = `${origin?.file}:${origin?.line}:${message}`;
    if (this.reported.has(key)) return;
    this.reported.add(key);
    this.errorCount++;
    if (origin !== null && this.isCut(origin)) return;
    this.list.push({ severity: 'ALERT', origin, message });
  }

  /** Counts an error of a file. @returns whether it is one too many. */
  private isCut(origin: Origin): boolean {
    const count = (this.byFile.get(origin.file) ?? 0) + 1;
    this.byFile.set(origin.file, count);
    if (count <= FILE_ERRORS_MAX) return false;
    let rest = this.rest.get(origin.file);
    if (rest === undefined) {
      rest = { severity: 'ALERT', origin, message: '' };
      this.rest.set(origin.file, rest);
      this.list.push(rest);
    }
    const hidden = count - FILE_ERRORS_MAX;
    rest.message =
      `: too many fatal errors (${FILE_ERRORS_MAX}), ${hidden} more from here on ` +
      `${hidden === 1 ? 'is' : 'are'} not shown.`;
    return true;
  }

  warning(origin: Origin | null, message: string): void {
    this.list.push({ severity: 'WARNING', origin, message });
    this.warningCount++;
  }

  notice(origin: Origin | null, message: string): void {
    this.list.push({ severity: 'NOTICE', origin, message });
  }

  /** Shown only with `-dD`. */
  diag(origin: Origin | null, message: string): void {
    this.list.push({ severity: 'DIAG', origin, message });
  }

  get errors(): number {
    return this.errorCount;
  }

  get warnings(): number {
    return this.warningCount;
  }
}
