/**
 * The variables of the process when the configuration has been read: all names are known now, and
 * the lines of the global section that set some are evaluated in their order (3.1 `set-var`).
 */
import { initScratch } from '../rules/scratch.ts';
import { createProcessVariables, setInternally } from '../rules/variable/internal.ts';
import type { ParserState } from './section/state.ts';

/** Names that `set var` of the Runtime API may add. */
const SPARE_NAMES = 16;

export function setVariables(state: ParserState): void {
  const { global, variables, settings, diagnostics } = state;
  const { tune } = global;
  const spare = global.statsSockets.length > 0 ? SPARE_NAMES : 0;
  const isLimited = tune.varsProcMax + tune.varsGlobalMax > 0;
  if (variables.process.length + spare === 0 && !isLimited) return;
  variables.shared = createProcessVariables(variables, spare, tune.bufsize);
  initScratch(tune.bufsize);
  for (const { name, value, ...origin } of settings) {
    if (setInternally({ variables, tune }, name, value)) continue;
    diagnostics.error(
      origin,
      `'set-var' : the value of '${name}' is larger than 'tune.vars.proc-max-size' or ` +
        "'tune.vars.global-max-size' allows.",
    );
  }
}
