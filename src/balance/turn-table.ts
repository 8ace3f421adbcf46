/**
 * The period of the round robin of one backend as its servers' present state gives it: the active
 * servers that are usable; when there is none, the first usable backup server, or all of them with
 * `option allbackups` (configuration.txt 4.2). Workers and the control thread compute the same
 * table from the same shared state.
 *
 * @dataplane
 */
import { Option, type ProxyConfig } from '../model/config.ts';
import type { SharedState } from '../model/shared.ts';
import { SequenceBuilder } from './sequence.ts';
import { effectiveWeight, isUsable } from './server-state.ts';

const WEIGHT_MAX = 256;

export class TurnTable {
  private readonly shared: SharedState;
  private readonly config: ProxyConfig;
  /** Entity per server index. */
  private readonly serverEntities: number[];
  private readonly builder: SequenceBuilder;
  private readonly weights: Int32Array;
  /** Server index per turn; `length` turns are valid. */
  readonly turns: Uint16Array;
  /** Turns in a period; 0 = no usable server. */
  length: number;

  constructor(config: ProxyConfig, serverEntities: number[], shared: SharedState) {
    this.shared = shared;
    this.config = config;
    this.serverEntities = serverEntities;
    this.builder = new SequenceBuilder(serverEntities.length);
    this.weights = new Int32Array(serverEntities.length);
    this.turns = new Uint16Array(serverEntities.length * WEIGHT_MAX);
    this.length = 0;
    this.rebuild();
  }

  /** Computes the table again from the shared state. */
  rebuild(): void {
    if (!this.gather(false, false)) {
      this.gather(true, (this.config.options & Option.AllBackups) === 0);
    }
    this.length = this.builder.build(this.weights, this.turns);
  }

  /** Server index for a turn of the shared counter, -1 when there is no usable server. */
  at(turn: number): number {
    return this.length === 0 ? -1 : this.turns[(turn >>> 0) % this.length]!;
  }

  /** Says whether the server had a turn when the table was built. */
  takesPart(serverIndex: number): boolean {
    return this.weights[serverIndex]! > 0;
  }

  private gather(backup: boolean, onlyFirst: boolean): boolean {
    let any = false;
    for (let i = 0; i < this.weights.length; i++) {
      const entity = this.serverEntities[i]!;
      const takesPart =
        this.config.servers[i]!.backup === backup &&
        !(any && onlyFirst) &&
        isUsable(this.shared, entity);
      this.weights[i] = takesPart ? effectiveWeight(this.shared, entity) : 0;
      if (takesPart) any = true;
    }
    return any;
  }
}
