/**
 * Giving up privileges after everything is bound, opened and loaded (configuration.txt 3.1 chroot,
 * uid, gid, user, group; management.txt 13): chroot, then the groups, then the group, then the
 * user. glibc changes the identity of all threads; that is verified rather than believed, because
 * a worker that kept root's rights would defeat the purpose silently.
 */
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import type { GlobalConfig } from '../model/config.ts';
import { base, mem32, reserve } from '../sys/arena.ts';
import { Errno, errno, errnoText } from '../sys/errno.ts';
import { libc } from '../sys/libc.ts';
import type { Console } from './console.ts';

const groupList = reserve(16);

/** Why privileges could not be given up; complete text for an alert. */
class PrivilegeError extends Error {
  override readonly name = 'PrivilegeError';
}

function path(value: string): never {
  return Buffer.from(`${value}\0`) as never;
}

function isRoot(): boolean {
  return libc.geteuid() === 0;
}

function enterJail(wanted: string): void {
  let directory = wanted;
  if (wanted === 'auto') {
    // 3.1: a directory without a name, empty for ever.
    directory = mkdtempSync(`${tmpdir()}/sluice-`);
  }
  const entered = libc.chroot(path(directory)) === 0 && libc.chdir(path('/')) === 0;
  const code = errno();
  if (!entered) {
    if (wanted === 'auto') rmdirSync(directory);
    throw new PrivilegeError(`Cannot chroot(${wanted}) : ${errnoText(code)}.`);
  }
}

/**
 * Looks whether `dropPrivileges` will find its jail, before anything is done that cannot be undone.
 * @returns false after an alert
 */
export function mayEnterJail({ chroot }: GlobalConfig, console: Console): boolean {
  if (chroot === null || chroot === 'auto') return true;
  let code = isRoot() ? 0 : Errno.EPERM;
  try {
    closeSync(openSync(chroot, constants.O_RDONLY | constants.O_DIRECTORY));
  } catch (error) {
    code = Math.abs((error as { errno?: number }).errno ?? 0);
  }
  if (code === 0) return true;
  console.alert(`[sluice.main()] Cannot chroot(${chroot}) : ${errnoText(code)}.`);
  return false;
}

function dropGroups(gid: number | null, uid: number | null): void {
  if (isRoot() && (gid !== null || uid !== null)) {
    // Root's supplementary groups must not survive; the wanted group stays as the only one.
    mem32[groupList >> 2] = gid ?? 0;
    if (libc.setgroups(gid === null ? 0 : 1, (base + groupList) as never) < 0) {
      throw new PrivilegeError(`Cannot set supplementary groups : ${errnoText(errno())}.`);
    }
  }
  if (gid !== null && libc.setgid(gid) < 0) {
    throw new PrivilegeError(`Cannot set gid ${gid}.`);
  }
}

/** Open status files of all threads: they stay readable inside the jail. */
function openThreadStatus(): number[] {
  const fds: number[] = [];
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      fds.push(openSync(`/proc/self/task/${thread}/status`, 'r'));
    } catch {
      // A thread that just ended has no identity to check.
    }
  }
  return fds;
}

/** @returns the first thread whose identity differs, or null. */
function findUnchangedThread(fds: number[], uid: number | null, gid: number | null): string | null {
  const buffer = Buffer.alloc(4096);
  for (const fd of fds) {
    let text = '';
    try {
      text = buffer.toString('latin1', 0, readSync(fd, buffer, 0, 4096, 0));
    } catch {
      continue;
    }
    const ids = (name: string) => text.match(new RegExp(`^${name}:\\s+(.*)$`, 'm'))?.[1] ?? '';
    const all = (name: string, id: number) =>
      ids(name)
        .split(/\s+/)
        .every((v) => v === `${id}`);
    const thread = ids('Pid');
    if (uid !== null && !all('Uid', uid)) return thread;
    if (gid !== null && !all('Gid', gid)) return thread;
  }
  return null;
}

/**
 * Enters the jail and takes the configured identity.
 * @returns false after an alert: the process must end.
 */
export function dropPrivileges(global: GlobalConfig, console: Console): boolean {
  const { uid, gid, chroot } = global;
  if (uid === null && gid === null && chroot === null) return true;
  const status = openThreadStatus();
  try {
    if (chroot !== null) enterJail(chroot);
    dropGroups(gid, uid);
    if (uid !== null && libc.setuid(uid) < 0) {
      throw new PrivilegeError(`Cannot set uid ${uid}.`);
    }
    const thread = findUnchangedThread(status, uid, gid);
    if (thread !== null) {
      throw new PrivilegeError(`Thread ${thread} kept its privileges.`);
    }
    if (uid !== null && uid !== 0 && libc.setuid(0) === 0) {
      throw new PrivilegeError('Privileges could be taken back after setuid().');
    }
    return true;
  } catch (error) {
    if (!(error instanceof PrivilegeError)) throw error;
    console.alert(`[sluice.main()] ${error.message}`);
    return false;
  } finally {
    for (const fd of status) closeSync(fd);
  }
}
