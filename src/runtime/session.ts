/**
 * One connection to the stats socket: lines in, answers out (management.txt 9.3). It knows nothing
 * of sockets, so that every rule of the dialogue can be tested with strings.
 *
 * Every answer is followed by an empty line, which is how scripts find its end. In prompt mode
 * `> ` comes after it.
 */
import { type CliState, type Level, Mode, type RuntimeSource } from './command.ts';
import { findCommand, isKnownCommand, unknownText } from './registry.ts';
import { CommandError } from './server-name.ts';
import { splitCommands } from './words.ts';

export class CliSession {
  readonly cli: CliState;
  private readonly source: RuntimeSource;
  private readonly lineBytesMax: number;
  private pending = '';

  /** @param lineBytesMax longest line (tune.bufsize) */
  constructor(source: RuntimeSource, level: Level, timeoutMs: number, lineBytesMax: number) {
    this.source = source;
    this.lineBytesMax = lineBytesMax;
    this.cli = {
      level,
      mode: Mode.NonInteractive,
      timed: false,
      timeoutMs,
      experimental: false,
      closing: false,
    };
  }

  /** Whether the connection must be closed once the answers are sent. */
  get closing(): boolean {
    return this.cli.closing;
  }

  /**
   * Takes what arrived and runs the complete lines.
   * @param text a byte string
   * @returns what to send
   */
  receive(text: string): string {
    this.pending += text;
    let answer = '';
    while (!this.cli.closing) {
      const end = this.pending.indexOf('\n');
      if (end < 0) break;
      const line = this.pending.slice(0, end);
      this.pending = this.pending.slice(end + 1);
      answer += this.runLine(line);
    }
    if (this.pending.length > this.lineBytesMax) {
      this.cli.closing = true;
      answer += `The command is longer than tune.bufsize (${this.lineBytesMax} bytes).\n\n`;
    }
    return answer;
  }

  private runLine(line: string): string {
    let answer = '';
    for (const words of splitCommands(line)) {
      if (words.length > 0) answer += this.runCommand(words);
      if (this.cli.closing) return answer;
      answer += `\n${this.promptText()}`;
    }
    if (this.cli.mode === Mode.NonInteractive) this.cli.closing = true;
    return answer;
  }

  private runCommand(words: string[]): string {
    const { cli, source } = this;
    source.info.cli.requests++;
    const found = findCommand(words);
    if (found === null) {
      const known = isKnownCommand(words);
      if (known !== null) return `'${known}' is not supported yet by sluice.\n`;
      return unknownText(words, cli);
    }
    if (found.command.isExperimental === true && !cli.experimental) {
      return 'This command is restricted to experimental mode only.\n';
    }
    if (found.command.level > cli.level) return 'Permission denied\n';
    try {
      return found.command.run({ source, cli, args: found.args });
    } catch (error) {
      // Whoever calls would swallow it, and the client wait for its timeout.
      const isFault = !(error instanceof CommandError);
      return `${isFault ? 'Internal error: ' : ''}${(error as Error).message}\n`;
    }
  }

  private promptText(): string {
    if (this.cli.mode !== Mode.Prompt) return '';
    return this.cli.timed ? `[${this.uptime()}]> ` : '> ';
  }

  /** `d:hh:mm:ss` */
  private uptime(): string {
    const { info, nowMs } = this.source;
    const seconds = Math.max(0, Math.floor((nowMs() - info.startMs) / 1000));
    const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
    const hours = two((seconds % 86400) / 3600);
    return `${Math.floor(seconds / 86400)}:${hours}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`;
  }
}
