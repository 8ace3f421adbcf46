/**
 * Compiles a parsed log-format string for a worker.
 */
import type { LogFormatConfig, LogFormatItem } from '../../model/config.ts';
import { reserveBytes } from '../../sys/arena.ts';
import type { Expression } from '../evaluation.ts';
import { compileExpression } from '../expression.ts';
import { aliasRow, LogFlag, Op } from './alias.ts';
import { createEncodedName, EncodedWriter } from './encoded-writer.ts';
import { EncodedType } from './encoding.ts';
import { mayWriteNothing } from './item.ts';
import {
  type LogFormatProgram,
  type LogFormatWriter,
  PlainWriter,
  TEXT_ENDS_SPACE,
} from './writer.ts';

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

/** What has been compiled; sections inherit formats, and a writer keeps nothing of a line. */
const compiled = new WeakMap<LogFormatConfig, Map<LogFormatMode, LogFormatWriter>>();

/** Compiles for one worker. Start-up only: literals and expressions go into the arena. */
export function compileLogFormat(cfg: LogFormatConfig, mode: LogFormatMode): LogFormatWriter {
  const byMode = compiled.get(cfg) ?? new Map<LogFormatMode, LogFormatWriter>();
  compiled.set(cfg, byMode);
  const known = byMode.get(mode);
  if (known !== undefined) return known;
  const created = createWriter(cfg, mode);
  byMode.set(mode, created);
  return created;
}

function createWriter(cfg: LogFormatConfig, mode: LogFormatMode): LogFormatWriter {
  const merge = mode === 'log' || mode === 'unique-id';
  const header = mode === 'header' || mode === 'unique-id';
  const mandatory = mode === 'log' ? LogFlag.Mandatory : 0;
  const items = cfg.items.filter((item) => !isGlobal(item));
  if (!cfg.items.some((item) => (item.flags & ENCODED) !== 0)) {
    return new PlainWriter(programOf(fuseLiterals(items, merge), merge, header, mandatory));
  }
  const names = items.map((item) => createEncodedName(item.name));
  const program = programOf(items, merge, header, mandatory);
  return new EncodedWriter(program, names, items.map(typeOf), globalEncoding(cfg));
}

function programOf(
  items: LogFormatItem[],
  mergeSpaces: boolean,
  header: boolean,
  mandatory: number,
): LogFormatProgram {
  const program = {
    ops: Uint8Array.from(items, opOf),
    flags: Uint16Array.from(items, (item) =>
      item.kind === 'alias' || item.kind === 'expr' ? item.flags | mandatory : item.flags,
    ),
    first: new Int32Array(items.length),
    second: new Int32Array(items.length),
    expressions: [] as Expression[],
    mergeSpaces,
    header,
  };
  items.forEach((item, i) => {
    if (item.kind === 'expr') {
      program.first[i] = program.expressions.length;
      program.expressions.push(compileExpression(item.expr!));
    } else if (item.kind !== 'alias') {
      const bytes = Buffer.from(item.text, 'latin1');
      program.first[i] = reserveBytes(bytes);
      program.second[i] = bytes.length;
    }
  });
  return program;
}

/**
 * Settles at start-up which spaces are written, so that they become part of the literals around
 * them. Only after captured headers, which may leave nothing, is a space decided per line. A text
 * that ends in such a space carries the flag `TEXT_ENDS_SPACE`.
 */
function fuseLiterals(items: LogFormatItem[], merge: boolean): LogFormatItem[] {
  const fused: LogFormatItem[] = [];
  let before: 'space' | 'solid' | 'unknown' = merge ? 'space' : 'solid';
  const append = (item: LogFormatItem, text: string, flags: number) => {
    const last = fused.at(-1);
    if (last?.kind === 'text') {
      fused[fused.length - 1] = { ...last, text: last.text + text, flags };
    } else fused.push({ ...item, kind: 'text', text, flags });
  };
  for (const item of items) {
    if (item.kind === 'text') {
      append(item, item.text, 0);
      before = 'solid';
    } else if (item.kind !== 'space') {
      fused.push(item);
      before = item.kind === 'alias' && mayWriteNothing(opOf(item)) ? 'unknown' : 'solid';
    } else if (!merge) {
      append(item, item.text, 0);
    } else {
      if (before === 'solid') append(item, ' ', TEXT_ENDS_SPACE);
      else if (before === 'unknown') fused.push(item);
      before = 'space';
    }
  }
  return fused;
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
