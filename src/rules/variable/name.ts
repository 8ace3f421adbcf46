/**
 * Names of variables (configuration.txt 2.8): `<scope>.<name>`. Reading one declares it, so that
 * every variable of the configuration has a number before traffic runs.
 */
import { ConfigError } from '../../base/config-error.ts';
import { Store, type VariablesConfig } from '../../model/variable.ts';

const stores: Readonly<Record<string, Store>> = {
  proc: Store.Process,
  sess: Store.Session,
  txn: Store.Transaction,
  req: Store.Message,
  res: Store.Message,
  check: Store.None,
  psess: Store.None,
  ptxn: Store.None,
  preq: Store.None,
  pres: Store.None,
};

export interface VariableName {
  store: Store;
  /** Of the scope `res`. */
  isResponse: boolean;
  name: string;
}

/**
 * Takes the name of a variable apart.
 * @throws ConfigError in HAProxy's words, without a full stop
 */
export function splitVariable(text: string): VariableName {
  if (text === '') throw new ConfigError('Empty variable name cannot be accepted');
  const dot = text.indexOf('.');
  const scope = text.slice(0, dot);
  const name = text.slice(dot + 1);
  if (dot < 0 || name === '' || !Object.hasOwn(stores, scope)) {
    throw new ConfigError(
      `invalid variable name '${text}'. A variable name must start with its scope. The scope ` +
        "can be 'proc', '(p)sess', '(p)txn', '(p)req', '(p)res' or 'check'",
    );
  }
  const bad = /[^A-Za-z0-9_.]/.exec(name)?.[0];
  if (bad !== undefined) throw new ConfigError(`invalid syntax at char '${bad}'`);
  return { store: stores[scope]!, isResponse: scope === 'res', name };
}

/** The names of a store; null for one that traffic never has. */
export function namesOf(variables: VariablesConfig, store: Store): string[] | null {
  switch (store) {
    case Store.Process:
      return variables.process;
    case Store.Session:
      return variables.session;
    case Store.Transaction:
      return variables.transaction;
    case Store.Message:
      return variables.message;
    default:
      return null;
  }
}

/** Checks a name and gives it a number. @throws ConfigError as `splitVariable` */
export function declareVariable(text: string, variables: VariablesConfig): void {
  const { store, name } = splitVariable(text);
  const names = namesOf(variables, store);
  if (names !== null && !names.includes(name)) names.push(name);
}

/** Whether it names a variable (a converter's operand may be one, or a number). */
export function isVariableName(text: string): boolean {
  try {
    splitVariable(text);
    return true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return false;
  }
}
