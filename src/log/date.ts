/**
 * Dates as logs write them, cached per second. A line needs the date of its request and of its
 * acceptance, which need not be the current second, so a few recent seconds are kept for local
 * time and for UTC.
 *
 *   offset 0   06/Feb/2009:12:14:14       20 bytes, then " +0100" (6)     log-format dates
 *   offset 32  Feb  6 12:14:14            15 bytes                        RFC 3164 header
 *   offset 48  2009-02-06T12:14:14        19 bytes, then "+01:00" (6)     RFC 5424 and iso headers
 *
 * @dataplane
 */
import { mem, reserve, reserveBytes } from '../sys/arena.ts';
import { CivilTime } from '../sys/clock.ts';
import { putPadded } from './text.ts';

const SLOTS = 8;
const STRIDE = 80;

/** Where a text stands within the cache line of its second. */
export const enum DateText {
  /** `06/Feb/2009:12:14:14` */
  Log = 0,
  /** ` +0100`, right after `Log` */
  LogZone = 20,
  /** `Feb  6 12:14:14` */
  Syslog = 32,
  /** `2009-02-06T12:14:14` */
  Iso = 48,
  /** `+01:00`, right after `Iso` */
  IsoZone = 67,
}

/** Bytes of the texts. */
export const enum DateLength {
  Zone = 6,
  Syslog = 15,
  Iso = 19,
  Log = 20,
}

const months = reserveBytes('JanFebMarAprMayJunJulAugSepOctNovDec');
const civil = new CivilTime();

export class DateCache {
  private readonly local: boolean;
  private readonly start: number;
  private readonly seconds: Float64Array;

  constructor(local: boolean) {
    this.local = local;
    this.start = reserve(SLOTS * STRIDE);
    this.seconds = new Float64Array(SLOTS).fill(-1);
  }

  /**
   * @param second since 1970.
   * @returns the arena offset of the texts of that second; add a `DateText`.
   */
  at(second: number): number {
    const slot = second % SLOTS;
    const off = this.start + slot * STRIDE;
    if (this.seconds[slot] !== second) {
      this.seconds[slot] = second;
      if (this.local) civil.setLocal(second);
      else civil.setUtc(second);
      fill(off);
    }
    return off;
  }
}

function fill(off: number): void {
  const month = months + civil.month * 3;
  let at = putPadded(off, civil.day, 2);
  mem[at++] = 0x2f;
  at = putMonth(at, month);
  mem[at++] = 0x2f;
  at = putPadded(at, civil.year, 4);
  mem[at++] = 0x3a;
  at = putTime(at);
  mem[at++] = 0x20;
  at = putZone(at);
  putPadded(at, ((Math.abs(civil.offsetS) / 60) | 0) % 60, 2);

  at = putMonth(off + DateText.Syslog, month);
  mem[at++] = 0x20;
  at = putPadded(at, civil.day, 2);
  // RFC 3164 4.1.2: a day below 10 is padded with a space.
  if (civil.day < 10) mem[at - 2] = 0x20;
  mem[at++] = 0x20;
  putTime(at);

  at = putPadded(off + DateText.Iso, civil.year, 4);
  mem[at++] = 0x2d;
  at = putPadded(at, civil.month + 1, 2);
  mem[at++] = 0x2d;
  at = putPadded(at, civil.day, 2);
  mem[at++] = 0x54;
  at = putTime(at);
  at = putZone(at);
  mem[at++] = 0x3a;
  putPadded(at, ((Math.abs(civil.offsetS) / 60) | 0) % 60, 2);
}

function putMonth(at: number, month: number): number {
  mem[at] = mem[month]!;
  mem[at + 1] = mem[month + 1]!;
  mem[at + 2] = mem[month + 2]!;
  return at + 3;
}

function putTime(at: number): number {
  let pos = putPadded(at, civil.hour, 2);
  mem[pos++] = 0x3a;
  pos = putPadded(pos, civil.minute, 2);
  mem[pos++] = 0x3a;
  return putPadded(pos, civil.second, 2);
}

/** Sign and hours of the zone. */
function putZone(at: number): number {
  mem[at] = civil.offsetS < 0 ? 0x2d : 0x2b;
  return putPadded(at + 1, (Math.abs(civil.offsetS) / 3600) | 0, 2);
}

/** Local time and UTC of this thread. */
export const localDates = new DateCache(true);
export const utcDates = new DateCache(false);
