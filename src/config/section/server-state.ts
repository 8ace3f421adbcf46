/**
 * Where the states of servers before a restart are read from (configuration.txt 3.1
 * server-state-base, server-state-file; 4.2 load-server-state-from-file, server-state-file-name).
 */
import { ConfigError } from '../../base/config-error.ts';
import type { GlobalConfig } from '../../model/config.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine, KeywordRow } from './keyword.ts';
import { refuseExtra } from './words.ts';

function setOnce(field: 'serverStateBase' | 'serverStateFile', missing: string) {
  return (global: GlobalConfig, line: KeywordLine): void => {
    const [name, value] = line.words;
    if (global[field] !== null) {
      throw new ConfigError(`'${name}' already specified. Continuing.`);
    }
    if (value === undefined || value === '') throw new ConfigError(`'${name}' ${missing}`);
    refuseExtra(line.words, 1);
    global[field] = value;
  };
}

export const serverStateKeywords: readonly KeywordRow<GlobalConfig>[] = [
  {
    name: 'server-state-base',
    args: '<directory>',
    doc: 'Folder of server state files with a relative name.',
    parse: setOnce('serverStateBase', 'expects one argument: a directory path.'),
  },
  {
    name: 'server-state-file',
    args: '<file>',
    doc: 'File of load-server-state-from-file global.',
    parse: setOnce('serverStateFile', 'expect one argument: a file path.'),
  },
];

/** 4.2 load-server-state-from-file. */
export function parseServerState(draft: ProxyDraft, line: KeywordLine): void {
  const [name, word = ''] = line.words;
  if (word !== 'none' && word !== 'global' && word !== 'local') {
    throw new ConfigError(`'${name}' expects 'global', 'local' or 'none'. Got '${word}'`);
  }
  refuseExtra(line.words, 1);
  draft.config.serverState = word;
}

/** 4.2 server-state-file-name. */
export function parseServerStateName(draft: ProxyDraft, line: KeywordLine): void {
  const word = line.words[1] ?? '';
  refuseExtra(line.words, 1);
  draft.config.serverStateName = word === '' || word === 'use-backend-name' ? null : word;
}
