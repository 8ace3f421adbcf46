/**
 * Names of users and groups to numeric ids, read from /etc/passwd and /etc/group.
 *
 * Both files are read while the configuration is parsed: afterwards the process may be inside a
 * chroot that has neither.
 */
import { readFileSync } from 'node:fs';

export interface Accounts {
  /** The uid, or null when the name is unknown. */
  user(name: string): number | null;
  /** The gid, or null when the name is unknown. */
  group(name: string): number | null;
}

/** Reads the third column, the id, of `name:password:id:…`. */
function findId(path: string, name: string): number | null {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return null;
  }
  for (const line of text.split('\n')) {
    const columns = line.split(':');
    if (columns[0] === name && /^[0-9]+$/.test(columns[2] ?? '')) return Number(columns[2]);
  }
  return null;
}

export const systemAccounts: Accounts = {
  user: (name) => findId('/etc/passwd', name),
  group: (name) => findId('/etc/group', name),
};
