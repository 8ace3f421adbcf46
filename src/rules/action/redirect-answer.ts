/**
 * The answer of a redirection (configuration.txt 4.2 `redirect`): 30x without a body, `location`,
 * `cache-control` for codes that a browser must not remember, and an optional cookie.
 *
 * The location is put together in the response's scratch before the message is emptied, because it
 * may be made from the response that it replaces.
 *
 * @dataplane
 */
import { FieldId, fieldNameOff } from '../../http/field.ts';
import { Col, type HttpMessage, ROW } from '../../http/message.ts';
import { addContentLength, beginReply, endReply } from '../../http/reply.ts';
import { pathEnd, pathStart, queryMark } from '../../http/uri.ts';
import type { LogFormatConfig } from '../../model/config.ts';
import { Bytes } from '../../model/runtime.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import { type RuleContext, Verdict } from '../context.ts';
import { compileLogFormat, type LogFormatWriter } from '../log-format.ts';
import { Assembly } from './assembly.ts';
import { made, makeValue } from './edit.ts';

export const enum RedirectKind {
  Location = 0,
  Prefix = 1,
  Scheme = 2,
}

export const enum RedirectFlag {
  DropQuery = 1,
  AppendSlash = 2,
  IgnoreEmpty = 4,
  KeepQuery = 8,
  /** A prefix of exactly "/": nothing stands in front of the path. */
  SamePath = 16,
}

export interface RedirectArgs {
  response: boolean;
  kind: RedirectKind;
  flags: number;
  code: number;
  format: LogFormatConfig;
  cookie: LogFormatConfig | null;
}

const SLASH = 0x2f;
const QUESTION = 0x3f;
const AMPERSAND = 0x26;
const HOST_LEN = 4;
const LOCATION_LEN = 8;
const CACHE_CONTROL_LEN = 13;
const SET_COOKIE_LEN = 10;
const MOVED_PERMANENTLY = 301;
const PERMANENT_REDIRECT = 308;

const noCache = new Bytes('no-cache');
const schemeEnd = new Bytes('://');
const root = reserveBytes('/');

const assembly = new Assembly();

export class RedirectAnswer {
  private readonly kind: RedirectKind;
  private readonly flags: number;
  private readonly code: number;
  private readonly writer: LogFormatWriter;
  private readonly cookie: LogFormatWriter | null;
  /** Stands in a ruleset of requests. */
  private readonly onRequest: boolean;

  constructor(args: RedirectArgs) {
    this.kind = args.kind;
    this.flags = args.flags;
    this.code = args.code;
    this.writer = compileLogFormat(args.format, 'header');
    this.cookie = args.cookie === null ? null : compileLogFormat(args.cookie, 'header');
    this.onRequest = !args.response;
  }

  run(ctx: RuleContext): Verdict {
    const msg = ctx.response;
    if (msg === null) return Verdict.Fail;
    // What an earlier answer left in the scratch is of no use any more.
    if (this.onRequest) msg.scratchUsed = 0;
    if (!makeValue(ctx, msg, this.writer)) return Verdict.Fail;
    const empty = made.len === 0 && this.kind === RedirectKind.Location;
    if (empty && (this.flags & RedirectFlag.IgnoreEmpty) !== 0) return Verdict.Continue;
    if (!this.locate(ctx, msg)) return Verdict.Fail;
    const off = assembly.start;
    const len = assembly.commit(msg);
    if (this.cookie !== null && !makeValue(ctx, msg, this.cookie)) return Verdict.Fail;
    beginReply(msg, this.code);
    if (!this.addFields(msg, off, len)) return Verdict.Fail;
    endReply(ctx, msg, 0, 0, true);
    return Verdict.Reply;
  }

  /** Puts the location together around the value in `made`. */
  private locate(ctx: RuleContext, msg: HttpMessage): boolean {
    assembly.begin(msg);
    const same = (this.flags & RedirectFlag.SamePath) !== 0;
    if (!same && !assembly.put(made.off, made.len)) return false;
    const req = ctx.request;
    switch (this.kind) {
      case RedirectKind.Location:
        if (req === null || (this.flags & RedirectFlag.KeepQuery) === 0) return true;
        return keepQuery(req);
      case RedirectKind.Scheme:
        if (!assembly.put(schemeEnd.off, schemeEnd.len) || !putHost(req)) return false;
        return this.putPath(req);
      default:
        return this.putPath(req);
    }
  }

  private putPath(req: HttpMessage | null): boolean {
    let off = root;
    let len = 1;
    if (req !== null) {
      const end = req.uriOff + req.uriLen;
      const from = pathStart(req.uriOff, req.uriLen);
      const drop = (this.flags & RedirectFlag.DropQuery) !== 0;
      const until = drop ? pathEnd(from, req.uriOff, req.uriLen) : end;
      if (from < end) {
        off = from;
        len = until - from;
      }
    }
    if (!assembly.put(off, len)) return false;
    const slash = (this.flags & RedirectFlag.AppendSlash) !== 0 && mem[off + len - 1] !== SLASH;
    return !slash || assembly.putByte(SLASH);
  }

  private addFields(msg: HttpMessage, off: number, len: number): boolean {
    if (!addContentLength(msg, 0)) return false;
    const location = fieldNameOff[FieldId.Location]!;
    if (!msg.add(FieldId.Location, location, LOCATION_LEN, off, len)) return false;
    if (this.code !== MOVED_PERMANENTLY && this.code !== PERMANENT_REDIRECT) {
      const name = fieldNameOff[FieldId.CacheControl]!;
      const id = FieldId.CacheControl;
      if (!msg.add(id, name, CACHE_CONTROL_LEN, noCache.off, noCache.len)) return false;
    }
    if (this.cookie === null) return true;
    const name = fieldNameOff[FieldId.SetCookie]!;
    return msg.add(FieldId.SetCookie, name, SET_COOKIE_LEN, made.off, made.len);
  }
}

/** Appends the request's query, after `&` when the location has one already. */
function keepQuery(req: HttpMessage): boolean {
  const end = req.uriOff + req.uriLen;
  const mark = queryMark(req.uriOff, req.uriLen);
  if (end - mark < 2) return true;
  let separator = QUESTION;
  for (let i = assembly.start; i < assembly.to; i++) if (mem[i] === QUESTION) separator = AMPERSAND;
  return assembly.putByte(separator) && assembly.put(mark + 1, end - mark - 1);
}

function putHost(req: HttpMessage | null): boolean {
  if (req === null) return true;
  const index = req.find(FieldId.Host, fieldNameOff[FieldId.Host]!, HOST_LEN, 0);
  if (index < 0) return true;
  const row = index * ROW;
  return assembly.put(req.rows[row + Col.ValOff]!, req.rows[row + Col.ValLen]!);
}
