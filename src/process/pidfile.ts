/** The pid file of a daemon (configuration.txt 3.1 pidfile, management.txt 3 `-p`). */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { Console } from './console.ts';

/**
 * Opens the file, before the chroot, and leaves what is in it: a start that fails must not hide the
 * process that goes on. As with HAProxy only a daemon has one, and it stays when the process ends.
 * @returns the descriptor, or null after an alert
 */
export function openPidfile(path: string, console: Console): number | null {
  try {
    return openSync(path, 'a', 0o644);
  } catch {
    console.alert(`[sluice.main()] Cannot create pidfile ${path}`);
    return null;
  }
}

/** Writes the pid of this process on a line of its own, and closes the file. */
export function writePidfile(fd: number): void {
  ftruncateSync(fd, 0);
  writeSync(fd, `${process.pid}\n`);
  closeSync(fd);
}
