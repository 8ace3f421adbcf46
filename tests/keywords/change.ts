/** What a line changes in the configuration model, as fields of its interfaces. */
import { optionBits, type Shape } from './reader.ts';

const options = optionBits();

/**
 * The fields in which two models differ, as `Interface.field`. Something that only one of them has,
 * such as another server, counts as the list that holds it.
 */
export function changedFields(before: unknown, after: unknown, shape: Shape): Set<string> {
  const found = new Set<string>();
  compare(before, after, ['Configuration'], '', shape, found);
  return found;
}

/** @param types the interfaces that the values may be; none = a plain value of `field` */
function compare(
  a: unknown,
  b: unknown,
  types: readonly string[],
  field: string,
  shape: Shape,
  found: Set<string>,
): void {
  if (Bun.deepEquals(a, b)) return;
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length && types.length > 0) {
    a.forEach((item, i) => {
      compare(item, b[i], types, field, shape, found);
    });
    return;
  }
  const bothObjects = [a, b].every((v) => typeof v === 'object' && v !== null && !Array.isArray(v));
  if (!bothObjects || types.length === 0) {
    if (field === 'ProxyConfig.options') addOptions(Number(a) ^ Number(b), found);
    else found.add(field);
    return;
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const owner = types.find((type) => shape.get(type)?.has(key) === true);
    // Where a thing was written is part of every thing.
    if (owner === undefined) continue;
    const inner = shape.get(owner)!.get(key)!;
    compare(left[key], right[key], inner, `${owner}.${key}`, shape, found);
  }
}

function addOptions(bits: number, found: Set<string>): void {
  for (const [name, bit] of options) if ((bits & bit) !== 0) found.add(`Option.${name}`);
}
