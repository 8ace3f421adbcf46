/**
 * The `stick` lines of a backend (configuration.txt 4.2), compiled: what to look for, where, and which
 * server an entry stands for.
 *
 * @dataplane
 */
import type { StickRuleConfig } from '../model/config.ts';
import type { Server } from '../model/runtime.ts';
import { compileCondition } from '../rules/condition.ts';
import type { Condition } from '../rules/context.ts';
import { compileExpression, type Expression } from '../rules/expression.ts';
import { DataType } from '../stick-table/data-type.ts';
import { serverKey, stickTable } from '../stick-table/registry.ts';
import { createSlot, type Slot } from '../stick-table/slot.ts';
import type { StickTable } from '../stick-table/table.ts';

export class StickRule {
  readonly matches: boolean;
  readonly storesRequest: boolean;
  readonly storesResponse: boolean;
  readonly condition: Condition;
  readonly expr: Expression;
  readonly table: StickTable;
  private readonly id: Slot;
  private readonly key: Slot;
  private readonly byId: ReadonlyMap<number, Server>;
  private readonly byKey: ReadonlyMap<number, Server>;
  /** By index of the server. */
  private readonly keys: Int32Array;

  constructor(rule: StickRuleConfig, servers: readonly Server[]) {
    this.matches = rule.matches;
    this.storesRequest = rule.stores === 'request';
    this.storesResponse = rule.stores === 'response';
    this.condition = compileCondition(rule.condition);
    this.expr = compileExpression(rule.expr);
    const table = stickTable(rule.table);
    this.table = table;
    this.id = createSlot(table, DataType.ServerId, 0);
    this.key = createSlot(table, DataType.ServerKey, 0);
    this.keys = Int32Array.from(servers, (server) => serverKey(table, server.config));
    this.byId = new Map(servers.map((server) => [server.config.id, server]));
    this.byKey = new Map(servers.map((server, i) => [this.keys[i]!, server]));
  }

  /**
   * The server that an open entry stands for, null = none of this backend. Its name counts before its
   * number, which is another server's in another backend.
   */
  serverOf(entry: number): Server | null {
    const key = this.key.read(this.table, entry, 0);
    const named = key === 0 ? undefined : this.byKey.get(key);
    return named ?? this.byId.get(this.id.read(this.table, entry, 0)) ?? null;
  }

  /** Makes the open entry stand for a server. */
  store(entry: number, server: Server, nowMs: number): void {
    this.id.set(this.table, entry, nowMs, server.config.id);
    this.key.set(this.table, entry, nowMs, this.keys[server.index]!);
    this.table.touch(entry, nowMs);
  }
}

/** @returns null when there are none: the backend pays nothing for them then. */
export function compileStickRules(
  rules: readonly StickRuleConfig[],
  servers: readonly Server[],
): readonly StickRule[] | null {
  return rules.length === 0 ? null : rules.map((rule) => new StickRule(rule, servers));
}
