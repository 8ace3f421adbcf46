/**
 * The lines of the configuration, in order, for the parsers of sections.
 *
 * Pulled one by one: a `setenv` that a section parser handles is seen by the very next line. The
 * reader itself handles what stands above sections: conditional blocks and messages (configuration.txt
 * 2.4), pseudo-variables (2.3) and the shape of files (2.1). A mistake is recorded and reading goes
 * on behind it.
 */
import { ConfigError } from '../base/config-error.ts';
import { isKnownSection } from '../base/known-keywords.ts';
import { type HostResolver, setHostResolver } from '../base/value/address.ts';
import { resolveHost } from '../sys/resolve.ts';
import { type ConditionContext, ConditionError, evaluateCondition } from './conditions.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { Environment } from './environment.ts';
import { type EmptyWord, markedLine, type SplitLine, splitLine } from './lexer.ts';
import type { ConfigLine } from './line.ts';
import type { ConfigSource } from './sources.ts';

export { type ConfigSource, loadSources } from './sources.ts';

/** Where an `.if` block stands. */
const enum Branch {
  /** This branch is read. */
  Taken = 0,
  /** No branch was true so far; `.elif` and `.else` are tried. */
  Waiting = 1,
  /** A branch was read, or the block is inside one that is not: the rest is skipped. */
  Done = 2,
}

interface Block {
  branch: Branch;
  /** `.else` was seen. */
  closed: boolean;
}

interface MessageRow {
  name: string;
  record: 'diag' | 'notice' | 'warning' | 'error';
}

const messages = [
  { name: '.diag', record: 'diag' },
  { name: '.notice', record: 'notice' },
  { name: '.warning', record: 'warning' },
  { name: '.alert', record: 'error' },
] as const satisfies readonly MessageRow[];

export class ConfigReader {
  private readonly sources: readonly ConfigSource[];
  private readonly env: Environment;
  private readonly diagnostics: Diagnostics;
  private readonly condition: ConditionContext;
  /** Open `.if` blocks of the current file, innermost last. */
  private blocks: Block[] = [];
  private file = '';
  private line = 0;

  /**
   * @param sources the files in order; each begins outside of any section
   * @param env variables; the reader keeps its pseudo-variables up to date
   * @param condition what `.if` and `.elif` look at
   * @param resolve looks host names up
   */
  constructor(
    sources: readonly ConfigSource[],
    env: Environment,
    diagnostics: Diagnostics,
    condition: ConditionContext,
    resolve: HostResolver = resolveHost,
  ) {
    this.sources = sources;
    this.env = env;
    this.diagnostics = diagnostics;
    this.condition = condition;
    // Addresses are read below this layer and know no system calls; names need libc.
    setHostResolver(resolve);
  }

  /** Yields the lines that belong to sections. Errors are in the diagnostics, none is thrown. */
  *lines(): Generator<ConfigLine> {
    for (const source of this.sources) {
      this.begin(source);
      let from = 0;
      while (from < source.text.length) {
        const feed = source.text.indexOf('\n', from);
        const until = feed < 0 ? source.text.length : feed;
        const words = this.read(source.text.slice(from, until));
        if (words !== null) yield { file: this.file, line: this.line, words };
        if (feed < 0) this.reportMissingFeed(until - from);
        from = until + 1;
      }
      if (this.blocks.length > 0) this.error("non-terminated '.if' block.");
    }
  }

  private begin(source: ConfigSource): void {
    this.blocks = [];
    this.file = source.file;
    this.line = 0;
    this.env.file = source.file;
    this.env.line = 0;
    // A file cannot continue a section of the one before it (2.1, rule 7).
    this.env.section = '';
  }

  /** The words of the next line if it is for a section, otherwise null. */
  private read(text: string): string[] | null {
    this.line++;
    this.env.line = this.line;
    const nul = text.indexOf('\0');
    if (nul >= 0) {
      this.error(`Stray NUL character at position ${nul + 1}.`);
      return null;
    }
    const line = this.split(text);
    if (line === null || line.words.length === 0) return null;
    const directive = line.words[0]!.startsWith('.');
    if (line.empty !== null) this.reportEmpty(text, line.empty);
    if (directive) {
      this.directive(line.words);
      return null;
    }
    if (!this.reading()) return null;
    const words = line.empty === null ? line.words : line.words.slice(0, line.empty.index);
    if (words.length === 0) return null;
    if (isKnownSection(words[0]!)) this.env.section = sectionName(words);
    return words;
  }

  private split(text: string): SplitLine | null {
    try {
      return splitLine(text, this.env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.error(error.message);
      return null;
    }
  }

  /** Sections take an empty word for the end of the line, as HAProxy does. */
  private reportEmpty(text: string, empty: EmptyWord): void {
    this.diagnostics.warning(
      this.origin(),
      `: argument number ${empty.index} at position ${empty.position} is empty and marks the end ` +
        'of the argument list; all subsequent arguments will be ignored:\n' +
        markedLine(text, empty.position),
    );
  }

  private reading(): boolean {
    return this.blocks.every((block) => block.branch === Branch.Taken);
  }

  /** Handles a line whose first word begins with a dot. */
  private directive(words: readonly string[]): void {
    const name = words[0]!;
    if (name === '.if') this.open(words);
    else if (name === '.elif') this.alternative(words);
    else if (name === '.else') this.otherwise(words);
    else if (name === '.endif') this.close(words);
    else if (this.reading()) this.message(words);
  }

  private open(words: readonly string[]): void {
    const branch = this.reading() ? this.branchOf(words) : Branch.Done;
    this.blocks.push({ branch, closed: false });
  }

  private alternative(words: readonly string[]): void {
    const block = this.innermost('.elif');
    if (block === null) return;
    if (block.closed) {
      this.error("'.elif' after '.else' is not permitted.");
      block.branch = Branch.Done;
      return;
    }
    block.branch = block.branch === Branch.Waiting ? this.branchOf(words) : Branch.Done;
  }

  private otherwise(words: readonly string[]): void {
    const block = this.innermost('.else');
    if (block === null) return;
    this.refuseArgument(words);
    if (block.closed) {
      this.error("'.else' after '.else' is not permitted.");
      block.branch = Branch.Done;
      return;
    }
    block.closed = true;
    block.branch = block.branch === Branch.Waiting ? Branch.Taken : Branch.Done;
  }

  private close(words: readonly string[]): void {
    if (this.innermost('.endif') === null) return;
    this.refuseArgument(words);
    this.blocks.pop();
  }

  /** The block that a directive continues, or null after an error. */
  private innermost(directive: string): Block | null {
    const block = this.blocks[this.blocks.length - 1];
    if (block !== undefined) return block;
    this.error(`lone '${directive}' with no matching '.if'.`);
    return null;
  }

  private refuseArgument(words: readonly string[]): void {
    if (words.length > 1 && words[1] !== '') {
      this.error(`Unexpected argument '${words[1]}' for '${words[0]}'.`);
    }
  }

  /** Evaluates the condition of `.if` or `.elif`. */
  private branchOf(words: readonly string[]): Branch {
    const text = words.slice(1).join(' ');
    try {
      return evaluateCondition(text, this.condition) ? Branch.Taken : Branch.Waiting;
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      const line = `${words[0]} ${text}`;
      const mark = markedLine(line, words[0]!.length + 1 + error.position);
      this.error(`${error.message} in '${words[0]}' at position ${error.position}:\n${mark}`);
      // Which branch was meant is unknown: reading any would only add errors that are none.
      return Branch.Done;
    }
  }

  private message(words: readonly string[]): void {
    const row = messages.find((message) => message.name === words[0]);
    if (row === undefined) {
      this.error(`unknown directive '${words[0]}'.`);
      return;
    }
    if (words.length > 2 && words[2] !== '') {
      this.error(
        `Unexpected argument '${words[2]}' for '${words[0]}'. ` +
          'Use quotes if the message should contain spaces.',
      );
      return;
    }
    this.diagnostics[row.record](this.origin(), `: '${words[1] ?? ''}'.`);
  }

  private reportMissingFeed(lineBytes: number): void {
    this.error(
      `Missing LF on last line, file might have been truncated at position ${lineBytes + 1}.`,
    );
  }

  private error(message: string): void {
    // HAProxy puts no blank in front of the colon in what its reader of lines reports.
    this.diagnostics.error(this.origin(), `: ${message}`);
  }

  private origin(): { file: string; line: number } {
    return { file: this.file, line: this.line };
  }
}

/** `.SECTION`: the section's own name, or its type when it has none (2.3). */
function sectionName(words: readonly string[]): string {
  const [type, name] = words;
  if (name === undefined || name === '' || type === 'global') return type!;
  return type === 'defaults' && name === 'from' ? type : name;
}
