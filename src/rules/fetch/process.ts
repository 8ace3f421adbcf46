/**
 * The process and chance as samples (configuration.txt 7.3.2).
 *
 * @dataplane
 */
import { hostname } from 'node:os';
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { takeScratch } from '../scratch.ts';
import { compileText } from './constant.ts';

function compileConstant(value: number): Fetch {
  return (_ctx, sample) => {
    sample.setInt(value);
    return true;
  };
}

let threadIndex = 0;

/** Says which worker this thread is, before rules are compiled. */
export function initThread(workerIndex: number): void {
  threadIndex = workerIndex;
}

const startMs = Date.now();

function fetchUptime(ctx: RuleContext, sample: Sample): boolean {
  sample.setInt(Math.max(0, Math.floor((ctx.nowDateMs - startMs) / 1000)));
  return true;
}

function compileRandom(args: readonly ArgConfig[]): Fetch {
  const range = Number(args[0] ?? 4294967296);
  return (_ctx, sample) => {
    sample.setInt(Math.floor(Math.random() * range));
    return true;
  };
}

const UUID_TEXT = 36;
const UUID_BYTES = 16;
const random = new Uint8Array(UUID_BYTES * 64);
let randomUsed = random.length;

/** Start of 16 fresh random bytes in `random`. */
function takeRandom(): number {
  if (randomUsed === random.length) {
    crypto.getRandomValues(random);
    randomUsed = 0;
  }
  const at = randomUsed;
  randomUsed += UUID_BYTES;
  return at;
}

function hex(digit: number): number {
  return digit < 10 ? 0x30 + digit : 0x57 + digit;
}

// RFC 9562 4: version in the high half of byte 6, variant in the two high bits of byte 8.
function putUuid(sample: Sample, from: number, version: number): void {
  random[from + 6] = (random[from + 6]! & 0x0f) | (version << 4);
  random[from + 8] = (random[from + 8]! & 0x3f) | 0x80;
  const off = takeScratch(UUID_TEXT);
  let at = off;
  for (let i = 0; i < UUID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) mem[at++] = 0x2d;
    const byte = random[from + i]!;
    mem[at++] = hex(byte >> 4);
    mem[at++] = hex(byte & 15);
  }
  sample.setStr(off, UUID_TEXT);
}

function fetchUuid4(_ctx: RuleContext, sample: Sample): boolean {
  putUuid(sample, takeRandom(), 4);
  return true;
}

// RFC 9562 5.7: 48 bits of milliseconds since 1970, then chance.
function fetchUuid7(ctx: RuleContext, sample: Sample): boolean {
  const from = takeRandom();
  let ms = Math.floor(ctx.nowDateMs);
  for (let i = 5; i >= 0; i--) {
    random[from + i] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  putUuid(sample, from, 7);
  return true;
}

function checkUuid(args: ArgConfig[]): void {
  const version = args[0] ?? 4;
  if (version !== 4 && version !== 7) {
    throw new ConfigError(`Unsupported UUID version: '${version}'`);
  }
}

/** Rules that wait for nothing have no inspection period: it is always over. */
function fetchEnd(ctx: RuleContext, sample: Sample): boolean {
  sample.mayChange = true;
  if (!ctx.isFinal) return false;
  sample.setBool(true);
  return true;
}

const common = { args: '', valid: valid.anywhere } as const;

export const processFetches = [
  {
    ...common,
    name: 'hostname',
    out: 'str',
    doc: 'name of the machine',
    compile: () => compileText(hostname()),
  },
  { ...common, name: 'nbproc', out: 'sint', doc: 'always 1', compile: () => compileConstant(1) },
  {
    ...common,
    name: 'pid',
    out: 'sint',
    doc: 'number of the process',
    compile: () => compileConstant(process.pid),
  },
  { ...common, name: 'proc', out: 'sint', doc: 'always 1', compile: () => compileConstant(1) },
  {
    ...common,
    name: 'rand',
    args: '[integer]',
    out: 'sint',
    doc: 'a random integer from 0, below the range (default 2^32)',
    compile: compileRandom,
  },
  {
    ...common,
    name: 'tgroup',
    out: 'sint',
    doc: 'position of the thread group, always 0',
    compile: () => compileConstant(0),
  },
  {
    ...common,
    name: 'thread',
    out: 'sint',
    doc: 'position of the thread, from 0',
    compile: () => compileConstant(threadIndex),
  },
  {
    ...common,
    name: 'uptime',
    out: 'sint',
    doc: 'seconds since the start',
    compile: () => fetchUptime,
  },
  {
    ...common,
    name: 'uuid',
    args: '[integer]',
    out: 'str',
    doc: 'a UUID of version 4 (random) or 7 (time and random)',
    check: checkUuid,
    compile: (args) => (args[0] === 7 ? fetchUuid7 : fetchUuid4),
  },
  {
    name: 'wait_end',
    args: '',
    out: 'bool',
    valid: valid.running,
    doc: 'true when the inspection period is over',
    compile: () => fetchEnd,
  },
] as const satisfies readonly FetchRow[];
