/** The names of sample types (configuration.txt 7.3). */

/**
 * Types as the tables print them. `addr` is IPv4 or IPv6, `any` is known only while running, `same`
 * is the type that came in.
 */
export type TypeName =
  | 'any'
  | 'same'
  | 'bool'
  | 'sint'
  | 'addr'
  | 'ipv4'
  | 'ipv6'
  | 'str'
  | 'bin'
  | 'meth';
