/**
 * Ranges that overlap as segments that do not, each with the range that counts there: what a search
 * by halves finds in one step. Made once, in n log n, from ranges in the order in which they count.
 */

/** What begins at `from[i]`, up to the next one, belongs to range `owner[i]`; -1 = to none. */
export interface Segments {
  from: Float64Array;
  owner: Int32Array;
}

/**
 * @param low the first number of each range; @param end the first number behind it
 * @param order the numbers of the ranges: the first of those that overlap counts
 */
export function createSegments(low: Float64Array, end: Float64Array, order: Uint32Array): Segments {
  const bounds = sortedBounds(low, end);
  // A cell begins at each bound; behind the last one it stays without an owner.
  const owner = new Int32Array(bounds.length).fill(-1);
  // Per cell the next one without an owner, at or behind it.
  const free = new Uint32Array(bounds.length);
  for (let i = 0; i < free.length; i++) free[i] = i;
  for (const range of order) {
    const until = indexOf(bounds, end[range]!);
    let cell = nextFree(free, indexOf(bounds, low[range]!));
    while (cell < until) {
      owner[cell] = range;
      free[cell] = cell + 1;
      cell = nextFree(free, cell + 1);
    }
  }
  return joinEqual(bounds, owner);
}

/** The ends of all ranges in ascending order, each once. */
function sortedBounds(low: Float64Array, end: Float64Array): Float64Array {
  const all = new Float64Array(low.length * 2);
  all.set(low);
  all.set(end, low.length);
  all.sort();
  let count = 0;
  for (const bound of all) if (count === 0 || all[count - 1] !== bound) all[count++] = bound;
  return all.subarray(0, count);
}

function indexOf(bounds: Float64Array, bound: number): number {
  let from = 0;
  let until = bounds.length - 1;
  while (from < until) {
    const middle = (from + until) >>> 1;
    if (bounds[middle]! < bound) from = middle + 1;
    else until = middle;
  }
  return from;
}

/** Follows the cells that have an owner to one that has none, and shortens the way for the next. */
function nextFree(free: Uint32Array, cell: number): number {
  let at = cell;
  while (free[at] !== at) {
    free[at] = free[free[at]!]!;
    at = free[at]!;
  }
  return at;
}

/** Neighbours of the same range as one, where they lie; behind the last bound there is nothing. */
function joinEqual(bounds: Float64Array, owner: Int32Array): Segments {
  let count = 0;
  for (let i = 0; i < bounds.length; i++) {
    const now = owner[i]!;
    if (count > 0 && owner[count - 1] === now) continue;
    bounds[count] = bounds[i]!;
    owner[count++] = now;
  }
  return { from: bounds.subarray(0, count), owner: owner.subarray(0, count) };
}
