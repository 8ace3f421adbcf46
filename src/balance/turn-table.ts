/**
 * The period of the round robin of one backend as its servers' present state gives it. Workers and
 * the control thread compute the same table from the same shared state.
 *
 * @dataplane
 */
import type { ProxyConfig } from '../model/config.ts';
import type { SharedState } from '../model/shared.ts';
import { Members, WEIGHT_MAX } from './members.ts';
import { SequenceBuilder } from './sequence.ts';

export class TurnTable {
  readonly members: Members;
  private readonly builder: SequenceBuilder;
  /** Server index per turn; `length` turns are valid. */
  readonly turns: Uint16Array;
  /** Turns in a period; 0 = no usable server. */
  length: number;

  constructor(config: ProxyConfig, serverEntities: number[], shared: SharedState) {
    this.members = new Members(config, serverEntities, shared);
    this.builder = new SequenceBuilder(serverEntities.length);
    this.turns = new Uint16Array(serverEntities.length * WEIGHT_MAX);
    this.length = 0;
    this.rebuild();
  }

  /** Computes the table again from the shared state. */
  rebuild(): void {
    this.members.gather();
    this.length = this.builder.build(this.members.weights, this.turns);
  }

  /** Server index for a turn of the shared counter, -1 when there is no usable server. */
  at(turn: number): number {
    return this.length === 0 ? -1 : this.turns[(turn >>> 0) % this.length]!;
  }
}
