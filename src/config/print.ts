/**
 * Diagnostics as HAProxy prints them on standard error: the severity in a column of 10, the process
 * in parentheses, then the finding.
 */
import type { Diagnostic, Severity } from './diagnostics.ts';

const labels: Record<Severity, string> = {
  ALERT: '[ALERT]   ',
  WARNING: '[WARNING] ',
  NOTICE: '[NOTICE]  ',
  DIAG: '[DIAG]    ',
};

/**
 * One finding as text, without a final line feed; findings about a marked line take three lines.
 *
 * A message that begins with `:` follows the location directly (`parsing [f:1]: unmatched quote`):
 * that is how HAProxy prints what the reader of lines finds. All others get ` : ` in between.
 * The text is a byte string: write it as latin1.
 * @param pid the process that read the configuration
 */
export function formatDiagnostic(d: Diagnostic, pid: number): string {
  return `${labels[d.severity]} (${pid}) : config : ${formatFinding(d)}`;
}

/** The text behind `config : `. */
export function formatFinding(d: Diagnostic): string {
  if (d.origin === null) return d.message;
  const location = `parsing [${d.origin.file}:${d.origin.line}]`;
  return d.message.startsWith(':') ? location + d.message : `${location} : ${d.message}`;
}
