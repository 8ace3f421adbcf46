/**
 * `json`: escapes text for a JSON string (configuration.txt 7.3.1; RFC 8259 7, RFC 3629).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import type { Convert } from '../context.ts';
import type { ConverterRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { scratchMax, takeScratch, trimScratch } from '../scratch.ts';

/** How input bytes become characters. */
class InputCode {
  readonly utf8: boolean;
  /** `s`: wrong characters are dropped instead of failing. */
  readonly silent: boolean;
  /** `p`: characters in more bytes than needed are accepted. */
  readonly permissive: boolean;

  constructor(name: string) {
    this.utf8 = name.startsWith('utf8');
    this.silent = name.endsWith('s');
    this.permissive = name.includes('p');
  }
}

const CODES = ['ascii', 'utf8', 'utf8s', 'utf8p', 'utf8ps'];

/** Results of `decode`. */
let point = 0;
let used = 0;

/** Decodes one character of UTF-8 into `point` and `used`. @returns whether it is correct. */
function decode(off: number, end: number, permissive: boolean): boolean {
  const first = mem[off]!;
  used = 1;
  point = first;
  if (first < 0x80) return true;
  let extra = 0;
  if (first >= 0xc0 && first < 0xe0) extra = 1;
  else if (first >= 0xe0 && first < 0xf0) extra = 2;
  else if (first >= 0xf0 && first < 0xf8) extra = 3;
  else return false;
  point = first & (0x3f >> extra);
  for (; used <= extra; used++) {
    if (off + used >= end || (mem[off + used]! & 0xc0) !== 0x80) return false;
    point = (point << 6) | (mem[off + used]! & 0x3f);
  }
  if (!permissive && isOverlong(extra)) return false;
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  // U+FFFE and U+FFFF are no characters; HAProxy refuses them too.
  return point <= 0x10ffff && !isSurrogate && (point & 0xfffe) !== 0xfffe;
}

function isOverlong(extra: number): boolean {
  if (extra === 1) return point < 0x80;
  return extra === 2 ? point < 0x800 : point < 0x10000;
}

const HEX = Uint8Array.from(Buffer.from('0123456789abcdef'));

/** The letter after the backslash per character, 0 when it is not escaped that way. */
const short = createShortEscapes();

function createShortEscapes(): Uint8Array {
  const table = new Uint8Array(128);
  const pairs = ['""', '\\\\', '//', '\bb', '\ff', '\nn', '\rr', '\tt'];
  for (const pair of pairs) table[pair.charCodeAt(0)] = pair.charCodeAt(1);
  return table;
}

const ESCAPE_MAX = 6;

function putCharacter(at: number, char: number): number {
  let to = at;
  const letter = char < 128 ? short[char]! : 0;
  if (letter !== 0) {
    mem[to++] = 0x5c;
    mem[to++] = letter;
  } else if (char >= 0x20 && char < 0x7f) {
    mem[to++] = char;
  } else {
    mem[to++] = 0x5c;
    mem[to++] = 0x75;
    for (let shift = 12; shift >= 0; shift -= 4) mem[to++] = HEX[(char >> shift) & 15]!;
  }
  return to;
}

function escape(sample: Sample, code: InputCode): boolean {
  const max = scratchMax();
  const off = takeScratch(max);
  const end = sample.off + sample.len;
  let at = off;
  for (let from = sample.off; from < end; from += used) {
    if (at + ESCAPE_MAX - off > max) return false;
    let correct = true;
    if (code.utf8) {
      correct = decode(from, end, code.permissive) && point <= 0xffff;
    } else {
      point = mem[from]!;
      used = 1;
    }
    if (correct) at = putCharacter(at, point);
    else if (!code.silent) return false;
  }
  trimScratch(at);
  sample.setStr(off, at - off);
  return true;
}

function compileJson(args: readonly ArgConfig[]): Convert {
  const code = new InputCode(String(args[0]));
  return (_ctx, sample) => escape(sample, code);
}

function checkCode(args: ArgConfig[]): void {
  if (args[0] === '' || CODES.includes(String(args[0]))) return;
  throw new ConfigError(
    "Unexpected input code type. Allowed value are 'ascii', 'utf8', 'utf8s', 'utf8p' and 'utf8ps'",
  );
}

export const jsonConverters = [
  {
    name: 'json',
    args: 'string',
    in: 'str',
    out: 'str',
    doc: 'escapes text for a JSON string',
    check: checkCode,
    compile: compileJson,
  },
] as const satisfies readonly ConverterRow[];
