/**
 * What may still become the head of a request, byte by byte: `parseRequest` needs whole lines, and to
 * run it again over everything for each byte that comes would be quadratic. This state machine keeps
 * one number between two reads, looks at each byte once, and knows the same grammar without its
 * meaning: what it refuses, the parser would refuse at the end of the line (RFC 9112 2 to 5).
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import { Char, charClass } from './characters.ts';

/** Where in a head the next byte stands. */
export const enum HeadState {
  Invalid = -1,
  /** In front of the request line, where empty lines are skipped. */
  Start = 0,
  StartLf = 1,
  Method = 2,
  /** First byte of the target. */
  Target = 3,
  TargetMore = 4,
  /** End of a line that has no version (HTTP/0.9). */
  OldLf = 5,
  /** The eight bytes of `HTTP/1.x`, and CRLF. */
  Version = 6,
  VersionCr = 14,
  VersionLf = 15,
  /** First byte of a field line, or of the empty line. */
  Line = 16,
  Name = 17,
  /** A name that is not valid, with violations accepted: the field will be dropped. */
  BadName = 18,
  Value = 19,
  ValueLf = 20,
  LastLf = 21,
  Done = 22,
}

const CR = 13;
const LF = 10;
const SP = 32;
const COLON = 58;
const DEL = 127;

const version = new TextEncoder().encode('HTTP/1.');

/**
 * @param state of the bytes in front of `from`; `HeadState.Start` for none
 * @param relaxed as `parseRequest`
 * @returns the state after `until`; Invalid when no more bytes can make a head of it.
 */
export function scanHead(
  state: HeadState,
  from: number,
  until: number,
  relaxed: boolean,
): HeadState {
  let next = state;
  for (let p = from; p < until && next !== HeadState.Invalid; p++) {
    next = step(next, mem[p]!, charClass[mem[p]!]!, relaxed);
  }
  return next;
}

function step(state: HeadState, c: number, kind: number, relaxed: boolean): HeadState {
  switch (state) {
    case HeadState.Start:
      if (c === CR) return HeadState.StartLf;
      return (kind & Char.Token) !== 0 ? HeadState.Method : HeadState.Invalid;
    case HeadState.StartLf:
      return c === LF ? HeadState.Start : HeadState.Invalid;
    case HeadState.Method:
      if ((kind & Char.Token) !== 0) return HeadState.Method;
      return c === SP ? HeadState.Target : HeadState.Invalid;
    case HeadState.Target:
      return isTarget(c, kind, relaxed) ? HeadState.TargetMore : HeadState.Invalid;
    case HeadState.TargetMore:
      if (isTarget(c, kind, relaxed)) return HeadState.TargetMore;
      if (c === SP) return HeadState.Version;
      return c === CR && relaxed ? HeadState.OldLf : HeadState.Invalid;
    case HeadState.VersionCr:
      return c === CR ? HeadState.VersionLf : HeadState.Invalid;
    case HeadState.VersionLf:
    case HeadState.ValueLf:
      return c === LF ? HeadState.Line : HeadState.Invalid;
    case HeadState.Line:
      if (c === CR) return HeadState.LastLf;
      return c === COLON ? HeadState.Invalid : inName(c, kind, relaxed);
    case HeadState.Name:
      return c === COLON ? HeadState.Value : inName(c, kind, relaxed);
    case HeadState.BadName:
      if (c === COLON) return HeadState.Value;
      return c === CR || c === LF ? HeadState.Invalid : HeadState.BadName;
    case HeadState.Value:
      if ((kind & Char.Value) !== 0 || (relaxed && c === 0)) return HeadState.Value;
      return c === CR ? HeadState.ValueLf : HeadState.Invalid;
    case HeadState.OldLf:
    case HeadState.LastLf:
      return c === LF ? HeadState.Done : HeadState.Invalid;
    case HeadState.Done:
      return HeadState.Done;
    default:
      return inVersion(state, c, kind);
  }
}

function isTarget(c: number, kind: number, relaxed: boolean): boolean {
  return relaxed ? c > SP && c !== DEL : (kind & Char.Target) !== 0;
}

function inName(c: number, kind: number, relaxed: boolean): HeadState {
  if ((kind & Char.Token) !== 0) return HeadState.Name;
  return relaxed && c !== CR && c !== LF ? HeadState.BadName : HeadState.Invalid;
}

function inVersion(state: HeadState, c: number, kind: number): HeadState {
  const at = state - HeadState.Version;
  const fits = at < version.length ? c === version[at] : (kind & Char.Digit) !== 0;
  return fits ? state + 1 : HeadState.Invalid;
}
