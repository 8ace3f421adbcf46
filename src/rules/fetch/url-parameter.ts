/**
 * Parameters of the query string as samples (configuration.txt 7.3.6 `urlp`).
 *
 * The parameters begin after the first `delim` (default `?`) of the target; each ends at `&`, `;`
 * or `delim`.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { HttpMessage } from '../../http/message.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Fetch } from '../context.ts';
import { fold } from '../fold.ts';
import { readLeadingInt, readValue } from '../integer.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import type { Sample } from '../sample.ts';

const EQUALS = 0x3d;
const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;
const QUESTION = 0x3f;

class Parameter {
  readonly off: number;
  readonly len: number;
  readonly delimiter: number;
  readonly ignoreCase: boolean;

  constructor(args: readonly ArgConfig[]) {
    const name = Buffer.from(String(args[0] ?? ''), 'latin1');
    this.off = reserveBytes(name);
    this.len = name.length;
    this.delimiter = Buffer.from(String(args[1] ?? '') || '?', 'latin1')[0] ?? QUESTION;
    this.ignoreCase = args[2] === 'i';
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

/** Finds the parameter at or after offset `sample.iter` (0 = the start) of the target. */
function nextParameter(req: HttpMessage, wanted: Parameter, sample: Sample): boolean {
  const end = req.uriOff + req.uriLen;
  let at = req.uriOff + sample.iter;
  if (sample.iter === 0) {
    while (at < end && mem[at] !== wanted.delimiter) at++;
    at++;
  }
  while (at < end) {
    let stop = at;
    while (stop < end && !isEnd(mem[stop]!, wanted.delimiter)) stop++;
    let equals = at;
    while (equals < stop && mem[equals] !== EQUALS) equals++;
    if (equals < stop && (wanted.len === 0 || sameName(at, equals - at, wanted))) {
      sample.setStr(equals + 1, stop - equals - 1);
      sample.iter = stop + 1 - req.uriOff;
      sample.more = stop + 1 < end;
      return true;
    }
    at = stop + 1;
  }
  return false;
}

function compileParameter(args: readonly ArgConfig[], every: boolean): Fetch {
  const wanted = new Parameter(args);
  return (ctx, sample) => {
    if (ctx.request === null) return false;
    if (!nextParameter(ctx.request, wanted, sample)) return false;
    if (!every) sample.more = false;
    return true;
  };
}

function compileInteger(args: readonly ArgConfig[], every: boolean): Fetch {
  const text = compileParameter(args, every);
  return (ctx, sample) => {
    if (!text(ctx, sample)) return false;
    readLeadingInt(sample.off, sample.len);
    sample.setInt(readValue);
    return true;
  };
}

function checkParameter(args: ArgConfig[]): void {
  const flag = args[2] ?? '';
  if (flag !== '' && flag !== 'i') {
    throw new ConfigError(`'${flag}' is not a known flag, only 'i' is supported`);
  }
}

const common = {
  args: '[string,string,string]',
  valid: valid.request,
  check: checkParameter,
} as const;

export const urlParameterFetches = [
  {
    ...common,
    name: 'url_param',
    out: 'str',
    doc: 'value of a parameter of the query string',
    compile: compileParameter,
  },
  {
    ...common,
    name: 'urlp',
    out: 'str',
    doc: 'value of a parameter of the query string',
    compile: compileParameter,
  },
  {
    ...common,
    name: 'urlp_val',
    out: 'sint',
    doc: 'value of a parameter of the query string as integer',
    compile: compileInteger,
  },
] as const satisfies readonly FetchRow[];
