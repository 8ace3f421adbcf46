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

export class Diagnostics {
  readonly list: Diagnostic[] = [];
  private readonly reported = new Set<string>();
  private errorCount = 0;
  private warningCount = 0;

  /** Records an error; the configuration will be refused. */
  error(origin: Origin | null, message: string): void {
    // A line of `defaults` is read for each proxy that inherits it; it is wrong once.
    const key = `${origin?.file}:${origin?.line}:${message}`;
    if (this.reported.has(key)) return;
    this.reported.add(key);
    this.list.push({ severity: 'ALERT', origin, message });
    this.errorCount++;
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
