/**
 * Time. One reading per turn of the event loop serves every stream of that turn: `clock.update()`
 * costs two vDSO calls and allocates nothing.
 *
 *   nowMs    CLOCK_MONOTONIC, whole milliseconds since boot: timers and durations
 *   dateMs   CLOCK_REALTIME, whole milliseconds since 1970
 *   dateUs   CLOCK_REALTIME, microseconds since 1970 (exact in a double until 2255)
 *
 * Milliseconds are whole because logs and timeouts are: the difference of two readings can be
 * written as it is, and small integers stay integers for the JIT.
 *
 * Local time comes from localtime_r(3), which knows the same TZ and /etc/localtime as every other
 * program on the machine (a JavaScript Date knows only zones by name). It is asked once per second
 * that appears in a log, so a change of daylight saving time is right to the second. tzset(3) runs
 * when the module loads, before any chroot, and localtime_r never reads the zone again.
 *
 * @dataplane
 */
import { base, getU64, mem32, reserve } from './arena.ts';
import { kernel } from './kernel.ts';

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

/** struct timespec: two 64-bit integers. */
const timespec = reserve(16);
/** A time_t and the struct tm (56 bytes) made of it. */
const timeT = reserve(8);
const tm = reserve(56);
const tmIndex = tm >> 2;

kernel.tzset();

export class Clock {
  /** Monotonic, whole ms. */
  nowMs: number;
  /** Wall clock, whole ms since 1970. */
  dateMs: number;
  /** Wall clock, µs since 1970. */
  dateUs: number;

  constructor() {
    this.nowMs = 0;
    this.dateMs = 0;
    this.dateUs = 0;
    this.update();
  }

  /** Reads both clocks. Once per turn of the loop. */
  update(): void {
    const address = (base + timespec) as never;
    const nanoseconds = (timespec >> 2) + 2;
    kernel.clock_gettime(CLOCK_MONOTONIC, address);
    this.nowMs = getU64(timespec) * 1000 + ((mem32[nanoseconds]! / 1000000) | 0);
    kernel.clock_gettime(CLOCK_REALTIME, address);
    const us = (mem32[nanoseconds]! / 1000) | 0;
    const seconds = getU64(timespec);
    this.dateUs = seconds * 1000000 + us;
    this.dateMs = seconds * 1000 + ((us / 1000) | 0);
  }
}

/** The clock of this thread. */
export const clock = new Clock();

/** A moment taken apart. Months count from 0; `offsetS` is local time minus UTC. */
export class CivilTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  offsetS: number;

  constructor() {
    this.year = 1970;
    this.month = 0;
    this.day = 1;
    this.hour = 0;
    this.minute = 0;
    this.second = 0;
    this.offsetS = 0;
  }

  /** @param seconds since 1970; the zone of the process. */
  setLocal(seconds: number): void {
    mem32[timeT >> 2] = seconds | 0;
    mem32[(timeT >> 2) + 1] = Math.floor(seconds / 4294967296);
    kernel.localtime_r((base + timeT) as never, (base + tm) as never);
    this.second = mem32[tmIndex]!;
    this.minute = mem32[tmIndex + 1]!;
    this.hour = mem32[tmIndex + 2]!;
    this.day = mem32[tmIndex + 3]!;
    this.month = mem32[tmIndex + 4]!;
    this.year = mem32[tmIndex + 5]! + 1900;
    // glibc's tm_gmtoff: a long at byte 40; offsets fit its low half.
    this.offsetS = mem32[tmIndex + 10]!;
  }

  /** @param seconds since 1970, not negative. Civil date from days, by eras of 400 years. */
  setUtc(seconds: number): void {
    const days = Math.floor(seconds / 86400);
    const rest = seconds - days * 86400;
    this.hour = (rest / 3600) | 0;
    this.minute = ((rest % 3600) / 60) | 0;
    this.second = (rest % 60) | 0;
    const z = days + 719468;
    const era = (z / 146097) | 0;
    const dayOfEra = z - era * 146097;
    const yearOfEra =
      ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36524) | 0) - ((dayOfEra / 146096) | 0)) /
        365) |
      0;
    const dayOfYear =
      dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
    // Months counted from March, so that the leap day comes last.
    const shifted = ((5 * dayOfYear + 2) / 153) | 0;
    this.day = dayOfYear - (((153 * shifted + 2) / 5) | 0) + 1;
    this.month = shifted < 10 ? shifted + 2 : shifted - 10;
    this.year = yearOfEra + era * 400 + (this.month <= 1 ? 1 : 0);
    this.offsetS = 0;
  }
}
