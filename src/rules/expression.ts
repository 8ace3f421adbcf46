/**
 * Sample expressions: `fetch(args),converter(args),...` (configuration.txt 7.3).
 *
 * The text is checked once, while the configuration is read, and becomes plain data; a worker
 * compiles that data to an `Expression` (see `evaluation.ts`).
 */
import { ConfigError } from '../base/config-error.ts';
import type { ArgConfig, ExprConfig } from '../model/config.ts';
import { type ParsedArguments, parseArguments, parseGrammar } from './argument.ts';
import { canCast, castTarget } from './cast.ts';
import { converterRow } from './converter/registry.ts';
import { Expression } from './evaluation.ts';
import { fetchRow, readsHead } from './fetch/registry.ts';
import { isResponsePlace, placeNeed } from './place.ts';
import type { ArgumentCheck, ConverterRow, FetchRow, TypeName } from './row.ts';
import { SampleType } from './sample.ts';
import type { RuleScope } from './scope.ts';
import { unknownConverter, unknownFetch } from './unknown-name.ts';

/** An expression that is part of a longer text (`%[...]`). */
export interface ParsedExpression {
  expr: ExprConfig;
  /** Position of the first character that does not belong to it. */
  end: number;
  /** Type that it yields. */
  out: TypeName;
}

const NAME_END = /[(),\][% \t]/;

function readName(text: string, from: number): string {
  let at = from;
  while (at < text.length && !NAME_END.test(text[at]!)) at++;
  return text.slice(from, at);
}

/**
 * Parses an expression that fills the whole word.
 * @param what names it in the error about a fetch that has no value here
 * @throws ConfigError in HAProxy's words, without a final full stop; the caller says where.
 */
export function parseExpression(text: string, scope: RuleScope, what = text): ExprConfig {
  const name = readName(text, 0);
  const row = knownFetch(name, scope);
  const parsed = parseRest(text, 0, name, row, scope);
  if (parsed.end < text.length) throw trailing(parsed.expr);
  const need = placeNeed(row.valid, scope.place);
  if (need === null) return parsed.expr;
  throw new ConfigError(
    `fetch method '${what}' extracts information from '${need}', none of which is available here`,
  );
}

/** The row of a name that is used here. @throws ConfigError when there is none */
function knownFetch(name: string, scope: RuleScope): FetchRow {
  if (name === '') throw new ConfigError('missing fetch method');
  const row = fetchRow(directed(name, scope));
  if (!row) throw unknownFetch(name);
  return row;
}

function trailing(expr: ExprConfig): ConfigError {
  const last = expr.converters.at(-1);
  const kind = last ? 'converter' : 'fetch keyword';
  return new ConfigError(`missing comma after ${kind} '${last ? last.name : expr.fetch}'`);
}

/** What the fetch that a text begins with needs and has not where it stands; null = nothing. */
export function missingAt(text: string, scope: RuleScope): string | null {
  const row = fetchRow(directed(readName(text, 0), scope));
  return row === undefined ? null : placeNeed(row.valid, scope.place);
}

/** Parses the expression that starts at `from`; it ends where neither `,` nor a name follows. */
export function parseExpressionAt(text: string, from: number, scope: RuleScope): ParsedExpression {
  const name = readName(text, from);
  const row = knownFetch(name, scope);
  const need = placeNeed(row.valid, scope.place);
  if (need !== null) {
    throw new ConfigError(
      `sample fetch <${name}> may not be reliably used here because it needs ` +
        `'${row.needs ?? need}' which is not available here`,
    );
  }
  return parseRest(text, from, name, row, scope);
}

/**
 * Parses an expression whose fetch is given (an ACL keyword stands for it); `name` is the word in
 * the text at `from`. Where the fetch is valid is not judged here.
 * @param what put in front of errors about the fetch's arguments.
 */
export function parseRest(
  text: string,
  from: number,
  name: string,
  row: FetchRow,
  scope: RuleScope,
  what = `fetch method '${name}' : `,
): ParsedExpression {
  const start = from + name.length;
  const { args, end } = parseArguments(text, start, parseGrammar(row.args), () => what);
  checkArguments(`fetch method '${name}'`, row.check, args, scope);
  const expr: ExprConfig = { fetch: row.name, args, converters: [], text: '' };
  let out = row.out;
  let at = end;
  while (text[at] === ',') {
    const next = readName(text, at + 1);
    const argumentsAt = at + 1 + next.length;
    // HAProxy skips an empty converter between two commas.
    if (next === '' && text[argumentsAt] === ',') {
      at = argumentsAt;
      continue;
    }
    const step = converterRow(next);
    if (!step) throw unknownConverter(next);
    if (!canCast(out, step.in)) throw new ConfigError(`converter '${next}' cannot be applied`);
    const parsed = converterArguments(text, argumentsAt, step, scope);
    expr.converters.push({ name: next, args: parsed.args });
    if (step.out !== 'same') out = step.out;
    at = parsed.end;
  }
  expr.text = text.slice(from, at);
  return { expr, end: at, out };
}

// `hdr` and `cookie` mean the request or the response, by where they are used (7.3.6).
function directed(name: string, scope: RuleScope): string {
  if (name === 'hdr') return isResponsePlace(scope.place) ? 'res.hdr' : 'req.hdr';
  if (name === 'payload') return isResponsePlace(scope.place) ? 'res.payload' : 'req.payload';
  if (name === 'payload_lv') {
    return isResponsePlace(scope.place) ? 'res.payload_lv' : 'req.payload_lv';
  }
  if (name === 'cookie') return isResponsePlace(scope.place) ? 'res.cook' : 'req.cook';
  return name;
}

function converterArguments(
  text: string,
  from: number,
  row: ConverterRow,
  scope: RuleScope,
): ParsedArguments {
  const parsed = parseArguments(
    text,
    from,
    parseGrammar(row.args),
    (position) => `invalid arg ${position} in converter '${row.name}' : `,
  );
  checkArguments(`converter '${row.name}'`, row.check, parsed.args, scope);
  return parsed;
}

function checkArguments(
  what: string,
  check: ArgumentCheck | undefined,
  args: ArgConfig[],
  scope: RuleScope,
): void {
  try {
    check?.(args, scope);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`invalid args in ${what} : ${error.message}`);
  }
}

/** The type an expression yields, by its rows. */
export function expressionType(expr: ExprConfig): TypeName {
  let out = fetchRow(expr.fetch)!.out;
  for (const step of expr.converters) {
    const row = converterRow(step.name)!;
    if (row.out !== 'same') out = row.out;
  }
  return out;
}

export { Expression } from './evaluation.ts';

/**
 * Compiles for a worker.
 * @param every true when the caller will go through all occurrences with `evaluateNext` (ACLs).
 */
export function compileExpression(expr: ExprConfig, every = false): Expression {
  const type = expressionType(expr);
  const rows = expr.converters.map((step) => converterRow(step.name)!);
  return new Expression(
    expr.text,
    (type === 'addr' ? SampleType.Ipv4 : castTarget(type)) as SampleType,
    fetchRow(expr.fetch)!.compile(expr.args, every),
    Uint8Array.from(rows, (row) => castTarget(row.in)),
    rows.map((row, i) => row.compile(expr.converters[i]!.args)),
    readsHead(expr.fetch),
  );
}
