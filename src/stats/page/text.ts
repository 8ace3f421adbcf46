/** Values as the page writes them. */
import type { StatValue } from '../value.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char]!);
}

/** Digits in groups of three: `12 345`. */
export function numberText(value: StatValue): string {
  if (value === null) return '';
  return String(value).replace(/\B(?=(\d{3})+$)/g, '&#8239;');
}

const units = ['', 'k', 'M', 'G', 'T', 'P'];

/** `12.3 MB`; the whole number is what `show stat` and the exports give. */
export function bytesText(value: StatValue): string {
  if (typeof value !== 'number') return '';
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  if (unit === 0) return `${size}&#8239;B`;
  return `${size.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0)}&#8239;${units[unit]}B`;
}

/** The two largest units of a duration in seconds: `3d4h`; `?` for one that never began. */
export function durationText(value: StatValue): string {
  if (typeof value !== 'number') return '';
  if (value < 0) return '?';
  const steps: [number, string][] = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ];
  const first = steps.findIndex(([size]) => value >= size);
  if (first < 0) return '0s';
  const [size, name] = steps[first]!;
  const next = steps[first + 1];
  const rest = next === undefined ? 0 : Math.floor((value % size) / next[0]);
  return `${Math.floor(value / size)}${name}${rest > 0 ? `${rest}${next![1]}` : ''}`;
}
