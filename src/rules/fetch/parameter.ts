/**
 * Parameters as query strings and form data have them: `name=value`, with `&` or `;` between them
 * (configuration.txt 7.3.6 `urlp`, `req.body_param`).
 *
 * @dataplane
 */
import { mem, reserveBytes } from '../../sys/arena.ts';
import { fold } from '../fold.ts';
import type { Sample } from '../sample.ts';

const EQUALS = 0x3d;
const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;

/** The parameter that is looked for; without a name any is. */
export class Parameter {
  readonly off: number;
  readonly len: number;
  readonly ignoreCase: boolean;

  constructor(name: string, ignoreCase: boolean) {
    const bytes = Buffer.from(name, 'latin1');
    this.off = reserveBytes(bytes);
    this.len = bytes.length;
    this.ignoreCase = ignoreCase;
  }
}

function sameName(at: number, len: number, wanted: Parameter): boolean {
  if (len !== wanted.len) return false;
  for (let i = 0; i < len; i++) {
    const a = mem[at + i]!;
    const b = mem[wanted.off + i]!;
    if (a !== b && !(wanted.ignoreCase && fold[a] === fold[b])) return false;
  }
  return true;
}

function isEnd(byte: number, delimiter: number): boolean {
  return byte === AMPERSAND || byte === SEMICOLON || byte === delimiter;
}

/**
 * Finds the parameter at or after `sample.iter`, counted from `off`.
 * @param delimiter ends a parameter too
 */
export function nextParameter(
  off: number,
  end: number,
  delimiter: number,
  wanted: Parameter,
  sample: Sample,
): boolean {
  let at = off + sample.iter;
  while (at < end) {
    let stop = at;
    while (stop < end && !isEnd(mem[stop]!, delimiter)) stop++;
    let equals = at;
    while (equals < stop && mem[equals] !== EQUALS) equals++;
    if (equals < stop && (wanted.len === 0 || sameName(at, equals - at, wanted))) {
      sample.setStr(equals + 1, stop - equals - 1);
      sample.iter = stop + 1 - off;
      sample.more = stop + 1 < end;
      return true;
    }
    at = stop + 1;
  }
  return false;
}
