/**
 * The counter behind `rise` and `fall` (configuration.txt 5.2):
 *
 *   0 ......... rise-1 | rise ........ rise+fall-1
 *        DOWN          |          UP
 *
 * A success counts up; the one that reaches `rise` brings the server up with the full count. A
 * failure counts down; the one that would leave the UP range takes the server down to 0. A failure
 * while DOWN starts the rise again. At start the counter is `rise`: up, and one failure from down.
 */

import { Health } from '../model/shared.ts';

export interface RiseFall {
  rise: number;
  fall: number;
}

export function fullHealth(check: RiseFall): number {
  return check.rise + check.fall - 1;
}

export function isUp(counter: number, check: RiseFall): boolean {
  return counter >= check.rise;
}

export function afterSuccess(counter: number, check: RiseFall): number {
  return counter + 1 >= check.rise ? fullHealth(check) : counter + 1;
}

export function afterFailure(counter: number, check: RiseFall): number {
  return counter > check.rise ? counter - 1 : 0;
}

/**
 * The state of a server with checks in one word: `UP`, `DOWN`, `NOLB`; between the firm ones with the
 * progress, as `UP 1/3`.
 */
export function checkedStatus(health: Health, counter: number, check: RiseFall): string {
  const [progress, name] = healthText(counter, check).split(' ');
  const isFirm = health === Health.Down ? counter === 0 : counter === fullHealth(check);
  const word = health === Health.Stopping ? 'NOLB' : name!;
  return isFirm ? word : `${word} ${progress}`;
}

/** `2/3 UP`, `1/2 DOWN`: how far it is to the other state, as logs say it. */
export function healthText(counter: number, check: RiseFall): string {
  return isUp(counter, check)
    ? `${counter - check.rise + 1}/${check.fall} UP`
    : `${counter}/${check.rise} DOWN`;
}
