/**
 * Converters that set, unset and compare with variables (configuration.txt 7.3.1).
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import type { Convert } from '../context.ts';
import type { ConverterRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import type { RuleScope } from '../scope.ts';
import { takeScratch } from '../scratch.ts';
import { readConditions } from '../variable/condition.ts';
import { declareVariable } from '../variable/name.ts';
import { textLength } from '../variable/value.ts';
import { compileVariable, setVariable, unsetVariable } from '../variable/variables.ts';

function checkSet(args: ArgConfig[], scope: RuleScope): void {
  declareVariable(String(args[0]), scope.variables);
  readConditions(args, 1);
}

/** The value goes on as it is; where it could not be set there is none. */
function compileSet(args: readonly ArgConfig[]): Convert {
  const variable = compileVariable(String(args[0]));
  const conditions = readConditions(args, 1);
  return (ctx, sample) => setVariable(ctx, variable, sample, conditions);
}

/** The text may be the variable's own, which is gone afterwards. */
function saveText(sample: Sample): boolean {
  const len = textLength(sample);
  if (len === 0) return true;
  const off = takeScratch(len);
  if (off === 0) return false;
  mem.copyWithin(off, sample.off, sample.off + len);
  sample.off = off;
  return true;
}

function compileUnset(args: readonly ArgConfig[]): Convert {
  const variable = compileVariable(String(args[0]));
  return (ctx, sample) => saveText(sample) && unsetVariable(ctx, variable);
}

export const variableConverters = [
  {
    name: 'set-var',
    args: 'string[,string,string,string,string]',
    in: 'any',
    out: 'any',
    doc: 'sets a variable to the value, under conditions',
    check: checkSet,
    compile: compileSet,
  },
  {
    name: 'unset-var',
    args: 'string',
    in: 'any',
    out: 'any',
    doc: 'takes the value of a variable away',
    check: (args, scope) => declareVariable(String(args[0]), scope.variables),
    compile: compileUnset,
  },
] as const satisfies readonly ConverterRow[];
