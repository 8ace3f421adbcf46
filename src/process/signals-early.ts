/**
 * Signals to a process that does not serve yet (management.txt 4): one that replaces it may send
 * them at any time. There is nothing to finish, so SIGUSR1 ends it, which the runtime would swallow;
 * and no address to give up, so SIGTTOU and SIGTTIN, which would freeze it, do nothing.
 * This file is loaded first and must not import anything.
 */
const SIGUSR1 = 10;

/** Until `installSignals`. A signal that is pending then is handled as one that comes later. */
export function awaitService(): void {
  process.on('SIGUSR1', () => process.exit(128 + SIGUSR1));
  for (const name of ['SIGTTOU', 'SIGTTIN'] as const) process.on(name, () => undefined);
}
