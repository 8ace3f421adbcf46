/**
 * Cookie persistence of one backend (configuration.txt 4.2 cookie, 5.2 cookie): the request's cookie names
 * a server, and the response's is inserted, rewritten or prefixed.
 *
 *     request    Cookie: a=b; SRV=s1|awgyl|awgyl        insert: the server, then two dates
 *                Cookie: SID=s1~x7Gh                    prefix: the server, then the server's own value
 *     response   Set-Cookie: SRV=s1; path=/
 *
 * @dataplane
 */

import { FieldId, fieldNameOff } from '../http/field.ts';
import { Col, type HttpMessage, ROW } from '../http/message.ts';
import { Method } from '../http/method.ts';
import type { CookieConfig } from '../model/config.ts';
import { Bytes, type Proxy, type Server } from '../model/runtime.ts';
import { isReachable } from '../model/server-health.ts';
import type { SharedState } from '../model/shared.ts';
import { CookieIn, CookieOut } from '../model/stream.ts';
import { mem } from '../sys/arena.ts';
import { isCacheable } from './cacheable.ts';
import { BAR, DATE_LEN, putDate, readDate, ticksOf } from './cookie-date.ts';
import { dynamicValue } from './dynamic-value.ts';
import { ServerValues } from './server-values.ts';

const COOKIE_LEN = 6;
const SET_COOKIE_LEN = 10;
const CACHE_CONTROL_LEN = 13;
const EQUALS = 0x3d;
const SEMICOLON = 0x3b;
const COMMA = 0x2c;
const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DOLLAR = 0x24;
const TILDE = 0x7e;
/** A date that far ahead is none (4.2 maxidle). */
const AHEAD_MS = 24 * 3600 * 1000;

const expired = new Bytes('; Expires=Thu, 01-Jan-1970 00:00:01 GMT');
const noShare = new Bytes('private');

/** What may be done with a server that a cookie names (4.2 force-persist, ignore-persist). */
export const enum Persist {
  Usual = 0,
  /** Even when it is down. */
  Forced = 1,
  Ignored = 2,
}

/** What a stream knows of its cookie. */
export interface CookieFacts {
  cookieIn: CookieIn;
  cookieOut: CookieOut;
  /** A rule has said that no cookie counts. */
  ignoresCookie: boolean;
  /** The server that the cookie led to; null = none. */
  cookieServer: Server | null;
  /** Its dates, in ticks; 0 = none. */
  cookieLast: number;
  cookieFirst: number;
}

export class PersistenceCookie {
  /** Logs show what became of it (8.5). */
  readonly isShown: boolean;
  private readonly config: CookieConfig;
  private readonly name: Bytes;
  private readonly values: ServerValues;
  private readonly servers: Server[];
  private readonly shared: SharedState;
  private readonly hasDates: boolean;
  /** `; path=/` and the other attributes of an inserted cookie. */
  private readonly attributes: Bytes;
  private readonly longestValue: number;

  constructor(config: CookieConfig, proxy: Proxy, shared: SharedState) {
    const key = proxy.config.dynamicCookieKey;
    const values = proxy.servers.map(({ config: server }) => {
      if (server.cookie !== null) return server.cookie;
      return config.dynamic && key !== null ? dynamicValue(key, server) : null;
    });
    this.config = config;
    this.isShown = config.mode !== 'passive' || config.indirect;
    this.name = new Bytes(config.name);
    this.values = new ServerValues(values);
    this.servers = proxy.servers;
    this.shared = shared;
    this.hasDates = config.maxidleMs > 0 || config.maxlifeMs > 0;
    this.attributes = new Bytes(createAttributes(config));
    this.longestValue = Math.max(0, ...values.map((value) => value?.length ?? 0));
  }

  /**
   * Looks for the cookie in the request, and takes out of it what the server is not to see.
   * @param now the tick of this moment
   * @returns false when the head has outgrown its limit.
   */
  readRequest(msg: HttpMessage, facts: CookieFacts, persist: Persist, now: number): boolean {
    facts.ignoresCookie = persist === Persist.Ignored;
    let row = msg.find(FieldId.Cookie, 0, COOKIE_LEN, 0);
    while (row >= 0) {
      if (!this.readField(msg, row, facts, persist, now)) return false;
      row = msg.find(FieldId.Cookie, 0, COOKIE_LEN, row + 1);
    }
    return true;
  }

  /** One Cookie field: it is written anew as it is read, and replaced when something has changed. */
  private readField(
    msg: HttpMessage,
    row: number,
    facts: CookieFacts,
    persist: Persist,
    now: number,
  ): boolean {
    const off = msg.rows[row * ROW + Col.ValOff]!;
    const end = off + msg.rows[row * ROW + Col.ValLen]!;
    // What is put in, a space, is never longer than what was taken out.
    const room = end - off + 1;
    const out = msg.takeScratch(room);
    if (out === 0) return false;
    let at = out;
    let hasChanged = false;
    let afterDropped = false;
    let isDropped = false;
    let from = off;
    for (;;) {
      const until = pairEnd(from, end);
      const start = skipBlanks(from, until);
      const equals = nameEnd(start, until);
      const isPair = equals < until && equals > start;
      const nameUntil = trimBlanks(start, equals);
      const value = isPair ? skipBlanks(equals + 1, until) : until;
      let kept = value;
      if (isPair && mem[start] === DOLLAR) {
        // An attribute goes with its cookie (RFC 2965).
      } else if (isPair && this.isNamed(start, nameUntil)) {
        kept = this.readValue(facts, value, trimBlanks(value, until), persist, now);
        isDropped = kept < 0;
      } else {
        isDropped = false;
      }
      if (isDropped) {
        hasChanged = true;
        afterDropped = true;
      } else {
        if (at > out) mem[at++] = mem[from - 1]!;
        if (at > out && afterDropped) mem[at++] = SPACE;
        const first = afterDropped ? start : from;
        const textEnd = isPair ? nameUntil : until;
        mem.copyWithin(at, first, textEnd);
        at += textEnd - first;
        if (isPair) {
          mem[at++] = EQUALS;
          mem.copyWithin(at, kept, until);
          at += until - kept;
          if (kept !== nameUntil + 1) hasChanged = true;
        }
        afterDropped = false;
      }
      if (until === end) break;
      from = until + 1;
    }
    msg.scratchUsed -= hasChanged ? room - (at - out) : room;
    if (!hasChanged) return true;
    if (isEmpty(out, at)) msg.remove(row);
    else msg.setValue(row, out, at - out);
    return true;
  }

  private isNamed(start: number, end: number): boolean {
    const { off, len } = this.name;
    if (end - start !== len) return false;
    for (let i = 0; i < len; i++) if (mem[start + i] !== mem[off + i]) return false;
    return true;
  }

  /** @returns where the value begins that the server sees; -1 = the cookie is not for it. */
  private readValue(
    facts: CookieFacts,
    off: number,
    end: number,
    persist: Persist,
    now: number,
  ): number {
    const { mode, indirect } = this.config;
    const isPrefix = mode === 'prefix';
    const until = indexOf(isPrefix ? TILDE : BAR, off, end);
    if (facts.cookieServer === null) this.note(facts, off, until, end, persist, now);
    if (mode === 'insert' && indirect) return -1;
    return isPrefix && until < end ? until + 1 : off;
  }

  /** The cookie names a server in [off, until); dates may follow. */
  private note(
    facts: CookieFacts,
    off: number,
    until: number,
    end: number,
    persist: Persist,
    now: number,
  ): void {
    if (persist === Persist.Ignored) return this.judge(facts, CookieIn.Unused);
    let last = 0;
    let first = 0;
    if (this.config.mode === 'insert' && until < end) {
      const second = indexOf(BAR, until + 1, end);
      last = readDate(until + 1, second);
      first = second < end ? readDate(second + 1, end) : 0;
      if (isOver(first, this.config.maxlifeMs, now)) return this.judge(facts, CookieIn.Old);
      if (isOver(last, this.config.maxidleMs, now)) return this.judge(facts, CookieIn.Expired);
    }
    let index = this.values.find(off, until - off, -1);
    if (index < 0) return this.judge(facts, CookieIn.Invalid);
    for (; index >= 0; index = this.values.find(off, until - off, index)) {
      const server = this.servers[index]!;
      const isUp = isReachable(this.shared, server.entity);
      if (!isUp && persist !== Persist.Forced) continue;
      if (this.isShown) facts.cookieIn = isUp ? CookieIn.Valid : CookieIn.Down;
      facts.cookieServer = server;
      facts.cookieLast = last;
      facts.cookieFirst = first;
      return;
    }
    this.judge(facts, CookieIn.Down);
  }

  /** A cookie that leads nowhere: one that matches no server says less than any other. */
  private judge(facts: CookieFacts, state: CookieIn): void {
    if (!this.isShown) return;
    if (state !== CookieIn.Invalid || facts.cookieIn === CookieIn.None) facts.cookieIn = state;
  }

  /**
   * Puts the cookie into the response of a server.
   * @param method of the request; @param now the tick of this moment
   * @returns false when the head has outgrown its limit.
   */
  writeResponse(
    msg: HttpMessage,
    facts: CookieFacts,
    server: Server,
    method: Method,
    now: number,
  ): boolean {
    const isDirect = facts.cookieServer === server;
    let row = msg.find(FieldId.SetCookie, 0, SET_COOKIE_LEN, 0);
    while (row >= 0) {
      if (!this.writeField(msg, row, facts, server, isDirect)) return false;
      row = msg.find(FieldId.SetCookie, 0, SET_COOKIE_LEN, row + 1);
    }
    const { mode, postonly } = this.config;
    if (mode !== 'insert' || facts.cookieOut === CookieOut.Provided) return true;
    if (facts.ignoresCookie || (postonly && method !== Method.Post)) return true;
    const isUpdate = isDirect && facts.cookieIn === CookieIn.Valid && this.isStale(facts, now);
    if (isDirect && !isUpdate) return true;
    facts.cookieOut = isUpdate ? CookieOut.Updated : CookieOut.Inserted;
    const first = isUpdate && facts.cookieFirst !== 0 ? facts.cookieFirst : now;
    return this.insert(msg, server, first, method, now);
  }

  /** A cookie that the server sets. @returns false when there is no room. */
  private writeField(
    msg: HttpMessage,
    row: number,
    facts: CookieFacts,
    server: Server,
    isDirect: boolean,
  ): boolean {
    const off = msg.rows[row * ROW + Col.ValOff]!;
    const end = off + msg.rows[row * ROW + Col.ValLen]!;
    const until = pairEnd(off, end);
    const start = skipBlanks(off, until);
    const equals = nameEnd(start, until);
    if (equals === until) return true;
    const nameUntil = trimBlanks(start, equals);
    const value = skipBlanks(equals + 1, until);
    const isNamed = this.isNamed(start, nameUntil);
    const { mode, indirect, preserve } = this.config;
    if (isNamed && !preserve && (mode === 'insert' || (indirect && isDirect))) {
      msg.remove(row);
      facts.cookieOut = CookieOut.Deleted;
      return true;
    }
    const isChanged = isNamed && (mode === 'rewrite' || mode === 'prefix');
    const ours = isChanged ? this.values.of(server) : null;
    if (isNamed && this.isShown) {
      facts.cookieOut = ours === null ? CookieOut.Provided : CookieOut.Rewritten;
    }
    if (ours === null && value === nameUntil + 1) return true;
    const out = msg.takeScratch(end - start + this.longestValue + 2);
    if (out === 0) return false;
    let at = put(out, start, nameUntil);
    mem[at++] = EQUALS;
    if (ours !== null) at = put(at, ours.off, ours.off + ours.len);
    if (ours !== null && mode === 'prefix') mem[at++] = TILDE;
    const isReplaced = ours !== null && mode === 'rewrite';
    at = put(at, isReplaced ? trimBlanks(value, until) : value, end);
    msg.setValue(row, out, at - out);
    return true;
  }

  /** Whether the dates of a valid cookie are not those that it should have. */
  private isStale(facts: CookieFacts, now: number): boolean {
    const { maxidleMs, maxlifeMs } = this.config;
    const { cookieLast: last, cookieFirst: first } = facts;
    if (last === 0 ? maxidleMs > 0 : last < now) return true;
    return (first === 0) === maxlifeMs > 0;
  }

  /** Adds a cookie for the server; one without a value takes the client's cookie away. */
  private insert(
    msg: HttpMessage,
    server: Server,
    first: number,
    method: Method,
    now: number,
  ): boolean {
    const ours = this.values.of(server);
    const most = this.longestValue + expired.len + 2 * (DATE_LEN + 1);
    const out = msg.takeScratch(this.name.len + 1 + most + this.attributes.len);
    if (out === 0) return false;
    let at = put(out, this.name.off, this.name.off + this.name.len);
    mem[at++] = EQUALS;
    if (ours === null) {
      at = put(at, expired.off, expired.off + expired.len);
    } else {
      at = put(at, ours.off, ours.off + ours.len);
      if (this.hasDates) at = putBarred(at, now);
      if (this.config.maxlifeMs > 0) at = putBarred(at, first);
    }
    at = put(at, this.attributes.off, this.attributes.off + this.attributes.len);
    const isShared = this.config.nocache && isCacheable(msg, method);
    const name = fieldNameOff[FieldId.SetCookie]!;
    if (!msg.add(FieldId.SetCookie, name, SET_COOKIE_LEN, out, at - out)) return false;
    return !isShared || addPrivate(msg);
  }
}

function createAttributes(config: CookieConfig): string {
  const parts = ['path=/', ...config.domains.map((domain) => `domain=${domain}`)];
  if (config.httponly) parts.push('HttpOnly');
  if (config.secure) parts.push('Secure');
  return [...parts, ...config.attributes].map((part) => `; ${part}`).join('');
}

function addPrivate(msg: HttpMessage): boolean {
  const name = fieldNameOff[FieldId.CacheControl]!;
  return msg.add(FieldId.CacheControl, name, CACHE_CONTROL_LEN, noShare.off, noShare.len);
}

/** A date that is too old, or too far ahead. @param limitMs 0 = no limit */
function isOver(tick: number, limitMs: number, now: number): boolean {
  if (limitMs === 0 || tick === 0) return false;
  return tick > now + ticksOf(AHEAD_MS) || tick + ticksOf(limitMs) < now;
}

function put(at: number, from: number, until: number): number {
  mem.copyWithin(at, from, until);
  return at + until - from;
}

function putBarred(at: number, tick: number): number {
  mem[at] = BAR;
  putDate(at + 1, tick);
  return at + 1 + DATE_LEN;
}

/** End of a pair: its `;` or `,`, quoted strings kept whole. */
function pairEnd(from: number, end: number): number {
  let quoted = false;
  for (let at = from; at < end; at++) {
    const byte = mem[at]!;
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted && byte === BACKSLASH) at++;
    else if (!quoted && (byte === SEMICOLON || byte === COMMA)) return at;
  }
  return end;
}

function nameEnd(from: number, end: number): number {
  return indexOf(EQUALS, from, end);
}

function indexOf(byte: number, from: number, end: number): number {
  let at = from;
  while (at < end && mem[at] !== byte) at++;
  return at;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function skipBlanks(from: number, end: number): number {
  let at = from;
  while (at < end && isBlank(mem[at]!)) at++;
  return at;
}

function trimBlanks(from: number, end: number): number {
  let at = end;
  while (at > from && isBlank(mem[at - 1]!)) at--;
  return at;
}

/** Whether nothing is left but delimiters. */
function isEmpty(from: number, end: number): boolean {
  for (let at = from; at < end; at++) {
    if (!isBlank(mem[at]!) && mem[at] !== SEMICOLON && mem[at] !== COMMA) return false;
  }
  return true;
}
