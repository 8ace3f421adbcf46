/**
 * Writes log formats with the `json` or `cbor` flags (configuration.txt 8.2.6).
 *
 * With the flag on `%o` the line is one object of the named items, in order; text, spaces and items
 * without a name are left out. With the flag on single items, those are encoded where they stand
 * (`"name": value` when named) and the rest of the line is as usual.
 *
 * An item that does not fit ends the object, so that a cut line still parses.
 *
 * @dataplane
 */
import { mem, reserve, reserveBytes } from '../../sys/arena.ts';
import type { RuleContext } from '../context.ts';
import { SampleType } from '../sample.ts';
import { LogFlag, Op } from './alias.ts';
import {
  EncodedType,
  Encoding,
  objectEndBytes,
  putEncodedBool,
  putEncodedInt,
  putEncodedNull,
  putEncodedText,
  putObjectEnd,
  putObjectStart,
} from './encoding.ts';
import { evaluatedSample, sampleText, wroteNothing } from './item.ts';
import {
  type LogFormatProgram,
  type LogFormatWriter,
  putAlias,
  putItem,
  putSpace,
} from './writer.ts';

/** Where the text of an alias is made before it is encoded; the longest is a request line. */
const SCRATCH_BYTES = 65536;
const scratch = reserve(SCRATCH_BYTES);

const COMMA = 0x2c;
const COLON = 0x3a;
const SPACE = 0x20;
const ENCODED = LogFlag.Json | LogFlag.Cbor;

/** The name of an item in the arena; length 0 = it has none. */
export interface EncodedName {
  off: number;
  len: number;
}

export function createEncodedName(name: string): EncodedName {
  const bytes = Buffer.from(name, 'latin1');
  return { off: bytes.length > 0 ? reserveBytes(bytes) : 0, len: bytes.length };
}

export class EncodedWriter implements LogFormatWriter {
  private readonly program: LogFormatProgram;
  private readonly names: readonly EncodedName[];
  private readonly types: readonly EncodedType[];
  /** `LogFlag` bits of `%o`, 0 when only single items are encoded. */
  private readonly globalFlags: number;

  constructor(
    program: LogFormatProgram,
    names: readonly EncodedName[],
    types: readonly EncodedType[],
    globalFlags: number,
  ) {
    this.program = program;
    this.names = names;
    this.types = types;
    this.globalFlags = globalFlags;
  }

  write(ctx: RuleContext, dst: number, max: number): number {
    return this.globalFlags !== 0 ? this.writeObject(ctx, dst, max) : this.writeLine(ctx, dst, max);
  }

  private writeObject(ctx: RuleContext, dst: number, max: number): number {
    const encoding = encodingOf(this.globalFlags);
    const end = dst + max - objectEndBytes(encoding);
    let at = putObjectStart(dst, end, encoding);
    if (at < 0) return 0;
    let first = true;
    for (let i = 0; i < this.names.length; i++) {
      if (this.names[i]!.len === 0) continue;
      const from = at;
      if (!first && encoding === Encoding.Json) at = putPair(at, end, COMMA);
      if (at >= 0) at = this.putEncoded(at, end, ctx, i, encoding);
      if (at < 0) {
        at = from;
        break;
      }
      first = false;
    }
    return putObjectEnd(at, dst + max, encoding) - dst;
  }

  private writeLine(ctx: RuleContext, dst: number, max: number): number {
    const program = this.program;
    const end = dst + max;
    let at = dst;
    let afterSpace = program.mergeSpaces;
    for (let i = 0; i < program.ops.length; i++) {
      const op = program.ops[i]! as Op;
      const flags = program.flags[i]!;
      const from = at;
      if (op === Op.Space) {
        if (afterSpace) continue;
        at = putSpace(at, end, program, i);
        afterSpace = program.mergeSpaces;
      } else if ((flags & ENCODED) !== 0 && op !== Op.Text) {
        at = this.putEncoded(at, end, ctx, i, encodingOf(flags));
        afterSpace = false;
      } else {
        at = putItem(at, end, ctx, program, i);
        if (!wroteNothing(op, ctx)) afterSpace = false;
      }
      if (at < 0) return from - dst;
    }
    return at - dst;
  }

  /** `"name": value` in JSON, name and value in CBOR; the value alone without a name. */
  private putEncoded(
    at: number,
    end: number,
    ctx: RuleContext,
    i: number,
    encoding: Encoding,
  ): number {
    const name = this.names[i]!;
    let pos = at;
    if (name.len > 0) {
      pos = putEncodedText(pos, end, name.off, name.len, encoding, false);
      if (pos >= 0 && encoding === Encoding.Json) pos = putPair(pos, end, COLON);
      if (pos < 0) return -1;
    }
    return (this.program.ops[i]! as Op) === Op.Expression
      ? this.putExpression(pos, end, ctx, i, encoding)
      : this.putAliasValue(pos, end, ctx, i, encoding);
  }

  private putExpression(
    at: number,
    end: number,
    ctx: RuleContext,
    i: number,
    encoding: Encoding,
  ): number {
    const program = this.program;
    const binary = (program.flags[i]! & LogFlag.Bin) !== 0;
    const value = evaluatedSample();
    const expression = program.expressions[program.first[i]!]!;
    if (!expression.evaluate(ctx, value)) return putEncodedNull(at, end, encoding);
    const type = this.types[i]!;
    const natural = value.type;
    if (type !== EncodedType.Str && natural === SampleType.Bool) {
      return type === EncodedType.Sint
        ? putEncodedInt(at, end, value.num, encoding)
        : putEncodedBool(at, end, value.num !== 0, encoding);
    }
    if (type !== EncodedType.Str && natural === SampleType.Sint) {
      return type === EncodedType.Bool
        ? putEncodedBool(at, end, value.num !== 0, encoding)
        : putEncodedInt(at, end, value.num, encoding);
    }
    if (!sampleText(binary)) return putEncodedNull(at, end, encoding);
    const bytes = binary && natural === SampleType.Bin && encoding === Encoding.CborBinary;
    const shown = type === EncodedType.Natural ? EncodedType.Str : type;
    return putTyped(at, end, value.off, value.len, shown, encoding, bytes);
  }

  private putAliasValue(
    at: number,
    end: number,
    ctx: RuleContext,
    i: number,
    encoding: Encoding,
  ): number {
    // Quotes, backslashes and the dash of an empty value belong to the plain form (8.2.6).
    const plain = LogFlag.Quote | LogFlag.Escape | LogFlag.Mandatory;
    const flags = this.program.flags[i]! & ~plain;
    const op = this.program.ops[i]! as Op;
    const until = putAlias(scratch, scratch + SCRATCH_BYTES, ctx, op, flags);
    const len = until - scratch;
    if (len <= 0) return putEncodedNull(at, end, encoding);
    return putTyped(at, end, scratch, len, this.types[i]!, encoding, false);
  }
}

function encodingOf(flags: number): Encoding {
  if ((flags & LogFlag.Json) !== 0) return Encoding.Json;
  return (flags & LogFlag.Bin) !== 0 ? Encoding.CborBinary : Encoding.CborHex;
}

/** The punctuation and a space. */
function putPair(at: number, end: number, byte: number): number {
  if (at + 2 > end) return -1;
  mem[at] = byte;
  mem[at + 1] = SPACE;
  return at + 2;
}

/** A text as the type asks; one that is no number becomes null instead of a wrong number. */
function putTyped(
  at: number,
  end: number,
  off: number,
  len: number,
  type: EncodedType,
  encoding: Encoding,
  bytes: boolean,
): number {
  if (type === EncodedType.Str) return putEncodedText(at, end, off, len, encoding, bytes);
  if (type === EncodedType.Bool && (isWord(off, len, 0x74) || isWord(off, len, 0x66))) {
    return putEncodedBool(at, end, mem[off] === 0x74, encoding);
  }
  let pos = off;
  const until = off + len;
  const negative = mem[pos] === 0x2d;
  if (negative || mem[pos] === 0x2b) pos++;
  if (pos === until) return putEncodedNull(at, end, encoding);
  let value = 0;
  for (; pos < until; pos++) {
    const digit = mem[pos]! - 0x30;
    if (digit < 0 || digit > 9) return putEncodedNull(at, end, encoding);
    value = value * 10 + digit;
  }
  if (type === EncodedType.Bool) return putEncodedBool(at, end, value !== 0, encoding);
  return putEncodedInt(at, end, negative && value !== 0 ? -value : value, encoding);
}

/** `true` (first letter t) or `false`. */
function isWord(off: number, len: number, first: number): boolean {
  return mem[off] === first && len === (first === 0x74 ? 4 : 5) && mem[off + len - 1] === 0x65;
}
