/**
 * Events per sliding period (configuration.txt 11.1, `http_req_rate` and the like) in three words:
 *
 *   start of the current period in ms | its events | the events of the period before
 *
 *        before          current
 *   |---------------|--------^
 *            |_______________|   of the one before counts the part that the window still covers
 *
 * Values are those of HAProxy 3.2: rounded down, but a single event shows until it is too old.
 *
 * @dataplane
 */

export const RATE_WORDS = 3;

/** Adds events at `now`, in ms modulo 2^32. */
export function addRate(
  words: Int32Array,
  at: number,
  periodMs: number,
  now: number,
  amount: number,
): void {
  // A negative age: another thread has read its clock later.
  const age = (now - words[at]!) | 0;
  if (age >= 2 * periodMs || (words[at + 1] === 0 && words[at + 2] === 0)) {
    words[at] = now | 0;
    words[at + 1] = 0;
    words[at + 2] = 0;
  } else if (age >= periodMs) {
    words[at] = (words[at]! + periodMs) | 0;
    words[at + 2] = words[at + 1]!;
    words[at + 1] = 0;
  }
  words[at + 1] = (words[at + 1]! + amount) | 0;
}

/** The events of the last `periodMs`. */
export function readRate(words: Int32Array, at: number, periodMs: number, now: number): number {
  let current = words[at + 1]! >>> 0;
  let before = words[at + 2]! >>> 0;
  let left = periodMs - ((now - words[at]!) | 0);
  if (left <= 0) {
    left += periodMs;
    before = left > 0 ? current : 0;
    current = 0;
  }
  if (before === 0 || left <= 0) return current;
  if (left > periodMs) left = periodMs;
  if (current === 0 && before === 1) return 1;
  return Math.floor((before * left) / periodMs) + current;
}

/** Makes the value that is read now `value`. */
export function setRate(words: Int32Array, at: number, now: number, value: number): void {
  words[at] = now | 0;
  words[at + 1] = value | 0;
  words[at + 2] = 0;
}
