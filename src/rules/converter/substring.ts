/**
 * Converters that cut pieces out of text or binary samples: `field`, `word`, `bytes` and `param`
 * (configuration.txt 7.3.1). None of them copies: the result is a slice of the input.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import { sameBytes } from '../../http/message.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Convert } from '../context.ts';
import type { ConverterRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import type { RuleScope } from '../scope.ts';
import { checkOperand, createOperand } from './operand.ts';
import { createByteSet } from './string.ts';

function checkIndex(args: ArgConfig[]): void {
  if (args[0] === 0) throw new ConfigError('Unexpected value 0 for index');
}

/**
 * Fields are separated by single delimiters; empty ones count.
 * @param count 0 = all that remain.
 */
function cutField(sample: Sample, set: Uint8Array, index: number, count: number): boolean {
  return index > 0
    ? cutFieldForward(sample, set, index, count)
    : cutFieldBackward(sample, set, -index, count);
}

function cutFieldForward(sample: Sample, set: Uint8Array, index: number, count: number): boolean {
  const end = sample.off + sample.len;
  let start = sample.off;
  let at = start;
  let field = 1;
  for (; at < end && field < index; at++) {
    if (set[mem[at]!] === 0) continue;
    field++;
    start = at + 1;
  }
  if (field < index) return false;
  let left = count;
  for (at = start; at < end; at++) {
    if (set[mem[at]!] === 1 && --left === 0) break;
  }
  sample.off = start;
  sample.len = at - start;
  return true;
}

function cutFieldBackward(sample: Sample, set: Uint8Array, index: number, count: number): boolean {
  const begin = sample.off;
  let end = begin + sample.len;
  let at = end;
  let field = 1;
  for (; at > begin && field < index; at--) {
    if (set[mem[at - 1]!] === 0) continue;
    field++;
    end = at - 1;
  }
  if (field < index) return false;
  let left = count;
  for (at = end; at > begin; at--) {
    if (set[mem[at - 1]!] === 1 && --left === 0) break;
  }
  sample.off = at;
  sample.len = end - at;
  return true;
}

function compileField(args: readonly ArgConfig[]): Convert {
  const index = Number(args[0]);
  const set = createByteSet(String(args[1]));
  const count = Number(args[2] ?? 1);
  return (_ctx, sample) => cutField(sample, set, index, count);
}

/**
 * Words are separated by runs of delimiters. When fewer words than `count` are left, the delimiters
 * after the last one belong to the result. @returns whether there is such a word.
 */
function cutWordForward(sample: Sample, set: Uint8Array, index: number, count: number): boolean {
  const end = sample.off + sample.len;
  let at = sample.off;
  for (let word = 1; ; word++) {
    while (at < end && set[mem[at]!] === 1) at++;
    if (word === index) break;
    while (at < end && set[mem[at]!] === 0) at++;
  }
  if (at === end) return false;
  const start = at;
  let until = count === 0 ? end : start;
  let left = count;
  while (left-- > 0 && at < end) {
    while (at < end && set[mem[at]!] === 1) at++;
    while (at < end && set[mem[at]!] === 0) at++;
    until = at;
  }
  sample.off = start;
  sample.len = until - start;
  return true;
}

function cutWordBackward(sample: Sample, set: Uint8Array, index: number, count: number): boolean {
  const begin = sample.off;
  let at = begin + sample.len;
  for (let word = 1; ; word++) {
    while (at > begin && set[mem[at - 1]!] === 1) at--;
    if (word === index) break;
    while (at > begin && set[mem[at - 1]!] === 0) at--;
  }
  if (at === begin) return false;
  const end = at;
  let from = count === 0 ? begin : end;
  let left = count;
  while (left-- > 0 && at > begin) {
    while (at > begin && set[mem[at - 1]!] === 1) at--;
    while (at > begin && set[mem[at - 1]!] === 0) at--;
    from = at;
  }
  sample.off = from;
  sample.len = end - from;
  return true;
}

function compileWord(args: readonly ArgConfig[]): Convert {
  const index = Number(args[0]);
  const set = createByteSet(String(args[1]));
  const count = Number(args[2] ?? 1);
  return (_ctx, sample) =>
    index > 0
      ? cutWordForward(sample, set, index, count)
      : cutWordBackward(sample, set, -index, count);
}

function checkBytes(args: ArgConfig[], scope: RuleScope): void {
  checkOperand(args, 0, scope);
  if (args[1] !== undefined) checkOperand(args, 1, scope);
}

// An offset or a length that is out of bounds yields an empty sample.
function compileBytes(args: readonly ArgConfig[]): Convert {
  const first = createOperand(args[0]!);
  const most = createOperand(args[1] ?? Number.POSITIVE_INFINITY);
  return (ctx, sample) => {
    if (!first.read(ctx) || !most.read(ctx)) return false;
    const offset = first.value;
    const length = most.value;
    if (offset < 0 || offset >= sample.len || length < 0) {
      sample.len = 0;
      return true;
    }
    const left = sample.len - offset;
    sample.off += offset;
    sample.len = length < left ? length : left;
    return true;
  };
}

const EQUALS = 0x3d;

function cutParameter(sample: Sample, name: number, nameLen: number, delimiter: number): boolean {
  const end = sample.off + sample.len;
  let at = sample.off;
  while (at < end) {
    let stop = at;
    while (stop < end && mem[stop] !== delimiter) stop++;
    let equals = at;
    while (equals < stop && mem[equals] !== EQUALS) equals++;
    if (equals - at === nameLen && sameBytes(at, name, nameLen)) {
      sample.off = equals < stop ? equals + 1 : stop;
      sample.len = stop - sample.off;
      return true;
    }
    at = stop + 1;
  }
  return false;
}

/** The delimiter byte: one character or `0xHH`; null when it is neither. */
function readDelimiter(word: string): number | null {
  if (word === '') return 0x26;
  if (/^0x[0-9a-fA-F]{2}$/.test(word)) return Number(word);
  const bytes = Buffer.from(word, 'latin1');
  return bytes.length === 1 ? bytes[0]! : null;
}

function checkParameter(args: ArgConfig[]): void {
  if (readDelimiter(String(args[1] ?? '')) === null) {
    throw new ConfigError(`'${args[1]}' is not a delimiter; expects one character or 0xHH`);
  }
}

function compileParameter(args: readonly ArgConfig[]): Convert {
  const name = Buffer.from(String(args[0]), 'latin1');
  const off = reserveBytes(name);
  const len = name.length;
  const delimiter = readDelimiter(String(args[1] ?? ''))!;
  return (_ctx, sample) => cutParameter(sample, off, len, delimiter);
}

export const substringConverters = [
  {
    name: 'bytes',
    args: 'string[,string]',
    in: 'bin',
    out: 'bin',
    doc: 'bytes from an offset, at most so many',
    check: checkBytes,
    compile: compileBytes,
  },
  {
    name: 'field',
    args: 'integer,string[,integer]',
    in: 'str',
    out: 'str',
    doc: 'the n-th field between delimiters, from the end when negative',
    check: checkIndex,
    compile: compileField,
  },
  {
    name: 'param',
    args: 'string[,string]',
    in: 'str',
    out: 'str',
    doc: 'value of a parameter in a list',
    check: checkParameter,
    compile: compileParameter,
  },
  {
    name: 'word',
    args: 'integer,string[,integer]',
    in: 'str',
    out: 'str',
    doc: 'the n-th word between runs of delimiters, from the end when negative',
    check: checkIndex,
    compile: compileWord,
  },
] as const satisfies readonly ConverterRow[];
