/**
 * `language`: which of some languages a client likes best (configuration.txt 7.3.1; RFC 9110
 * 12.5.4).
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Convert } from '../context.ts';
import type { ConverterRow } from '../row.ts';
import type { Sample } from '../sample.ts';

const SPACE = 0x20;
const TAB = 0x09;
const COMMA = 0x2c;
const DASH = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const LOWER_Q = 0x71;

/** Quality 1. */
const QUALITY_MAX = 1000;

/** Languages of the configuration in the arena. */
class Languages {
  readonly off: Int32Array;
  readonly len: Int32Array;

  constructor(names: readonly string[]) {
    this.off = Int32Array.from(names, (name) => reserveBytes(name));
    this.len = Int32Array.from(names, (name) => name.length);
  }

  /** The first language that a tag is, or is a variant of; -1 = none. */
  find(off: number, len: number): number {
    for (let i = 0; i < this.len.length; i++) {
      const length = this.len[i]!;
      if (length > len || !this.standsAt(i, off)) continue;
      if (length === len || mem[off + length] === DASH) return i;
    }
    return -1;
  }

  private standsAt(index: number, off: number): boolean {
    const from = this.off[index]!;
    for (let i = 0; i < this.len[index]!; i++) if (mem[from + i] !== mem[off + i]) return false;
    return true;
  }
}

let at = 0;
let end = 0;

function skipBlanks(): void {
  while (at < end && (mem[at] === SPACE || mem[at] === TAB)) at++;
}

function isNext(byte: number): boolean {
  if (at >= end || mem[at] !== byte) return false;
  at++;
  return true;
}

/** What stands behind a tag: thousandths; as in HAProxy 1 where it cannot be read. */
function readQuality(): number {
  skipBlanks();
  if (!isNext(SEMICOLON)) return QUALITY_MAX;
  skipBlanks();
  if (!isNext(LOWER_Q)) return QUALITY_MAX;
  skipBlanks();
  if (!isNext(EQUALS)) return QUALITY_MAX;
  skipBlanks();
  if (!isNext(ZERO)) return QUALITY_MAX;
  if (!isNext(DOT)) return 0;
  let quality = 0;
  for (let weight = 100; weight >= 1; weight = Math.trunc(weight / 10)) {
    const digit = at < end ? mem[at]! - ZERO : -1;
    if (digit < 0 || digit > 9) break;
    quality += digit * weight;
    at++;
  }
  return quality;
}

function isTagEnd(byte: number): boolean {
  return byte === COMMA || byte === SEMICOLON;
}

/** The best language of the sample; -1 = none. */
function choose(sample: Sample, languages: Languages): number {
  at = sample.off;
  end = sample.off + sample.len;
  let best = -1;
  let most = 0;
  for (; at < end; at++) {
    skipBlanks();
    const start = at;
    while (at < end && !isTagEnd(mem[at]!)) at++;
    let stop = at;
    while (stop > start && (mem[stop - 1] === SPACE || mem[stop - 1] === TAB)) stop--;
    const quality = readQuality();
    if (quality > most) {
      const found = languages.find(start, stop - start);
      if (found >= 0) {
        best = found;
        most = quality;
      }
    }
    while (at < end && mem[at] !== COMMA) at++;
  }
  return best;
}

function compileLanguage(args: readonly ArgConfig[]): Convert {
  const names = String(args[0] ?? '').split(';');
  const languages = new Languages(names.filter((name) => name !== ''));
  const other = args[1] === undefined ? -1 : reserveBytes(String(args[1]));
  const otherLen = String(args[1] ?? '').length;
  return (_ctx, sample) => {
    const best = choose(sample, languages);
    if (best >= 0) sample.setStr(languages.off[best]!, languages.len[best]!);
    else if (other >= 0) sample.setStr(other, otherLen);
    return best >= 0 || other >= 0;
  };
}

export const languageConverters = [
  {
    name: 'language',
    args: 'string[,string]',
    in: 'str',
    out: 'str',
    doc: 'the one of some languages (es;fr;en) that Accept-Language likes best',
    compile: compileLanguage,
  },
] as const satisfies readonly ConverterRow[];
