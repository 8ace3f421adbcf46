/**
 * SIGUSR1 to a process that does not serve yet (management.txt 4): one that replaces it may send it
 * at any time. There is nothing to finish, so it ends; the runtime alone would swallow the signal.
 * This file is loaded first and must not import anything.
 */
const SIGUSR1 = 10;

/** Until `installSignals`, which also sees a signal that is still pending then. */
export function awaitService(): void {
  process.on('SIGUSR1', () => process.exit(128 + SIGUSR1));
}
