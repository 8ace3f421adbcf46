/** One logical line of the configuration after quoting, escaping and variables (2.2, 2.3). */
import type { Origin } from '../model/config.ts';

export interface ConfigLine extends Origin {
  /** The words; never empty. Quotes are gone, `\ ` is a blank inside a word. */
  words: string[];
}
