/**
 * Sessions that clients resume by their number, shared by all workers (configuration.txt 3.2
 * tune.ssl.cachesize, tune.ssl.lifetime): without tickets the next connection of a client may come to
 * another worker. Clients with tickets bring their session with them and need no place here.
 *
 * One SharedArrayBuffer: a ring of blocks in which a session lies in one piece, and an index by number.
 * The oldest sessions are overwritten. A session is found only where a block says that one begins, so
 * bytes of a session are never taken for another one.
 *
 *   lock, next block │ per block: bytes of the session that begins here │ index: block + 1 │ blocks
 */
import type { TlsDefaults } from '../../model/config.ts';
import { base, mem, putPointer, reserve } from '../../sys/arena.ts';
import {
  type Address,
  addressOf,
  at,
  byteAt,
  Ctrl,
  createCallback,
  createPointerCallback,
  inArena,
  needOpenssl,
  type Openssl,
  putInt,
} from '../../sys/openssl.ts';

/** Mode bits (ssl.h SSL_SESS_CACHE_*): SERVER, NO_AUTO_CLEAR, NO_INTERNAL. */
const MODE_OFF = 0;
const MODE_SHARED = 0x2 | 0x80 | 0x300;

const BLOCK_BYTES = 256;
const ID_BYTES = 32;
/** A session with the chain of a client's certificates is larger than this seldom. */
const SESSION_MAX = 8192;
const HEADER_WORDS = 2;
const LOCK = 0;
const NEXT = 1;
/** Attempts to take the lock; whoever does not get it does without the cache. */
const SPINS = 1000;

const scratch = reserve(SESSION_MAX);
const cell = reserve(16);
const id = reserve(ID_BYTES);

/** The memory of a cache; null when the configuration wants none. */
export function allocateSessionCache(blocks: number): SharedArrayBuffer | null {
  if (blocks <= 0) return null;
  const words = HEADER_WORDS + blocks + indexSize(blocks);
  return new SharedArrayBuffer(words * 4 + blocks * BLOCK_BYTES);
}

function indexSize(blocks: number): number {
  let size = 4;
  while (size < blocks * 2) size *= 2;
  return size;
}

/** Blocks that fit a memory. */
function blocksOf(memory: SharedArrayBuffer): number {
  let blocks = Math.floor(memory.byteLength / (BLOCK_BYTES + 4));
  while (
    (HEADER_WORDS + blocks + indexSize(blocks)) * 4 + blocks * BLOCK_BYTES >
    memory.byteLength
  ) {
    blocks--;
  }
  return blocks;
}

export class SessionCache {
  readonly blocks: number;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly mask: number;
  private readonly index: number;
  private readonly data: number;

  constructor(memory: SharedArrayBuffer) {
    this.blocks = blocksOf(memory);
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.mask = indexSize(this.blocks) - 1;
    this.index = HEADER_WORDS + this.blocks;
    this.data = (this.index + this.mask + 1) * 4;
  }

  private lock(): boolean {
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.compareExchange(this.words, LOCK, 0, 1) === 0) return true;
    }
    return false;
  }

  private unlock(): void {
    Atomics.store(this.words, LOCK, 0);
  }

  /** Numbers are random: any four bytes of them are a hash. */
  private place(idOff: number): number {
    const hash = mem[idOff]! | (mem[idOff + 1]! << 8) | (mem[idOff + 2]! << 16);
    return this.index + (hash & this.mask);
  }

  /** Keeps `len` bytes at `off` under the number at `idOff`. */
  put(idOff: number, off: number, len: number): void {
    const need = Math.ceil((len + ID_BYTES) / BLOCK_BYTES);
    if (need > this.blocks || !this.lock()) return;
    const { words, bytes, blocks } = this;
    let first = words[NEXT]!;
    if (first + need > blocks) first = 0;
    for (let i = 0; i < need; i++) words[HEADER_WORDS + first + i] = 0;
    words[NEXT] = first + need;
    words[HEADER_WORDS + first] = len;
    words[this.place(idOff)] = first + 1;
    const to = this.data + first * BLOCK_BYTES;
    for (let i = 0; i < ID_BYTES; i++) bytes[to + i] = mem[idOff + i]!;
    for (let i = 0; i < len; i++) bytes[to + ID_BYTES + i] = mem[off + i]!;
    this.unlock();
  }

  /** Copies the session of a number to `off`. @returns its length, 0 = it is not there. */
  get(idOff: number, off: number): number {
    if (!this.lock()) return 0;
    const len = this.copy(idOff, off);
    this.unlock();
    return len;
  }

  private copy(idOff: number, off: number): number {
    const { words, bytes } = this;
    const block = words[this.place(idOff)]! - 1;
    const len = block < 0 ? 0 : words[HEADER_WORDS + block]!;
    if (len === 0) return 0;
    const from = this.data + block * BLOCK_BYTES;
    for (let i = 0; i < ID_BYTES; i++) if (bytes[from + i] !== mem[idOff + i]) return 0;
    for (let i = 0; i < len; i++) mem[off + i] = bytes[from + ID_BYTES + i]!;
    return len;
  }
}

let cache: SessionCache | null = null;
let callbacks: { added: Address; asked: Address };

/** The memory that all workers have; null = no cache. */
export function initSessionCache(memory: SharedArrayBuffer | null): void {
  cache = memory === null ? null : new SessionCache(memory);
}

/** Makes a context keep its sessions in the cache. */
export function rememberSessions(lib: Openssl, context: Address, defaults: TlsDefaults): void {
  lib.SSL_CTX_set_timeout(at(context), defaults.lifetimeS);
  const mode = cache === null ? MODE_OFF : MODE_SHARED;
  lib.SSL_CTX_ctrl(at(context), Ctrl.SessionCacheMode, mode, null);
  if (cache === null) return;
  callbacks ??= {
    added: createCallback(onSession, ['ptr', 'ptr']),
    asked: createPointerCallback(onLookup, ['ptr', 'ptr', 'i32', 'ptr']),
  };
  lib.SSL_CTX_sess_set_new_cb(at(context), at(callbacks.added));
  lib.SSL_CTX_sess_set_get_cb(at(context), at(callbacks.asked));
}

function copyId(from: Address, len: number): void {
  for (let i = 0; i < ID_BYTES; i++) mem[id + i] = i < len ? byteAt(from, i) : 0;
}

/** @returns 0: OpenSSL keeps its reference. */
function onSession(_ssl: Address, session: Address): number {
  const lib = needOpenssl();
  const sess = at(Number(session));
  if (cache === null || lib.SSL_SESSION_has_ticket(sess) === 1) return 0;
  const from = addressOf(lib.SSL_SESSION_get_id(sess, inArena(cell)));
  const len = mem[cell]!;
  const size = lib.i2d_SSL_SESSION(sess, null);
  if (len === 0 || len > ID_BYTES || size <= 0 || size > SESSION_MAX) return 0;
  copyId(from, len);
  putPointer(cell, base + scratch);
  lib.i2d_SSL_SESSION(sess, inArena(cell));
  cache.put(id, scratch, size);
  return 0;
}

/** @returns a session that the caller owns, or 0. */
function onLookup(_ssl: Address, from: Address, len: number, copy: Address): number {
  const lib = needOpenssl();
  putInt(lib, Number(copy), 0);
  if (cache === null || len <= 0 || len > ID_BYTES) return 0;
  copyId(Number(from), len);
  const size = cache.get(id, scratch);
  if (size === 0) return 0;
  putPointer(cell, base + scratch);
  return addressOf(lib.d2i_SSL_SESSION(null, inArena(cell), size));
}
