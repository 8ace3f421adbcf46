/**
 * Bytes as they have come, for connections whose protocol the proxy does not speak
 * (configuration.txt 7.3.5). They have a value while they lie in their buffer; in HTTP mode they have
 * none.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { mem, reserveBytes } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import { fold } from '../fold.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';

const request = { valid: valid.request, needs: 'request buffer' } as const;
const response = { valid: valid.responseHead, needs: 'response buffer' } as const;

function fetchRequestLength(ctx: RuleContext, sample: Sample): boolean {
  sample.setInt(ctx.requestBytesLen);
  sample.mayChange = true;
  return true;
}

function fetchResponseLength(ctx: RuleContext, sample: Sample): boolean {
  sample.setInt(ctx.responseBytesLen);
  sample.mayChange = true;
  return true;
}

function setBytes(sample: Sample, off: number, len: number): boolean {
  sample.setStr(off, len);
  sample.type = SampleType.Bin;
  return true;
}

/** `len` bytes from `at` on, 0 = all that have come. */
function slice(sample: Sample, off: number, have: number, at: number, len: number): boolean {
  if (off === 0 && have > 0) return false;
  const missing = at + len > have || (len === 0 && at >= have);
  sample.mayChange = missing || len === 0;
  if (missing) return false;
  return setBytes(sample, off + at, len === 0 ? have - at : len);
}

/** Where the words of `payload_lv` put the block and its length. */
class Field {
  readonly lengthAt: number;
  readonly lengthBytes: number;
  /** Added to the end of the length, or to the start of the bytes. */
  readonly shift: number;
  readonly absolute: boolean;

  constructor(args: readonly ArgConfig[]) {
    const text = String(args[2] ?? '');
    this.lengthAt = Number(args[0]);
    this.lengthBytes = Number(args[1]);
    this.shift = Number(text || 0);
    this.absolute = /^\d/.test(text);
  }

  /** The block, once it is whole. */
  read(sample: Sample, off: number, have: number): boolean {
    if (off === 0 && have > 0) return false;
    const end = this.lengthAt + this.lengthBytes;
    sample.mayChange = end > have;
    if (end > have) return false;
    let len = 0;
    for (let i = this.lengthAt; i < end; i++) len = len * 256 + mem[off + i]!;
    const at = this.absolute ? this.shift : end + this.shift;
    if (len === 0) return false;
    const missing = at + len > have;
    sample.mayChange = missing;
    return !missing && setBytes(sample, off + at, len);
  }
}

function checkPayload(args: ArgConfig[]): void {
  if (Number(args[0]) < 0) throw new ConfigError('payload offset must be positive');
  if (Number(args[1]) < 0) throw new ConfigError('payload length must be positive');
}

function checkField(args: ArgConfig[]): void {
  const at = Number(args[0]);
  const bytes = Number(args[1]);
  const text = String(args[2] ?? '');
  if (at < 0) throw new ConfigError('payload offset1 must be positive');
  if (bytes <= 0) throw new ConfigError('payload length must be > 0');
  if (text === '') return;
  if (!/^[+-]?\d{1,9}$/.test(text)) {
    throw new ConfigError('payload offset2 is not a number');
  }
  if (/^-/.test(text) && at + bytes + Number(text) < 0) {
    throw new ConfigError('payload offset2 too negative');
  }
}

function compilePayload(args: readonly ArgConfig[], response: boolean): Fetch {
  const at = Number(args[0]);
  const len = Number(args[1]);
  if (response) {
    return (ctx, sample) => slice(sample, ctx.responseBytesOff, ctx.responseBytesLen, at, len);
  }
  return (ctx, sample) => slice(sample, ctx.requestBytesOff, ctx.requestBytesLen, at, len);
}

function compileField(args: readonly ArgConfig[], response: boolean): Fetch {
  const field = new Field(args);
  if (response) {
    return (ctx, sample) => field.read(sample, ctx.responseBytesOff, ctx.responseBytesLen);
  }
  return (ctx, sample) => field.read(sample, ctx.requestBytesOff, ctx.requestBytesLen);
}

/** `Cookie:` behind the heads of TPKT (RFC 1006 6) and X.224, as Microsoft's MS-RDPBCGR has it. */
const COOKIE_AT = 11;
const COOKIE = 'cookie:';
const cookieWord = reserveBytes(COOKIE);
const SPACE = 0x20;
const EQUALS = 0x3d;

/** A cookie of the request, as registers. */
class RdpCookie {
  nameOff = 0;
  nameEnd = 0;
  valueOff = 0;
  valueEnd = 0;

  /** Finds the only cookie that a connection request of RDP has. */
  find(ctx: RuleContext, sample: Sample): boolean {
    const { requestBytesOff: off } = ctx;
    if (off === 0) {
      sample.mayChange = ctx.requestBytesLen === 0;
      return false;
    }
    const end = off + ctx.requestBytesLen;
    let at = off + COOKIE_AT;
    const have = Math.min(end - at, COOKIE.length);
    for (let i = 0; i < have; i++) {
      if (fold[mem[at + i]!] !== mem[cookieWord + i]) return false;
    }
    sample.mayChange = true;
    if (have < COOKIE.length) return false;
    at += COOKIE.length;
    while (at < end && mem[at] === SPACE) at++;
    this.nameOff = at;
    while (at < end && mem[at] !== EQUALS && !isBreak(at)) at++;
    this.nameEnd = at;
    if (at === end) return false;
    if (mem[at] !== EQUALS) {
      sample.mayChange = false;
      return false;
    }
    this.valueOff = at + 1;
    while (at < end && !isBreak(at)) at++;
    this.valueEnd = at;
    if (at + 1 >= end) return false;
    sample.mayChange = false;
    return mem[at] === 13 && mem[at + 1] === 10;
  }

  /** Whether it has this name, in whichever case; a length of 0 is any name. */
  isNamed(nameOff: number, nameLen: number): boolean {
    if (nameLen === 0) return true;
    if (this.nameEnd - this.nameOff !== nameLen) return false;
    for (let i = 0; i < nameLen; i++) {
      if (fold[mem[this.nameOff + i]!] !== fold[mem[nameOff + i]!]) return false;
    }
    return true;
  }
}

/** The end of a line begins here. */
function isBreak(at: number): boolean {
  return mem[at] === 13 || mem[at] === 10;
}

const rdpCookie = new RdpCookie();

function compileRdpCookie(args: readonly ArgConfig[]): Fetch {
  const name = String(args[0] ?? '');
  const nameOff = name === '' ? 0 : reserveBytes(name);
  return (ctx, sample) => {
    if (!rdpCookie.find(ctx, sample) || !rdpCookie.isNamed(nameOff, name.length)) return false;
    sample.setStr(rdpCookie.valueOff, rdpCookie.valueEnd - rdpCookie.valueOff);
    return true;
  };
}

function compileRdpCount(args: readonly ArgConfig[]): Fetch {
  const name = String(args[0] ?? '');
  const nameOff = name === '' ? 0 : reserveBytes(name);
  return (ctx, sample) => {
    const found = rdpCookie.find(ctx, sample);
    sample.setInt(found && rdpCookie.isNamed(nameOff, name.length) ? 1 : 0);
    return found || !sample.mayChange;
  };
}

const payload = {
  ...request,
  args: 'integer,integer',
  out: 'bin',
  doc: 'bytes of the request from an offset on: so many, or with 0 all that have come',
  check: checkPayload,
  compile: (args: readonly ArgConfig[]) => compilePayload(args, false),
} as const;

const responsePayload = {
  ...payload,
  ...response,
  doc: 'bytes of the response from an offset on: so many, or with 0 all that have come',
  compile: (args: readonly ArgConfig[]) => compilePayload(args, true),
} as const;

const field = {
  ...request,
  args: 'integer,integer[,string]',
  out: 'bin',
  doc: 'bytes of the request whose number stands at an offset, in so many bytes',
  check: checkField,
  compile: (args: readonly ArgConfig[]) => compileField(args, false),
} as const;

const responseField = {
  ...field,
  ...response,
  doc: 'bytes of the response whose number stands at an offset, in so many bytes',
  compile: (args: readonly ArgConfig[]) => compileField(args, true),
} as const;

const rdp = {
  ...request,
  args: '[string]',
  out: 'str',
  doc: 'the cookie of a connection request of RDP, of this name or of any',
  compile: compileRdpCookie,
} as const;

const rdpCount = {
  ...rdp,
  out: 'sint',
  doc: 'number of cookies of a connection request of RDP, of this name or of any',
  compile: compileRdpCount,
} as const;

const requestLength = {
  ...request,
  args: '',
  out: 'sint',
  doc: 'bytes of the request that have come',
  compile: () => fetchRequestLength,
} as const;

/** Either side: the parser turns the name into that of the side where it is used. */
const either = { valid: valid.head, needs: 'request buffer,response buffer' } as const;

export const payloadFetches = [
  { ...payload, ...either, name: 'payload' },
  { ...field, ...either, name: 'payload_lv' },
  { ...rdp, name: 'rdp_cookie' },
  { ...rdpCount, name: 'rdp_cookie_cnt' },
  { ...requestLength, name: 'req.len' },
  { ...payload, name: 'req.payload' },
  { ...field, name: 'req.payload_lv' },
  { ...rdp, name: 'req.rdp_cookie' },
  { ...rdpCount, name: 'req.rdp_cookie_cnt' },
  { ...requestLength, name: 'req_len' },
  {
    ...response,
    name: 'res.len',
    args: '',
    out: 'sint',
    doc: 'bytes of the response that have come',
    compile: () => fetchResponseLength,
  },
  { ...responsePayload, name: 'res.payload' },
  { ...responseField, name: 'res.payload_lv' },
] as const satisfies readonly FetchRow[];
