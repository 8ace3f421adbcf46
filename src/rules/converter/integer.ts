/**
 * Arithmetic and bitwise converters (configuration.txt 7.3.1) with a number or a variable. Results
 * saturate at 64 bits.
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import type { Convert } from '../context.ts';
import { putIpv4Bytes } from '../inet.ts';
import { clampInt, INT_MAX } from '../integer.ts';
import type { ConverterRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import type { RuleScope } from '../scope.ts';
import { takeScratch } from '../scratch.ts';
import { checkOperand, createOperand } from './operand.ts';

const TWO32 = 4294967296;

/** Joins the 32-bit halves of a 64-bit integer. */
function join(high: number, low: number): number {
  return (high | 0) * TWO32 + (low >>> 0);
}

function highHalf(value: number): number {
  return Math.floor(value / TWO32) | 0;
}

type Operation = (value: number, operand: number) => number;

function compileOperation(args: readonly ArgConfig[], apply: Operation): Convert {
  const operand = createOperand(args[0]!);
  return (ctx, sample) => {
    if (!operand.read(ctx)) return false;
    sample.num = apply(sample.num, operand.value);
    return true;
  };
}

function add(value: number, operand: number): number {
  return clampInt(value + operand);
}

function subtract(value: number, operand: number): number {
  return clampInt(value - operand);
}

function multiply(value: number, operand: number): number {
  return clampInt(value * operand);
}

// Division by zero yields the largest integer, the remainder of it is zero.
function divide(value: number, operand: number): number {
  return operand === 0 ? INT_MAX : clampInt(value / operand);
}

function remainder(value: number, operand: number): number {
  return operand === 0 ? 0 : clampInt(value % operand);
}

function and(value: number, operand: number): number {
  return join(highHalf(value) & highHalf(operand), value & operand);
}

function or(value: number, operand: number): number {
  return join(highHalf(value) | highHalf(operand), value | operand);
}

function xor(value: number, operand: number): number {
  return join(highHalf(value) ^ highHalf(operand), value ^ operand);
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
  check: (args: ArgConfig[], scope: RuleScope) => checkOperand(args, 0, scope),
} as const;
const test = { args: '', in: 'sint', out: 'bool' } as const;
const plain = { args: '', in: 'sint', out: 'sint' } as const;

export const integerConverters = [
  {
    ...operation,
    name: 'add',
    doc: 'adds a number',
    compile: (args) => compileOperation(args, add),
  },
  { ...operation, name: 'and', doc: 'bitwise AND', compile: (args) => compileOperation(args, and) },
  { ...test, name: 'bool', doc: 'true when not zero', compile: () => convertBool },
  { ...plain, name: 'cpl', doc: 'complement of every bit', compile: () => convertCpl },
  {
    ...operation,
    name: 'div',
    doc: 'divides by a number',
    compile: (args) => compileOperation(args, divide),
  },
  { ...test, name: 'even', doc: 'true when even', compile: () => convertEven },
  {
    name: 'htonl',
    args: '',
    in: 'sint',
    out: 'bin',
    doc: 'the low 32 bits in network order',
    compile: () => convertHtonl,
  },
  {
    ...operation,
    name: 'mod',
    doc: 'remainder of a division',
    compile: (args) => compileOperation(args, remainder),
  },
  {
    ...operation,
    name: 'mul',
    doc: 'multiplies by a number',
    compile: (args) => compileOperation(args, multiply),
  },
  { ...plain, name: 'neg', doc: 'changes the sign', compile: () => convertNeg },
  { ...test, name: 'not', doc: 'true when zero', compile: () => convertNot },
  { ...test, name: 'odd', doc: 'true when odd', compile: () => convertOdd },
  { ...operation, name: 'or', doc: 'bitwise OR', compile: (args) => compileOperation(args, or) },
  {
    ...operation,
    name: 'sub',
    doc: 'subtracts a number',
    compile: (args) => compileOperation(args, subtract),
  },
  {
    ...operation,
    name: 'xor',
    doc: 'bitwise exclusive OR',
    compile: (args) => compileOperation(args, xor),
  },
] as const satisfies readonly ConverterRow[];
