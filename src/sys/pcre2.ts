/**
 * Regular expressions by libpcre2-8 (Debian: libpcre2-8-0), through bun:ffi. The library is opened
 * when a configuration first has an expression, so that one without any needs nothing; a thread
 * that opens it after chroot gets the one that the process has loaded.
 *
 * A subject is matched where it lies, in the arena, and nothing is allocated for it. See
 * docs/decisions/0008 for what that costs beside JavaScript's engine.
 *
 * @dataplane
 */
import { dlopen, type FFIFunction, type Library, type Pointer, ptr } from 'bun:ffi';
import { assert } from '../base/assert.ts';
import { base } from './arena.ts';
import { memoryAt } from './memory.ts';

/** Groups that are reported: `\0` to `\9`. */
export const GROUPS = 10;

/** Options of `compile` (pcre2.h). */
export const enum Pcre2 {
  Caseless = 0x00000008,
  /** `( )` does not capture; `(?<name> )` does. */
  NoAutoCapture = 0x00002000,
}

/** Options and results of a match (pcre2.h). */
const NOT_AT_BEGIN = 0x1;
const NO_JIT = 0x2000;
const JIT_COMPLETE = 1;
const ERROR_JIT_STACKLIMIT = -46;

/**
 * Steps of backtracking before a match is given up and counts as none. The first is the library's
 * own default, which is HAProxy's too: about 25 ms of compiled code. Interpreted code, which runs
 * where the compiled one is out of stack, takes seven times as long for a step.
 */
const STEPS_MAX = 10_000_000;
const INTERPRETED_STEPS_MAX = 1_000_000;

// Sizes are 64 bits wide but below 2^31 here; as `u32` a call is 7 ns faster, and the register is
// zero above them on x86-64 and arm64.
const signatures = {
  pcre2_compile_8: { args: ['ptr', 'u64', 'u32', 'ptr', 'ptr', 'ptr'], returns: 'ptr' },
  pcre2_code_free_8: { args: ['ptr'], returns: 'void' },
  pcre2_get_error_message_8: { args: ['i32', 'ptr', 'u64'], returns: 'i32' },
  pcre2_jit_compile_8: { args: ['ptr', 'u32'], returns: 'i32' },
  pcre2_match_context_create_8: { args: ['ptr'], returns: 'ptr' },
  pcre2_set_match_limit_8: { args: ['ptr', 'u32'], returns: 'i32' },
  pcre2_match_data_create_8: { args: ['u32', 'ptr'], returns: 'ptr' },
  pcre2_get_ovector_pointer_8: { args: ['ptr'], returns: 'ptr' },
  pcre2_match_8: { args: ['ptr', 'ptr', 'u32', 'u32', 'u32', 'ptr', 'ptr'], returns: 'i32' },
} as const satisfies Record<string, FFIFunction>;

/** A compiled expression. */
export type Pcre2Code = Pointer;

/** An expression that the library refuses. */
export class Pcre2Error extends Error {
  override readonly name = 'Pcre2Error';
  /** Where in the expression. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

export class Pcre2Library {
  /**
   * Offsets of the groups of the last match that succeeded: start and end of group `n` at
   * `4 * n` and `4 * n + 2`, from the start of the subject, -1 for a group that took no part. The
   * library writes 64-bit sizes; these are their low halves.
   */
  readonly groups: Int32Array;

  private readonly calls: Library<typeof signatures>['symbols'];
  private readonly matchData: Pointer;
  private readonly limits: Pointer;
  private readonly interpretedLimits: Pointer;

  constructor(calls: Library<typeof signatures>['symbols']) {
    this.calls = calls;
    this.matchData = calls.pcre2_match_data_create_8(GROUPS, null) as Pointer;
    this.limits = calls.pcre2_match_context_create_8(null) as Pointer;
    this.interpretedLimits = calls.pcre2_match_context_create_8(null) as Pointer;
    const isComplete = this.matchData && this.limits && this.interpretedLimits;
    assert(isComplete !== null, 'pcre2: no memory for a match');
    calls.pcre2_set_match_limit_8(this.limits, STEPS_MAX);
    calls.pcre2_set_match_limit_8(this.interpretedLimits, INTERPRETED_STEPS_MAX);
    const address = Number(calls.pcre2_get_ovector_pointer_8(this.matchData));
    this.groups = new Int32Array(memoryAt(address, GROUPS * 16));
  }

  /**
   * Compiles an expression, for ever.
   * @param source a byte string, one character per byte.
   * @param options of `Pcre2`.
   * @returns the code, for `match`.
   * @throws Pcre2Error
   */
  compile(source: string, options: number): Pcre2Code {
    const code = this.createCode(source, options);
    // Where the system forbids compiled code, and for what it cannot do, the interpreter stays.
    this.calls.pcre2_jit_compile_8(code, JIT_COMPLETE);
    return code;
  }

  /** Finds out whether an expression is valid. Throws Pcre2Error when it is not. */
  compileAndFree(source: string, options: number): void {
    this.calls.pcre2_code_free_8(this.createCode(source, options));
  }

  /**
   * Searches `len` bytes at arena offset `off`.
   * @param isRest they are the rest of a text: `^` is not at their start.
   * @returns the number of the highest group that took part plus 1 (0: more than `GROUPS`), or less
   *   than 0: no match, a limit reached, or text that is no UTF-8 for an expression with `(*UTF)`.
   */
  match(code: Pcre2Code, off: number, len: number, isRest: boolean): number {
    const { calls, matchData, limits } = this;
    const subject = (base + off) as Pointer;
    const options = isRest ? NOT_AT_BEGIN : 0;
    const result = calls.pcre2_match_8(code, subject, len, 0, options, matchData, limits);
    if (result !== ERROR_JIT_STACKLIMIT) return result;
    return this.interpret(code, subject, len, options | NO_JIT);
  }

  /** For the text on which compiled code is out of stack. */
  private interpret(code: Pcre2Code, subject: Pointer, len: number, options: number): number {
    const { calls, matchData, interpretedLimits } = this;
    return calls.pcre2_match_8(code, subject, len, 0, options, matchData, interpretedLimits);
  }

  private createCode(source: string, options: number): Pcre2Code {
    // An empty buffer has no address.
    const bytes = Buffer.from(`${source}\0`, 'latin1');
    const error = new Int32Array(1);
    const offset = new BigUint64Array(1);
    const length = source.length as never;
    const { calls } = this;
    const code = calls.pcre2_compile_8(ptr(bytes), length, options, ptr(error), ptr(offset), null);
    if (code !== null) return code as Pcre2Code;
    const message = Buffer.alloc(256);
    calls.pcre2_get_error_message_8(error[0]!, ptr(message), message.length as never);
    const end = message.indexOf(0);
    throw new Pcre2Error(message.toString('latin1', 0, end), Number(offset[0]));
  }
}

const libraryFile = 'libpcre2-8.so.0';

function createLibrary(): Pcre2Library | null {
  try {
    return new Pcre2Library(dlopen(process.env['SLUICE_PCRE2'] || libraryFile, signatures).symbols);
  } catch {
    return null;
  }
}

let library: Pcre2Library | null | undefined;

/**
 * The library, or null when it is not installed. `SLUICE_PCRE2` names another file; one that does
 * not exist stands for "not installed".
 */
export function pcre2(): Pcre2Library | null {
  if (library === undefined) library = createLibrary();
  return library;
}
