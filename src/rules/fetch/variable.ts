/**
 * Variables as samples (configuration.txt 7.3.2 `var`).
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import type { Fetch } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { declareVariable } from '../variable/name.ts';
import { compileVariable, readVariable } from '../variable/variables.ts';
import { compileText } from './constant.ts';

function compileVar(args: readonly ArgConfig[]): Fetch {
  const variable = compileVariable(String(args[0]));
  const [, text] = args;
  if (text === undefined) return (ctx, sample) => readVariable(ctx, variable, sample);
  const otherwise = compileText(String(text));
  return (ctx, sample) => readVariable(ctx, variable, sample) || otherwise(ctx, sample);
}

export const variableFetches = [
  {
    name: 'var',
    args: 'string[,string]',
    out: 'any',
    valid: valid.anywhere,
    doc: 'a variable with the type it was set with, else the text given',
    check: (args, scope) => declareVariable(String(args[0]), scope.variables),
    compile: compileVar,
  },
] as const satisfies readonly FetchRow[];
