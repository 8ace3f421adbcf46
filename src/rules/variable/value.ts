/**
 * What the stores of variables know about a value: which types have a text beside the number, and
 * the conditions under which `set-var` may set (configuration.txt 7.3.1 `set-var`).
 *
 * @dataplane
 */
import { Method } from '../../http/method.ts';
import { type Sample, SampleType } from '../sample.ts';

/** Bits of the conditions in parentheses behind a variable's name; all of them must hold. */
export const enum SetIf {
  Always = 0,
  Exists = 1,
  NotExists = 2,
  Empty = 4,
  NotEmpty = 8,
  Set = 16,
  NotSet = 32,
  Greater = 64,
  Less = 128,
}

/** Bytes of the value's text; 0 for a value that is a number or an address. */
export function textLength(sample: Sample): number {
  const type = sample.type;
  if (type === SampleType.Str || type === SampleType.Bin) return sample.len;
  return type === SampleType.Method && sample.num === Method.Other ? sample.len : 0;
}

/**
 * Whether a variable may take a value.
 * @param conditions `SetIf` bits
 * @param exists the variable is known; one of the process always is
 * @param type of the value that it has, None = none; @param num the number of that value
 */
export function maySet(
  conditions: number,
  exists: boolean,
  type: SampleType,
  num: number,
  sample: Sample,
): boolean {
  if (conditions === SetIf.Always) return true;
  const isSet = type !== SampleType.None;
  if ((conditions & (exists ? SetIf.NotExists : SetIf.Exists)) !== 0) return false;
  if ((conditions & (isSet ? SetIf.NotSet : SetIf.Set)) !== 0) return false;
  const { type: given } = sample;
  const isEmpty = (given === SampleType.Str || given === SampleType.Bin) && sample.len === 0;
  if ((conditions & (isEmpty ? SetIf.NotEmpty : SetIf.Empty)) !== 0) return false;
  // Only integers have an order; of other values the condition says nothing.
  if (type !== SampleType.Sint || given !== SampleType.Sint) return true;
  if ((conditions & SetIf.Greater) !== 0 && num <= sample.num) return false;
  return (conditions & SetIf.Less) === 0 || num < sample.num;
}
