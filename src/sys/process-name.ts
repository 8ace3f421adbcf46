/**
 * The name that ps(1), pidof(8), pgrep(1) and killall(1) know the process by: the kernel's short one
 * (prctl PR_SET_NAME), and the command line, which is the runtime's until it is written over.
 */

import { readFileSync } from 'node:fs';
import { base, reserveBytes } from './arena.ts';
import { libc } from './libc.ts';
import { memoryAt } from './memory.ts';

const PR_SET_NAME = 15;
/** The kernel keeps 15 bytes. */
const NAME_MAX = 15;
/** Fields of /proc/self/stat behind the name: where the command line lies (proc(5) 48 and 49). */
const ARG_START = 45;
const ARG_END = 46;

/** Names the calling thread; on the main thread that is the process. */
export function setProcessName(name: string): void {
  const off = reserveBytes(name.slice(0, NAME_MAX));
  libc.prctl(PR_SET_NAME, base + off, 0, 0, 0);
}

/**
 * Makes `words` the command line of the process, where /proc/PID/cmdline is read from. What does not
 * fit into the place of the old one is left out, a word at a time; without /proc it stays.
 */
export function setProcessTitle(words: readonly string[]): void {
  let stat: string;
  try {
    stat = readFileSync('/proc/self/stat', 'latin1');
  } catch {
    return;
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [from, until] = [Number(fields[ARG_START]), Number(fields[ARG_END])];
  if (!(from > 0 && until > from)) return;
  const place = new Uint8Array(memoryAt(from, until - from));
  const kept = [...words];
  while (byteLength(kept) > place.length) kept.pop();
  place.fill(0);
  place.set(Buffer.from(kept.map((word) => `${word}\0`).join('')));
}

/** With a zero after each word. */
function byteLength(words: readonly string[]): number {
  return words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
}
