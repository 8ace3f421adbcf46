/**
 * "Did you mean": the known word nearest to a misspelt one.
 *
 * Damerau-Levenshtein distance (a swap of neighbours counts one), accepted up to a third of the
 * longer word, so that a suggestion is a likely misspelling and not a random keyword.
 */

/** Longer words are not compared: the cost is the product of both lengths. */
const lengthMax = 64;

/**
 * The candidate nearest to `word`, null when none is near. The first of equal ones wins.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word === '' || word.length > lengthMax) return null;
  const lower = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const longest = Math.max(lower.length, candidate.length);
    if (longest > lengthMax) continue;
    const limit = Math.min(bestDistance - 1, Math.max(1, Math.floor(longest / 3)));
    if (Math.abs(lower.length - candidate.length) > limit) continue;
    const distance = editDistance(lower, candidate.toLowerCase());
    // One edit turns any one-letter word into any other: that is no likeness.
    if (distance > limit || distance >= longest) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2]! + 1);
      }
      current[j] = cost;
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}
