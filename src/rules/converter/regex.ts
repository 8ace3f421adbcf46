/**
 * `regsub`: replaces what a regular expression matches (configuration.txt 7.3.1). As in `-m reg`
 * this is where a string is needed; the replacement is written as bytes.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, text } from '../../sys/arena.ts';
import type { Convert } from '../context.ts';
import { createRegex } from '../regex.ts';
import type { ConverterRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { scratchMax, takeScratch, trimScratch } from '../scratch.ts';

/**
 * A replacement text with back-references: literal bytes and `\0` to `\9`, `\xHH` and `\` before a
 * character that stands for itself.
 */
class Replacement {
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

let out = 0;
let outEnd = 0;

function putChars(text: string, from: number, until: number): boolean {
  if (out + (until - from) > outEnd) return false;
  for (let i = from; i < until; i++) mem[out++] = text.charCodeAt(i);
  return true;
}

function putReplacement(replacement: Replacement, match: RegExpExecArray): boolean {
  const codes = replacement.codes;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code >= 0) {
      if (out === outEnd) return false;
      mem[out++] = code;
      continue;
    }
    const group = match[-1 - code];
    if (group !== undefined && !putChars(group, 0, group.length)) return false;
  }
  return true;
}

/**
 * Replaces the first match or, with `all`, every one. After an empty match the next character is
 * copied, as sed does.
 */
function substitute(
  sample: Sample,
  regex: RegExp,
  replacement: Replacement,
  all: boolean,
): boolean {
  const subject = text(sample.off, sample.len);
  const max = scratchMax();
  const off = takeScratch(max);
  out = off;
  outEnd = off + max;
  let at = 0;
  while (at <= subject.length) {
    regex.lastIndex = at;
    const match = regex.exec(subject);
    if (match === null) break;
    if (!putChars(subject, at, match.index) || !putReplacement(replacement, match)) return false;
    const len = match[0].length;
    at = match.index + len;
    if (!all) break;
    if (len > 0) continue;
    if (at === subject.length) break;
    if (!putChars(subject, at, at + 1)) return false;
    at++;
  }
  if (!putChars(subject, at, subject.length)) return false;
  trimScratch(out);
  sample.setStr(off, out - off);
  return true;
}

function compileRegsub(args: readonly ArgConfig[]): Convert {
  const flags = String(args[2] ?? '');
  const regex = createRegex(String(args[0]), flags.includes('i'), 'g');
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
  createRegex(String(args[0]));
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
