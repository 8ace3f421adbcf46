/** The pid file of a daemon (configuration.txt 3.1 pidfile, management.txt 3 `-p`). */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Console } from './console.ts';

/**
 * Writes the pid on a line of its own. As with HAProxy only a daemon has one, it is opened before
 * the chroot, and it stays when the process ends.
 * @returns false after an alert.
 */
export function writePidfile(path: string, console: Console): boolean {
  try {
    const fd = openSync(path, 'w', 0o644);
    writeSync(fd, `${process.pid}\n`);
    closeSync(fd);
    return true;
  } catch {
    console.alert(`[sluice.main()] Cannot create pidfile ${path}`);
    return false;
  }
}
