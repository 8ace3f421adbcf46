/**
 * The shape of an action (configuration.txt 4.3, 4.4): one row of the registry. `parse` runs once,
 * on the control thread, and returns plain data; `compile` turns that data into the function that
 * every worker calls.
 */
import type { ConditionConfig, RulesetName } from '../../model/config.ts';
import type { Action } from '../context.ts';
import type { RuleScope } from '../scope.ts';

export interface ParsedAction {
  /** Plain data for structured clone. */
  args: unknown;
  /** The words that are left: nothing, or `if`/`unless` and a condition. */
  rest: string[];
}

export interface ParsedRule {
  action: string;
  args: unknown;
  condition: ConditionConfig | null;
}

export interface ActionRow {
  readonly name: string;
  /** Arguments stand in parentheses behind the name: `words` then begins with the whole word. */
  readonly isOpen?: boolean;
  readonly rulesets: readonly RulesetName[];
  /** Argument grammar as in the manual; '' when there is none. */
  readonly args: string;
  /** One line of documentation. */
  readonly doc: string;
  /**
   * @param words what follows the action's name, the condition included.
   * @throws ConfigError with the text that follows "while parsing '...' rule : ".
   */
  parse(words: readonly string[], scope: RuleScope, ruleset: RulesetName): ParsedAction;
  compile(args: unknown): Action;
  /** The answer of an action that gives it later (`tarpit`). */
  answer?(args: unknown): Action;
}

/** Rules on connections and bytes. */
export const TCP: readonly RulesetName[] = [
  'tcp-request connection',
  'tcp-request session',
  'tcp-request content',
  'tcp-response content',
];
/** Those that see content, which may be waited for. */
export const CONTENT: readonly RulesetName[] = ['tcp-request content', 'tcp-response content'];
export const REQUEST: readonly RulesetName[] = ['http-request'];
export const RESPONSES: readonly RulesetName[] = ['http-response', 'http-after-response'];
export const REQUEST_RESPONSE: readonly RulesetName[] = ['http-request', 'http-response'];
export const EVERY: readonly RulesetName[] = [
  'http-request',
  'http-response',
  'http-after-response',
];
