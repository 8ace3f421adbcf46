/**
 * Messages on stderr as HAProxy prints them during start-up and afterwards:
 * `[ALERT]    (pid) : text`. Two notices with the version and the path of the program come before
 * the first of them, so that a log of a failed start says what was started.
 */
import { existsSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sluiceVersion } from '../config/version.ts';

export type Level = 'ALERT' | 'WARNING' | 'NOTICE' | 'DIAG';

export interface ConsoleOptions {
  /** `-q`, `quiet`, and a daemon after its start: nothing is printed unless `verbose`. */
  quiet: boolean;
  verbose: boolean;
}

export class Console {
  quiet: boolean;
  verbose: boolean;
  /** Warnings so far, those that `quiet` kept back too. */
  warnings = 0;
  private introduced = false;
  private readonly fd: number;

  constructor(options: ConsoleOptions, fd = 2) {
    this.quiet = options.quiet;
    this.verbose = options.verbose;
    this.fd = fd;
  }

  alert(text: string): void {
    this.print('ALERT', text);
  }

  warning(text: string): void {
    this.print('WARNING', text);
  }

  notice(text: string): void {
    this.print('NOTICE', text);
  }

  /** The start is over: messages no longer need an introduction. */
  started(): void {
    this.introduced = true;
  }

  /** Prints a line that already has its prefix. */
  line(text: string): void {
    if (text.startsWith('[WARNING]')) this.warnings++;
    if (this.quiet && !this.verbose) return;
    this.introduce();
    this.write(text);
  }

  private print(level: Level, text: string): void {
    this.line(formatMessage(level, process.pid, text));
  }

  private introduce(): void {
    if (this.introduced) return;
    this.introduced = true;
    const pid = process.pid;
    this.write(formatMessage('NOTICE', pid, `sluice version is ${sluiceVersion}`));
    this.write(formatMessage('NOTICE', pid, `path to executable is ${programPath()}`));
  }

  private write(line: string): void {
    try {
      // Lines are byte strings, as the configuration is.
      writeSync(this.fd, Buffer.from(`${line}\n`, 'latin1'));
    } catch {
      // A closed stderr must not end a proxy.
    }
  }
}

/** @returns `[ALERT]    (pid) : text`, levels padded to one width. */
export function formatMessage(level: Level, pid: number, text: string): string {
  return `${`[${level}]`.padEnd(10)} (${pid}) : ${text}`;
}

/** The program is one executable file, made by `npm run release`. */
export const isOneFile = Bun.main.startsWith('/$bunfs/');

/** The program as an administrator knows it: the launcher's script or the single executable. */
export function programPath(): string {
  if (isOneFile) return process.execPath;
  const launcher = join(dirname(Bun.main), '../bin/sluice');
  return existsSync(launcher) ? launcher : Bun.main;
}
