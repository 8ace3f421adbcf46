/**
 * Who of the servers may get a request, as shared memory says (configuration.txt 5.2: check,
 * disabled, weight).
 *
 * @dataplane
 */
import { AdminFlag, Health, type SharedState, State } from './shared.ts';

/** Says whether balancing may choose the server: not down, not in maintenance, weight above 0. */
export function isUsable(shared: SharedState, entity: number): boolean {
  return isReachable(shared, entity) && effectiveWeight(shared, entity) > 0;
}

/** Says whether a request that must go there (persistence, its own queue) may be sent. */
export function isReachable(shared: SharedState, entity: number): boolean {
  return (
    shared.get(entity, State.Health) !== Health.Down &&
    (shared.get(entity, State.Admin) & AdminFlag.AnyMaintenance) === 0
  );
}

/** Weight for balancing, 0..256: 0 as well while the server drains or its check says to stop. */
export function effectiveWeight(shared: SharedState, entity: number): number {
  if (shared.get(entity, State.Admin) !== 0) return 0;
  if (shared.get(entity, State.Health) === Health.Stopping) return 0;
  return shared.get(entity, State.Weight);
}
