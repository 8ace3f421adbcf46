/**
 * JSON Web Tokens in their compact form, `header.payload.signature` (configuration.txt 7.3.1
 * `jwt_verify`, `jwt_header_query`, `jwt_payload_query`; RFC 7515, RFC 7518 3.1).
 *
 * The runtime verifies: a token costs some objects, which is little beside the signature.
 */
import {
  constants,
  createHmac,
  createPublicKey,
  type KeyObject,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, text } from '../../sys/arena.ts';
import { asString } from '../cast.ts';
import type { Convert, RuleContext } from '../context.ts';
import type { ConverterRow } from '../row.ts';
import { Sample } from '../sample.ts';
import type { RuleScope } from '../scope.ts';
import { declareVariable, isVariableName } from '../variable/name.ts';
import { compileVariable, readVariable } from '../variable/variables.ts';
import { bytesOf } from './digest.ts';
import { convertBase64Url } from './encoding.ts';
import { checkQuery, compileQuery } from './json-query.ts';

/** What `jwt_verify` yields. */
const enum Verdict {
  Success = 1,
  Failure = 0,
  UnknownAlgorithm = -1,
  InvalidToken = -3,
  UnknownKey = -5,
}

const algorithmNames = [
  ...['HS256', 'HS384', 'HS512'],
  ...['RS256', 'RS384', 'RS512'],
  ...['ES256', 'ES384', 'ES512'],
  ...['PS256', 'PS384', 'PS512'],
  'none',
];

const DOT = 0x2e;

/** Parts of a token in the arena. */
class Token {
  /** Where the parts end; what is behind the end of the token is missing. */
  headerEnd = 0;
  payloadEnd = 0;
  off = 0;
  end = 0;

  /** @returns how many parts there are */
  read(sample: Sample): number {
    this.off = sample.off;
    this.end = sample.off + sample.len;
    this.headerEnd = this.end;
    this.payloadEnd = this.end;
    let parts = 1;
    for (let at = this.off; at < this.end; at++) {
      if (mem[at] !== DOT) continue;
      if (parts === 1) this.headerEnd = at;
      else if (parts === 2) this.payloadEnd = at;
      parts++;
    }
    return parts;
  }
}

const token = new Token();
const register = new Sample();

/** Public keys by the path that the configuration gives for them. */
const publicKeys = new Map<string, KeyObject>();

/** A text that is constant or in a variable; null when that is not set. */
type TextReader = (ctx: RuleContext) => string | null;

function compileText(arg: string): TextReader {
  if (!isVariableName(arg)) return () => arg;
  const variable = compileVariable(arg);
  return (ctx) =>
    readVariable(ctx, variable, register) && asString(register)
      ? text(register.off, register.len)
      : null;
}

/** Whether the signature, which is decoded, is that of header and payload. */
function isSigned(algorithm: string, key: string, signature: Uint8Array): Verdict {
  const data = mem.subarray(token.off, token.payloadEnd);
  const hash = `sha${algorithm.slice(2)}`;
  if (algorithm.startsWith('HS')) {
    const own = createHmac(hash, Buffer.from(key, 'latin1')).update(data).digest();
    return own.length === signature.length && timingSafeEqual(own, signature)
      ? Verdict.Success
      : Verdict.Failure;
  }
  const publicKey = publicKeys.get(key);
  if (publicKey === undefined) return Verdict.UnknownKey;
  const kind = algorithm.startsWith('ES') ? 'ec' : 'rsa';
  if (publicKey.asymmetricKeyType !== kind) return Verdict.Failure;
  const padding = algorithm.startsWith('PS')
    ? constants.RSA_PKCS1_PSS_PADDING
    : constants.RSA_PKCS1_PADDING;
  if (kind === 'ec' && signature.length % 2 !== 0) return Verdict.InvalidToken;
  const options =
    kind === 'ec'
      ? { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
      : { key: publicKey, padding };
  return verify(hash, data, options, signature) ? Verdict.Success : Verdict.Failure;
}

/** @param sample the token, which `token` has been read from */
function judge(sample: Sample, algorithm: string, key: string): Verdict {
  if (!algorithmNames.includes(algorithm)) return Verdict.UnknownAlgorithm;
  const len = token.end - token.payloadEnd - 1;
  if (algorithm === 'none') return len <= 0 ? Verdict.Success : Verdict.Failure;
  sample.setStr(token.payloadEnd + 1, len);
  if (len === 0 || !convertBase64Url(sample)) return Verdict.InvalidToken;
  return isSigned(algorithm, key, bytesOf(sample));
}

function compileVerify(args: readonly ArgConfig[]): Convert {
  const path = String(args[1]);
  if (args[2] !== undefined) publicKeys.set(path, createPublicKey(String(args[2])));
  const readAlgorithm = compileText(String(args[0]));
  const readKey = compileText(path);
  return (ctx, sample) => {
    const algorithm = readAlgorithm(ctx);
    const key = readKey(ctx);
    // As in HAProxy, even where no key is needed.
    if (algorithm === null || key === null || key === '') return false;
    const parts = token.read(sample);
    // A token without a signature may lack the dot before it too, as in HAProxy.
    const isToken = parts === 3 || (parts === 2 && algorithm === 'none');
    sample.setInt(isToken ? judge(sample, algorithm, key) : Verdict.InvalidToken);
    return true;
  };
}

function checkVerify(args: ArgConfig[], scope: RuleScope): void {
  const algorithm = String(args[0]);
  const key = String(args[1]);
  if (isVariableName(algorithm)) declareVariable(algorithm, scope.variables);
  else if (!algorithmNames.includes(algorithm)) {
    throw new ConfigError(`unknown JWT algorithm: ${algorithm}`);
  }
  if (isVariableName(key)) declareVariable(key, scope.variables);
  else if (!/^(HS|none)/.test(algorithm)) loadKey(args, key, scope);
}

/** A file that cannot be read is no error here: without a key no token is verified. */
function loadKey(args: ArgConfig[], path: string, scope: RuleScope): void {
  try {
    const pem = scope.readFile(path);
    createPublicKey(pem);
    args[2] = pem;
  } catch {
    scope.warn(`jwt_verify: no public key can be read from '${path}'`);
  }
}

/** One part of a token, decoded. What follows it may be missing. */
function compilePart(args: readonly ArgConfig[], isHeader: boolean): Convert {
  const query = args[0] === undefined ? null : compileQuery(args);
  return (ctx, sample) => {
    if (token.read(sample) < (isHeader ? 1 : 2)) return false;
    const from = isHeader ? token.off : token.headerEnd + 1;
    sample.setStr(from, (isHeader ? token.headerEnd : token.payloadEnd) - from);
    return convertBase64Url(sample) && (query === null || query(ctx, sample));
  };
}

function checkPart(args: ArgConfig[]): void {
  if (args[0] !== undefined) checkQuery(args);
}

const part = { args: '[string,string]', in: 'bin', out: 'any', check: checkPart } as const;

export const jwtConverters = [
  {
    ...part,
    name: 'jwt_header_query',
    doc: 'the header of a JSON Web Token, or a value in it as json_query finds it',
    compile: (args) => compilePart(args, true),
  },
  {
    ...part,
    name: 'jwt_payload_query',
    doc: 'the payload of a JSON Web Token, or a value in it as json_query finds it',
    compile: (args) => compilePart(args, false),
  },
  {
    name: 'jwt_verify',
    args: 'string,string',
    in: 'bin',
    out: 'sint',
    doc: '1 when the signature of a JSON Web Token is right: algorithm, and secret or key file',
    check: checkVerify,
    compile: compileVerify,
  },
] as const satisfies readonly ConverterRow[];
