/**
 * `monitor-uri` and `monitor fail` (configuration.txt 4.2): a probe asks whether the service works, and
 * the proxy answers in its place. A rule in front of all others, which leaves no line in the log.
 *
 * @dataplane
 */
import { prepareErrorPage } from '../../http/error-page.ts';
import { pathStart } from '../../http/uri.ts';
import type { ConditionConfig } from '../../model/config.ts';
import { Bytes } from '../../model/runtime.ts';
import { mem } from '../../sys/arena.ts';
import { compileCondition } from '../condition.ts';
import { type Action, type Condition, type RuleContext, Verdict } from '../context.ts';

const SLASH = 0x2f;
const WORKS = 200;
const FAILS = 503;
const SILENT = -1;

export interface MonitorArgs {
  uri: string;
  fails: ConditionConfig[];
}

function isAsked(ctx: RuleContext, uri: Bytes): boolean {
  const msg = ctx.request;
  if (msg === null) return false;
  const end = msg.uriOff + msg.uriLen;
  // One that begins with a slash stands for the target without scheme and host.
  const isPath = mem[uri.off] === SLASH;
  const at = isPath ? pathStart(msg.uriOff, msg.uriLen) : msg.uriOff;
  if (end - at !== uri.len) return false;
  for (let i = 0; i < uri.len; i++) if (mem[at + i] !== mem[uri.off + i]) return false;
  return true;
}

function compileMonitor(args: unknown): Action {
  const uri = new Bytes((args as MonitorArgs).uri);
  const fails: Condition[] = (args as MonitorArgs).fails.map(compileCondition);
  return (ctx) => {
    if (!isAsked(ctx, uri)) return Verdict.Continue;
    let status = WORKS;
    for (let i = 0; i < fails.length && status === WORKS; i++) if (fails[i]!(ctx)) status = FAILS;
    if (ctx.stream !== null) ctx.stream.logLevel = SILENT;
    return prepareErrorPage(ctx, status) ? Verdict.Reply : Verdict.Fail;
  };
}

/** A rule that no line names. */
export const monitorRows = [{ name: 'monitor', compile: compileMonitor }] as const;
