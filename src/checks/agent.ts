/**
 * Agent checks (configuration.txt 5.2 agent-check): a program on the server's side answers each
 * connection with one line of words about weight, limit, administrative and operating state.
 */
import type { AgentConfig, CheckRulesetConfig } from '../model/config.ts';
import { AdminFlag } from '../model/shared.ts';
import { type MatchResult, wait } from './outcome.ts';
import { answerStep, connectStep, mismatch, type ProtocolRow, sendStep } from './protocol/row.ts';
import { CheckStatus } from './result.ts';

/** One success or failure is enough. */
export const agentRiseFall = { rise: 1, fall: 1 } as const;

const WEIGHT_MAX = 256;

export function agentRuleset(agent: AgentConfig): CheckRulesetConfig {
  const send = agent.send === null ? [] : [sendStep(0, agent.send)];
  const steps = [connectStep(1), ...send, answerStep(2, 'agent')];
  return { kind: 'agent-check', steps, disableOn404: false, external: null };
}

/** The line that an agent answers with; it ends at the first CR or LF. */
export const agentAnswer: ProtocolRow = {
  name: 'agent',
  examine(bytes, isLast, number): MatchResult {
    const [, line, end] = /^([^\r\n]*)([\r\n]?)/.exec(Buffer.from(bytes).toString('latin1'))!;
    if (end !== '') return { kind: 'match', info: line! };
    if (!isLast) return wait;
    if (bytes.length > 0) {
      return mismatch(CheckStatus.Checked, 'Ignoring incomplete line from agent');
    }
    const info = `TCPCHK got an empty response at step ${number}`;
    return mismatch(CheckStatus.Layer7Response, info);
  },
};

/** What an agent's line says; null = nothing about that. */
export interface AgentWords {
  status: CheckStatus;
  /** As `last_agt` shows it. */
  info: string;
  /** `AdminFlag` bits. */
  admin: number | null;
  weight: number | null;
  maxconn: number | null;
}

const admins: Readonly<Record<string, number>> = {
  ready: 0,
  drain: AdminFlag.Drain,
  maint: AdminFlag.Maintenance,
};
const downs = ['down', 'stopped', 'fail'];

/**
 * @param initialWeight that of the server line, for percentages
 * @param isFixed the weight may only be that one or 0 (5.2: static algorithms)
 */
export function readAgentLine(line: string, initialWeight: number, isFixed = false): AgentWords {
  const said: AgentWords = {
    status: CheckStatus.Checked,
    info: '',
    admin: null,
    weight: null,
    maxconn: null,
  };
  let problem = '';
  const hash = /(?:^|[ \t,])#/.exec(line);
  const description = hash === null ? '' : line.slice(hash.index + hash[0].length).trim();
  const words = (hash === null ? line : line.slice(0, hash.index)).split(/[ \t,]+/);
  for (const word of words.filter((text) => text !== '')) {
    const lower = word.toLowerCase();
    const [, limit] = /^maxconn:(.*)$/s.exec(lower) ?? [];
    const [, weight = /^\d+%$/.test(word) ? word : undefined] = /^weight:(.*)$/s.exec(lower) ?? [];
    if (lower in admins) said.admin = admins[lower]!;
    else if (lower === 'up' || downs.includes(lower)) {
      said.status = lower === 'up' ? CheckStatus.Layer7Ok : CheckStatus.Layer7Status;
      said.info = `via agent : ${word}${description === '' ? '' : ` (${description})`}`;
    } else if (weight !== undefined) {
      const read = readWeight(weight, initialWeight, isFixed);
      if (typeof read === 'number') said.weight = read;
      else problem ||= `agent warns : ${read}`;
    } else if (limit !== undefined) {
      if (/^\d{1,9}$/.test(limit)) said.maxconn = Number(limit);
      else problem ||= 'agent warns : maxconn string empty or preceded by garbage';
    } else problem ||= `agent reports an error : ${word}`;
  }
  return said.info === '' ? { ...said, info: problem } : said;
}

/**
 * `75%` of the initial weight, or a weight. @returns what is wrong instead.
 * @param isFixed only the initial weight and 0 are possible
 */
export function readWeight(text: string, initial: number, isFixed: boolean): number | string {
  const [, digits, percent, rest] = /^(-?\d{1,9})(%?)(.*)$/s.exec(text) ?? [];
  if (digits === undefined) return 'Empty weight string empty or preceded by garbage';
  if (rest !== '') return 'Trailing garbage in weight string';
  const number = Number(digits);
  const isRelative = percent === '%';
  if (number < 0 || (!isRelative && number > WEIGHT_MAX)) {
    return 'Absolute weight can only be between 0 and 256 inclusive.';
  }
  const part = Math.min(WEIGHT_MAX, Math.floor((initial * number) / 100));
  const weight = isRelative ? part : number;
  if (isFixed && weight !== 0 && weight !== initial) {
    return "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.";
  }
  return weight;
}
