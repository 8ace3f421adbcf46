/**
 * IP addresses as text: reading literals and printing them (configuration.txt 2.9 and 7.1.6,
 * RFC 4291 2.2, RFC 5952). No name is ever resolved here.
 */

/**
 * Reads a dotted IPv4 address, also abbreviated with its all-0 octets left out (`10.12` is
 * 10.0.0.12, `192.168.1` is 192.168.0.1), as section 7.1.6 allows. A leading zero is refused: some
 * programs would read it as octal.
 * @returns 4 bytes in network order, or null when the text is none
 */
export function parseIpv4(text: string): number[] | null {
  if (!/^[0-9]+(\.[0-9]+){0,3}$/.test(text)) return null;
  const parts = text.split('.');
  const bytes = [0, 0, 0, 0];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (part.length > 1 && part[0] === '0') return null;
    const value = Number(part);
    if (i < parts.length - 1) {
      if (value > 255) return null;
      bytes[i] = value;
      continue;
    }
    // The last number fills all the octets that remain.
    if (value >= 256 ** (4 - i)) return null;
    for (let at = 3, rest = value; at >= i; at--, rest = Math.floor(rest / 256)) {
      bytes[at] = rest % 256;
    }
  }
  return bytes;
}

/**
 * Reads an IPv6 address without brackets; the last 32 bits may be dotted.
 * @returns 16 bytes in network order, or null when the text is none
 */
export function parseIpv6(text: string): number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** `1:2:3` as bytes; a dotted quad may stand last when `dotted`. Empty text is no group. */
function parseGroups(text: string, dotted: boolean): number[] | null {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i]!;
    if (dotted && i === groups.length - 1 && group.includes('.')) {
      const quad = group.split('.').length === 4 ? parseIpv4(group) : null;
      if (quad === null) return null;
      bytes.push(...quad);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    }
  }
  return bytes;
}

/** Prints 4 or 16 bytes as inet_ntop(3) does: the longest run of zero groups shortened. */
export function formatIp(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);
  const run = longestZeroRun(groups);
  const quad = `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
  // glibc prints IPv4-mapped and IPv4-compatible addresses with a dotted tail.
  if (run.from === 0 && run.length === 5 && groups[5] === 0xffff) return `::ffff:${quad}`;
  if (run.from === 0 && run.length === 6) return `::${quad}`;
  const text = (from: number, until: number) =>
    groups
      .slice(from, until)
      .map((group) => group.toString(16))
      .join(':');
  if (run.length < 2) return text(0, 8);
  return `${text(0, run.from)}::${text(run.from + run.length, 8)}`;
}

function longestZeroRun(groups: readonly number[]): { from: number; length: number } {
  const best = { from: 0, length: 0 };
  for (let i = 0; i < 8; i++) {
    let until = i;
    while (until < 8 && groups[until] === 0) until++;
    if (until - i > best.length) {
      best.from = i;
      best.length = until - i;
    }
    if (until > i) i = until;
  }
  return best;
}
