/**
 * The ring of `hash-type consistent` and of `balance random` (configuration.txt 4.2): every server
 * stands on it 16 times per unit of weight, and a hash belongs to the server of the nearest node.
 *
 * Where the nodes are was found by asking HAProxy 3.2 for the servers of many hashes. Node n of a
 * server is at avalanche(base + n). The base depends on `hash-key` (5.2):
 *
 *   id          4096 * id
 *   addr        avalanche(address) for IPv4, XXH32(address) for IPv6
 *   addr-port   avalanche(address + avalanche(port)), XXH32(address) with avalanche(port) as seed
 *
 * An IPv4 address counts as a number whose lowest byte comes first. Servers on a unix socket have
 * neither, so their id counts. The node below wins when two are equally near.
 *
 *   nodes, sorted   |··|·|···|····|·|··|···|··|·|       buckets of equal width lead to the first
 *   buckets         |    ^    |    ^    |    ^          node in or behind them
 *
 * Hashes are spread evenly, so a bucket holds about one node: a look-up takes the same time
 * whatever the number of nodes. Nodes are computed and sorted when a weight is new; a server that
 * comes or goes costs one pass over them.
 *
 * @dataplane
 */
import { assert } from '../base/assert.ts';
import type { ServerConfig } from '../model/config.ts';
import { avalanche, xxh32 } from '../rules/hash.ts';
import { reserveBytes } from '../sys/arena.ts';

/** Nodes per unit of weight. */
const NODES_PER_WEIGHT = 16;
/** Bits of a server's index in a node that is being sorted. */
const OWNER_SIZE = 0x10000;

/** Where the nodes of a server begin before they are mixed (see the head of this file). */
function createBase(config: ServerConfig): number {
  const { address, hashKey, id } = config;
  const isIpv6 = address.family === 'ipv6';
  if (hashKey === 'id' || !(isIpv6 || address.family === 'ipv4')) return Math.imul(id, 4096);
  const port = hashKey === 'addr-port' ? avalanche(address.port) : 0;
  const bytes = Buffer.from(address.bytes);
  if (!isIpv6) return avalanche((bytes.readUInt32LE() + port) | 0);
  return xxh32(reserveBytes(bytes), bytes.length, port);
}

export class ServerRing {
  private readonly bases: Int32Array;
  /** The weights that `allKeys` was made for; 0 = no nodes. */
  private readonly built: Int32Array;
  /** Nodes of all servers, also of those that take no part now. */
  private allKeys: Uint32Array;
  private allOwners: Uint16Array;
  /** The nodes of who takes part, in order, and the index of each one's server. */
  private keys: Uint32Array;
  private owners: Uint16Array;
  /** Per bucket: the first node in it or behind it. */
  private buckets: Uint32Array;
  /** A hash shifted by so many bits is its bucket. */
  private shift: number;
  /** Nodes on the ring; 0 = no server takes part. */
  length: number;

  constructor(servers: readonly ServerConfig[]) {
    this.bases = Int32Array.from(servers, createBase);
    this.built = new Int32Array(servers.length);
    this.allKeys = new Uint32Array(0);
    this.allOwners = new Uint16Array(0);
    this.keys = this.allKeys;
    this.owners = this.allOwners;
    this.buckets = new Uint32Array(2);
    this.shift = 31;
    this.length = 0;
  }

  /** @param weights weight per server, 0..256; 0 = takes no part. */
  rebuild(weights: Int32Array): void {
    if (!this.knows(weights)) this.createNodes(weights);
    let length = 0;
    for (let i = 0; i < this.allKeys.length; i++) {
      const owner = this.allOwners[i]!;
      if (weights[owner] === 0) continue;
      this.keys[length] = this.allKeys[i]!;
      this.owners[length++] = owner;
    }
    this.length = length;
    this.fillBuckets();
  }

  private knows(weights: Int32Array): boolean {
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] !== 0 && weights[i] !== this.built[i]) return false;
    }
    return true;
  }

  private createNodes(weights: Int32Array): void {
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] !== 0) this.built[i] = weights[i]!;
      total += this.built[i]! * NODES_PER_WEIGHT;
    }
    const nodes = new Float64Array(total);
    let next = 0;
    for (let i = 0; i < weights.length; i++) {
      for (let n = 0; n < this.built[i]! * NODES_PER_WEIGHT; n++) {
        nodes[next++] = avalanche((this.bases[i]! + n) | 0) * OWNER_SIZE + i;
      }
    }
    nodes.sort();
    this.allKeys = Uint32Array.from(nodes, (node) => Math.floor(node / OWNER_SIZE));
    this.allOwners = Uint16Array.from(nodes, (node) => node % OWNER_SIZE);
    this.keys = new Uint32Array(total);
    this.owners = new Uint16Array(total);
    let bits = 1;
    while (1 << bits < total) bits++;
    this.shift = 32 - bits;
    this.buckets = new Uint32Array(1 << bits);
  }

  private fillBuckets(): void {
    let bucket = 0;
    for (let i = 0; i < this.length; i++) {
      const until = this.keys[i]! >>> this.shift;
      while (bucket <= until) this.buckets[bucket++] = i;
    }
    this.buckets.fill(this.length, bucket);
  }

  /** Index of the server that the node at a position belongs to. */
  ownerAt(position: number): number {
    assert(position >= 0 && position < this.length, 'a position outside of the ring');
    return this.owners[position]!;
  }

  /** The hash of the node at a position, without a sign. */
  keyAt(position: number): number {
    return this.keys[position]!;
  }

  /** The position behind this one. */
  next(position: number): number {
    return position + 1 < this.length ? position + 1 : 0;
  }

  previous(position: number): number {
    return position > 0 ? position - 1 : this.length - 1;
  }

  /** The position of the node nearest to a hash; the ring must have one. */
  nearest(hash: number): number {
    const above = this.from(hash) % this.length;
    const below = this.previous(above);
    const up = (this.keys[above]! - hash) >>> 0;
    const down = (hash - this.keys[below]!) >>> 0;
    return up === 0 || up < down ? above : below;
  }

  /** The position of the first node above a hash, going round. */
  after(hash: number): number {
    let position = this.from(hash);
    while (position < this.length && this.keys[position] === hash) position++;
    return position % this.length;
  }

  /** The first position whose node is not below the hash; `length` when there is none. */
  private from(hash: number): number {
    let position = this.buckets[hash >>> this.shift]!;
    while (position < this.length && this.keys[position]! < hash) position++;
    return position;
  }
}
