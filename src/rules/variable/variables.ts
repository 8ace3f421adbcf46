/**
 * The variables of this thread (configuration.txt 2.8): what fetches, converters and actions call,
 * and what the stream calls when a scope ends.
 *
 * `req` variables exist until a server is tried or an answer is made here, `res` variables from then
 * on. `proc` is shared by all threads; the others belong to one session or stream.
 *
 * @dataplane
 */
import { assert } from '../../base/assert.ts';
import { ConfigError } from '../../base/config-error.ts';
import type { TuneConfig } from '../../model/config.ts';
import { type Session, type StreamFacts, StreamFlag } from '../../model/stream.ts';
import { noVariables, Store, type VariablesConfig } from '../../model/variable.ts';
import type { RuleContext } from '../context.ts';
import type { Sample } from '../sample.ts';
import { LocalStore } from './local-store.ts';
import { namesOf, splitVariable } from './name.ts';
import { ProcessStore } from './process-store.ts';

/** A variable as rules have it once they are compiled. */
export class Variable {
  readonly store: Store;
  /** Its place in the store. */
  readonly index: number;
  /** Of the scope `res`. */
  readonly isResponse: boolean;

  constructor(store: Store, index: number, isResponse: boolean) {
    this.store = store;
    this.index = index;
    this.isResponse = isResponse;
  }
}

type Limits = Pick<
  TuneConfig,
  'bufsize' | 'varsGlobalMax' | 'varsProcMax' | 'varsSessMax' | 'varsTxnMax' | 'varsReqresMax'
>;

let names: VariablesConfig = noVariables();
let processStore: ProcessStore;
let localStore: LocalStore;

/**
 * Makes the stores of this thread. Call before rules are compiled.
 * @param variables all names of the configuration, and the values of the process
 * @param heapBytes room for values of sessions and streams, in the arena
 */
export function initVariables(variables: VariablesConfig, tune: Limits, heapBytes: number): void {
  names = variables;
  const { bufsize, varsGlobalMax, varsProcMax } = tune;
  processStore = new ProcessStore(variables.shared, bufsize, varsProcMax, varsGlobalMax);
  localStore = createLocalStore(variables, tune, heapBytes);
}

function createLocalStore(variables: VariablesConfig, tune: Limits, heapBytes: number): LocalStore {
  const sizes = {
    session: variables.session.length,
    transaction: variables.transaction.length,
    message: variables.message.length,
    sessionMax: tune.varsSessMax,
    transactionMax: tune.varsTxnMax,
    messageMax: tune.varsReqresMax,
    heapBytes,
    valueMax: tune.bufsize,
    isProcessLimited: tune.varsProcMax + tune.varsGlobalMax > 0,
  };
  return new LocalStore(sizes, processStore);
}

/** Makes the stores that hold the process's variables of a configuration, if they are not there. */
export function initProcessVariables(variables: VariablesConfig, tune: Limits): void {
  if (names !== variables) initVariables(variables, tune, 0);
}

/**
 * Counts the names of the process from `first` on, which were added at run time.
 * @throws ConfigError when the store has no room for them
 */
export function claimNames(first: number): void {
  const { length } = names.process;
  if (length > processStore.capacity) {
    throw new ConfigError(
      `there is room for ${processStore.capacity} variables of the process, no more can be added`,
    );
  }
  for (let i = first; i < length; i++) processStore.declare();
}

/** The variable of a name, which the configuration has declared. Start-up only. */
export function compileVariable(text: string): Variable {
  return createVariable(text);
}

function createVariable(text: string): Variable {
  const { store, isResponse, name } = splitVariable(text);
  const index = namesOf(names, store)?.indexOf(name) ?? 0;
  assert(index >= 0, 'a variable has not been declared');
  return new Variable(store, index, isResponse);
}

/** Whether the scope of a variable is there now. */
function isPresent(ctx: RuleContext, variable: Variable): boolean {
  switch (variable.store) {
    case Store.Process:
    case Store.Session:
      return true;
    case Store.Transaction:
      return ctx.stream !== null;
    case Store.Message: {
      const strm = ctx.stream;
      if (strm === null) return false;
      return ((strm.flags & StreamFlag.Responding) !== 0) === variable.isResponse;
    }
    default:
      return false;
  }
}

/**
 * Reads a variable with the type that it was set with. The text is valid until the variable changes.
 * @returns false when it is not set
 */
export function readVariable(ctx: RuleContext, variable: Variable, sample: Sample): boolean {
  if (!isPresent(ctx, variable)) return false;
  if (variable.store === Store.Process) return processStore.read(variable.index, sample);
  return localStore.read(ctx.session, ctx.stream, variable.store, variable.index, sample);
}

/**
 * Sets a variable to a sample, whose text may move.
 * @param conditions `SetIf` bits
 * @returns false when the scope is not there, a condition does not hold, or the value does not fit
 */
export function setVariable(
  ctx: RuleContext,
  variable: Variable,
  sample: Sample,
  conditions: number,
): boolean {
  if (!isPresent(ctx, variable)) return false;
  const { store, index } = variable;
  if (store === Store.Process) return processStore.write(index, sample, conditions);
  return localStore.write(ctx.session, ctx.stream, store, index, sample, conditions);
}

/** Takes the value of a variable away. @returns false when its scope is not there */
export function unsetVariable(ctx: RuleContext, variable: Variable): boolean {
  if (!isPresent(ctx, variable)) return false;
  if (variable.store === Store.Process) processStore.unset(variable.index);
  else localStore.unset(ctx.session, ctx.stream, variable.store, variable.index);
  return true;
}

/** A server is tried for the first time, or the proxy answers: `req` ends and `res` begins. */
export function beginResponse(strm: StreamFacts): void {
  if ((strm.flags & StreamFlag.Responding) !== 0) return;
  strm.flags |= StreamFlag.Responding;
  if (strm.variables !== 0) localStore.dropMessage(strm.session, strm);
}

/** The stream has ended and its log line is written. */
export function dropStreamVariables(strm: StreamFacts): void {
  if (strm.variables !== 0) localStore.dropStream(strm.session, strm);
}

/** The client's connection ends. */
export function dropSessionVariables(sess: Session): void {
  if (sess.variables !== 0) localStore.dropSession(sess);
}

/** Bytes that the variables of sessions and streams take. */
export function variableBytes(): number {
  return localStore.inUse;
}
