/**
 * Converters of dates (configuration.txt 7.3.1). `ltime` and its relatives promise strftime(3), so
 * strftime(3) it is: the C library knows time zones and their names, and reads its data once.
 *
 * @dataplane
 */
import { ConfigError } from '../../base/config-error.ts';
import type { ArgConfig } from '../../model/config.ts';
import { base, mem, mem32, reserve, reserveBytes } from '../../sys/arena.ts';
import { kernel } from '../../sys/kernel.ts';
import type { Convert, RuleContext } from '../context.ts';
import { checkUnit, unitsPerSecond } from '../fetch/timer.ts';
import { putFixed, readLeadingInt, readValue } from '../integer.ts';
import type { ConverterRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { scratchMax, takeScratch, trimScratch } from '../scratch.ts';

const SECONDS_PER_DAY = 86400;
/** struct tm of glibc is 56 bytes: nine 32-bit fields first. */
const TM_BYTES = 64;
const tm = reserve(TM_BYTES);
const seconds = reserve(8);

/** Fills `tm` for a second since 1970. */
function breakDown(second: number, local: boolean): void {
  mem32[seconds >> 2] = second | 0;
  mem32[(seconds >> 2) + 1] = Math.floor(second / 4294967296);
  if (local) kernel.localtime_r((base + seconds) as never, (base + tm) as never);
  else kernel.gmtime_r((base + seconds) as never, (base + tm) as never);
}

/**
 * A format for dates. `%N`, which strftime(3) does not know, cuts it into pieces:
 * piece, digits of the fraction, piece, digits, ..., piece.
 */
class DateFormat {
  readonly offs: Int32Array;
  readonly lens: Int32Array;
  /** Digits after each piece, 0 after the last. */
  readonly digits: Int32Array;
  readonly count: number;

  constructor(format: string, fractions: boolean) {
    const pieces: string[] = [''];
    const digits: number[] = [];
    for (const part of format.match(/%[0-9]?.|[^%]+|%/gs) ?? []) {
      const width = fractions ? /^%([1-9]?)N$/.exec(part) : null;
      if (width) {
        digits.push(Number(width[1] || 9));
        pieces.push('');
      } else {
        pieces[pieces.length - 1] += part;
      }
    }
    this.count = pieces.length;
    // reserveBytes ends the text with a zero byte.
    this.offs = Int32Array.from(pieces, (piece) => reserveBytes(piece));
    this.lens = Int32Array.from(pieces, (piece) => piece.length);
    this.digits = Int32Array.from([...digits, 0]);
  }
}

/** Writes the date in `tm`. @param fraction nanoseconds. */
function putDate(sample: Sample, format: DateFormat, fraction: number): boolean {
  const max = scratchMax();
  const off = takeScratch(max);
  let at = off;
  for (let i = 0; i < format.count; i++) {
    if (format.lens[i]! > 0) {
      const room = off + max - at;
      at += kernel.strftime(
        (base + at) as never,
        room as never,
        (base + format.offs[i]!) as never,
        (base + tm) as never,
      );
    }
    const digits = format.digits[i]!;
    if (digits === 0) continue;
    if (at + 9 > off + max) return false;
    putFixed(at, fraction, 9);
    at += digits;
  }
  trimScratch(at);
  sample.setStr(off, at - off);
  return true;
}

/** @param perSecond units of the input per second. */
function compileTime(args: readonly ArgConfig[], local: boolean, perSecond: number): Convert {
  const format = new DateFormat(String(args[0]), perSecond > 1);
  const offset = Number(args[1] ?? 0);
  const nanos = 1000000000 / perSecond;
  // The C library reads the time zone now, before a chroot may hide it.
  breakDown(0, true);
  return (_ctx, sample) => {
    const value = sample.num + offset;
    const second = Math.floor(value / perSecond);
    breakDown(second, local);
    return putDate(sample, format, (value - second * perSecond) * nanos);
  };
}

const days = reserveBytes('SunMonTueWedThuFriSat');
const months = reserveBytes('JanFebMarAprMayJunJulAugSepOctNovDec');

const HTTP_DATE_TEXT = 40;

function putText(at: number, off: number, len: number): number {
  mem.copyWithin(at, off, off + len);
  return at + len;
}

const space = 0x20;
const gmt = reserveBytes(' GMT');

/**
 * Writes an IMF-fixdate (RFC 9110 5.6.7), with a fraction of the second when the unit has one.
 */
function putHttpDate(sample: Sample, second: number, fraction: number, digits: number): void {
  breakDown(second, false);
  const index = tm >> 2;
  const off = takeScratch(HTTP_DATE_TEXT);
  let at = putText(off, days + mem32[index + 6]! * 3, 3);
  mem[at++] = 0x2c;
  mem[at++] = space;
  putFixed(at, mem32[index + 3]!, 2);
  mem[at + 2] = space;
  at = putText(at + 3, months + mem32[index + 4]! * 3, 3);
  mem[at++] = space;
  putFixed(at, mem32[index + 5]! + 1900, 4);
  mem[at + 4] = space;
  putFixed(at + 5, mem32[index + 2]!, 2);
  mem[at + 7] = 0x3a;
  putFixed(at + 8, mem32[index + 1]!, 2);
  mem[at + 10] = 0x3a;
  putFixed(at + 11, mem32[index]!, 2);
  at += 13;
  if (digits > 0) {
    mem[at++] = 0x2e;
    putFixed(at, fraction, digits);
    at += digits;
  }
  at = putText(at, gmt, 4);
  sample.setStr(off, at - off);
}

function compileHttpDate(args: readonly ArgConfig[]): Convert {
  const offset = Number(args[0] || 0);
  const perSecond = unitsPerSecond(args[1]);
  const digits = Math.round(Math.log10(perSecond));
  return (_ctx, sample) => {
    const value = sample.num + offset;
    const second = Math.floor(value / perSecond);
    putHttpDate(sample, second, value - second * perSecond, digits);
    return true;
  };
}

// Days since 1970 of a civil date, from the algorithm of 400-year eras with March as first month.
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * 146097 + dayOfEra + dayOfYear - 719468;
}

let cursor = 0;
let limit = 0;

function skipTo(first: number, last: number): boolean {
  while (cursor < limit && (mem[cursor]! < first || mem[cursor]! > last)) cursor++;
  return cursor < limit;
}

/** The next run of digits, -1 when there is none. */
function nextNumber(): number {
  if (!skipTo(0x30, 0x39)) return -1;
  cursor += readLeadingInt(cursor, limit - cursor);
  return readValue;
}

/** 1 to 12 for the month name at the cursor, 0 for another word. */
function nextMonth(): number {
  if (!skipTo(0x41, 0x5a)) return 0;
  for (let month = 0; month < 12; month++) {
    const name = months + month * 3;
    if (
      mem[cursor] === mem[name] &&
      mem[cursor + 1] === mem[name + 1] &&
      mem[cursor + 2] === mem[name + 2]
    ) {
      cursor += 3;
      return month + 1;
    }
  }
  return 0;
}

/** Reads the three forms of RFC 9110 5.6.7: IMF-fixdate, RFC 850 and asctime. */
function convertDate(ctx: RuleContext, sample: Sample): boolean {
  cursor = sample.off;
  limit = sample.off + sample.len;
  // The day's name: a comma follows it in the first two forms.
  while (cursor < limit && isLetter(mem[cursor]!)) cursor++;
  if (cursor === sample.off || cursor === limit) return false;
  const asctime = mem[cursor] !== 0x2c;
  let month = asctime ? nextMonth() : 0;
  const day = nextNumber();
  if (!asctime) month = nextMonth();
  let year = asctime ? 0 : nextNumber();
  const hour = nextNumber();
  const minute = nextNumber();
  const second = nextNumber();
  if (asctime) year = nextNumber();
  if (month === 0 || day < 1 || day > 31 || year < 0) return false;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  if (year < 100) year = fullYear(year, ctx.nowDateMs);
  sample.setInt(
    daysFromCivil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second,
  );
  return true;
}

function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

// RFC 9110 5.6.7: two digits that seem to be more than 50 years ahead are of the past century.
function fullYear(digits: number, nowMs: number): number {
  const now = 1970 + Math.floor(nowMs / 31556952000);
  const year = now - (now % 100) + digits;
  return year > now + 50 ? year - 100 : year;
}

function createTimeRow(name: string, local: boolean, perSecond: number, doc: string): ConverterRow {
  return {
    name,
    args: 'string[,integer]',
    in: 'sint',
    out: 'str',
    doc,
    compile: (args) => compileTime(args, local, perSecond),
  };
}

function checkHttpDate(args: ArgConfig[]): void {
  if (args.length > 2) throw new ConfigError('expects an offset and a unit');
  checkUnit(args, 1);
}

export const dateConverters: readonly ConverterRow[] = [
  {
    name: 'date',
    args: '',
    in: 'str',
    out: 'sint',
    doc: 'seconds since 1970 of a date in HTTP form',
    compile: () => convertDate,
  },
  {
    name: 'http_date',
    args: '[integer,string]',
    in: 'sint',
    out: 'str',
    doc: 'a date in HTTP form, of s, ms or us since 1970',
    check: checkHttpDate,
    compile: compileHttpDate,
  },
  createTimeRow('ltime', true, 1, 'local time of seconds since 1970, as strftime'),
  createTimeRow('ms_ltime', true, 1000, 'local time of milliseconds, as strftime with %N'),
  createTimeRow('ms_utime', false, 1000, 'UTC of milliseconds, as strftime with %N'),
  createTimeRow('us_ltime', true, 1000000, 'local time of microseconds, as strftime with %N'),
  createTimeRow('us_utime', false, 1000000, 'UTC of microseconds, as strftime with %N'),
  createTimeRow('utime', false, 1, 'UTC of seconds since 1970, as strftime'),
];
