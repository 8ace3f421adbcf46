/**
 * Constants and the environment as samples (configuration.txt 7.3.2).
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import { methodNames } from '../../http/method.ts';
import type { ArgConfig } from '../../model/config.ts';
import { reserveBytes } from '../../sys/arena.ts';
import type { Fetch } from '../context.ts';
import { readIpv4Bytes } from '../inet.ts';
import { parseIpv4Text, parseIpv6Text } from '../inet-config.ts';
import { clampInt } from '../integer.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { SampleType } from '../sample.ts';

function compileBool(value: boolean): Fetch {
  return (_ctx, sample) => {
    sample.setBool(value);
    return true;
  };
}

function compileInt(args: readonly ArgConfig[]): Fetch {
  const value = clampInt(Number(args[0]));
  return (_ctx, sample) => {
    sample.setInt(value);
    return true;
  };
}

/** A fetch that yields these bytes; the text is put into the arena now. */
export function compileText(text: string | Uint8Array, type: SampleType = SampleType.Str): Fetch {
  const off = reserveBytes(text);
  const len = text.length;
  return (_ctx, sample) => {
    sample.setStr(off, len);
    sample.type = type;
    return true;
  };
}

function compileIpv4(args: readonly ArgConfig[]): Fetch {
  const value = readIpv4Bytes(reserveBytes(Uint8Array.from(parseIpv4Text(String(args[0]))!)));
  return (_ctx, sample) => {
    sample.type = SampleType.Ipv4;
    sample.num = value;
    return true;
  };
}

function compileIpv6(args: readonly ArgConfig[]): Fetch {
  return compileText(Uint8Array.from(parseIpv6Text(String(args[0]))!), SampleType.Ipv6);
}

function compileMethod(args: readonly ArgConfig[]): Fetch {
  const name = String(args[0]);
  const method = Math.max(0, methodNames.indexOf(name as (typeof methodNames)[number]));
  const text = compileText(name, SampleType.Method);
  return (ctx, sample) => {
    text(ctx, sample);
    sample.num = method;
    return true;
  };
}

function compileEnv(args: readonly ArgConfig[]): Fetch {
  const value = process.env[String(args[0] ?? '')];
  return value === undefined ? compileMissing() : compileText(Buffer.from(value));
}

function compileMissing(): Fetch {
  return () => false;
}

function isTrue(word: ArgConfig | undefined): boolean {
  return word === 'true' || word === '1';
}

function checkBool(args: ArgConfig[]): void {
  if (isTrue(args[0]) || args[0] === 'false' || args[0] === '0') return;
  throw new ConfigError("Expects 'true', 'false', '0' or '1'");
}

function checkHex(args: ArgConfig[]): void {
  const text = String(args[0]);
  if (text.length % 2 !== 0) throw new ConfigError('an even number of hex digit is expected');
  const bad = /[^0-9a-fA-F]/.exec(text);
  if (bad) throw new ConfigError(`an hex digit is expected (found '${bad[0]}')`);
}

export const constantFetches = [
  {
    name: 'always_false',
    args: '',
    out: 'bool',
    valid: valid.anywhere,
    doc: 'the boolean "false"',
    compile: () => compileBool(false),
  },
  {
    name: 'always_true',
    args: '',
    out: 'bool',
    valid: valid.anywhere,
    doc: 'the boolean "true"',
    compile: () => compileBool(true),
  },
  {
    name: 'bin',
    args: 'string',
    out: 'bin',
    valid: valid.anywhere,
    doc: 'a block of bytes given in hexadecimal',
    check: checkHex,
    compile: (args) => compileText(Buffer.from(String(args[0]), 'hex'), SampleType.Bin),
  },
  {
    name: 'bool',
    args: 'string',
    out: 'bool',
    valid: valid.anywhere,
    doc: 'a boolean: true, false, 1 or 0',
    check: checkBool,
    compile: (args) => compileBool(isTrue(args[0])),
  },
  {
    name: 'env',
    args: 'string',
    out: 'str',
    valid: valid.anywhere,
    doc: 'the environment variable of this name as it was at start-up',
    compile: compileEnv,
  },
  {
    name: 'int',
    args: 'integer',
    out: 'sint',
    valid: valid.anywhere,
    doc: 'a signed integer',
    compile: compileInt,
  },
  {
    name: 'ipv4',
    args: 'IPv4 address',
    out: 'ipv4',
    valid: valid.anywhere,
    doc: 'an IPv4 address',
    compile: compileIpv4,
  },
  {
    name: 'ipv6',
    args: 'IPv6 address',
    out: 'ipv6',
    valid: valid.anywhere,
    doc: 'an IPv6 address',
    compile: compileIpv6,
  },
  {
    name: 'meth',
    args: 'string',
    out: 'meth',
    valid: valid.anywhere,
    doc: 'an HTTP method',
    compile: compileMethod,
  },
  {
    name: 'str',
    args: 'string',
    out: 'str',
    valid: valid.anywhere,
    doc: 'a string',
    compile: (args) => compileText(String(args[0] ?? '')),
  },
] as const satisfies readonly FetchRow[];
