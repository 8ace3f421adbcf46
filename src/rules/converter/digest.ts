/**
 * Cryptographic digests and keyed ones (configuration.txt 7.3.1 `sha1`, `sha2`, `digest`, `hmac`).
 *
 * They are the runtime's, which takes a view of the bytes: each evaluation costs one or two objects,
 * a keyed one with a variable key some more. Hashing takes longer than that.
 */
import { createHmac } from 'node:crypto';
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import { cast } from '../cast.ts';
import type { Convert, RuleContext } from '../context.ts';
import type { ConverterRow } from '../row.ts';
import { Sample, SampleType } from '../sample.ts';
import type { RuleScope } from '../scope.ts';
import { takeScratch } from '../scratch.ts';
import { declareVariable, isVariableName } from '../variable/name.ts';
import { compileVariable, readVariable } from '../variable/variables.ts';
import { convertBase64 } from './encoding.ts';

/** Names of OpenSSL and what the runtime calls them. */
const algorithms: Readonly<Record<string, Bun.SupportedCryptoAlgorithms>> = {
  blake2b512: 'blake2b512',
  md4: 'md4',
  md5: 'md5',
  ripemd: 'ripemd160',
  ripemd160: 'ripemd160',
  rmd160: 'ripemd160',
  sha1: 'sha1',
  sha224: 'sha224',
  sha256: 'sha256',
  sha384: 'sha384',
  sha512: 'sha512',
  'sha512-224': 'sha512-224',
  'sha512-256': 'sha512-256',
  'sha3-224': 'sha3-224',
  'sha3-256': 'sha3-256',
  'sha3-384': 'sha3-384',
  'sha3-512': 'sha3-512',
};

/** Digests of OpenSSL that the runtime does not have. */
const missing = ['blake2s256', 'md5-sha1', 'shake128', 'shake256', 'sm3'];

/** The runtime's name of a digest. @throws ConfigError when it has none */
function algorithmOf(word: string): Bun.SupportedCryptoAlgorithms {
  const name = word.toLowerCase();
  const known = Object.hasOwn(algorithms, name) ? algorithms[name] : undefined;
  if (known !== undefined) return known;
  if (missing.includes(name)) throw new ConfigError(`'${word}' is not supported yet by sluice`);
  throw new ConfigError('algorithm must be a valid OpenSSL message digest name.');
}

/** The bytes of a sample where they lie. */
export function bytesOf({ off, len }: Sample): Uint8Array {
  return mem.subarray(off, off + len);
}

function putDigest(sample: Sample, digest: Uint8Array, len: number): boolean {
  const off = takeScratch(len);
  for (let i = 0; i < len; i++) mem[off + i] = digest[i]!;
  sample.setStr(off, len);
  sample.type = SampleType.Bin;
  return true;
}

/** Longest digest. */
const DIGEST_MAX = 64;

function compileDigest(algorithm: Bun.SupportedCryptoAlgorithms): Convert {
  const hasher = new Bun.CryptoHasher(algorithm);
  const digest = new Uint8Array(DIGEST_MAX);
  const length = hasher.byteLength;
  return (_ctx, sample) => {
    hasher.update(bytesOf(sample));
    hasher.digest(digest);
    return putDigest(sample, digest, length);
  };
}

const register = new Sample();

/** How the bytes of a key are found; null = there are none. */
type KeyReader = (ctx: RuleContext) => Uint8Array | null;

function compileKey(arg: string): KeyReader {
  if (!isVariableName(arg)) {
    const key = Buffer.from(arg, 'base64');
    return () => key;
  }
  const variable = compileVariable(arg);
  return (ctx) => {
    if (!readVariable(ctx, variable, register) || !cast(register, SampleType.Str)) return null;
    return convertBase64(register) ? bytesOf(register) : null;
  };
}

function compileHmac(args: readonly ArgConfig[]): Convert {
  const algorithm = algorithmOf(String(args[0]));
  const readKey = compileKey(String(args[1]));
  return (ctx, sample) => {
    const key = readKey(ctx);
    if (key === null) return false;
    const digest = createHmac(algorithm, key).update(bytesOf(sample)).digest();
    return putDigest(sample, digest, digest.length);
  };
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function checkHmac(args: ArgConfig[], scope: RuleScope): void {
  algorithmOf(String(args[0]));
  const key = String(args[1]);
  if (isVariableName(key)) {
    declareVariable(key, scope.variables);
  } else if (!BASE64.test(key)) {
    throw new ConfigError(
      'failed to parse key : argument needs to be base64 encoded, and can either be a string or ' +
        'a variable',
    );
  }
}

const sha2Names: Readonly<Record<number, Bun.SupportedCryptoAlgorithms>> = {
  224: 'sha224',
  256: 'sha256',
  384: 'sha384',
  512: 'sha512',
};

function checkBits(args: ArgConfig[]): void {
  if (args[0] === undefined || Number(args[0]) in sha2Names) return;
  throw new ConfigError(`Unsupported number of bits: '${args[0]}'`);
}

const bytes = { in: 'bin', out: 'bin' } as const;

export const digestConverters = [
  {
    ...bytes,
    name: 'digest',
    args: 'string',
    doc: 'digest of a name of OpenSSL, such as sha256',
    check: (args) => void algorithmOf(String(args[0] ?? '')),
    compile: (args) => compileDigest(algorithmOf(String(args[0]))),
  },
  {
    ...bytes,
    name: 'hmac',
    args: 'string,string',
    doc: 'keyed digest; the key is base64, or a variable that holds such',
    check: checkHmac,
    compile: compileHmac,
  },
  { ...bytes, name: 'sha1', args: '', doc: 'SHA-1 digest', compile: () => compileDigest('sha1') },
  {
    ...bytes,
    name: 'sha2',
    args: '[integer]',
    doc: 'SHA-2 digest of 224, 256, 384 or 512 bits',
    check: checkBits,
    compile: (args) => compileDigest(sha2Names[Number(args[0] ?? 256)]!),
  },
] as const satisfies readonly ConverterRow[];
