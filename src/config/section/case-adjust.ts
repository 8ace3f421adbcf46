/** `h1-case-adjust` and `h1-case-adjust-file` of the global section (3.1). */
import { ConfigError } from '../../base/config-error.ts';
import type { GlobalConfig } from '../../model/config.ts';
import type { KeywordLine } from './keyword.ts';
import { prefixed, refuseExtra } from './words.ts';

export function parseCaseAdjust(global: GlobalConfig, line: KeywordLine): void {
  const [, from, to] = line.words;
  if (from === undefined || to === undefined) {
    throw new ConfigError("'h1-case-adjust' expects <from> and <to> as argument.");
  }
  refuseExtra(line.words, 2);
  addCaseAdjust(global.h1CaseAdjust, from, to);
}

function addCaseAdjust(map: Record<string, string>, from: string, to: string): void {
  if (from.toLowerCase() !== to.toLowerCase()) {
    throw new ConfigError('<from> and <to> must not differ except the case');
  }
  if (from !== from.toLowerCase()) throw new ConfigError('<from> must be in lower case');
  if (Object.hasOwn(map, from)) throw new ConfigError(`duplicate entry '${from}'`);
  map[from] = to;
}

export function parseCaseAdjustFile(global: GlobalConfig, line: KeywordLine): void {
  const file = line.words[1];
  if (file === undefined) {
    throw new ConfigError("'h1-case-adjust-file' expects <file> as argument.");
  }
  refuseExtra(line.words, 1);
  const content = line.state.readBytes(file, line.origin);
  if (content === null) throw new ConfigError(`failed to open h1-case-adjust file '${file}'`);
  const map: Record<string, string> = {};
  for (const [index, raw] of content.split('\n').entries()) {
    const row = raw.trim();
    if (row === '' || row.startsWith('#')) continue;
    const [from, to, extra] = row.split(/[ \t]+/);
    prefixed(`h1-case-adjust-file '${file}' line ${index + 1} : `, () => {
      if (to === undefined || extra !== undefined) {
        throw new ConfigError('expects two header names');
      }
      addCaseAdjust(map, from!, to);
    });
  }
  // 3.1: when the directive is repeated only the last file counts.
  Object.assign(global.h1CaseAdjust, map);
}
