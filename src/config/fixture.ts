/** Test support: parses the text of a configuration as if it were the file `t.cfg`. */
import type { Configuration } from '../model/config.ts';
import { createConditionContext } from './conditions.ts';
import { Diagnostics } from './diagnostics.ts';
import { Environment } from './environment.ts';
import { parseConfiguration } from './parser.ts';
import { formatFinding } from './print.ts';
import type { Accounts } from './section/account.ts';

export interface ParsedText {
  config: Configuration;
  /** As printed, without severity and process. */
  errors: string[];
  warnings: string[];
  diags: string[];
}

const accounts: Accounts = {
  user: (name) => (name === 'haproxy' ? 990 : null),
  group: (name) => (name === 'haproxy' ? 991 : null),
};

/**
 * @param text texts of files in order, or one text
 * @param variables the environment
 */
export function parseText(
  text: string | Record<string, string>,
  variables: Record<string, string> = { PATH: '/bin' },
): ParsedText {
  const files = typeof text === 'string' ? { 't.cfg': text } : text;
  const env = new Environment(variables);
  const diagnostics = new Diagnostics();
  const config = parseConfiguration({
    sources: Object.entries(files).map(([file, content]) => ({
      file,
      text: content.endsWith('\n') ? content : `${content}\n`,
    })),
    env,
    diagnostics,
    conditionContext: createConditionContext(env),
    accounts,
  });
  const of = (severity: string): string[] =>
    diagnostics.list.filter((d) => d.severity === severity).map((d) => formatFinding(d));
  return { config, errors: of('ALERT'), warnings: of('WARNING'), diags: of('DIAG') };
}
