/**
 * Userlists (configuration.txt 12.2) as a worker asks them: is there a user with this name and this
 * password, and which groups has it?
 *
 * An encrypted password is slow to compare on purpose: thousands of rounds, milliseconds in which the
 * worker does nothing else. A browser sends its credentials with every request, so what has been found
 * right once is remembered: per user a keyed hash of the password (64 bits; the key is random and never
 * leaves the thread), never the password itself. The memory of it is 8 bytes per user of the
 * configuration. What was wrong is not remembered; it costs as much as with HAProxy each time.
 *
 * @dataplane
 */
import type { UserlistConfig } from '../model/config.ts';
import { mem, reserveBytes } from '../sys/arena.ts';
import { openCrypt } from '../sys/crypt.ts';
import { siphash } from './siphash.ts';

const key = createKey();

function createKey(): Int32Array {
  return crypto.getRandomValues(new Int32Array(4));
}

/** The hash of the password in question. */
const asked = new Int32Array(2);

class User {
  readonly nameOff: number;
  readonly nameLen: number;
  readonly passwordOff: number;
  readonly passwordLen: number;
  /** '' unless it is encrypted. */
  readonly hash: string;
  readonly groups: readonly string[];
  /** The password that was right, as a keyed hash; zeros = none yet. */
  readonly known: Int32Array;

  constructor(config: UserlistConfig['users'][0]) {
    const plain = config.insecure ? (config.password ?? '') : '';
    this.nameOff = reserveBytes(config.name);
    this.nameLen = config.name.length;
    this.passwordOff = reserveBytes(plain);
    this.passwordLen = config.insecure ? plain.length : -1;
    this.hash = config.insecure ? '' : (config.password ?? '');
    this.groups = config.groups;
    this.known = new Int32Array(2);
    if (this.hash !== '') openCrypt();
  }

  hasName(off: number, len: number): boolean {
    if (len !== this.nameLen) return false;
    for (let i = 0; i < len; i++) if (mem[off + i] !== mem[this.nameOff + i]) return false;
    return true;
  }

  hasPassword(off: number, len: number): boolean {
    return this.hash === '' ? this.isPlain(off, len) : this.isEncrypted(off, len);
  }

  /** In a time that does not say how much of it was right. */
  private isPlain(off: number, len: number): boolean {
    if (len !== this.passwordLen) return false;
    let differences = 0;
    for (let i = 0; i < len; i++) differences |= mem[off + i]! ^ mem[this.passwordOff + i]!;
    return differences === 0;
  }

  private isEncrypted(off: number, len: number): boolean {
    siphash(off, len, key, asked, 0);
    const known = this.known;
    if (asked[0] === known[0] && asked[1] === known[1] && (known[0] !== 0 || known[1] !== 0)) {
      return true;
    }
    if (!openCrypt().matches(off, len, this.hash)) return false;
    known[0] = asked[0]!;
    known[1] = asked[1]!;
    return true;
  }
}

export class Userlist {
  private readonly users: readonly User[];

  constructor(config: UserlistConfig) {
    this.users = config.users.map((user) => new User(user));
  }

  /** Index of the user with this name and password in the arena, -1 = there is none. */
  find(nameOff: number, nameLen: number, passwordOff: number, passwordLen: number): number {
    const { users } = this;
    for (let i = 0; i < users.length; i++) {
      if (!users[i]!.hasName(nameOff, nameLen)) continue;
      return users[i]!.hasPassword(passwordOff, passwordLen) ? i : -1;
    }
    return -1;
  }

  /** 1 for the users of at least one of the groups. */
  createMembers(groups: readonly string[]): Uint8Array {
    return Uint8Array.from(this.users, (user) =>
      user.groups.some((group) => groups.includes(group)) ? 1 : 0,
    );
  }
}

const nobody = new Userlist({ name: '', users: [], file: '', line: 0 });

let userlists: ReadonlyMap<string, Userlist> = new Map();

/** The lists of the configuration. Call before rules are compiled. */
export function initUserlists(configs: readonly UserlistConfig[]): void {
  userlists = new Map(configs.map((config) => [config.name, new Userlist(config)]));
}

/** The list of that name; the parser has seen that there is one. */
export function findUserlist(name: string): Userlist {
  return userlists.get(name) ?? nobody;
}
