/**
 * The shape of a keyword row and of the line that it parses (configuration.txt 3, 4.1 and 4.2).
 *
 * A keyword is one row of one readonly array: the same row parses the line, decides where the
 * keyword is valid, is listed by `-dK` and feeds the reference manual. A row's `parse` throws
 * ConfigError with the text that follows the location; the parser records it and goes on.
 */

import type { Origin } from '../../model/config.ts';
import type { ProxyDraft } from './draft.ts';
import type { ParserState } from './state.ts';

/** Where a proxy keyword may stand, in the order of the matrix of section 4.1. */
export const enum Where {
  Defaults = 1,
  /** Only in `defaults` sections that have a name: the `(!)` of the matrix. */
  NamedDefaults = 2,
  Frontend = 4,
  Backend = 8,
}

/** What a `no` or `default` in front of the keyword asks for (4.1, the `(*)` of the matrix). */
export const enum Sign {
  Set = 0,
  No = 1,
  Default = 2,
}

/** One line handed to a row. `words[0]` is the keyword itself. */
export interface KeywordLine {
  words: string[];
  origin: Origin;
  sign: Sign;
  state: ParserState;
}

/**
 * Why a keyword that is accepted changes nothing. A row without either sets something that the
 * program reads; tests/keywords holds every row to one of the three.
 */
export interface Effect {
  /** Its value is checked and kept; it takes effect with this feature, which does not exist yet. */
  waitsFor?: string;
  /** It asks for what is: only that value is accepted, for this reason. */
  asItIs?: string;
}

/** A keyword of a section without sides: `global`, `ring`. */
export interface KeywordRow<Target> extends Effect {
  /** The keyword; two words when the second one selects (`stats socket`). */
  name: string;
  /** Argument grammar as in the manual; '' when there is none. */
  args: string;
  /** One line of documentation. */
  doc: string;
  /** Accepts the `no` prefix. */
  negatable?: boolean;
  parse(target: Target, line: KeywordLine): void;
}

/** A keyword of the proxy sections. */
export interface ProxyKeywordRow<Target> extends KeywordRow<Target> {
  /** `Where` bits. `Frontend` and `Backend` both mean: either side, and `listen`. */
  where: number;
  /** A wrong side is an error instead of a warning (`server`). */
  strict?: boolean;
  /** Its messages about the section follow the location without a blank (see print.ts). */
  tight?: boolean;
  /** Appended to the warning about the wrong side. */
  hint?: string;
}

/** An `option` with arguments of its own. */
export interface ArgumentOptionRow extends Effect {
  name: string;
  args: string;
  where: number;
  negatable?: boolean;
  doc: string;
  /** An older spelling: the one to write today. Not listed by `-dK`. */
  modern?: string;
  parse(draft: ProxyDraft, line: KeywordLine): void;
}

/** Both sides and every `defaults`. */
export const EVERYWHERE = Where.Defaults | Where.Frontend | Where.Backend;
