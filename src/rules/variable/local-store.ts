/**
 * Variables of a session or a stream (configuration.txt 2.8): a block of cells in the arena, one per
 * name of the configuration, made when the first of them is set; texts are pieces of the same heap.
 *
 *   Session.variables ─▶ [ bytes, - ]              [ cell per sess name ... ]
 *   Stream.variables  ─▶ [ bytes, of the message ] [ cell per txn name ... | per req/res name ... ]
 *   cell                 [ type | length | text ─▶ piece | - | number (a double) ]
 *
 * An IPv6 address stands in the cell itself, from `text` on. A session or a stream without
 * variables is a 0 and costs nothing.
 *
 * The bytes in front are counted only where a limit is configured (3.2 `tune.vars.*`): a variable
 * of a message counts for its stream too, one of a stream for its session, all for the process.
 *
 * @dataplane
 */

import type { Session, StreamFacts } from '../../model/stream.ts';
import { CELL_BYTES, CELLS_HEAD_BYTES, Store, VARIABLE_BYTES } from '../../model/variable.ts';
import { mem, mem32, mem64 } from '../../sys/arena.ts';
import { Heap, pieceBytes } from '../../sys/heap.ts';
import { type Sample, SampleType } from '../sample.ts';
import type { ProcessStore } from './process-store.ts';
import { maySet, textLength } from './value.ts';

/** Of the front of a block. */
const USED = 0;
const MESSAGE_USED = 4;
/** Of a cell. */
const TYPE = 0;
const LENGTH = 4;
const TEXT = 8;
const NUMBER = 16;

const IPV6_BYTES = 16;

/** How many variables a store has, and what they may take; 0 = no limit. */
export interface LocalSizes {
  session: number;
  transaction: number;
  message: number;
  sessionMax: number;
  transactionMax: number;
  messageMax: number;
  heapBytes: number;
  valueMax: number;
  /** The process has a limit. */
  isProcessLimited: boolean;
}

export class LocalStore {
  private readonly sizes: LocalSizes;
  private readonly heap: Heap;
  private readonly process: ProcessStore;
  private readonly isLimited: boolean;
  private readonly sessionBlock: number;
  private readonly streamBlock: number;
  /** Offset of the first cell of the message in a stream's block. */
  private readonly messageAt: number;

  constructor(sizes: LocalSizes, process: ProcessStore) {
    this.sizes = sizes;
    this.process = process;
    this.isLimited =
      sizes.isProcessLimited || sizes.sessionMax + sizes.transactionMax + sizes.messageMax > 0;
    this.sessionBlock = CELLS_HEAD_BYTES + sizes.session * CELL_BYTES;
    this.messageAt = CELLS_HEAD_BYTES + sizes.transaction * CELL_BYTES;
    this.streamBlock = this.messageAt + sizes.message * CELL_BYTES;
    this.heap = new Heap(
      sizes.heapBytes,
      Math.max(sizes.valueMax, this.sessionBlock, this.streamBlock),
    );
  }

  /** Bytes of the blocks and texts that are in use. */
  get inUse(): number {
    return this.heap.inUse;
  }

  /** Reads a value; its text is where it is kept. @returns false when there is none */
  read(
    sess: Session,
    strm: StreamFacts | null,
    store: Store,
    index: number,
    sample: Sample,
  ): boolean {
    const cell = this.find(sess, strm, store, index);
    if (cell === 0) return false;
    const type = mem32[(cell + TYPE) >> 2]! as SampleType;
    if (type === SampleType.None) return false;
    sample.type = type;
    sample.num = mem64[(cell + NUMBER) >> 3]!;
    sample.len = mem32[(cell + LENGTH) >> 2]!;
    sample.off = type === SampleType.Ipv6 ? cell + TEXT : mem32[(cell + TEXT) >> 2]!;
    return true;
  }

  /**
   * Sets a value; the sample's text is then the one that is kept.
   * @param conditions `SetIf` bits
   * @returns false when a condition does not hold, or when it does not fit: no value is left then
   */
  write(
    sess: Session,
    strm: StreamFacts | null,
    store: Store,
    index: number,
    sample: Sample,
    conditions: number,
  ): boolean {
    const had = this.find(sess, strm, store, index);
    const type = had === 0 ? SampleType.None : (mem32[(had + TYPE) >> 2]! as SampleType);
    const num = type === SampleType.None ? 0 : mem64[(had + NUMBER) >> 3]!;
    if (!maySet(conditions, type !== SampleType.None, type, num, sample)) return false;
    if (had === 0 && !this.createBlock(sess, strm, store)) return false;
    const cell = had === 0 ? this.find(sess, strm, store, index) : had;
    const before = type === SampleType.None ? 0 : VARIABLE_BYTES + this.textAt(cell);
    const len = textLength(sample);
    const more = VARIABLE_BYTES + len - before;
    if (this.charge(sess, strm, store, more)) {
      if (this.put(cell, sample, len)) return true;
      this.charge(sess, strm, store, -more);
    }
    this.clear(sess, strm, store, cell);
    return false;
  }

  unset(sess: Session, strm: StreamFacts | null, store: Store, index: number): void {
    const cell = this.find(sess, strm, store, index);
    if (cell !== 0) this.clear(sess, strm, store, cell);
  }

  /** The request's part of a stream ends, or the stream: its `req` or `res` variables go. */
  dropMessage(sess: Session, strm: StreamFacts): void {
    const from = strm.variables + this.messageAt;
    this.clearCells(sess, strm, Store.Message, from, this.sizes.message);
  }

  dropStream(sess: Session, strm: StreamFacts): void {
    this.dropMessage(sess, strm);
    const { variables } = strm;
    const from = variables + CELLS_HEAD_BYTES;
    this.clearCells(sess, strm, Store.Transaction, from, this.sizes.transaction);
    this.heap.give(variables, this.streamBlock);
    strm.variables = 0;
  }

  dropSession(sess: Session): void {
    const { variables } = sess;
    const from = variables + CELLS_HEAD_BYTES;
    this.clearCells(sess, null, Store.Session, from, this.sizes.session);
    this.heap.give(variables, this.sessionBlock);
    sess.variables = 0;
  }

  /** @returns the offset of a cell, 0 when there is no block for it */
  private find(sess: Session, strm: StreamFacts | null, store: Store, index: number): number {
    if (store === Store.Session) {
      return sess.variables === 0 ? 0 : sess.variables + CELLS_HEAD_BYTES + index * CELL_BYTES;
    }
    if (strm === null || strm.variables === 0) return 0;
    const first = store === Store.Message ? this.messageAt : CELLS_HEAD_BYTES;
    return strm.variables + first + index * CELL_BYTES;
  }

  private createBlock(sess: Session, strm: StreamFacts | null, store: Store): boolean {
    // What a stream uses is counted in its session.
    if (sess.variables === 0 && (store === Store.Session || this.isLimited)) {
      sess.variables = this.takeBlock(this.sessionBlock);
      if (sess.variables === 0) return false;
    }
    if (store === Store.Session) return true;
    if (strm === null) return false;
    strm.variables = this.takeBlock(this.streamBlock);
    return strm.variables !== 0;
  }

  private takeBlock(bytes: number): number {
    const block = this.heap.take(bytes);
    if (block !== 0) mem.fill(0, block, block + bytes);
    return block;
  }

  /** Counts bytes at every level. @returns false when a limit forbids them: nothing is counted */
  private charge(sess: Session, strm: StreamFacts | null, store: Store, bytes: number): boolean {
    if (!this.isLimited) return true;
    const { sessionMax, transactionMax, messageMax } = this.sizes;
    const session = (sess.variables + USED) >> 2;
    const stream = strm === null ? 0 : (strm.variables + USED) >> 2;
    const message = stream + (MESSAGE_USED >> 2);
    const more = bytes > 0;
    const inStream = store !== Store.Session;
    const inMessage = store === Store.Message;
    if (more && exceeds(session, bytes, sessionMax)) return false;
    if (more && inStream && exceeds(stream, bytes, transactionMax)) return false;
    if (more && inMessage && exceeds(message, bytes, messageMax)) return false;
    if (!this.process.charge(bytes)) return false;
    mem32[session] = mem32[session]! + bytes;
    if (inStream) mem32[stream] = mem32[stream]! + bytes;
    if (inMessage) mem32[message] = mem32[message]! + bytes;
    return true;
  }

  /** Length of the piece of a cell. */
  private textAt(cell: number): number {
    const type = mem32[(cell + TYPE) >> 2]!;
    return type === SampleType.Ipv6 ? 0 : mem32[(cell + LENGTH) >> 2]!;
  }

  /** Stores a value. @returns false when there is no room for its text */
  private put(cell: number, sample: Sample, len: number): boolean {
    const oldLen = this.textAt(cell);
    const old = oldLen === 0 ? 0 : mem32[(cell + TEXT) >> 2]!;
    let piece = 0;
    if (len > 0) {
      piece = old !== 0 && pieceBytes(oldLen) === pieceBytes(len) ? old : this.heap.take(len);
      if (piece === 0) return false;
      // The text may be a part of the one that was there.
      mem.copyWithin(piece, sample.off, sample.off + len);
      sample.off = piece;
    }
    if (old !== 0 && piece !== old) this.heap.give(old, oldLen);
    mem64[(cell + NUMBER) >> 3] = sample.num;
    mem32[(cell + TYPE) >> 2] = sample.type;
    mem32[(cell + LENGTH) >> 2] = len;
    mem32[(cell + TEXT) >> 2] = piece;
    if (sample.type === SampleType.Ipv6) {
      mem.copyWithin(cell + TEXT, sample.off, sample.off + IPV6_BYTES);
      mem32[(cell + LENGTH) >> 2] = IPV6_BYTES;
    }
    return true;
  }

  private clearCells(
    sess: Session,
    strm: StreamFacts | null,
    store: Store,
    from: number,
    count: number,
  ): void {
    for (let i = 0; i < count; i++) this.clear(sess, strm, store, from + i * CELL_BYTES);
  }

  private clear(sess: Session, strm: StreamFacts | null, store: Store, cell: number): void {
    if (mem32[(cell + TYPE) >> 2] === SampleType.None) return;
    const len = this.textAt(cell);
    if (len > 0) this.heap.give(mem32[(cell + TEXT) >> 2]!, len);
    mem32[(cell + TYPE) >> 2] = SampleType.None;
    mem32[(cell + LENGTH) >> 2] = 0;
    this.charge(sess, strm, store, -(VARIABLE_BYTES + len));
  }
}

function exceeds(at: number, bytes: number, most: number): boolean {
  return most > 0 && mem32[at]! + bytes > most;
}
