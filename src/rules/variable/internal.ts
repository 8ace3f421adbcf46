/**
 * Variables of the process as the configuration and the Runtime API set them: expressions and
 * formats that are evaluated once, on the control thread, without a connection (configuration.txt
 * 3.1 `set-var`; management.txt 9.3 `set var`, `get var`).
 */
import { hostname } from 'node:os';
import { ConfigError } from '../../base/config-error.ts';
import type { ExprConfig, LogFormatConfig, Origin, TuneConfig } from '../../model/config.ts';
import { Session } from '../../model/stream.ts';
import type { VariablesConfig } from '../../model/variable.ts';
import { releaseTo, reserve, reserveMark, text } from '../../sys/arena.ts';
import { setFormatted } from '../action/variable-edit.ts';
import { asString } from '../cast.ts';
import type { RuleContext } from '../context.ts';
import { createDetachedContext } from '../detached-context.ts';
import { compileExpression } from '../expression.ts';
import { compileLogFormat, initLogIdentity } from '../log-format.ts';
import { SampleType } from '../sample.ts';
import type { Place, RuleScope } from '../scope.ts';
import { ProcessStore, processStoreBytes } from './process-store.ts';
import { SetIf } from './value.ts';
import {
  claimNames,
  compileVariable,
  initProcessVariables,
  readVariable,
  setVariable,
} from './variables.ts';

const ADDRESS_BYTES = 32;

/** The variables of a configuration, on the thread that has read it. */
export interface InternalVariables {
  variables: VariablesConfig;
  tune: TuneConfig;
}

/** Types as the Runtime API names them. */
const typeNames: Readonly<Record<SampleType, string>> = {
  [SampleType.None]: 'any',
  [SampleType.Bool]: 'bool',
  [SampleType.Sint]: 'sint',
  [SampleType.Ipv4]: 'ipv4',
  [SampleType.Ipv6]: 'ipv6',
  [SampleType.Str]: 'str',
  [SampleType.Bin]: 'bin',
  [SampleType.Method]: 'meth',
};

let context: RuleContext | null = null;

/** A context without a stream; its session has no address. */
function internalContext(): RuleContext {
  if (context === null) {
    initLogIdentity(process.pid, hostname());
    const session = new Session(reserve(ADDRESS_BYTES));
    context = createDetachedContext(session, null);
  }
  context.nowDateMs = Date.now();
  context.nowMs = performance.now();
  context.session.acceptDateMs = context.nowDateMs;
  return context;
}

/**
 * Where expressions and formats of the configuration or the Runtime API are parsed.
 * @param place `ConfigParser` or `CliParser`
 */
export function internalScope(
  { variables, tune }: InternalVariables,
  place: Place,
  origin: Origin,
  warn: (message: string) => void,
): RuleScope {
  return {
    origin,
    proxy: '',
    mode: 'http',
    place,
    acls: new Map(),
    variables,
    self: '',
    refer: ({ keyword }) => {
      throw new ConfigError(`'${keyword}' is not supported here yet by sluice`);
    },
    warn,
    readFile: (path) => {
      throw new ConfigError(`cannot read '${path}'`);
    },
    patternFile: () => null,
    lists: new Map(),
    maps: [],
    aclMaps: new Set(),
    bufsize: tune.bufsize,
    stickCounters: 0,
  };
}

/**
 * Makes the memory that threads share for the variables of the process.
 * @param spare places for names of the Runtime API
 * @param valueMax longest text: `tune.bufsize`
 */
export function createProcessVariables(
  variables: VariablesConfig,
  spare: number,
  valueMax: number,
): SharedArrayBuffer {
  const count = variables.process.length;
  const shared = new SharedArrayBuffer(processStoreBytes(count + spare, valueMax));
  const store = new ProcessStore(shared, valueMax, 0, 0);
  for (let i = 0; i < count; i++) store.declare();
  return shared;
}

/**
 * Runs a parser that may declare variables of the process, for which there must be spare places.
 * @throws ConfigError when there are too few of them
 */
export function addNames<T>({ variables, tune }: InternalVariables, parse: () => T): T {
  initProcessVariables(variables, tune);
  const { process: names } = variables;
  const had = names.length;
  try {
    const parsed = parse();
    claimNames(had);
    return parsed;
  } catch (error) {
    names.length = had;
    throw error;
  }
}

/**
 * Sets a variable of the process; without a value it stays as it is.
 * @param name with its scope, declared
 * @returns false when the value does not fit into what `tune.vars.*` or `tune.bufsize` allow
 */
export function setInternally(
  { variables, tune }: InternalVariables,
  name: string,
  value: ExprConfig | LogFormatConfig,
): boolean {
  initProcessVariables(variables, tune);
  const ctx = internalContext();
  const mark = reserveMark();
  const variable = compileVariable(name);
  let fits = true;
  if ('items' in value) {
    const format = compileLogFormat(value, 'raw');
    fits = setFormatted(ctx, variable, SetIf.Always, format);
  } else if (compileExpression(value).evaluate(ctx, ctx.sample)) {
    fits = setVariable(ctx, variable, ctx.sample, SetIf.Always);
  }
  releaseTo(mark);
  return fits;
}

/** A variable of the process for `get var`: its type and its value as text; null = not set. */
export function getInternally(
  { variables, tune }: InternalVariables,
  name: string,
): { type: string; text: string } | null {
  initProcessVariables(variables, tune);
  const ctx = internalContext();
  const { sample } = ctx;
  if (!readVariable(ctx, compileVariable(name), sample)) return null;
  const type = typeNames[sample.type];
  return { type, text: asString(sample) ? text(sample.off, sample.len) : '' };
}
