/**
 * The rulesets (configuration.txt 4.3): one row each, in the order in which a connection meets them.
 * The parser, its messages, the dump of `-dK` and the reference come from the rows; where a stream
 * evaluates them is said in stream/step.ts.
 */
import type { RulesetName } from '../model/config.ts';
import { Place } from './scope.ts';

export interface RulesetRow {
  readonly name: RulesetName;
  /** Where the rules of a frontend are evaluated; null when a frontend has none. */
  readonly frontend: Place | null;
  readonly backend: Place | null;
  /** The rules look at the response. A `listen` section counts as the side that sees it first. */
  readonly response: boolean;
  /** Rules on connections and bytes, whose messages have a form of their own. */
  readonly tcp: boolean;
}

export const rulesetRows = [
  {
    name: 'tcp-request connection',
    frontend: Place.FrontendConnection,
    backend: null,
    response: false,
    tcp: true,
  },
  {
    name: 'tcp-request session',
    frontend: Place.FrontendSession,
    backend: null,
    response: false,
    tcp: true,
  },
  {
    name: 'tcp-request content',
    frontend: Place.FrontendContent,
    backend: Place.BackendContent,
    response: false,
    tcp: true,
  },
  {
    name: 'http-request',
    frontend: Place.FrontendRequestHeader,
    backend: Place.BackendRequestHeader,
    response: false,
    tcp: false,
  },
  {
    name: 'tcp-response content',
    frontend: null,
    backend: Place.BackendResponseContent,
    response: true,
    tcp: true,
  },
  {
    name: 'http-response',
    frontend: Place.FrontendResponseHeader,
    backend: Place.BackendResponseHeader,
    response: true,
    tcp: false,
  },
  {
    name: 'http-after-response',
    frontend: Place.FrontendResponseHeader,
    backend: Place.BackendResponseHeader,
    response: true,
    tcp: false,
  },
] as const satisfies readonly RulesetRow[];

const byName = new Map<RulesetName, RulesetRow>(rulesetRows.map((row) => [row.name, row]));

export function rulesetRow(name: RulesetName): RulesetRow {
  return byName.get(name)!;
}
