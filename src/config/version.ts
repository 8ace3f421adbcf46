/** The versions that sluice reports: its own, and the HAProxy version whose language it speaks. */

export const sluiceVersion = '0.1.0';

/** Compared by the predicates `version_atleast` and `version_before` (configuration.txt 2.4). */
export const haproxyCompatibleVersion = '3.4.0';

/** HAPROXY_BRANCH (2.3). */
export const haproxyCompatibleBranch = '3.4';

/**
 * Build features by HAProxy's names, as `-vv` lists them and `feature(<name>)` tests them. True is
 * what sluice really does. (PCRE2 is looked for when the first expression is read; where it is
 * missing, JavaScript's engine stands in.)
 */
export const features: ReadonlyMap<string, boolean> = new Map([
  ['51DEGREES', false],
  ['ACCEPT4', true],
  ['BACKTRACE', false],
  ['CLOSEFROM', false],
  ['CPU_AFFINITY', true],
  ['CRYPT_H', false],
  ['DEVICEATLAS', false],
  ['DL', false],
  ['ECH', false],
  ['ENGINE', false],
  ['EPOLL', true],
  ['EVPORTS', false],
  ['GETADDRINFO', true],
  ['KQUEUE', false],
  ['KTLS', false],
  ['LIBATOMIC', false],
  ['LIBCRYPT', false],
  ['LINUX_CAP', false],
  ['LINUX_SPLICE', true],
  ['LINUX_TPROXY', false],
  ['LUA', false],
  ['MATH', true],
  ['MEMORY_PROFILING', false],
  ['NETFILTER', false],
  ['NS', false],
  ['OBSOLETE_LINKER', false],
  ['OPENSSL', false],
  ['OPENSSL_AWSLC', false],
  ['OPENSSL_WOLFSSL', false],
  ['OT', false],
  ['PCRE', false],
  ['PCRE2', true],
  ['PCRE2_JIT', true],
  ['PCRE_JIT', false],
  ['POLL', false],
  ['PRCTL', true],
  ['PROCCTL', false],
  ['PROMEX', false],
  ['PTHREAD_EMULATION', false],
  ['QUIC', false],
  ['QUIC_OPENSSL_COMPAT', false],
  ['RT', true],
  ['SLZ', false],
  ['SSL', false],
  ['STATIC_PCRE', false],
  ['STATIC_PCRE2', false],
  ['TFO', true],
  ['THREAD', true],
  ['THREAD_DUMP', false],
  ['TPROXY', false],
  ['WURFL', false],
  ['ZLIB', false],
]);

/** Options of the command line that switch off what `enabled(<opt>)` asks for. */
export interface SwitchedOff {
  /** `-dS` */
  noSplice?: boolean;
  /** `-dR` */
  noReusePort?: boolean;
}

/** Run-time options that `enabled(<opt>)` knows (2.4); true is what sluice really uses. */
export function runtimeOptions(off: SwitchedOff): ReadonlyMap<string, boolean> {
  return new Map([
    ['POLL', false],
    ['EPOLL', true],
    ['KQUEUE', false],
    ['EVPORTS', false],
    ['SPLICE', off.noSplice !== true],
    ['GETADDRINFO', true],
    ['REUSEPORT', off.noReusePort !== true],
    ['FAST-FORWARD', true],
    ['SERVER-SSL-VERIFY-NONE', false],
  ]);
}
