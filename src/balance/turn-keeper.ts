/**
 * Keeps the round robin going where it was when servers come and go. For the control thread, which
 * alone changes the state of servers.
 */
import { type SharedState, State } from '../model/shared.ts';
import type { TurnTable } from './turn-table.ts';

/**
 * Rebuilds the table of the control thread and moves the shared turn counter so that the round goes
 * on with the server whose turn it was: without it, every change of a server's state would start
 * the round at an arbitrary place. Workers that still have the old table for a moment use other
 * turns of the same counter; none is used twice.
 */
export function realign(shared: SharedState, backendEntity: number, table: TurnTable): void {
  const word = backendEntity * State.WIDTH + State.RoundRobin;
  const turn = Atomics.load(shared.state, word) >>> 0;
  const oldLength = table.length;
  const upcoming = new Uint16Array(oldLength);
  for (let i = 0; i < oldLength; i++) upcoming[i] = table.at(turn + i);
  table.rebuild();
  if (table.length === 0 || oldLength === 0) return;
  const offset = bestOffset(upcoming, table);
  const delta = (offset - (turn % table.length) + table.length) % table.length;
  Atomics.add(shared.state, word, delta);
}

/** The place in the new period that starts with the first upcoming server it still has. */
function bestOffset(upcoming: Uint16Array, table: TurnTable): number {
  const places = new Map<number, number>();
  for (let offset = table.length - 1; offset >= 0; offset--) {
    places.set(table.turns[offset]!, offset);
  }
  const first = upcoming.find((server) => places.has(server));
  return first === undefined ? 0 : places.get(first)!;
}
