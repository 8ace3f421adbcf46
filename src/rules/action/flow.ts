/** Rows of the actions that steer the evaluation, the log and the status (configuration.txt 4.4). */
import { ConfigError } from '../../base/config-error.ts';
import { reasonText, STATUS_MAX, STATUS_MIN } from '../../http/status.ts';
import { StreamFlag } from '../../model/stream.ts';
import { Verdict } from '../context.ts';
import { reserveText, strictness } from './edit.ts';
import {
  type ActionRow,
  CONTENT,
  EVERY,
  REQUEST,
  REQUEST_RESPONSE,
  RESPONSES,
  TCP,
} from './row.ts';
import { requireWords, startsCondition } from './words.ts';

interface StatusArgs {
  status: number;
  reason: string;
}

interface LevelArgs {
  level: number;
}

interface StrictArgs {
  soft: boolean;
}

/** Index = syslog severity. */
const levels = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
const SILENT = -1;

/** An action without arguments: whatever follows is taken for a condition. */
const parseNothing: ActionRow['parse'] = (words) => ({ args: null, rest: words.slice() });

interface DropArgs {
  /** Hops that the reset may go; 0 = it is not sent at all where the system allows that. */
  resetTtl: number;
}

const TTL_MAX = 255;

export const flowActions = [
  {
    name: 'accept',
    rulesets: TCP,
    args: '',
    doc: 'ends the ruleset and lets the connection or its bytes pass',
    parse: parseNothing,
    compile: () => () => Verdict.Allow,
  },
  {
    name: 'allow',
    rulesets: EVERY,
    args: '',
    doc: 'ends the ruleset and lets the message pass',
    parse: parseNothing,
    compile: () => () => Verdict.Allow,
  },
  {
    name: 'close',
    rulesets: ['tcp-response content'],
    args: '',
    doc: "closes the server's connection at once, and with it the client's",
    parse: parseNothing,
    compile: () => () => Verdict.Close,
  },
  {
    name: 'reject',
    rulesets: [...TCP, ...REQUEST],
    args: '',
    doc: 'closes the connection without an answer',
    parse: parseNothing,
    compile: () => () => Verdict.Drop,
  },
  {
    name: 'disable-l7-retry',
    rulesets: REQUEST,
    args: '',
    doc: 'never sends the request again for what retry-on says of its answer',
    parse: parseNothing,
    compile: () => (ctx) => {
      if (ctx.stream !== null) ctx.stream.flags |= StreamFlag.NoRetry;
      return Verdict.Continue;
    },
  },
  {
    name: 'set-log-level',
    rulesets: [...CONTENT, ...EVERY],
    args: '<level>',
    doc: 'sets the level of the log line, or "silent" for none',
    parse(words) {
      const expected = "expects exactly 1 argument (log level name or 'silent')";
      const [name] = requireWords(words, 1, expected) as [string];
      const level = name === 'silent' ? SILENT : levels.indexOf(name);
      if (level === -1 && name !== 'silent') throw new ConfigError(expected);
      const args: LevelArgs = { level };
      return { args, rest: words.slice(1) };
    },
    compile(args) {
      const { level } = args as LevelArgs;
      return (ctx) => {
        if (ctx.stream !== null) ctx.stream.logLevel = level;
        return Verdict.Continue;
      };
    },
  },
  {
    name: 'set-status',
    rulesets: RESPONSES,
    args: '<status> [ reason <str> ]',
    doc: 'sets status and reason of the response',
    parse(words) {
      const expected = 'expects 1 argument: <status>; or 3 arguments: <status> reason <fmt>';
      const [text] = requireWords(words, 1, expected) as [string];
      const status = /^\d{1,9}$/.test(text) ? Number(text) : 0;
      if (status < STATUS_MIN || status > STATUS_MAX) {
        throw new ConfigError(
          `expects an integer status code between ${STATUS_MIN} and ${STATUS_MAX}`,
        );
      }
      if (status < 200) {
        throw new ConfigError(
          `${status} announces that another response follows; set 200 or above`,
        );
      }
      const args: StatusArgs = { status, reason: reasonText(status) };
      if (words[1] !== 'reason') return { args, rest: words.slice(1) };
      const reason = words[2];
      if (!reason || startsCondition(reason)) throw new ConfigError(expected);
      if (/[\x00-\x08\x0a-\x1f\x7f]/.test(reason)) {
        throw new ConfigError('the reason must not contain control characters');
      }
      args.reason = reason;
      return { args, rest: words.slice(3) };
    },
    compile(args) {
      const { status, reason } = args as StatusArgs;
      const reasonOff = reserveText(reason);
      const reasonLen = reason.length;
      return (ctx) => {
        const msg = ctx.response;
        if (msg === null) return Verdict.Continue;
        msg.status = status;
        msg.reasonOff = reasonOff;
        msg.reasonLen = reasonLen;
        return Verdict.Continue;
      };
    },
  },
  {
    name: 'silent-drop',
    rulesets: [...TCP, ...REQUEST_RESPONSE],
    args: '[ rst-ttl <ttl> ]',
    doc: 'makes the connection disappear without telling the client',
    parse(words) {
      const args: DropArgs = { resetTtl: 0 };
      if (words[0] !== 'rst-ttl') return { args, rest: words.slice() };
      const text = words[1] ?? '';
      if (text === '') throw new ConfigError('missing rst-ttl value');
      args.resetTtl = /^\d{1,9}$/.test(text) ? Number(text) : 0;
      if (args.resetTtl < 1 || args.resetTtl > TTL_MAX) {
        throw new ConfigError(`valid rst-ttl values are [1-${TTL_MAX}]`);
      }
      return { args, rest: words.slice(2) };
    },
    compile(args) {
      const { resetTtl } = args as DropArgs;
      return (ctx) => {
        ctx.dropSilently = true;
        ctx.dropTtl = resetTtl;
        return Verdict.Drop;
      };
    },
  },
  {
    name: 'strict-mode',
    rulesets: EVERY,
    args: '{ on | off }',
    doc: 'decides whether a rewrite that fails is an error',
    parse(words) {
      const [mode] = requireWords(words, 1, 'expects exactly 1 arguments') as [string];
      if (mode !== 'on' && mode !== 'off') {
        throw new ConfigError(`Unexpected value '${mode}'. Only 'on' and 'off' are supported`);
      }
      const args: StrictArgs = { soft: mode === 'off' };
      return { args, rest: words.slice(1) };
    },
    compile(args) {
      const { soft } = args as StrictArgs;
      return () => {
        strictness.soft = soft;
        return Verdict.Continue;
      };
    },
  },
] as const satisfies readonly ActionRow[];
