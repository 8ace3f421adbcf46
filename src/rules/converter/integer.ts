/**
 * Arithmetic and bitwise converters (configuration.txt 7.3.1). Results saturate at 64 bits.
 *
 * The operand is a number; variables as operands are refused until variables exist.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import type { Convert } from '../context.ts';
import { putIpv4Bytes } from '../inet.ts';
import { clampInt, INT_MAX } from '../integer.ts';
import type { ConverterRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';

const INTEGER = /^[+-]?[0-9]+$/;
const VARIABLE = /^(proc|sess|txn|req|res|check)\./;

/** Checks that argument `position` is a number where a variable is allowed as well. */
export function checkOperand(args: ArgConfig[], position: number): void {
  const word = String(args[position] ?? '');
  if (INTEGER.test(word)) {
    args[position] = Number(word);
    return;
  }
  if (VARIABLE.test(word))
    throw new ConfigError(`the variable '${word}' is not supported yet by sluice`);
  throw new ConfigError('expects an integer or a variable name');
}

const TWO32 = 4294967296;

/** Joins the 32-bit halves of a 64-bit integer. */
function join(high: number, low: number): number {
  return (high | 0) * TWO32 + (low >>> 0);
}

function highHalf(value: number): number {
  return Math.floor(value / TWO32) | 0;
}

function compileAdd(args: readonly ArgConfig[], sign: number): Convert {
  const operand = sign * Number(args[0]);
  return (_ctx, sample) => {
    sample.num = clampInt(sample.num + operand);
    return true;
  };
}

function compileMul(args: readonly ArgConfig[]): Convert {
  const operand = Number(args[0]);
  return (_ctx, sample) => {
    sample.num = clampInt(sample.num * operand);
    return true;
  };
}

// Division by zero yields the largest integer, the remainder of it is zero.
function compileDiv(args: readonly ArgConfig[]): Convert {
  const operand = Number(args[0]);
  return (_ctx, sample) => {
    sample.num = operand === 0 ? INT_MAX : clampInt(sample.num / operand);
    return true;
  };
}

function compileMod(args: readonly ArgConfig[]): Convert {
  const operand = Number(args[0]);
  return (_ctx, sample) => {
    sample.num = operand === 0 ? 0 : clampInt(sample.num % operand);
    return true;
  };
}

function compileAnd(args: readonly ArgConfig[]): Convert {
  const operand = Number(args[0]);
  const high = highHalf(operand);
  return (_ctx, sample) => {
    sample.num = join(highHalf(sample.num) & high, sample.num & operand);
    return true;
  };
}

function compileOr(args: readonly ArgConfig[]): Convert {
  const operand = Number(args[0]);
  const high = highHalf(operand);
  return (_ctx, sample) => {
    sample.num = join(highHalf(sample.num) | high, sample.num | operand);
    return true;
  };
}

function compileXor(args: readonly ArgConfig[]): Convert {
  const operand = Number(args[0]);
  const high = highHalf(operand);
  return (_ctx, sample) => {
    sample.num = join(highHalf(sample.num) ^ high, sample.num ^ operand);
    return true;
  };
}

function convertCpl(_ctx: unknown, sample: Sample): boolean {
  sample.num = clampInt(-1 - sample.num);
  return true;
}

function convertNeg(_ctx: unknown, sample: Sample): boolean {
  sample.num = clampInt(-sample.num);
  return true;
}

function convertBool(_ctx: unknown, sample: Sample): boolean {
  sample.setBool(sample.num !== 0);
  return true;
}

function convertNot(_ctx: unknown, sample: Sample): boolean {
  sample.setBool(sample.num === 0);
  return true;
}

function convertEven(_ctx: unknown, sample: Sample): boolean {
  sample.setBool(sample.num % 2 === 0);
  return true;
}

function convertOdd(_ctx: unknown, sample: Sample): boolean {
  sample.setBool(sample.num % 2 !== 0);
  return true;
}

function convertHtonl(_ctx: unknown, sample: Sample): boolean {
  const off = takeScratch(4);
  putIpv4Bytes(off, sample.num >>> 0);
  sample.setStr(off, 4);
  sample.type = SampleType.Bin;
  return true;
}

const operation = {
  args: 'string',
  in: 'sint',
  out: 'sint',
  check: (args: ArgConfig[]) => checkOperand(args, 0),
} as const;
const test = { args: '', in: 'sint', out: 'bool' } as const;
const plain = { args: '', in: 'sint', out: 'sint' } as const;

export const integerConverters = [
  { ...operation, name: 'add', doc: 'adds a number', compile: (args) => compileAdd(args, 1) },
  { ...operation, name: 'and', doc: 'bitwise AND', compile: compileAnd },
  { ...test, name: 'bool', doc: 'true when not zero', compile: () => convertBool },
  { ...plain, name: 'cpl', doc: 'complement of every bit', compile: () => convertCpl },
  { ...operation, name: 'div', doc: 'divides by a number', compile: compileDiv },
  { ...test, name: 'even', doc: 'true when even', compile: () => convertEven },
  {
    name: 'htonl',
    args: '',
    in: 'sint',
    out: 'bin',
    doc: 'the low 32 bits in network order',
    compile: () => convertHtonl,
  },
  { ...operation, name: 'mod', doc: 'remainder of a division', compile: compileMod },
  { ...operation, name: 'mul', doc: 'multiplies by a number', compile: compileMul },
  { ...plain, name: 'neg', doc: 'changes the sign', compile: () => convertNeg },
  { ...test, name: 'not', doc: 'true when zero', compile: () => convertNot },
  { ...test, name: 'odd', doc: 'true when odd', compile: () => convertOdd },
  { ...operation, name: 'or', doc: 'bitwise OR', compile: compileOr },
  { ...operation, name: 'sub', doc: 'subtracts a number', compile: (args) => compileAdd(args, -1) },
  { ...operation, name: 'xor', doc: 'bitwise exclusive OR', compile: compileXor },
] as const satisfies readonly ConverterRow[];
