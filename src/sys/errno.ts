/** errno of the calling thread, valid right after a call that returned -1. */
export { Errno, errnoName, errnoText, isDescriptorLimit, isShortage } from './errno-code.ts';

import { kernel } from './kernel.ts';
import { memoryAt } from './memory.ts';

const cell = new Int32Array(memoryAt(Number(kernel.__errno_location()), 4));

export function errno(): number {
  return cell[0]!;
}
