/**
 * Rules whose answer the control thread makes: `use-service` (configuration.txt 4.4), and the statistics
 * page (4.2 `stats`), which has two stages of its own. In the first, a request for another target leaves
 * at once and the others meet the `stats http-request` rules; in the second, whoever is left is served.
 *
 * @dataplane
 */
import { Method } from '../../http/method.ts';
import { pathStart } from '../../http/uri.ts';
import type { ConditionConfig } from '../../model/config.ts';
import { Bytes } from '../../model/runtime.ts';
import { mem } from '../../sys/arena.ts';
import { compileCondition } from '../condition.ts';
import { type Action, type Condition, type RuleContext, Verdict } from '../context.ts';

const SLASH = 0x2f;

export interface StatsUriArgs {
  uri: string;
}

export interface StatsPageArgs {
  admins: ConditionConfig[];
}

/** What a rule with the verdict Serve has asked for. */
export class Served {
  /** Row of the table of services. */
  service: string;
  /** Whether `stats admin` allows changes. */
  admin: boolean;

  constructor() {
    this.service = '';
    this.admin = false;
  }
}

export const served = new Served();

/** What logs show in place of a server. */
const statsName = new Bytes('<STATS>');

/** `stats uri`: any target that begins so is for the page. */
function compileUri(args: unknown): Action {
  const prefix = new Bytes((args as StatsUriArgs).uri);
  return (ctx) => {
    if (ctx.stream === null || !isForPage(ctx, prefix)) return Verdict.Allow;
    ctx.stream.applet = statsName;
    return Verdict.Continue;
  };
}

function isForPage(ctx: RuleContext, prefix: Bytes): boolean {
  const msg = ctx.request;
  if (msg === null) return false;
  const { method } = msg;
  if (method !== Method.Get && method !== Method.Head && method !== Method.Post) return false;
  const end = msg.uriOff + msg.uriLen;
  // The target of a request to a proxy has a host in front.
  const isPath = mem[prefix.off] === SLASH;
  const at = isPath ? pathStart(msg.uriOff, msg.uriLen) : msg.uriOff;
  if (end - at < prefix.len) return false;
  for (let i = 0; i < prefix.len; i++) if (mem[at + i] !== mem[prefix.off + i]) return false;
  return true;
}

function compilePage(args: unknown): Action {
  const admins: Condition[] = (args as StatsPageArgs).admins.map(compileCondition);
  return (ctx) => {
    if (ctx.stream?.applet !== statsName) return Verdict.Continue;
    served.service = 'stats';
    served.admin = false;
    for (let i = 0; i < admins.length && !served.admin; i++) served.admin = admins[i]!(ctx);
    return Verdict.Serve;
  };
}

export interface ServiceArgs {
  service: string;
  /** What logs show in place of a server. */
  label: string;
}

/** `use-service`. */
export function compileService(args: unknown): Action {
  const call = args as ServiceArgs;
  const service = call.service;
  const name = new Bytes(call.label);
  return (ctx) => {
    if (ctx.stream !== null) ctx.stream.applet = name;
    served.service = service;
    served.admin = false;
    return Verdict.Serve;
  };
}

/** Rules that no line names. */
export const statsRows = [
  { name: 'stats-uri', compile: compileUri },
  { name: 'stats-page', compile: compilePage },
] as const;
