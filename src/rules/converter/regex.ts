/**
 * `regsub`: replaces what a regular expression matches (configuration.txt 7.3.1).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import type { Convert } from '../context.ts';
import { checkRegex, createRegex, found, type Regex } from '../regex.ts';
import type { ConverterRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { scratchMax, takeScratch, trimScratch } from '../scratch.ts';

/**
 * A replacement text with back-references: literal bytes and `\0` to `\9`, `\xHH` and `\` before a
 * character that stands for itself.
 */
export class Replacement {
  /** Character codes; a reference to group n is -1 - n. */
  readonly codes: Int16Array;

  constructor(source: string) {
    const codes: number[] = [];
    for (let at = 0; at < source.length; at++) {
      const next = source[at + 1];
      if (source[at] !== '\\' || next === undefined) {
        codes.push(source.charCodeAt(at));
      } else if (/[0-9]/.test(next)) {
        codes.push(-1 - Number(next));
        at++;
      } else if (/^x[0-9a-fA-F]{2}/.test(source.slice(at + 1, at + 4))) {
        codes.push(Number.parseInt(source.slice(at + 2, at + 4), 16));
        at += 3;
      } else {
        codes.push(next.charCodeAt(0));
        at++;
      }
    }
    this.codes = Int16Array.from(codes);
  }
}

export function createReplacement(source: string): Replacement {
  return new Replacement(source);
}

let out = 0;
let outEnd = 0;

function putBytes(off: number, len: number): boolean {
  if (out + len > outEnd) return false;
  mem.copyWithin(out, off, off + len);
  out += len;
  return true;
}

/** @param subject arena offset of the bytes that were matched; the match is in `found`. */
function putReplacement(replacement: Replacement, subject: number): boolean {
  const codes = replacement.codes;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code >= 0) {
      if (out === outEnd) return false;
      mem[out++] = code;
      continue;
    }
    const from = found.starts[-1 - code]!;
    if (from >= 0 && !putBytes(subject + from, found.ends[-1 - code]! - from)) return false;
  }
  return true;
}

/**
 * Makes the sample, in which `found` was found, the replacement for that.
 * @returns false when it is longer than `tune.bufsize`
 */
export function writeReplacement(sample: Sample, replacement: Replacement): boolean {
  const max = scratchMax();
  const off = takeScratch(max);
  out = off;
  outEnd = off + max;
  if (!putReplacement(replacement, sample.off)) return false;
  trimScratch(out);
  sample.setStr(off, out - off);
  return true;
}

/**
 * Replaces the first match or, with `all`, every one. The rest behind a match is searched as a text
 * of its own, where `^` does not match; when a match ends where its search began, the next byte is
 * copied.
 */
function substitute(sample: Sample, regex: Regex, replacement: Replacement, all: boolean): boolean {
  const end = sample.off + sample.len;
  const max = scratchMax();
  const off = takeScratch(max);
  out = off;
  outEnd = off + max;
  let at = sample.off;
  while (regex.find(at, end - at, at > sample.off)) {
    if (!putBytes(at, found.starts[0]!) || !putReplacement(replacement, at)) return false;
    const len = found.ends[0]!;
    at += len;
    if (!all) break;
    if (len > 0) continue;
    if (at === end) break;
    if (!putBytes(at, 1)) return false;
    at++;
  }
  if (!putBytes(at, end - at)) return false;
  trimScratch(out);
  sample.setStr(off, out - off);
  return true;
}

function compileRegsub(args: readonly ArgConfig[]): Convert {
  const flags = String(args[2] ?? '');
  const regex = createRegex(String(args[0]), {
    ignoreCase: flags.includes('i'),
    plainGroups: false,
  });
  const replacement = new Replacement(String(args[1]));
  const all = flags.includes('g');
  return (_ctx, sample) => substitute(sample, regex, replacement, all);
}

function checkRegsub(args: ArgConfig[]): void {
  const bad = /[^ig]/.exec(String(args[2] ?? ''));
  if (bad) {
    throw new ConfigError(`invalid regex flag '${bad[0]}', only 'i' and 'g' are supported`);
  }
  if (args[0] === '') throw new ConfigError('missing regex');
  checkRegex(String(args[0]));
}

export const regexConverters = [
  {
    name: 'regsub',
    args: 'regex,string[,string]',
    in: 'str',
    out: 'str',
    doc: 'replaces what a regular expression matches; g: all, i: ignoring case',
    check: checkRegsub,
    compile: compileRegsub,
  },
] as const satisfies readonly ConverterRow[];
