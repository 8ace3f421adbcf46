/**
 * Compiles a parsed log-format string for a worker.
 */
import type { LogFormatConfig, LogFormatItem } from '../../model/config.ts';
import { reserveBytes } from '../../sys/arena.ts';
import type { Expression } from '../evaluation.ts';
import { compileExpression } from '../expression.ts';
import { aliasRow, LogFlag, Op } from './alias.ts';
import { EncodedWriter, reserveEncodedName } from './encoded-writer.ts';
import { EncodedType } from './encoding.ts';
import { type LogFormatWriter, PlainWriter } from './writer.ts';

/**
 * Where the string is used, which decides about spaces, empty values and escaping:
 *
 *               spaces    empty value   expressions
 *   log         merged    `-` or `""`   as they are
 *   unique-id   merged    nothing       `%XX`
 *   header      kept      nothing       `%XX`
 *   raw         kept      nothing       as they are
 */
export type LogFormatMode = 'log' | 'header' | 'raw' | 'unique-id';

/** Compiles for one worker. Start-up only: literals and expressions go into the arena. */
export function compileLogFormat(cfg: LogFormatConfig, mode: LogFormatMode): LogFormatWriter {
  const items = cfg.items.filter((item) => !isGlobal(item));
  const count = items.length;
  const mandatory = mode === 'log' ? LogFlag.Mandatory : 0;
  const program = {
    ops: Uint8Array.from(items, opOf),
    flags: Uint16Array.from(items, (item) => item.flags | mandatory),
    first: new Int32Array(count),
    second: new Int32Array(count),
    expressions: [] as Expression[],
    mergeSpaces: mode === 'log' || mode === 'unique-id',
    header: mode === 'header' || mode === 'unique-id',
  };
  items.forEach((item, i) => {
    if (item.kind === 'expr') {
      program.first[i] = program.expressions.length;
      program.expressions.push(compileExpression(item.expr!));
    } else if (item.kind !== 'alias') {
      const bytes = new TextEncoder().encode(item.text);
      program.first[i] = reserveBytes(bytes);
      program.second[i] = bytes.length;
    }
  });
  if (!cfg.items.some((item) => (item.flags & ENCODED) !== 0)) return new PlainWriter(program);
  const names = items.map((item) => reserveEncodedName(item.name));
  const types = items.map(typeOf);
  return new EncodedWriter(program, names, types, globalEncoding(cfg));
}

const ENCODED = LogFlag.Json | LogFlag.Cbor;

/** `%{flags}o` has no output of its own. */
function isGlobal(item: LogFormatItem): boolean {
  return item.kind === 'alias' && item.text === 'o';
}

/** Flags of the first `%o` that asks for an encoding: the whole line becomes one object. */
function globalEncoding(cfg: LogFormatConfig): number {
  return cfg.items.find((item) => isGlobal(item) && (item.flags & ENCODED) !== 0)?.flags ?? 0;
}

function typeOf(item: LogFormatItem): EncodedType {
  if (item.type === 'str') return EncodedType.Str;
  if (item.type === 'sint') return EncodedType.Sint;
  if (item.type === 'bool') return EncodedType.Bool;
  if (item.kind !== 'alias') return EncodedType.Natural;
  return aliasRow(item.text)!.type === 'sint' && (item.flags & LogFlag.Hex) === 0
    ? EncodedType.Sint
    : EncodedType.Str;
}

function opOf(item: LogFormatItem): Op {
  switch (item.kind) {
    case 'text':
      return Op.Text;
    case 'space':
      return Op.Space;
    case 'expr':
      return Op.Expression;
    default:
      return aliasRow(item.text)!.op;
  }
}
