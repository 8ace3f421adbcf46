/**
 * Rows of the actions on stick tables (configuration.txt 4.4): `track-sc0` and so on begin to track an
 * entry, `sc-*` change the counters and tags of one that is tracked.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ExprConfig } from '../../model/config.ts';
import { StreamFlag } from '../../model/stream.ts';
import { DataType } from '../../stick-table/data-type.ts';
import { stickTable, stickTables } from '../../stick-table/registry.ts';
import { createSlots } from '../../stick-table/slot.ts';
import {
  createCounters,
  Event,
  statusEvents,
  track,
  trackedTable,
} from '../../stick-table/tracking.ts';
import { type CastTarget, cast, castTarget } from '../cast.ts';
import { type Action, type RuleContext, Verdict } from '../context.ts';
import { compileExpression, expressionType, missingAt, parseExpression } from '../expression.ts';
import { trackedBy } from '../fetch/tracked.ts';
import type { RuleScope } from '../scope.ts';
import { loadKey } from '../stick-key.ts';
import { IncrementAction } from '../stick-value.ts';
import { type ActionRow, EVERY, REQUEST_RESPONSE, TCP } from './row.ts';
import { startsCondition } from './words.ts';

interface TrackArgs {
  number: number;
  table: string;
  expr: ExprConfig;
  /** The rule sees a response, whose status may be an error or a failure. */
  onResponse: boolean;
}

interface CounterArgs {
  /** Place in the array; -1 = `gpc0` and the like, which need not be one. */
  position: number;
  number: number;
  value: number | ExprConfig;
}

/** `Proxy 'f'`: errors that are found at the end begin so. */
function owner(scope: RuleScope): string {
  return `Proxy ${scope.proxy.slice(scope.proxy.indexOf("'"))}`;
}

function parseNumber(word: string, scope: RuleScope): number {
  const text = word.slice('track-sc'.length);
  if (!/^[0-9]*$/.test(text)) throw new ConfigError(`Wrong track-sc number '${text}'`);
  const number = Number(text);
  if (scope.stickCounters === 0) {
    throw new ConfigError(
      `${number} track-sc number not usable, stick-counters are disabled by tune.stick-counters`,
    );
  }
  if (number >= scope.stickCounters) {
    throw new ConfigError(
      `${number} track-sc number exceeding ${scope.stickCounters - 1} ` +
        '(tune.stick-counters-1) value',
    );
  }
  return number;
}

const parseTrack: ActionRow['parse'] = ([word = '', ...words], scope, ruleset) => {
  const number = parseNumber(word, scope);
  const [text = '', keyword, name] = words;
  const need = missingAt(text, scope);
  if (need !== null) {
    throw new ConfigError(
      `fetch method '${text}' extracts information from '${need}', none of which is available here`,
    );
  }
  const expr = parseExpression(text, scope);
  const isNamed = keyword === 'table';
  if (isNamed && (name === undefined || name === '')) throw new ConfigError('missing table name');
  const table = scope.table!(isNamed ? name! : '', {
    missing: `${owner(scope)}: unable to find table '%' referenced by ${word}.`,
    key: expressionType(expr),
    mismatch: `${owner(scope)}: stick-table '%' uses a type incompatible with the '${word}' rule.`,
  });
  const args: TrackArgs = {
    number,
    table,
    expr,
    onResponse: ruleset === 'http-response',
  };
  return { args, rest: words.slice(isNamed ? 3 : 1) };
};

/** Whoever the rule belongs to: the stream, or the session before there is one. */
function countersOf(ctx: RuleContext) {
  const holder = ctx.stream ?? ctx.session;
  holder.counters ??= createCounters();
  return holder.counters;
}

function compileTrack(args: TrackArgs): Action {
  const table = stickTable(args.table);
  const expr = compileExpression(args.expr);
  const { number, onResponse } = args;
  return (ctx) => {
    const set = countersOf(ctx);
    if (set.entries[number] !== 0 || !expr.evaluate(ctx, ctx.sample)) return Verdict.Continue;
    if (!loadKey(table, ctx.sample)) return Verdict.Continue;
    // A request that is still to be read counts when it is.
    const isRead = ctx.stream !== null && (ctx.stream.flags & StreamFlag.HasRequest) !== 0;
    let events = isRead ? 1 << Event.Request : 0;
    if (onResponse && ctx.response !== null) events |= statusEvents(ctx.response.status);
    track(set, number, table, ctx.nowMs, events);
    return Verdict.Continue;
  };
}

/** How the name of an action begins, and what its messages say. */
interface Family {
  name: string;
  /** The noun of its first number; '' when there is one number only. */
  noun: '' | 'gpc' | 'gpt';
  quotes: boolean;
  limit: string;
}

/** The numbers in parentheses behind the name of an action. */
function parseIds(word: string, family: Family, scope: RuleScope) {
  const inside = word.slice(family.name.length);
  const which = family.quotes ? ` '${word}'` : '';
  const { noun } = family;
  const shown = family.quotes ? family.name : word;
  const ids = noun === '' ? '(<Track ID>)' : `(<${noun.toUpperCase()} ID>,<Track ID>)`;
  const expects = `. Expects ${shown}${ids}`;
  if (scope.stickCounters === 0) {
    throw new ConfigError(
      `Cannot use '${word}', stick-counters are disabled via tune.stick-counters`,
    );
  }
  const found =
    noun === '' ? /^(?:\(([0-9]*)\))?$/.exec(inside) : /^\(([0-9]+),([0-9]+)\)$/.exec(inside);
  if (found === null) {
    if (noun !== '' && !inside.startsWith('(')) {
      throw new ConfigError(`invalid ${noun} ID${which}${expects}`);
    }
    if (noun !== '' && !/^\([0-9]+,/.test(inside)) {
      // As written in HAProxy: where an addition lacks a number, the message is another one.
      const place = family === families.add ? `. Expects ${word}${ids}` : `${which}${expects}`;
      throw new ConfigError(`Missing ${noun} ID${place}`);
    }
    throw new ConfigError(`invalid stick table track ID${which}${expects}`);
  }
  const number = Number(found[noun === '' ? 1 : 2] ?? 0);
  if (number >= scope.stickCounters) {
    throw new ConfigError(
      `invalid stick table track ID${which}. The max allowed ID is ` +
        `${scope.stickCounters - 1}${family.limit}`,
    );
  }
  return { position: noun === '' ? -1 : Number(found[1]), number };
}

function createParse(family: Family, takesValue: boolean): ActionRow['parse'] {
  return ([word = '', ...words], scope) => {
    const ids = parseIds(word, family, scope);
    if (!takesValue) return { args: { ...ids, value: 1 } satisfies CounterArgs, rest: [...words] };
    const [text] = words;
    // Without a value it is 0, as in HAProxy.
    if (text === undefined || startsCondition(text)) {
      return { args: { ...ids, value: 0 } satisfies CounterArgs, rest: [...words] };
    }
    const isNumber = /^-?[0-9]+$/.test(text);
    const value = isNumber ? Number(text) : parseExpression(text, scope);
    return { args: { ...ids, value } satisfies CounterArgs, rest: words.slice(1) };
  };
}

const INT = castTarget('sint') as CastTarget;

/** The value of a rule: a number, or -1 when its expression has none. */
function compileValue(value: number | ExprConfig): (ctx: RuleContext) => number {
  if (typeof value === 'number') {
    const bits = (value | 0) >>> 0;
    return () => bits;
  }
  const expr = compileExpression(value);
  return (ctx) => {
    const { sample } = ctx;
    if (!expr.evaluate(ctx, sample) || !cast(sample, INT)) return -1;
    return sample.num < 0 ? sample.num + 4294967296 : sample.num % 4294967296;
  };
}

function compileIncrement(args: CounterArgs, plain: DataType, plainRate: DataType): Action {
  const { number } = args;
  const isArray = args.position >= 0;
  const types = isArray
    ? { count: DataType.Gpc, rate: DataType.GpcRate }
    : { count: plain, rate: plainRate };
  const action = new IncrementAction(types, isArray ? args.position : 0);
  const valueOf = compileValue(args.value);
  return (ctx) => {
    const amount = valueOf(ctx);
    const set = trackedBy(ctx, number);
    if (set === null || amount < 0) return Verdict.Continue;
    const table = trackedTable(set, number);
    const entry = set.entries[number]!;
    table.reopen(entry);
    action.add(table, entry, ctx.nowMs, amount);
    table.close();
    return Verdict.Continue;
  };
}

function compileSet(args: CounterArgs): Action {
  const { number } = args;
  const isArray = args.position >= 0;
  const slots = createSlots(
    stickTables(),
    isArray ? DataType.Gpt : DataType.Gpt0,
    isArray ? args.position : 0,
  );
  const valueOf = compileValue(args.value);
  return (ctx) => {
    const value = valueOf(ctx);
    const set = trackedBy(ctx, number);
    if (set === null || value < 0) return Verdict.Continue;
    const table = trackedTable(set, number);
    const slot = slots[table.index]!;
    if (slot.offset === 0) return Verdict.Continue;
    const entry = set.entries[number]!;
    table.reopen(entry);
    slot.set(table, entry, ctx.nowMs, value);
    table.touch(entry, ctx.nowMs);
    table.close();
    return Verdict.Continue;
  };
}

const TUNE = ' (tune.stick-counters)';

const families = {
  add: { name: 'sc-add-gpc', noun: 'gpc', quotes: true, limit: TUNE },
  inc: { name: 'sc-inc-gpc', noun: 'gpc', quotes: true, limit: TUNE },
  inc0: { name: 'sc-inc-gpc0', noun: '', quotes: false, limit: TUNE },
  inc1: { name: 'sc-inc-gpc1', noun: '', quotes: false, limit: TUNE },
  set: { name: 'sc-set-gpt', noun: 'gpt', quotes: true, limit: '' },
  set0: { name: 'sc-set-gpt0', noun: '', quotes: true, limit: '' },
} as const satisfies Record<string, Family>;

const { Gpc0, Gpc0Rate, Gpc1, Gpc1Rate } = {
  Gpc0: DataType.Gpc0,
  Gpc0Rate: DataType.Gpc0Rate,
  Gpc1: DataType.Gpc1,
  Gpc1Rate: DataType.Gpc1Rate,
};

/** The arguments stand in parentheses behind the name. */
const counter = { rulesets: [...TCP, ...EVERY], isOpen: true } as const;

const TRACKED = [...TCP.filter((name) => name !== 'tcp-response content'), ...REQUEST_RESPONSE];

export const stickActions = [
  {
    ...counter,
    name: 'sc-add-gpc',
    args: '(<idx>,<sc-id>) { <int> | <expr> }',
    doc: 'adds to a general purpose counter of a tracked entry',
    parse: createParse(families.add, true),
    compile: (args) => compileIncrement(args as CounterArgs, Gpc0, Gpc0Rate),
  },
  {
    ...counter,
    name: 'sc-inc-gpc',
    args: '(<idx>,<sc-id>)',
    doc: 'increments a general purpose counter of a tracked entry',
    parse: createParse(families.inc, false),
    compile: (args) => compileIncrement(args as CounterArgs, Gpc0, Gpc0Rate),
  },
  {
    ...counter,
    name: 'sc-inc-gpc0',
    args: '(<sc-id>)',
    doc: 'increments the first general purpose counter of a tracked entry',
    parse: createParse(families.inc0, false),
    compile: (args) => compileIncrement(args as CounterArgs, Gpc0, Gpc0Rate),
  },
  {
    ...counter,
    name: 'sc-inc-gpc1',
    args: '(<sc-id>)',
    doc: 'increments the second general purpose counter of a tracked entry',
    parse: createParse(families.inc1, false),
    compile: (args) => compileIncrement(args as CounterArgs, Gpc1, Gpc1Rate),
  },
  {
    ...counter,
    name: 'sc-set-gpt',
    args: '(<idx>,<sc-id>) { <int> | <expr> }',
    doc: 'sets a general purpose tag of a tracked entry',
    parse: createParse(families.set, true),
    compile: (args) => compileSet(args as CounterArgs),
  },
  {
    ...counter,
    name: 'sc-set-gpt0',
    args: '(<sc-id>) { <int> | <expr> }',
    doc: 'sets the first general purpose tag of a tracked entry',
    parse: createParse(families.set0, true),
    compile: (args) => compileSet(args as CounterArgs),
  },
  // The last one stands for all numbers that `tune.stick-counters` allows.
  ...['track-sc0', 'track-sc1', 'track-sc2', 'track-sc'].map((name) => ({
    name,
    rulesets: TRACKED,
    args: name === 'track-sc' ? '<number> <key> [table <table>]' : '<key> [table <table>]',
    doc: 'tracks an entry of a stick table under the number behind its name',
    isOpen: true,
    parse: parseTrack,
    compile: (args: unknown) => compileTrack(args as TrackArgs),
  })),
] as const satisfies readonly ActionRow[];
