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
import { mem } from '../../sys/arena.ts';
import type { Fetch } from '../context.ts';
import { readLeadingInt, readValue } from '../integer.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { nextParameter, Parameter } from './parameter.ts';

const QUESTION = 0x3f;

/** Where the query begins: behind the first delimiter of the target. */
function queryOff(req: HttpMessage, delimiter: number): number {
  const end = req.uriOff + req.uriLen;
  let at = req.uriOff;
  while (at < end && mem[at] !== delimiter) at++;
  return at + 1;
}

function compileParameter(args: readonly ArgConfig[], every: boolean): Fetch {
  const wanted = new Parameter(String(args[0] ?? ''), args[2] === 'i');
  const delimiter = Buffer.from(String(args[1] ?? '') || '?', 'latin1')[0] ?? QUESTION;
  return (ctx, sample) => {
    const req = ctx.request;
    if (req === null) return false;
    const end = req.uriOff + req.uriLen;
    if (!nextParameter(queryOff(req, delimiter), end, delimiter, wanted, sample)) return false;
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
