/**
 * The credentials that a client sends, as samples (configuration.txt 7.3.6 `http_auth` and its family;
 * RFC 9110 11.4, RFC 7617, RFC 6750). Those with a userlist are verified, the others are not. A field
 * counts up to its first comma, of several fields the first.
 *
 * @dataplane
 */
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { convertBase64 } from '../converter/encoding.ts';
import { fold } from '../fold.ts';
import { valid } from '../place.ts';
import type { ArgumentCheck, FetchRow } from '../row.ts';
import { Sample } from '../sample.ts';
import { findUserlist, type Userlist } from '../userlist.ts';
import { FieldName, nextValue, valueLen, valueOff } from './field-walk.ts';

const enum Scheme {
  None = 0,
  Basic = 1,
  Bearer = 2,
}

const basic = 'Basic';
const bearer = 'Bearer';
const basicOff = reserveBytes(basic);
const bearerOff = reserveBytes(bearer);
const authorization = new FieldName('authorization');
const proxyAuthorization = new FieldName('proxy-authorization');

const SPACE = 0x20;
const COLON = 0x3a;

/** The credentials found last: of Basic the decoded `user:password`, of Bearer the token. */
const found = new Sample();

/** Whether a slice begins with a word, in any case, and a space behind it. */
function hasScheme(off: number, len: number, word: number, wordLen: number): boolean {
  if (len <= wordLen || mem[off + wordLen] !== SPACE) return false;
  for (let i = 0; i < wordLen; i++) {
    if (fold[mem[off + i]!] !== fold[mem[word + i]!]) return false;
  }
  return true;
}

/** Position of a byte within what was found, -1 when it is not there. */
function findByte(byte: number): number {
  const end = found.off + found.len;
  for (let at = found.off; at < end; at++) if (mem[at] === byte) return at;
  return -1;
}

/** Leaves the credentials in `found`. */
function findCredentials(ctx: RuleContext, name: FieldName): Scheme {
  if (ctx.request === null || !nextValue(ctx.request, name, true, 0)) return Scheme.None;
  const isBasic = hasScheme(valueOff, valueLen, basicOff, basic.length);
  if (!isBasic && !hasScheme(valueOff, valueLen, bearerOff, bearer.length)) return Scheme.None;
  const end = valueOff + valueLen;
  let at = valueOff + (isBasic ? basic.length : bearer.length);
  while (at < end && mem[at] === SPACE) at++;
  found.setStr(at, end - at);
  if (!isBasic) return Scheme.Bearer;
  if (!convertBase64(found)) return Scheme.None;
  // As text it ends at a NUL, as everywhere (7.1.3).
  const nul = findByte(0);
  if (nul >= 0) found.len = nul - found.off;
  return findByte(COLON) >= 0 ? Scheme.Basic : Scheme.None;
}

/** RFC 9110 11.7.2: a client that takes this for its proxy says it in another field. */
function fieldOf(ctx: RuleContext): FieldName {
  return ctx.stream?.proxied === true ? proxyAuthorization : authorization;
}

/** Index of the user of the list whose credentials were sent, -1 = none of it. */
function findUser(ctx: RuleContext, list: Userlist): number {
  if (findCredentials(ctx, fieldOf(ctx)) !== Scheme.Basic) return -1;
  const colon = findByte(COLON);
  const userLen = colon - found.off;
  return list.find(found.off, userLen, colon + 1, found.len - userLen - 1);
}

function compileAuth(args: readonly ArgConfig[]): Fetch {
  const list = findUserlist(String(args[0]));
  return (ctx, sample) => {
    if (findCredentials(ctx, fieldOf(ctx)) !== Scheme.Basic) return false;
    sample.setBool(findUser(ctx, list) >= 0);
    return true;
  };
}

function compileGroup(args: readonly ArgConfig[]): Fetch {
  const list = findUserlist(String(args[0]));
  return (ctx, sample) => {
    const user = findUser(ctx, list);
    if (user < 0) return false;
    sample.setStr(found.off, findByte(COLON) - found.off);
    // For the pattern that knows the members of groups.
    sample.num = user;
    return true;
  };
}

function fetchType(ctx: RuleContext, sample: Sample): boolean {
  const scheme = findCredentials(ctx, fieldOf(ctx));
  if (scheme === Scheme.None) return false;
  if (scheme === Scheme.Basic) sample.setStr(basicOff, basic.length);
  else sample.setStr(bearerOff, bearer.length);
  return true;
}

function fetchUser(ctx: RuleContext, sample: Sample): boolean {
  if (findCredentials(ctx, fieldOf(ctx)) !== Scheme.Basic) return false;
  sample.setStr(found.off, findByte(COLON) - found.off);
  return true;
}

function fetchPassword(ctx: RuleContext, sample: Sample): boolean {
  if (findCredentials(ctx, fieldOf(ctx)) !== Scheme.Basic) return false;
  const from = findByte(COLON) + 1;
  sample.setStr(from, found.off + found.len - from);
  return true;
}

function compileBearer(args: readonly ArgConfig[]): Fetch {
  const name = args[0] === undefined ? null : new FieldName(String(args[0]));
  return (ctx, sample) => {
    if (findCredentials(ctx, name ?? fieldOf(ctx)) !== Scheme.Bearer) return false;
    sample.setStr(found.off, found.len);
    return true;
  };
}

const checkUserlist: ArgumentCheck = (args, scope) => scope.userlist?.(String(args[0]));

const common = { args: '', out: 'str', valid: valid.request } as const;

export const authorizationFetches = [
  {
    ...common,
    name: 'http_auth',
    args: 'user list',
    out: 'bool',
    doc: 'whether the credentials (Basic) are those of a user of the list',
    check: checkUserlist,
    compile: compileAuth,
  },
  {
    ...common,
    name: 'http_auth_bearer',
    args: '[string]',
    doc: 'token of the Bearer scheme, in Authorization or another field',
    compile: compileBearer,
  },
  {
    ...common,
    name: 'http_auth_group',
    args: 'user list',
    doc: 'name of the user whose credentials the list has; as an ACL, compared by groups',
    check: checkUserlist,
    compile: compileGroup,
  },
  {
    ...common,
    name: 'http_auth_pass',
    doc: 'password that the client sent (Basic)',
    compile: () => fetchPassword,
  },
  {
    ...common,
    name: 'http_auth_type',
    doc: 'scheme of the credentials: Basic or Bearer',
    compile: () => fetchType,
  },
  {
    ...common,
    name: 'http_auth_user',
    doc: 'user that the client says to be (Basic), not verified',
    compile: () => fetchUser,
  },
] as const satisfies readonly FetchRow[];
