/**
 * What HAProxy's language knows, whether sluice supports it or not. A keyword that is known here and
 * has no row in a keyword table is refused as "not supported yet by sluice"; one that is not known
 * at all is a misspelling.
 */
import {
  aclWords,
  actionWords,
  bindWords,
  commandWords,
  converterWords,
  crtListWords,
  fetchWords,
  filterWords,
  proxySecondWords,
  proxyWords,
  sectionWords,
  serverWords,
} from './known-words.ts';

/** A set of names; the ones written with `*` stand for all that begin so. */
class WordSet {
  private readonly exact = new Set<string>();
  private readonly beginnings: string[] = [];

  constructor(words: string) {
    for (const word of words.trim().split(/\s+/)) {
      if (word.endsWith('*')) this.beginnings.push(word.slice(0, -1));
      else if (word !== '') this.exact.add(word);
    }
  }

  has(word: string): boolean {
    return this.exact.has(word) || this.beginnings.some((beginning) => word.startsWith(beginning));
  }
}

const proxySections = ['defaults', 'frontend', 'listen', 'backend'];

const wordSets = new Map<string, WordSet>();

/** The set made of `words`, built at the first question. */
function setOf(words: string | undefined): WordSet | null {
  if (words === undefined) return null;
  let set = wordSets.get(words);
  if (set === undefined) {
    set = new WordSet(words);
    wordSets.set(words, set);
  }
  return set;
}

/** A name without its arguments in parentheses: `set-var(txn.x)` is `set-var`. */
function bareName(name: string): string {
  const open = name.indexOf('(');
  return open < 0 ? name : name.slice(0, open);
}

function wordsOf(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** `frontend`, `peers` and all other words that begin a section. */
export function isKnownSection(name: string): boolean {
  return proxySections.includes(name) || Object.hasOwn(sectionWords, name);
}

/**
 * Whether HAProxy knows the keyword that a line of a section begins with. Where the second word
 * chooses the keyword (`option`, `timeout`, `http-request`, ...) it counts too.
 * @param section the type of the section, for example `global` or `backend`; `bind` and `server`
 *   stand for the options of those lines
 * @param words the words of the line, without `no` or `default` in front
 */
export function isKnownKeyword(section: string, words: readonly string[]): boolean {
  const [first = '', second, third] = words;
  if (section === 'bind') return isKnownBindOption(first);
  if (section === 'server') return isKnownServerOption(first);
  if (!proxySections.includes(section)) {
    return setOf(wordsOf(sectionWords, section))?.has(first) === true;
  }
  if (!setOf(proxyWords)!.has(first)) return false;
  if (second === undefined) return true;
  const seconds = setOf(wordsOf(proxySecondWords, first));
  if (seconds !== null && !seconds.has(bareName(second))) return false;
  if (actionWords[first] !== undefined) return isKnownAction(first, second);
  const ruleset = `${first} ${second}`;
  if (third === undefined || actionWords[ruleset] === undefined) return true;
  return isKnownAction(ruleset, third);
}

/**
 * The names that may begin a line of a section (or an option, for `bind` and `server`), for
 * suggestions. Families of names (`set-var*`) are left out.
 */
export function knownKeywords(section: string): readonly string[] {
  const text = proxySections.includes(section)
    ? proxyWords
    : section === 'bind'
      ? bindWords
      : section === 'server'
        ? serverWords
        : (wordsOf(sectionWords, section) ?? '');
  return text.split(/\s+/).filter((word) => word !== '' && !word.endsWith('*'));
}

/** A sample fetch function (7.3); ACL keywords such as `path_beg` are none. */
export function isKnownFetch(name: string): boolean {
  return setOf(fetchWords)!.has(bareName(name));
}

/** An ACL keyword that carries its match method, such as `path_beg`. */
export function isKnownAclKeyword(name: string): boolean {
  return setOf(aclWords)!.has(bareName(name));
}

export function isKnownConverter(name: string): boolean {
  return setOf(converterWords)!.has(bareName(name));
}

/**
 * An action of the matrix in 4.3, or one that a Lua script would register.
 * @param ruleset as it is written: `http-request`, `tcp-request content`, ...
 * @param name as configured, with its argument in parentheses if there is one
 */
export function isKnownAction(ruleset: string, name: string): boolean {
  if (name.startsWith('lua.') && actionWords[ruleset] !== undefined) return true;
  return setOf(wordsOf(actionWords, ruleset))?.has(bareName(name)) === true;
}

export function isKnownBindOption(name: string): boolean {
  return setOf(bindWords)!.has(name);
}

export function isKnownServerOption(name: string): boolean {
  return setOf(serverWords)!.has(bareName(name));
}

export function isKnownCrtListOption(name: string): boolean {
  return setOf(crtListWords)!.has(name);
}

export function isKnownFilter(name: string): boolean {
  return setOf(filterWords)!.has(name);
}

/** The commands of a worker's Runtime API, each the words that begin it (management.txt 9.3). */
export const knownCommands: readonly string[] = commandWords
  .trim()
  .split('\n')
  .map((line) => line.trim());
