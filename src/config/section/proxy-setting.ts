/** Parsers of the proxy keywords that set one or a few fields (4.2); their rows are in proxy.ts. */
import { ConfigError } from '../../base/config-error.ts';
import { Reuse } from '../../model/config.ts';
import { appendBinds, parseBindWords } from './bind.ts';
import type { ProxyDraft } from './draft.ts';
import { type KeywordLine, Sign } from './keyword.ts';
import { parseLogTarget } from './log.ts';
import { delayMs, integer, leadingInteger, refuseExtra, sectionName, tightError } from './words.ts';

const LARGEST = 2147483647;

type NumberField = 'maxconn' | 'fullconn' | 'backlog' | 'clitcpkaCnt' | 'srvtcpkaCnt';

export function setCount(field: NumberField): (draft: ProxyDraft, line: KeywordLine) => void {
  return (draft, line) => {
    const [name, word] = line.words;
    const value = leadingInteger(word, name!, line);
    if (value === null) throw new ConfigError(`'${name}' expects an integer argument.`);
    if (value < 0 || value > LARGEST) {
      throw new ConfigError(`'${name}' expects a positive integer argument.`);
    }
    refuseExtra(line.words, 1);
    draft.config[field] = value;
  };
}

/** 4.2 "rate-limit sessions". */
export function parseRateLimit(draft: ProxyDraft, line: KeywordLine): void {
  const [, what = '', word] = line.words;
  if (what !== 'sessions') {
    throw new ConfigError(`'rate-limit' only supports 'sessions' (got '${what}')`);
  }
  if (word === undefined) {
    throw new ConfigError("'rate-limit sessions' expects an integer value (in sessions/second)");
  }
  const value = integer(word);
  if (value === null || value < 0 || value > LARGEST) {
    const bad = /[^0-9]/.exec(word)?.[0] ?? '';
    throw new ConfigError(
      `'rate-limit sessions' : unexpected character '${bad}' in integer value '${word}'`,
    );
  }
  refuseExtra(line.words, 1, 2);
  draft.config.sessionRateMax = value;
}

/** 4.2 max-keep-alive-queue. */
export function parseKeepAliveQueue(draft: ProxyDraft, line: KeywordLine): void {
  const [name, word = ''] = line.words;
  if (word === '') {
    throw new ConfigError(`'${name}' expects expects an integer value (or -1 to disable)`);
  }
  const value = word === '-1' ? -1 : integer(word);
  if (value === null || value > LARGEST) {
    const bad = /[^0-9]/.exec(word)?.[0] ?? '';
    throw new ConfigError(`'${name}' : unexpected character '${bad}' in integer value '${word}'`);
  }
  refuseExtra(line.words, 1);
  draft.config.keepAliveQueueMax = value;
}

export function parseKeepaliveCount(field: 'clitcpkaCnt' | 'srvtcpkaCnt') {
  return (draft: ProxyDraft, line: KeywordLine): void => {
    const [name, word] = line.words;
    if (word === undefined) throw new ConfigError(`'${name}' expects an integer value.`);
    const value = integer(word);
    if (value === null || value < 0 || value > LARGEST) {
      const bad = /[^0-9]/.exec(word)?.[0] ?? '';
      throw new ConfigError(`'${name}' : unexpected character '${bad}' in integer value '${word}'`);
    }
    refuseExtra(line.words, 1);
    draft.config[field] = value;
  };
}

type KeepaliveField = 'clitcpkaIdleMs' | 'clitcpkaIntvlMs' | 'srvtcpkaIdleMs' | 'srvtcpkaIntvlMs';

/** 4.2 "clitcpka-idle": a delay whose default unit is the second, as the kernel's option. */
export function parseKeepaliveDelay(field: KeepaliveField) {
  return (draft: ProxyDraft, line: KeywordLine): void => {
    const [name, word] = line.words;
    if (word === undefined) throw new ConfigError(`'${name}' expects <timeout> as argument.`);
    draft.config[field] = delayMs(word, name!, line, 's');
    refuseExtra(line.words, 1);
  };
}

export function parseHttpReuse(draft: ProxyDraft, line: KeywordLine): void {
  const modes: Record<string, Reuse> = {
    never: Reuse.Never,
    safe: Reuse.Safe,
    aggressive: Reuse.Aggressive,
    always: Reuse.Always,
  };
  const mode = modes[line.words[1] ?? ''];
  if (mode === undefined) {
    throw new ConfigError("'http-reuse' only supports 'never', 'safe', 'aggressive', 'always'.");
  }
  refuseExtra(line.words, 1);
  draft.config.reuse = mode;
}

export function parseId(draft: ProxyDraft, line: KeywordLine): void {
  const word = line.words[1];
  if (word === undefined) throw tightError("'id' expects an integer argument.");
  const id = leadingInteger(word, 'id', line);
  if (id === null || id <= 0 || id > LARGEST) throw tightError('custom id has to be > 0.');
  refuseExtra(line.words, 1);
  const other = line.state.proxies.find(
    (proxy) => proxy !== draft && proxy.idGiven && proxy.config.id === id,
  );
  if (other !== undefined) {
    throw tightError(
      `${sectionName(draft)} ${draft.name} reuses same custom id as ${sectionName(other)} ` +
        `${other.name} ` +
        `(declared at ${other.origin.file}:${other.origin.line}).`,
    );
  }
  draft.config.id = id;
  draft.idGiven = true;
}

export function parseMode(draft: ProxyDraft, line: KeywordLine): void {
  const mode = line.words[1] ?? '';
  if (mode === 'health') {
    throw new ConfigError(
      "'mode health' doesn't exist anymore. Please use 'http-request return status 200' instead.",
    );
  }
  if (mode === 'log' || mode === 'spop') {
    throw new ConfigError(`'mode ${mode}' is not supported yet by sluice`);
  }
  if (mode !== 'tcp' && mode !== 'http') throw new ConfigError(`unknown proxy mode '${mode}'.`);
  refuseExtra(line.words, 1);
  draft.config.mode = mode;
}

export function parseLog(draft: ProxyDraft, line: KeywordLine): void {
  const words = line.words.slice(1);
  if (line.sign !== Sign.Set) {
    if (words.length > 0) throw new ConfigError("log : 'no log' does not expect arguments");
    draft.logSources = [];
    return;
  }
  if (words.length === 0) {
    throw new ConfigError('log : expects <address> and <facility> or global as arguments');
  }
  if (words[0] === 'global' && words.length === 1) {
    if (draft.logSources.some((source) => source.target === null)) return;
    draft.logSources.push({ target: null, formatGiven: false });
    return;
  }
  draft.logSources.push(parseLogTarget(words, line.origin, line.state.env));
}

export function parseBind(draft: ProxyDraft, line: KeywordLine): void {
  const address = line.words[1];
  if (address === undefined) {
    throw new ConfigError(
      "'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.",
    );
  }
  const parsed = parseBindWords(
    line.words.slice(1),
    { address: "'bind'", options: `'bind ${address}' in section '${draft.section}'` },
    line.origin,
    line.state,
  );
  if (parsed.idGiven) refuseSameBindId(draft, parsed.binds[0]!.id, parsed.subject);
  appendBinds(draft.config.binds, parsed);
  for (const _ of parsed.binds) draft.bindIdGiven.push(parsed.idGiven);
}

function refuseSameBindId(draft: ProxyDraft, id: number, subject: string): void {
  const other = draft.config.binds.find(
    (bind, index) => draft.bindIdGiven[index] && bind.id === id,
  );
  if (other === undefined) return;
  throw new ConfigError(
    `${subject} : 'id' : custom id ${id} already used at ${other.file}:${other.line} ` +
      `('bind ${other.address.text}')`,
  );
}

export function setText(field: 'logTag' | 'uniqueIdHeader', missing: string) {
  return (draft: ProxyDraft, line: KeywordLine): void => {
    const text = line.words[1];
    if (text === undefined || text === '') throw new ConfigError(missing);
    refuseExtra(line.words, 1);
    draft.config[field] = text;
  };
}

export function setDisabled(disabled: boolean) {
  return (draft: ProxyDraft, line: KeywordLine): void => {
    refuseExtra(line.words, 0);
    draft.config.disabled = disabled;
  };
}

export function parseRetries(draft: ProxyDraft, line: KeywordLine): void {
  const retries = leadingInteger(line.words[1], 'retries', line);
  if (retries === null) {
    throw new ConfigError("'retries' expects an integer argument (dispatch counts for one).");
  }
  if (retries < 0 || retries > LARGEST) {
    throw new ConfigError("'retries' expects a positive integer argument.");
  }
  refuseExtra(line.words, 1);
  draft.config.retries = retries;
}

export function parseDescription(draft: ProxyDraft, line: KeywordLine): void {
  if (line.words.length < 2) throw tightError("'description' expects a string argument.");
  draft.config.description = line.words.slice(1).join(' ');
}
