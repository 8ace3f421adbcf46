/**
 * Syslog headers (configuration.txt 4.2 `log` format; RFC 3164, RFC 5424).
 *
 *   local     <134>Feb  6 12:14:14 haproxy[14389]: text
 *   rfc3164   <134>Feb  6 12:14:14 host haproxy[14389]: text
 *   rfc5424   <134>1 2009-02-06T12:14:14.655123+01:00 host haproxy 14389 - sd text
 *   priority  <134>text         short  <6>text
 *   timed     <6>2009-02-06T12:14:14.655123+01:00 text
 *   iso       2009-02-06T12:14:14.655123+01:00 text
 *   raw       text
 *
 * A header changes once per second and with the level, so it is built then and copied per line;
 * only the six digits of the microseconds are written into the copy.
 *
 * `len` limits header, text and line feed together, and counts the line feed in rings too. The text
 * fills it to the last byte; a part of the header (a word, or what stands between words) must leave
 * one byte, or it is left out whole, with everything after it.
 *
 * @dataplane
 */
import type { LogFormatName } from '../model/config.ts';
import { mem, reserve, reserveBytes } from '../sys/arena.ts';
import { clock } from '../sys/clock.ts';
import { DateLength, DateText, localDates } from './date.ts';
import { putBytes, putDecimal, putPadded } from './text.ts';

const LESS = 0x3c;
const GREATER = 0x3e;
const SPACE = 0x20;
const DASH = 0x2d;
const DOT = 0x2e;
const NEWLINE = 0x0a;

const openPid = reserveBytes('[');
const closePid = reserveBytes(']: ');
const noMessageId = reserveBytes('- ');

export const enum Format {
  Local = 0,
  Rfc3164 = 1,
  Rfc5424 = 2,
  Priority = 3,
  Short = 4,
  Timed = 5,
  Iso = 6,
  Raw = 7,
}

const formats: Record<LogFormatName, Format> = {
  local: Format.Local,
  rfc3164: Format.Rfc3164,
  rfc5424: Format.Rfc5424,
  priority: Format.Priority,
  short: Format.Short,
  timed: Format.Timed,
  iso: Format.Iso,
  raw: Format.Raw,
};

export interface FramingConfig {
  format: LogFormatName;
  facility: number;
  /** Most bytes of header and text. */
  lengthMax: number;
  /** null = not asked for (`localhost` in RFC 3164, `-` in RFC 5424). */
  hostname: string | null;
  tag: string;
  pid: number;
  /** Whether a line feed ends the line; not in rings, which delimit by themselves. */
  newline: boolean;
}

/** Frames the lines of one target and one tag. */
export class Framing {
  private readonly format: Format;
  private readonly facility: number;
  private readonly lengthMax: number;
  private readonly newline: boolean;
  private readonly hostOff: number;
  private readonly hostLen: number;
  private readonly tagOff: number;
  private readonly tagLen: number;
  private readonly pidOff: number;
  private readonly pidLen: number;
  private readonly headerOff: number;
  private headerLen: number;
  /** All parts of the header fit: text may follow. */
  private headerWhole: boolean;
  /** Where the microseconds stand in the header, -1 = nowhere. */
  private microsAt: number;
  private cachedSecond: number;
  private cachedLevel: number;

  constructor(config: FramingConfig) {
    const encoder = new TextEncoder();
    const format = formats[config.format];
    this.format = format;
    this.facility = config.facility;
    this.lengthMax = config.lengthMax;
    this.newline = config.newline;
    const host = config.hostname ?? (format === Format.Rfc3164 ? 'localhost' : '-');
    const hostBytes = encoder.encode(host);
    const tagBytes = encoder.encode(config.tag);
    const pid = `${config.pid}`;
    this.hostOff = reserveBytes(hostBytes);
    this.hostLen = hostBytes.length;
    this.tagOff = reserveBytes(tagBytes);
    this.tagLen = tagBytes.length;
    this.pidOff = reserveBytes(pid);
    this.pidLen = pid.length;
    this.headerOff = reserve(80 + hostBytes.length + tagBytes.length);
    this.headerLen = 0;
    this.headerWhole = true;
    this.microsAt = -1;
    this.cachedSecond = -1;
    this.cachedLevel = -1;
  }

  /** Most bytes that `write` stores. */
  get bytesMax(): number {
    return this.lengthMax + 1;
  }

  /**
   * Writes a framed line at `at`, which must have `bytesMax` bytes of room.
   * @param off the text; @param sdOff RFC 5424 structured data, length 0 = none.
   * @returns the bytes written.
   */
  write(at: number, level: number, off: number, len: number, sdOff: number, sdLen: number): number {
    const second = Math.floor(clock.dateMs / 1000);
    if (second !== this.cachedSecond || level !== this.cachedLevel) this.build(second, level);
    let pos = putBytes(at, this.headerOff, this.headerLen);
    if (this.microsAt >= 0) {
      putPadded(at + this.microsAt, clock.dateUs - second * 1000000, 6);
    }
    const end = at + this.lengthMax;
    let open = this.headerWhole;
    if (open && this.format === Format.Rfc5424) {
      const next = putStructured(pos, end, sdOff, sdLen);
      open = next > 0;
      if (next !== 0) pos = Math.abs(next);
    }
    if (open) pos = putBytes(pos, off, Math.min(len, end - pos));
    if (this.newline) mem[pos++] = NEWLINE;
    return pos - at;
  }

  /** Builds the header of a second and level. */
  private build(second: number, level: number): void {
    this.cachedSecond = second;
    this.cachedLevel = level;
    this.headerLen = 0;
    this.headerWhole = true;
    this.microsAt = -1;
    const dates = localDates.at(second);
    let at = this.headerOff;
    switch (this.format) {
      case Format.Local:
      case Format.Rfc3164:
        at = this.part(putPriority(at, this.facility * 8 + level));
        at = this.part(putSpaced(at, dates + DateText.Syslog, DateLength.Syslog));
        if (this.format === Format.Rfc3164) at = this.partSpaced(at, this.hostOff, this.hostLen);
        at = this.part(putBytes(at, this.tagOff, this.tagLen));
        at = this.part(putBytes(at, openPid, 1));
        at = this.part(putBytes(at, this.pidOff, this.pidLen));
        at = this.part(putBytes(at, closePid, 1));
        this.part(putBytes(at, closePid + 1, 2));
        return;
      case Format.Rfc5424:
        at = putPriority(at, this.facility * 8 + level);
        mem[at] = 0x31;
        mem[at + 1] = SPACE;
        at = this.part(this.putIso(at + 2, dates));
        at = this.partSpaced(at, this.hostOff, this.hostLen);
        at = this.partSpaced(at, this.tagOff, this.tagLen);
        at = this.partSpaced(at, this.pidOff, this.pidLen);
        this.part(putBytes(at, noMessageId, 2));
        return;
      case Format.Priority:
        this.part(putPriority(at, this.facility * 8 + level));
        return;
      case Format.Short:
        this.part(putPriority(at, level));
        return;
      case Format.Timed:
        at = putPriority(at, level);
        this.part(this.putIso(at, dates));
        return;
      case Format.Iso:
        this.part(this.putIso(at, dates));
        return;
      default:
        return;
    }
  }

  /** Takes what was written up to `until` into the header, unless it exceeds the limit. */
  private part(until: number): number {
    if (this.headerWhole && until - this.headerOff < this.lengthMax) {
      this.headerLen = until - this.headerOff;
    } else {
      this.headerWhole = false;
    }
    return until;
  }

  /** A part and the space after it, which is a part of its own. */
  private partSpaced(at: number, off: number, len: number): number {
    const pos = this.part(putBytes(at, off, len));
    mem[pos] = SPACE;
    return this.part(pos + 1);
  }

  /** `2009-02-06T12:14:14.000000+01:00 ` */
  private putIso(at: number, dates: number): number {
    let pos = putBytes(at, dates + DateText.Iso, DateLength.Iso);
    mem[pos] = DOT;
    this.microsAt = pos + 1 - this.headerOff;
    pos = putBytes(pos + 7, dates + DateText.IsoZone, DateLength.Zone);
    mem[pos] = SPACE;
    return pos + 1;
  }
}

/** `<134>` */
function putPriority(at: number, value: number): number {
  mem[at] = LESS;
  const pos = putDecimal(at + 1, value);
  mem[pos] = GREATER;
  return pos + 1;
}

function putSpaced(at: number, off: number, len: number): number {
  const pos = putBytes(at, off, len);
  mem[pos] = SPACE;
  return pos + 1;
}

/**
 * The structured data, or `-`, and a space. @returns the position after it, negative
 * when nothing may follow, 0 when the data itself exceeds the limit.
 */
function putStructured(at: number, end: number, sdOff: number, sdLen: number): number {
  let pos = at;
  if (sdLen === 0) {
    if (pos + 1 >= end) return 0;
    mem[pos++] = DASH;
  } else {
    if (pos + sdLen >= end) return 0;
    pos = putBytes(pos, sdOff, sdLen);
  }
  if (pos + 1 >= end) return -pos;
  mem[pos] = SPACE;
  return pos + 1;
}
