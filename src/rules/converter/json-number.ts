/**
 * Numbers of JSON as HAProxy writes them: with six digits, in the way of printf's `%g`. Only those
 * that are not short integers come here; each costs two strings.
 */

/** @param text a number of JSON, with all its parts or the first of them */
export function shortNumber(text: string): string {
  const value = Number.parseFloat(text);
  if (Number.isNaN(value) || value === 0) return text.startsWith('-') ? '-0' : '0';
  const [digits, exponent] = rounded(value).split('e') as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(`${digits}e${power}`));
  const sign = power < 0 ? '-' : '+';
  return `${Number(digits)}e${sign}${String(Math.abs(power)).padStart(2, '0')}`;
}

const DIGITS = 6;
/** A double that lies in the middle of two such numbers has no more digits. */
const EXACT_DIGITS = 40;

/** With six digits and an exponent; the middle of two such numbers goes to the even one. */
function rounded(value: number): string {
  const exact = value.toExponential(EXACT_DIGITS);
  const [kept] = /^-?[0-9]\.[0-9]{5}/.exec(exact)!;
  const isMiddle = /^50*e/.test(exact.slice(kept.length)) && Number(kept.at(-1)) % 2 === 0;
  return isMiddle ? `${kept}${exact.slice(exact.indexOf('e'))}` : value.toExponential(DIGITS - 1);
}
