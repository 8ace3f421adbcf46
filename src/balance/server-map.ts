/**
 * The table of `balance static-rr` and of `hash-type map-based` (configuration.txt 4.2): one slot
 * per unit of weight in lowest terms, each with a server.
 *
 * The order is HAProxy 3.2's, found by asking it for the server of every slot. From slot to slot
 * each server earns its weight. The slot goes to who has earned the most whole rounds (a round is
 * the sum of the weights; less than one counts as none, a debt as less than that), the first one in
 * the configuration among equals; it costs a round. So weights 1, 2, 3 make 1 3 2 3 2 3.
 *
 * Building takes a step of log n per slot: who earns a whole round at a slot is kept in a list of
 * that slot, and a tree of maxima finds the winner. 4095 servers of weight 256 take some tens of
 * milliseconds, and only when a server comes or goes.
 *
 * @dataplane
 */
import { WEIGHT_MAX } from './members.ts';
import { weightDivisor } from './sequence.ts';

/** Below every number of rounds that a server can have. */
const NEVER = -0x8000;
const NO_SERVER = -1;

export class ServerMap {
  private readonly serverCount: number;
  /** Server index per slot; `length` slots are valid. */
  readonly slots: Uint16Array;
  /** 0 = no server takes part. */
  length: number;
  /** Weight in lowest terms. */
  private readonly share: Int32Array;
  /** Whole rounds that were earned so far, whatever was paid. */
  private readonly earned: Int32Array;
  /** Per slot: the first server that earns a round there; per server: the next such one. */
  private readonly due: Int32Array;
  private readonly nextDue: Int32Array;
  /** Maxima of whole rounds: the servers are the leaves, node n has the children 2n and 2n + 1. */
  private readonly tree: Int16Array;
  private readonly leaves: number;

  constructor(serverCount: number) {
    this.serverCount = serverCount;
    this.slots = new Uint16Array(serverCount * WEIGHT_MAX);
    this.length = 0;
    this.share = new Int32Array(serverCount);
    this.earned = new Int32Array(serverCount);
    this.due = new Int32Array(serverCount * WEIGHT_MAX);
    this.nextDue = new Int32Array(serverCount);
    let leaves = 1;
    while (leaves < serverCount) leaves *= 2;
    this.leaves = leaves;
    this.tree = new Int16Array(2 * leaves);
  }

  /** @param weights weight per server, 0..256; 0 = takes no part. */
  rebuild(weights: Int32Array): void {
    const total = this.reset(weights);
    this.length = total;
    for (let slot = 0; slot < total; slot++) {
      let server = this.due[slot]!;
      while (server !== NO_SERVER) {
        const next = this.nextDue[server]!;
        this.put(server, this.tree[this.leaves + server]! + 1);
        this.awaitRound(server, total);
        server = next;
      }
      const winner = this.first();
      this.slots[slot] = winner;
      this.put(winner, this.tree[this.leaves + winner]! - 1);
    }
  }

  private reset(weights: Int32Array): number {
    const divisor = weightDivisor(weights, this.serverCount);
    this.tree.fill(NEVER);
    let total = 0;
    for (let i = 0; i < this.serverCount; i++) {
      this.share[i] = divisor === 0 ? 0 : weights[i]! / divisor;
      this.earned[i] = 0;
      total += this.share[i]!;
    }
    this.due.fill(NO_SERVER, 0, total);
    for (let i = 0; i < this.serverCount; i++) {
      if (this.share[i] === 0) continue;
      this.put(i, 0);
      this.awaitRound(i, total);
    }
    return total;
  }

  /** Puts the server into the list of the slot at which it has earned one round more. */
  private awaitRound(server: number, total: number): void {
    const round = ++this.earned[server]!;
    const slot = Math.ceil((round * total) / this.share[server]!) - 1;
    if (slot >= total) return;
    this.nextDue[server] = this.due[slot]!;
    this.due[slot] = server;
  }

  private put(server: number, rounds: number): void {
    let node = this.leaves + server;
    this.tree[node] = rounds;
    for (node >>= 1; node > 0; node >>= 1) {
      this.tree[node] = Math.max(this.tree[2 * node]!, this.tree[2 * node + 1]!);
    }
  }

  /** The first server that has the most whole rounds. */
  private first(): number {
    const most = this.tree[1];
    let node = 1;
    while (node < this.leaves) node = this.tree[2 * node] === most ? 2 * node : 2 * node + 1;
    return node - this.leaves;
  }
}
