/**
 * The configuration files named on the command line (management.txt 3, `-f` and `--`): files, and
 * folders whose visible `*.cfg` files are taken in byte order.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { errnoText } from '../sys/errno.ts';
import { toByteString } from './byte-string.ts';
import type { Diagnostics } from './diagnostics.ts';

/** One file, read completely: the lines must not change while they are being parsed. */
export interface ConfigSource {
  /** The name for messages and `.FILE`, a byte string. */
  file: string;
  /** The bytes of the file, a byte string. */
  text: string;
}

/**
 * Reads the files and folders in the order given. What cannot be read becomes an error and the
 * others are read all the same.
 * @param paths as given on the command line
 */
export function loadSources(paths: readonly string[], diagnostics: Diagnostics): ConfigSource[] {
  const sources: ConfigSource[] = [];
  for (const path of paths) {
    for (const file of listFiles(path, diagnostics)) {
      try {
        sources.push({ file: toByteString(file), text: readFileSync(file, 'latin1') });
      } catch (error) {
        const reason = systemReason(error);
        diagnostics.error(
          null,
          `Could not open configuration file ${toByteString(file)} : ${reason}`,
        );
      }
    }
  }
  return sources;
}

function listFiles(path: string, diagnostics: Diagnostics): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const folder = path.endsWith('/') ? path : `${path}/`;
    return readdirSync(path)
      .filter((name) => name.endsWith('.cfg') && !name.startsWith('.'))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((name) => folder + name)
      .filter((file) => isFile(file, diagnostics));
  } catch (error) {
    refuse(`file/directory ${toByteString(path)}`, error, diagnostics);
    return [];
  }
}

/** Links count as what they point to; one that points nowhere is an error. */
function isFile(path: string, diagnostics: Diagnostics): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    refuse(`file ${toByteString(path)}`, error, diagnostics);
    return false;
  }
}

function refuse(what: string, error: unknown, diagnostics: Diagnostics): void {
  diagnostics.error(null, `Cannot open configuration ${what} : ${systemReason(error)}`);
}

function systemReason(error: unknown): string {
  const code = (error as { errno?: number }).errno;
  return code === undefined ? String(error) : errnoText(Math.abs(code));
}
