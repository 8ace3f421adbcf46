/**
 * Arguments of converters that are a number or a variable (configuration.txt 7.3.1).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { cast } from '../cast.ts';
import type { RuleContext } from '../context.ts';
import { Sample, SampleType } from '../sample.ts';
import type { RuleScope } from '../scope.ts';
import { declareVariable, isVariableName } from '../variable/name.ts';
import { compileVariable, readVariable, type Variable } from '../variable/variables.ts';

const INTEGER = /^[+-]?[0-9]+$/;

/** Registers for the values of operands: the sample in work must stay. */
const register = new Sample();

/** Checks that argument `position` is a number, which it becomes, or a variable. */
export function checkOperand(args: ArgConfig[], position: number, scope: RuleScope): void {
  const word = String(args[position] ?? '');
  if (INTEGER.test(word)) {
    args[position] = Number(word);
    return;
  }
  if (!isVariableName(word)) throw new ConfigError('expects an integer or a variable name');
  declareVariable(word, scope.variables);
}

/** Checks that argument `position` is a variable. */
export function checkVariable(args: ArgConfig[], position: number, scope: RuleScope): void {
  const word = String(args[position] ?? '');
  if (!isVariableName(word)) throw new ConfigError(`failed to register variable name '${word}'`);
  declareVariable(word, scope.variables);
}

export class Operand {
  /** The number, after `read` that of the variable. */
  value: number;
  private readonly variable: Variable | null;

  /** @param arg as `checkOperand` left it */
  constructor(arg: ArgConfig) {
    this.value = typeof arg === 'number' ? arg : 0;
    this.variable = typeof arg === 'number' ? null : compileVariable(String(arg));
  }

  /** @returns false when the variable is not set, or is no number */
  read(ctx: RuleContext): boolean {
    if (this.variable === null) return true;
    if (!readVariable(ctx, this.variable, register)) return false;
    if (!cast(register, SampleType.Sint)) return false;
    this.value = register.num;
    return true;
  }
}

export function createOperand(arg: ArgConfig): Operand {
  return new Operand(arg);
}
