/**
 * Durations of the configuration (configuration.txt 2.5): an integer and a unit.
 *
 * The result is in milliseconds whatever the unit. A fraction of a millisecond rounds up, so that a
 * delay that is not null never becomes null. The error keeps its parts: HAProxy words the same
 * mistake differently after each keyword, and a caller that knows its keyword can do the same.
 */
import { ConfigError } from '../config-error.ts';

export type DurationUnit = 'us' | 'ms' | 's';

export type DurationFault = 'empty' | 'character' | 'overflow';

export class DurationError extends ConfigError {
  /** What is wrong. */
  readonly fault: DurationFault;
  /** The character that does not belong there, '' unless `fault` is 'character'. */
  readonly character: string;

  constructor(fault: DurationFault, character: string, message: string) {
    super(message);
    this.fault = fault;
    this.character = character;
  }
}

/** Microseconds per unit. */
const unitUs: Record<string, number> = {
  us: 1,
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

/** HAProxy keeps a duration in a signed 32-bit count of the keyword's own unit. */
const countMax = 0x7fffffff;

/**
 * Reads a duration.
 * @param text the word, for example `10`, `30s`, `250us`
 * @param defaultUnit the unit of a bare number; it also bounds the value (2147483647 of that unit)
 * @param keyword names the keyword in the message, for example `timeout client`
 * @param onExtra gets the character behind a unit (`15min`), which then does no harm; without it
 *   that is an error
 * @returns milliseconds, an integer
 * @throws DurationError
 */
export function parseDuration(
  text: string,
  defaultUnit: DurationUnit,
  keyword = '',
  onExtra: ((character: string) => void) | null = null,
): number {
  const digits = /^[0-9]+/.exec(text)?.[0] ?? '';
  const suffix = text.slice(digits.length);
  if (text === '') {
    throw new DurationError('empty', '', `missing duration${keyword && ` in '${keyword}'`}`);
  }
  const unit = digits === '' ? '' : (/^(?:us|ms|[smhd])/.exec(suffix)?.[0] ?? '');
  const extra = suffix[unit.length] ?? '';
  if (digits === '' || (extra !== '' && (unit === '' || onExtra === null))) {
    const place = keyword === '' ? `duration '${text}'` : `'${keyword}'`;
    throw new DurationError('character', extra, `unexpected character '${extra}' in ${place}`);
  }
  const scale = unitUs[unit === '' ? defaultUnit : unit]!;
  if (extra !== '') onExtra?.(extra);
  const us = Number(digits) * scale;
  if (Math.ceil(us / unitUs[defaultUnit]!) > countMax) {
    const target = keyword === '' ? '' : ` to '${keyword}'`;
    throw new DurationError(
      'overflow',
      '',
      `timer overflow in argument '${text}'${target} (maximum value is ${maximumText(defaultUnit)})`,
    );
  }
  return Math.ceil(us / 1000);
}

function maximumText(unit: DurationUnit): string {
  if (unit === 's') return '2147483647 s or ~68 years';
  if (unit === 'us') return '2147483647 us or ~35.8 minutes';
  return '2147483647 ms or ~24.8 days';
}
