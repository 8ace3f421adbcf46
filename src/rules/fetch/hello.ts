/**
 * The TLS hello at the start of a connection as samples (configuration.txt 7.3.5): what a client
 * asks for can be known without opening its TLS. Of the bytes of HTTP there is none.
 *
 * @dataplane
 */
import { mem } from '../../sys/arena.ts';
import type { Fetch, RuleContext } from '../context.ts';
import {
  Found,
  findCiphers,
  findExtension,
  hello,
  helloVersion,
  openList,
  openProtocol,
  openServerName,
  readHello,
} from '../hello-message.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import { type Sample, SampleType } from '../sample.ts';
import { takeScratch } from '../scratch.ts';

/** Numbers of extensions (RFC 8446 4.2, RFC 4492 5.1, RFC 5077 3.2). */
const enum Extension {
  ServerName = 0,
  SupportedGroups = 10,
  SignatureAlgorithms = 13,
  Protocols = 16,
  SessionTicket = 35,
  KeyShare = 51,
}

/** Whether the request begins with a whole handshake message, left in `hello`. */
function hasHello(ctx: RuleContext, sample: Sample): boolean {
  if (ctx.requestBytesOff === 0 && ctx.requestBytesLen > 0) return false;
  const found = readHello(ctx.requestBytesOff, ctx.requestBytesLen);
  sample.mayChange = found === Found.Partial;
  return found === Found.Yes;
}

function fetchHelloType(ctx: RuleContext, sample: Sample): boolean {
  if (!hasHello(ctx, sample)) return false;
  sample.setInt(hello.type);
  return true;
}

function fetchServerHelloType(ctx: RuleContext, sample: Sample): boolean {
  const found = readHello(ctx.responseBytesOff, ctx.responseBytesLen);
  sample.mayChange = found === Found.Partial;
  if (found !== Found.Yes) return false;
  sample.setInt(hello.type);
  return true;
}

/** A hello of SSL 2 begins with its length, the type 1 and its version. */
function fetchVersion(ctx: RuleContext, sample: Sample): boolean {
  const { requestBytesOff: off, requestBytesLen: len } = ctx;
  const isSsl2 = len > 0 && (mem[off]! & 0x80) !== 0;
  if (!isSsl2) {
    if (!hasHello(ctx, sample)) return false;
    const version = helloVersion();
    sample.setInt(version);
    return version >= 0;
  }
  sample.mayChange = len < 5;
  if (len < 5 || mem[off + 2] !== 1) return false;
  sample.setInt(mem[off + 3]! * 65536 + mem[off + 4]!);
  return true;
}

function setPart(sample: Sample, type: SampleType): boolean {
  sample.setStr(hello.partOff, hello.partLen);
  sample.type = type;
  return true;
}

function fetchServerName(ctx: RuleContext, sample: Sample): boolean {
  if (!hasHello(ctx, sample) || findExtension(Extension.ServerName) !== Found.Yes) return false;
  return openServerName() && setPart(sample, SampleType.Str);
}

function fetchProtocol(ctx: RuleContext, sample: Sample): boolean {
  if (!hasHello(ctx, sample) || findExtension(Extension.Protocols) !== Found.Yes) return false;
  return openProtocol() && setPart(sample, SampleType.Str);
}

function fetchCiphers(ctx: RuleContext, sample: Sample): boolean {
  return hasHello(ctx, sample) && findCiphers() && setPart(sample, SampleType.Bin);
}

function fetchHasGroups(ctx: RuleContext, sample: Sample): boolean {
  if (!hasHello(ctx, sample)) return false;
  const found = findExtension(Extension.SupportedGroups);
  sample.setBool(found === Found.Yes);
  return found !== Found.Partial;
}

function fetchTicket(ctx: RuleContext, sample: Sample): boolean {
  if (!hasHello(ctx, sample)) return false;
  const found = findExtension(Extension.SessionTicket);
  const kind = hello.partLen > 0 ? 2 : 1;
  sample.setInt(found === Found.Yes ? kind : 0);
  return found !== Found.Partial;
}

/** Lists of numbers of two bytes. */
function compileList(number: Extension): Fetch {
  return (ctx, sample) => {
    if (!hasHello(ctx, sample) || findExtension(number) !== Found.Yes) return false;
    return openList() && hello.partLen % 2 === 0 && setPart(sample, SampleType.Bin);
  };
}

/** The groups of the key shares, two bytes each; the shares between them are left out. */
function fetchKeyShares(ctx: RuleContext, sample: Sample): boolean {
  if (!hasHello(ctx, sample) || findExtension(Extension.KeyShare) !== Found.Yes) return false;
  if (!openList()) return false;
  const end = hello.partOff + hello.partLen;
  const to = takeScratch(hello.partLen);
  if (to === 0) return false;
  let at = hello.partOff;
  let len = 0;
  while (at + 4 <= end) {
    mem[to + len] = mem[at]!;
    mem[to + len + 1] = mem[at + 1]!;
    len += 2;
    at += 4 + ((mem[at + 2]! << 8) | mem[at + 3]!);
  }
  if (at !== end) return false;
  sample.setStr(to, len);
  sample.type = SampleType.Bin;
  return true;
}

const request = { args: '', valid: valid.request, needs: 'request buffer' } as const;

const helloType = {
  ...request,
  out: 'sint',
  doc: 'type of the TLS handshake message that the request begins with: 1 is a ClientHello',
  compile: () => fetchHelloType,
} as const;

const serverHelloType = {
  args: '',
  valid: valid.responseHead,
  needs: 'response buffer',
  out: 'sint',
  doc: 'type of the TLS handshake message that the response begins with: 2 is a ServerHello',
  compile: () => fetchServerHelloType,
} as const;

const serverName = {
  ...request,
  out: 'str',
  doc: 'server name of the ClientHello',
  compile: () => fetchServerName,
} as const;

const version = {
  ...request,
  out: 'sint',
  doc: 'version of the ClientHello, as major * 65536 + minor',
  compile: () => fetchVersion,
} as const;

export const helloFetches = [
  { ...serverHelloType, name: 'rep_ssl_hello_type' },
  {
    ...request,
    name: 'req.ssl_alpn',
    out: 'str',
    doc: 'first protocol that the ClientHello offers',
    compile: () => fetchProtocol,
  },
  {
    ...request,
    name: 'req.ssl_cipherlist',
    out: 'bin',
    valid: valid.client,
    doc: 'cipher suites of the ClientHello',
    compile: () => fetchCiphers,
  },
  {
    ...request,
    name: 'req.ssl_ec_ext',
    out: 'bool',
    doc: 'whether the ClientHello lists elliptic curves',
    compile: () => fetchHasGroups,
  },
  { ...helloType, name: 'req.ssl_hello_type' },
  {
    ...request,
    name: 'req.ssl_keyshare_groups',
    out: 'bin',
    valid: valid.client,
    doc: 'groups of the key shares of the ClientHello',
    compile: () => fetchKeyShares,
  },
  {
    ...request,
    name: 'req.ssl_sigalgs',
    out: 'bin',
    valid: valid.client,
    doc: 'signature algorithms of the ClientHello',
    compile: () => compileList(Extension.SignatureAlgorithms),
  },
  { ...serverName, name: 'req.ssl_sni' },
  {
    ...request,
    name: 'req.ssl_st_ext',
    out: 'sint',
    doc: '0 without a session ticket extension, 1 with an empty one, 2 with a ticket',
    compile: () => fetchTicket,
  },
  {
    ...request,
    name: 'req.ssl_supported_groups',
    out: 'bin',
    valid: valid.client,
    doc: 'groups for the key exchange that the ClientHello lists',
    compile: () => compileList(Extension.SupportedGroups),
  },
  { ...version, name: 'req.ssl_ver' },
  { ...helloType, name: 'req_ssl_hello_type' },
  { ...serverName, name: 'req_ssl_sni' },
  { ...version, name: 'req_ssl_ver' },
  { ...serverHelloType, name: 'res.ssl_hello_type' },
] as const satisfies readonly FetchRow[];
