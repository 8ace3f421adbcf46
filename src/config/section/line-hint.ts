/**
 * What to write today for a rule on whole lines of HAProxy 1.3 to 2.0 (`reqrep`, `rspidel`), for the
 * warning that such a line gets.
 *
 * A whole line is shown when the expression has one of the forms that everybody used: `^Name: value`,
 * `^([^ ]*) /path(.*)`, `^HTTP/1.[01] 200`. Where the old and the new rule could differ, only the
 * modern keyword is named.
 */

/** The line to show for a keyword without its `i`, or null. */
type Translator = (old: OldLine) => string | null;

interface OldLine {
  search: string;
  /** The second word, '' when the keyword has none. */
  second: string;
  ignoreCase: boolean;
  /** `if` or `unless` and what follows. */
  rest: readonly string[];
}

const names: Readonly<Record<string, { translate: Translator; instead: string }>> = {
  reqallow: { translate: judge('allow'), instead: "'http-request allow'" },
  reqdel: { translate: remove('http-request'), instead: "'http-request del-header'" },
  reqdeny: { translate: judge('deny'), instead: "'http-request deny'" },
  reqpass: { translate: judge('allow'), instead: "'http-request allow'" },
  reqrep: {
    translate: (old) => replaceField('http-request', old) ?? replaceTarget(old),
    instead:
      "'http-request replace-path', 'http-request replace-uri' or 'http-request replace-header'",
  },
  reqsetbe: { translate: setBackend, instead: "'use_backend'" },
  reqtarpit: { translate: judge('tarpit'), instead: "'http-request tarpit'" },
  rspdel: { translate: remove('http-response'), instead: "'http-response del-header'" },
  rspdeny: { translate: denyResponse, instead: "'http-response deny'" },
  rsprep: {
    translate: (old) => replaceField('http-response', old),
    instead: "'http-response replace-header' or 'http-response set-status'",
  },
};

/**
 * The sentence that tells what to write.
 * @param name the keyword without its `i`.
 * @param words the whole line; @param count words before the condition.
 */
export function lineHint(
  name: string,
  ignoreCase: boolean,
  words: readonly string[],
  count: number,
): string {
  const { translate, instead } = names[name]!;
  const search = words[1]!;
  const folds = search.startsWith('(?i)');
  const old: OldLine = {
    search: folds ? search.slice(4) : search,
    second: count > 2 ? words[2]! : '',
    ignoreCase: ignoreCase || folds,
    rest: words.slice(count),
  };
  const line = hasAlternative(old.search) ? null : translate(old);
  return line === null ? `Use ${instead} instead.` : `Use '${line}'.`;
}

function judge(action: string): Translator {
  return (old) => {
    const condition = combine(requestTest(old), old.rest);
    return condition === null ? null : `http-request ${action} ${condition}`;
  };
}

function setBackend(old: OldLine): string | null {
  const condition = combine(requestTest(old), old.rest);
  return condition === null ? null : `use_backend ${escaped(old.second)} ${condition}`;
}

function denyResponse(old: OldLine): string | null {
  const status = /^\^HTTP\/(?:\[\^ \][*+]|[^ ]*) (\d{3})(?: ?\.\*)?$/.exec(old.search);
  const test = status === null ? fieldTest('res', old) : `{ status ${status[1]} }`;
  const condition = combine(test, old.rest);
  return condition === null ? null : `http-response deny ${condition}`;
}

function requestTest(old: OldLine): string | null {
  return fieldTest('req', old) ?? targetTest(old);
}

/** `^Name:` and what follows. */
function readField(search: string): { name: string; value: string } | null {
  const found = /^\^([A-Za-z][A-Za-z0-9_-]*):(?:(?: |\[ \\t\]|\\s)[*+?]?)*(.*)$/s.exec(search);
  if (found === null) return null;
  const value = found[2]!;
  // Without a blank in it the expression matches only what begins with anything.
  const blank = search.length - value.length > found[1]!.length + 2;
  if (!blank && value !== '' && !/^\(?\.\*/.test(value)) return null;
  return { name: found[1]!, value };
}

function fieldTest(side: 'req' | 'res', old: OldLine): string | null {
  const field = readField(old.search);
  if (field === null) return null;
  const value = field.value.replace(/\.\*\$?$/, '');
  if (value === '') return `{ ${side}.hdr(${field.name}) -m found }`;
  const pattern = escaped(value.startsWith('.*') ? value.slice(2) : `^${value}`);
  return `{ ${side}.fhdr(${field.name}) -m reg${old.ignoreCase ? ' -i' : ''} ${pattern} }`;
}

const ANY_METHOD = /^(?:\[\^ :?\][*+]|\\S[*+]|\[A-Z\][*+])$/;

interface OldTarget {
  /** Literal methods; none for any. */
  methods: string[];
  /** The method's part is a group of its own. */
  grouped: boolean;
  target: string;
}

/** `^method target`, where the method is anything or a list, and the target has no blank. */
function readTarget(search: string): OldTarget | null {
  const found = /^\^(\(?)((?:\[[^\]]*\]|[^[() ])+)(\)?) (.*)$/s.exec(search);
  if (found === null) return null;
  const grouped = found[1] === '(';
  const method = found[2]!;
  const target = found[4]!;
  if (grouped !== (found[3] === ')')) return null;
  if (outsideClasses(target).includes(' ') || /\\[ s]/.test(target)) return null;
  const literal = /^[A-Z]+(?:\|[A-Z]+)*$/.test(method);
  if (!literal && !ANY_METHOD.test(method)) return null;
  return { methods: literal ? method.split('|') : [], grouped, target };
}

function targetTest(old: OldLine): string | null {
  const found = readTarget(old.search);
  if (found === null) return null;
  const target = found.target.replace(/(?:\.\*|\(\.\*\))$/, '');
  if (target.endsWith('$')) return null;
  const fold = old.ignoreCase ? ' -i' : '';
  const literal = target.replace(/\\\./g, '.');
  const method = methodTest(found.methods);
  if (target === '') return method === '' ? null : method;
  const plain = /^\/(?:[A-Za-z0-9/_~-]|\\\.)*$/.test(target);
  const test = plain
    ? `{ path_beg${fold} ${literal} }`
    : `{ url -m reg${fold} ${escaped(`^${target}`)} }`;
  return method === '' ? test : `${method} ${test}`;
}

function methodTest(methods: readonly string[]): string {
  return methods.length === 0 ? '' : `{ method ${methods.join(' ')} }`;
}

function remove(ruleset: string): Translator {
  return (old) => {
    const rest = old.rest.length > 0 ? ` ${old.rest.map(escaped).join(' ')}` : '';
    const found = /^\^(?:\(([A-Za-z0-9_|-]+)\)|([A-Za-z][A-Za-z0-9_-]*))(:?)(?: ?\.\*)?$/.exec(
      old.search,
    );
    if (found === null) return null;
    const whole = found[3] === ':';
    const list = found[1]?.toLowerCase();
    if (list !== undefined) {
      return `${ruleset} del-header ^(${list})${whole ? '$' : ''} -m reg${rest}`;
    }
    const name = found[2]!;
    return whole
      ? `${ruleset} del-header ${name}${rest}`
      : `${ruleset} del-header ${name.toLowerCase()} -m beg${rest}`;
  };
}

interface FieldChange {
  name: string;
  value: string;
  string: string | null;
}

/** `^Name: old` with `Name: new`; `^(Name: )old` with `\1new`; `^(Name: old)` with `\1 new`. */
function readChange(old: OldLine): FieldChange | null {
  const named = /^\^\(([A-Za-z][A-Za-z0-9_-]*): ?\)(?: [*+?]?)?(.*)$/s.exec(old.search);
  const kept = /^\\1 *(.*)$/s.exec(old.second);
  if (named !== null) {
    const string = kept === null ? null : shifted(kept[1]!);
    return { name: named[1]!, value: named[2]!, string };
  }
  const around = /^\^\(([A-Za-z][A-Za-z0-9_-]*):(?: [*+?]?)?(.+)$/s.exec(old.search);
  if (around !== null) {
    const string = kept === null || /\\[01]/.test(kept[1]!) ? null : old.second;
    return { name: around[1]!, value: `(${around[2]}`, string };
  }
  const field = readField(old.search);
  const second = /^([^: ]+): *(.*)$/s.exec(old.second);
  if (field === null || second?.[1]?.toLowerCase() !== field.name.toLowerCase()) return null;
  return { ...field, string: second[2]! };
}

function replaceField(ruleset: string, old: OldLine): string | null {
  const change = readChange(old);
  if (change === null || change.value === '' || change.string === null) return null;
  const whole = wholeValue(change.value, change.string, /(?:\.\*|\(\.\*\)|\$)$/);
  if (whole === null) return null;
  return `${ruleset} replace-header ${change.name} ${rewrite(old, whole, old.rest.map(escaped))}`;
}

function replaceTarget(old: OldLine): string | null {
  const found = readTarget(old.search);
  if (found === null) return null;
  const { methods, grouped } = found;
  const target = found.target.replace(/(?<=\(\.\*\))\$$/, '');
  // The rest of the line, `HTTP/x.y` in it, must have been kept.
  if (/(?:\.\*|\$)$/.test(target)) return null;
  const method = grouped ? '\\1 ' : methods.length === 1 ? `${methods[0]} ` : null;
  if (method === null || !old.second.startsWith(method)) return null;
  const tail = old.second.slice(method.length);
  const string = grouped ? shifted(tail) : tail;
  if (string === null || string === '' || string.includes(' ')) return null;
  const end = /(?:\(\.\*\)|\(?(?:\[\^ \]|\\S)[*+]\)?)$/;
  const lost = target.endsWith('(.*)') && !string.endsWith(`\\${groups(target)}`);
  const whole = lost ? null : wholeValue(target, string, end);
  if (whole === null) return null;
  const path = target.startsWith('/') && string.startsWith('/');
  const test = methodTest(methods);
  const condition = test === '' ? old.rest.map(escaped).join(' ') : combine(test, old.rest);
  if (condition === null) return null;
  const rest = condition === '' ? [] : [condition];
  return `http-request replace-${path ? 'pathq' : 'uri'} ${rewrite(old, whole, rest)}`;
}

interface Rewrite {
  pattern: string;
  string: string;
}

/** The modern rules replace all of the value when a part of it matches: keeps what is behind. */
function wholeValue(value: string, string: string, ends: RegExp): Rewrite | null {
  if (/\\0/.test(string)) return null;
  if (ends.test(value)) return { pattern: value, string };
  const next = groups(value) + 1;
  return next > 9 ? null : { pattern: `${value}(.*)`, string: `${string}\\${next}` };
}

function rewrite(old: OldLine, { pattern, string }: Rewrite, rest: readonly string[]): string {
  const regex = escaped(`${old.ignoreCase ? '(?i)' : ''}^${pattern}`);
  // A log-format string follows: what was literal must stay literal.
  return [regex, escaped(string.replaceAll('%', '%%')), ...rest].join(' ');
}

/** Back-references without the first group; null when that one is used. */
function shifted(string: string): string | null {
  if (/\\[01]/.test(string)) return null;
  return string.replace(/\\([2-9])/g, (_, digit: string) => `\\${Number(digit) - 1}`);
}

/** An expression without its character classes and escaped characters. */
function outsideClasses(search: string): string {
  return search.replace(/\\./gs, '_').replace(/\[\^?\]?[^\]]*\]/gs, '_');
}

function groups(search: string): number {
  return outsideClasses(search).match(/\((?!\?)/g)?.length ?? 0;
}

/** `a|b` outside of groups: nothing that is put around it would hold for both. */
function hasAlternative(search: string): boolean {
  let depth = 0;
  for (const char of outsideClasses(search)) {
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) return true;
  }
  return false;
}

/** A condition that asks for `test` as well; null when there is none or the form forbids it. */
function combine(test: string | null, rest: readonly string[]): string | null {
  if (test === null) return null;
  const terms = rest.slice(1).map(escaped);
  if (terms.length === 0) return `if ${test}`;
  if (terms.includes('or') || terms.includes('||')) return null;
  if (rest[0] === 'if') return `if ${test} ${terms.join(' ')}`;
  const anonymous = terms[0] === '{' && terms.indexOf('}') === terms.length - 1;
  const single = terms.length === 1 && !terms[0]!.startsWith('!');
  return anonymous || single ? `if ${test} !${terms.join(' ')}` : null;
}

/** A word as it is written outside of quotes (2.2). */
function escaped(word: string): string {
  if (word === '') return "''";
  return word.replace(/\\(?=[ \t#\\'"$nrtx]|$)/g, '\\\\').replace(/[ \t#'"]/g, '\\$&');
}
