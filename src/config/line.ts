/** One logical line of the configuration after quoting, escaping and variables (2.2, 2.3). */
import type { Origin } from '../model/config.ts';

export interface ConfigLine extends Origin {
  /**
   * At least one, the first not empty; later ones may be (`""`). Quotes are gone, `\ ` is a blank
   * inside a word. Byte strings: one character per byte of the file (see byte-string.ts).
   */
  words: string[];
}
