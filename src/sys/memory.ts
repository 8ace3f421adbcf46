/** Memory by its address, as bytes: the only place where a number from the kernel becomes a view. */
import { toArrayBuffer } from 'bun:ffi';

/** A view, not a copy. The memory must stay mapped for as long as the view is used. */
export function memoryAt(address: number, bytes: number): ArrayBuffer {
  return toArrayBuffer(address as never, 0, bytes);
}
