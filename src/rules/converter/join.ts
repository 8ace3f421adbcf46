/**
 * Converters that join a text with variables, or compare it with one (configuration.txt 7.3.1).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { asString, cast } from '../cast.ts';
import type { Convert, RuleContext } from '../context.ts';
import type { ConverterRow } from '../row.ts';
import { Sample, SampleType } from '../sample.ts';
import type { RuleScope } from '../scope.ts';
import { takeScratch } from '../scratch.ts';
import { compileVariable, readVariable, type Variable } from '../variable/variables.ts';
import { checkVariable } from './operand.ts';

/** Registers for the variable: the sample in work must stay. */
const register = new Sample();

/** A text of the configuration. */
class Text {
  readonly off: number;
  readonly len: number;

  constructor(arg: ArgConfig | undefined) {
    const bytes = Buffer.from(String(arg ?? ''), 'latin1');
    this.off = reserveBytes(bytes);
    this.len = bytes.length;
  }
}

function createText(arg: ArgConfig | undefined): Text {
  return new Text(arg);
}

/** The variable of an argument; null when it is left out. */
function compileOptional(arg: ArgConfig | undefined): Variable | null {
  return arg === undefined || arg === '' ? null : compileVariable(String(arg));
}

/** Leaves the variable's text in `register`, an empty one when it is not set. */
function readText(ctx: RuleContext, variable: Variable | null): void {
  if (variable !== null && readVariable(ctx, variable, register) && asString(register)) return;
  register.setStr(0, 0);
}

function put(at: number, off: number, len: number): number {
  mem.copyWithin(at, off, off + len);
  return at + len;
}

/** Appends texts around the one in `register`. @returns false when the whole is too long */
function append(sample: Sample, before: Text, beforeLen: number, after: Text): boolean {
  const len = sample.len + beforeLen + register.len + after.len;
  const off = takeScratch(len);
  if (off === 0) return false;
  let at = put(off, sample.off, sample.len);
  at = put(at, before.off, beforeLen);
  at = put(at, register.off, register.len);
  put(at, after.off, after.len);
  sample.setStr(off, len);
  return true;
}

function compileConcat(args: readonly ArgConfig[]): Convert {
  const before = createText(args[0]);
  const variable = compileOptional(args[1]);
  const after = createText(args[2]);
  return (ctx, sample) => {
    readText(ctx, variable);
    return append(sample, before, before.len, after);
  };
}

function checkOptional(args: ArgConfig[], scope: RuleScope): void {
  if ((args[1] ?? '') !== '') checkVariable(args, 1, scope);
}

/** The delimiter stands only between two texts that are not empty. */
function compileAddItem(args: readonly ArgConfig[]): Convert {
  const delimiter = createText(args[0]);
  const variable = compileOptional(args[1]);
  const suffix = createText(args[2]);
  return (ctx, sample) => {
    readText(ctx, variable);
    const separates = sample.len > 0 && register.len + suffix.len > 0;
    return append(sample, delimiter, separates ? delimiter.len : 0, suffix);
  };
}

function checkAddItem(args: ArgConfig[], scope: RuleScope): void {
  if ((args[1] ?? '') === '' && (args[2] ?? '') === '') {
    throw new ConfigError('one of the optional arguments has to be nonempty');
  }
  checkOptional(args, scope);
}

/** As strcmp(3), of texts that know their length. */
function compare(sample: Sample): number {
  const most = Math.min(sample.len, register.len);
  for (let i = 0; i < most; i++) {
    const difference = mem[sample.off + i]! - mem[register.off + i]!;
    if (difference !== 0) return difference;
  }
  return Math.sign(sample.len - register.len);
}

function compileCompare(args: readonly ArgConfig[]): Convert {
  const variable = compileVariable(String(args[0]));
  return (ctx, sample) => {
    if (!readVariable(ctx, variable, register) || !asString(register)) return false;
    sample.setInt(compare(sample));
    return true;
  };
}

/** The time depends on the lengths alone. */
function isSame(sample: Sample): boolean {
  if (sample.len !== register.len) return false;
  let difference = 0;
  for (let i = 0; i < sample.len; i++) {
    difference |= mem[sample.off + i]! ^ mem[register.off + i]!;
  }
  return difference === 0;
}

function compileSecureCompare(args: readonly ArgConfig[]): Convert {
  const variable = compileVariable(String(args[0]));
  return (ctx, sample) => {
    if (!readVariable(ctx, variable, register) || !cast(register, SampleType.Bin)) return false;
    sample.setBool(isSame(sample));
    return true;
  };
}

function checkCompared(args: ArgConfig[], scope: RuleScope): void {
  if (args[0] === '') throw new ConfigError('missing variable name');
  checkVariable(args, 0, scope);
}

export const joinConverters = [
  {
    name: 'add_item',
    args: 'string,string[,string]',
    in: 'str',
    out: 'str',
    doc: 'appends a delimiter, a variable and text, as an item of a list',
    check: checkAddItem,
    compile: compileAddItem,
  },
  {
    name: 'concat',
    args: 'string[,string,string]',
    in: 'str',
    out: 'str',
    doc: 'appends text, a variable and text',
    check: checkOptional,
    compile: compileConcat,
  },
  {
    name: 'secure_memcmp',
    args: 'string',
    in: 'bin',
    out: 'bool',
    doc: 'whether it is the same as a variable, in a time that says nothing of them',
    check: checkCompared,
    compile: compileSecureCompare,
  },
  {
    name: 'strcmp',
    args: 'string',
    in: 'str',
    out: 'sint',
    doc: 'compares with a variable: negative, 0 when they are the same, or positive',
    check: checkCompared,
    compile: compileCompare,
  },
] as const satisfies readonly ConverterRow[];
