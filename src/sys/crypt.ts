/**
 * crypt(3) of libcrypt (Debian: libcrypt1), through bun:ffi: encrypted passwords of userlists
 * (configuration.txt 12.2). The library is opened when a configuration first has one; a thread that
 * opens it after chroot gets the one that the process has loaded.
 */
import { dlopen, type FFIFunction, type Library } from 'bun:ffi';
import { base, mem, reserve } from './arena.ts';

const signatures = {
  crypt_r: { args: ['ptr', 'ptr', 'ptr'], returns: 'u64' },
} as const satisfies Record<string, FFIFunction>;

const libraryNames = ['libcrypt.so.1', 'libcrypt.so.2'];

/** `struct crypt_data`: 32 KiB in libxcrypt, 128 KiB and a little in older versions of glibc. */
const DATA_BYTES = 131_328;
/** Longest password and longest hash that are looked at. */
const TEXT_MAX = 512;

/** A library that is missing. */
export class CryptError extends Error {
  override readonly name = 'CryptError';
}

function open(): Library<typeof signatures> {
  for (const name of libraryNames) {
    try {
      return dlopen(name, signatures);
    } catch {
      // Try the next name; the last failure is reported below.
    }
  }
  throw new CryptError('libcrypt.so.1 was not found (Debian: libcrypt1)');
}

class Crypt {
  private readonly call: Library<typeof signatures>['symbols']['crypt_r'];
  /** crypt(3) itself keeps its result in memory that all threads share; crypt_r works in this. */
  private readonly data: number;
  private readonly password: number;
  private readonly setting: number;

  constructor() {
    this.call = open().symbols.crypt_r;
    this.data = reserve(DATA_BYTES);
    this.password = reserve(TEXT_MAX);
    this.setting = reserve(TEXT_MAX);
  }

  /**
   * Whether the password in the arena is the one that `hash` was made of. It takes as long as the
   * hash's algorithm wants: milliseconds.
   */
  matches(off: number, len: number, hash: string): boolean {
    if (len >= TEXT_MAX || hash.length >= TEXT_MAX || hash === '') return false;
    for (let i = 0; i < len; i++) {
      // A C string ends there.
      if (mem[off + i] === 0) return false;
      mem[this.password + i] = mem[off + i]!;
    }
    mem[this.password + len] = 0;
    mem.set(Buffer.from(`${hash}\0`, 'latin1'), this.setting);
    const address = this.call(
      (base + this.password) as never,
      (base + this.setting) as never,
      (base + this.data) as never,
    );
    mem.fill(0, this.password, this.password + len);
    // The result lies in `data`; null is an algorithm that the library does not have.
    const made = Number(address) - base;
    if (made < this.data || made >= this.data + DATA_BYTES - TEXT_MAX) return false;
    let differences = mem[made + hash.length]!;
    for (let i = 0; i < hash.length; i++) differences |= mem[made + i]! ^ mem[this.setting + i]!;
    return differences === 0;
  }
}

let crypt: Crypt | null = null;

/** Opens the library. @throws CryptError */
export function openCrypt(): Crypt {
  crypt ??= new Crypt();
  return crypt;
}
