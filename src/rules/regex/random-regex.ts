/** For tests: random regular expressions of pieces that meet in odd ways, repeatable by a seed. */

export class RandomRegex {
  private state: number;

  constructor(seed: number) {
    this.state = seed * 2654435761 + 12345;
  }

  below(count: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0;
    return ((this.state >>> 8) % count) | 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  subject(): string {
    const bytes = ['a', 'b', 'A', 'B', '1', ' ', '\n', '\r', '\xe9', '\xc9', '_', '.', '-', 'c'];
    return Array.from({ length: this.below(12) }, () => this.pick(bytes)).join('');
  }

  expression(depth = 3): string {
    const branches = this.below(4) === 0 ? 2 : 1;
    return Array.from({ length: branches }, () => this.sequence(depth)).join('|');
  }

  private sequence(depth: number): string {
    return Array.from({ length: this.below(4) }, () => this.item(depth)).join('');
  }

  private item(depth: number): string {
    const isGroup = depth > 0 && this.below(4) === 0;
    const group = isGroup ? `${this.pick(openings)}${this.expression(depth - 1)})` : '';
    const item = isGroup ? group : this.pick(atoms);
    if (this.below(3) !== 0) return item;
    const quantifier = this.pick(quantifiers);
    // Compiled code of PCRE2 10.42 keeps what a possessive group captured when it is given up.
    return item + (item.endsWith(')') ? quantifier.replace(/(.)\+$/, '$1') : quantifier);
  }
}

const quantifiers = ['*', '+', '?', '*?', '+?', '??', '*+', '++', '?+', '{2}', '{1,2}', '{0,2}?'];
quantifiers.push('{2,}', '{1,}+', '{', '{}', '**');
const openings = ['(', '(', '(', '(?:', '(?:', '(?>', '(?=', '(?!', '(?<=', '(?<!', '(?i:', '(?|'];
openings.push('(?s:', '(?m:', '(?x:', '(?n:', '(?^:', '(?-i:', '(?<n>', '(?');
const atoms = [
  'a',
  'b',
  'A',
  '.',
  '\\w',
  '\\d',
  '\\s',
  '\\W',
  '^',
  '$',
  '\\b',
  '\\B',
  '\\A',
  '\\z',
];
atoms.push('\\Z', '[ab]', '[^a]', '[a-c]', '[[:upper:]]', '[[:^lower:]]', '[\\d-]', '[^\\s]', 'ab');
atoms.push('\xe9', '[\xe0-\xef]', '\\h', '\\v', '\\N', '\\K', '\\1', '\\2', '(?i)', '(?-i)');
atoms.push('(?s)', '(?m)', '(?x)', '(?#c)', '\\Qa.\\E', '\\x41', ' ', '#', '-');
atoms.push(
  '\\n',
  '[a',
  ']',
  '{',
  '(a)',
  '(b)',
  '(a|b)',
  '\\E',
  '\\Q',
  '[\\Qa-b\\E]',
  '[A-b]',
  '[a\\E-c]',
  '(?xx)',
  '[a -c]',
  '[\\w\\E-]',
  '[b -]',
  '\\.',
);
