/**
 * Signals (management.txt 4; configuration.txt 3.1 hard-stop-after): a row per signal.
 *
 * TERM and INT end the process by that same signal once the workers have flushed their logs, as
 * HAProxy does, so that a supervisor sees how it ended. USR1 ends it with status 0 when the last
 * stream is done. TTOU and TTIN come from a process that wants this one's listening addresses.
 */
import { constants } from 'node:os';
import { libc } from '../sys/libc.ts';

const SIG_DFL = null;
const SIG_IGN = 1;
const SIGPIPE = 13;

export interface SignalActions {
  stopNow(signal: number): void;
  softStop(): void;
  pause(): void;
  resume(): void;
  dumpServers(): void;
  dumpMemory(): void;
  /** A signal that asks for something sluice does not do yet. */
  refused(text: string): void;
}

type Name =
  | 'SIGTERM'
  | 'SIGINT'
  | 'SIGUSR1'
  | 'SIGHUP'
  | 'SIGQUIT'
  | 'SIGTTOU'
  | 'SIGTTIN'
  | 'SIGUSR2';

interface SignalRow {
  name: Name;
  run(actions: SignalActions): void;
}

const rows: readonly SignalRow[] = [
  { name: 'SIGTERM', run: (actions) => actions.stopNow(constants.signals.SIGTERM) },
  { name: 'SIGINT', run: (actions) => actions.stopNow(constants.signals.SIGINT) },
  { name: 'SIGUSR1', run: (actions) => actions.softStop() },
  { name: 'SIGHUP', run: (actions) => actions.dumpServers() },
  { name: 'SIGQUIT', run: (actions) => actions.dumpMemory() },
  { name: 'SIGTTOU', run: (actions) => actions.pause() },
  { name: 'SIGTTIN', run: (actions) => actions.resume() },
  {
    name: 'SIGUSR2',
    run: (actions) => actions.refused('SIGUSR2 received: reloading is not supported yet.'),
  },
];

/**
 * A process that does not serve yet has no address to give up, and the default action of these would
 * freeze it. Ignored rather than handled: a handler would run later, when there are addresses. (The
 * launcher ignores them from its first line on.)
 */
export function ignorePauses(): void {
  const { SIGTTOU, SIGTTIN } = constants.signals;
  for (const signal of [SIGTTOU, SIGTTIN]) libc.signal(signal, SIG_IGN as never);
}

/** From here on signals do what the table says. A peer that vanished must never kill the proxy. */
export function installSignals(actions: SignalActions): void {
  libc.signal(SIGPIPE, SIG_IGN as never);
  for (const row of rows) {
    process.removeAllListeners(row.name);
    process.on(row.name, () => row.run(actions));
  }
}

/** Ends this process by a signal, as the default action would have. */
export function dieBySignal(signal: number): never {
  libc.signal(signal, SIG_DFL);
  libc.kill(libc.getpid(), signal);
  process.exit(128 + signal);
}
