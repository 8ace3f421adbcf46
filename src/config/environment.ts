/**
 * Environment variables of the configuration (configuration.txt 2.3), and the `global` keywords
 * that change them (3.1 setenv, presetenv, unsetenv, resetenv).
 *
 * It is a copy: a change is seen by the next lines of the configuration, not by this process.
 * Values are byte strings (see byte-string.ts).
 */
import { ConfigError } from '../base/config-error.ts';
import { toByteString } from './byte-string.ts';

/** Predefined variables that the configuration can read but not change (table of 2.3). */
const fixed: readonly string[] = ['HAPROXY_STARTUP_VERSION', 'HAPROXY_BRANCH'];

export class Environment {
  /** `.FILE`: the file being parsed. */
  file = '';
  /** `.LINE`: its current line, from 1; 0 before the first. */
  line = 0;
  /** `.SECTION`: the name of the current section, or its type when it has no name. */
  section = '';
  private readonly variables = new Map<string, string>();

  /**
   * @param inherited the variables of the process, for example `process.env`
   * @param predefined the HAPROXY_* variables of 2.3; they win over inherited ones
   */
  constructor(
    inherited: Readonly<Record<string, string | undefined>> = {},
    predefined: Readonly<Record<string, string>> = {},
  ) {
    for (const source of [inherited, predefined]) {
      for (const [name, value] of Object.entries(source)) {
        if (value !== undefined) this.variables.set(toByteString(name), toByteString(value));
      }
    }
  }

  /** The value of a variable or of a pseudo-variable (`.FILE`), null when there is none. */
  get(name: string): string | null {
    if (name === '.FILE') return this.file;
    if (name === '.LINE') return String(this.line);
    if (name === '.SECTION') return this.section;
    return this.variables.get(name) ?? null;
  }

  /** `setenv <name> <value>`: defines or replaces. */
  set(name: string, value: string): void {
    this.refuse('setenv', name);
    this.variables.set(name, value);
  }

  /** `presetenv <name> <value>`: defines unless the variable exists, even empty. */
  preset(name: string, value: string): void {
    if (this.variables.has(name)) return;
    this.refuse('presetenv', name);
    this.variables.set(name, value);
  }

  /** `unsetenv <name>`: forgets; an unknown name is no error. */
  unset(name: string): void {
    this.refuse('unsetenv', name);
    this.variables.delete(name);
  }

  /** `resetenv [<name> ...]`: forgets all variables but these and the unchangeable ones. */
  reset(names: Iterable<string>): void {
    const kept = new Set([...fixed, ...names]);
    for (const name of [...this.variables.keys()]) {
      if (!kept.has(name)) this.variables.delete(name);
    }
  }

  clone(): Environment {
    const copy = new Environment();
    for (const [name, value] of this.variables) copy.variables.set(name, value);
    copy.file = this.file;
    copy.line = this.line;
    copy.section = this.section;
    return copy;
  }

  /** All variables in no particular order, for `show env`. */
  entries(): [string, string][] {
    return [...this.variables];
  }

  private refuse(keyword: string, name: string): void {
    if (name === '' || name.includes('=')) {
      throw new ConfigError(`'${keyword}' failed on variable '${name}' : Invalid argument.`);
    }
    if (fixed.includes(name)) {
      throw new ConfigError(`'${keyword}' failed on variable '${name}' : it cannot be modified.`);
    }
  }
}
