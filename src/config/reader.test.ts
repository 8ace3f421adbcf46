// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConditionContext } from './conditions.ts';
import { Diagnostics } from './diagnostics.ts';
import { Environment } from './environment.ts';
import { formatFinding } from './print.ts';
import { ConfigReader, type ConfigSource, loadSources } from './reader.ts';

interface Result {
  lines: string[];
  findings: string[];
}

function readSources(sources: ConfigSource[], env = new Environment()): Result {
  const diagnostics = new Diagnostics();
  const reader = new ConfigReader(sources, env, diagnostics, createConditionContext(env));
  const lines = [...reader.lines()].map(
    ({ file, line, words }) => `${file}:${line} ${words.join('|')}`,
  );
  return {
    lines,
    findings: diagnostics.list.map((found) => `${found.severity} ${formatFinding(found)}`),
  };
}

function read(text: string, env = new Environment()): Result {
  return readSources([{ file: 'f', text }], env);
}

describe('lines of the configuration (2.1)', () => {
  test('comments and blank lines are left out, numbers count all lines from 1', () => {
    expect(read('# x\nglobal\n\n  daemon # y\n')).toEqual({
      lines: ['f:2 global', 'f:4 daemon'],
      findings: [],
    });
  });

  test('a mistake in one line does not hide the others', () => {
    expect(read('a "b\nc\nd \\xq\ne\n')).toEqual({
      lines: ['f:2 c', 'f:4 e'],
      findings: [
        'ALERT parsing [f:1]: unmatched quote at position 3:\n  a "b\n    ^',
        'ALERT parsing [f:3]: truncated or invalid hexadecimal sequence at position 3:\n  d \\xq\n    ^',
      ],
    });
  });

  test('a last line without line feed is read and reported', () => {
    expect(read('global\n  maxconn 10')).toEqual({
      lines: ['f:1 global', 'f:2 maxconn|10'],
      findings: [
        'ALERT parsing [f:2]: Missing LF on last line, file might have been truncated at position 13.',
      ],
    });
  });

  test('NUL bytes and too many words are reported', () => {
    const long = Array.from({ length: 65 }, (_, i) => `${i}`).join(' ');
    expect(read(`# a\0b\n${long}\nglobal\n`)).toEqual({
      lines: ['f:3 global'],
      findings: [
        'ALERT parsing [f:1]: Stray NUL character at position 4.',
        'ALERT parsing [f:2]: too many words, truncating after word 64, position 180: <63>.',
      ],
    });
  });

  test('a line may be as long as it likes and end with CR LF', () => {
    const word = 'a'.repeat(100_000);
    expect(read(`log-format ${word}\r\n`).lines).toEqual([`f:1 log-format|${word}`]);
  });

  test('an empty file has no lines', () => {
    expect(read('')).toEqual({ lines: [], findings: [] });
  });

  test('lines are pulled one by one, so that setenv is seen by the next line (3.1)', () => {
    const env = new Environment();
    const diagnostics = new Diagnostics();
    const source = { file: 'f', text: 'setenv A yes\n.if streq("$A",yes)\nlog "$A"\n.endif\n' };
    const reader = new ConfigReader([source], env, diagnostics, createConditionContext(env));
    const seen: string[][] = [];
    for (const { words } of reader.lines()) {
      if (words[0] === 'setenv') env.set(words[1]!, words[2]!);
      seen.push(words);
    }
    expect(seen).toEqual([
      ['setenv', 'A', 'yes'],
      ['log', 'yes'],
    ]);
    expect(diagnostics.errors).toBe(0);
  });

  test('pseudo-variables follow file, line and section; a file ends its section (2.3)', () => {
    const here = '"$.FILE:$.LINE:$.SECTION"\n';
    const { lines } = readSources([
      {
        file: 'a',
        text: `${here}global\n${here}frontend web\n${here}defaults from x\n${here}defaults d\n${here}`,
      },
      { file: 'b', text: here },
    ]);
    expect(lines.filter((line) => line.includes('::') || /:\d+:/.test(line))).toEqual([
      'a:1 a:1:',
      'a:3 a:3:global',
      'a:5 a:5:web',
      'a:7 a:7:defaults',
      'a:9 a:9:d',
      'b:1 b:1:',
    ]);
  });
});

describe('conditional blocks (2.4)', () => {
  test('the first true branch is read', () => {
    for (const [value, expected] of [
      ['1', 'one'],
      ['2', 'two'],
      ['3', 'two-b'],
      ['4', 'other'],
    ]) {
      const text =
        '.if streq("$V",1)\none\n.elif streq("$V",2)\ntwo\n.elif streq("$V",3)\ntwo-b\n.else\nother\n.endif\nend\n';
      const { lines, findings } = read(text, new Environment({ V: value! }));
      expect(lines.map((line) => line.split(' ')[1])).toEqual([expected!, 'end']);
      expect(findings).toEqual([]);
    }
  });

  test('blocks nest, and what is inside a skipped block is not evaluated', () => {
    const text =
      '.if 0\n.if nonsense\na\n.else\nb\n.endif\n.notice no\n.unknown\nc\n.endif\n.if 1\n.if 0\nd\n.else\ne\n.endif\n.endif\n';
    expect(read(text)).toEqual({ lines: ['f:15 e'], findings: [] });
  });

  test('a branch behind the taken one is not evaluated', () => {
    expect(read('.if 1\na\n.elif nonsense\nb\n.endif\n')).toEqual({
      lines: ['f:2 a'],
      findings: [],
    });
  });

  test('an empty condition is false; words are joined by one blank', () => {
    expect(read('.if "${A}"\na\n.else\nb\n.endif\n').lines).toEqual(['f:4 b']);
    expect(read('.if\na\n.endif\n').lines).toEqual([]);
    expect(
      read('.if streq(a,     b)\na\n.elif streq("x  y",x  y)\nb\n.else # c\nd\n.endif # e\n').lines,
    ).toEqual(['f:6 d']);
  });

  test('lines of skipped blocks are still cut into words', () => {
    expect(read('.if 0\n maxconn "abc\n.endif\n').findings).toEqual([
      'ALERT parsing [f:2]: unmatched quote at position 10:\n  maxconn "abc\n          ^',
    ]);
  });

  test('a condition that does not parse is marked and reads no branch', () => {
    expect(read('.if foo\na\n.else\nb\n.endif\nc\n')).toEqual({
      lines: ['f:6 c'],
      findings: [
        "ALERT parsing [f:1]: unparsable conditional expression 'foo' in '.if' at position 1:\n  .if foo\n      ^",
      ],
    });
    expect(read('.if 0\n.elif bar()\n.endif\n').findings).toEqual([
      "ALERT parsing [f:2]: unparsable conditional expression 'bar()' in '.elif' at position 1:\n  .elif bar()\n        ^",
    ]);
  });

  test.each([
    ['.elif 1\na\n', "lone '.elif' with no matching '.if'.", 1],
    ['.else\na\n', "lone '.else' with no matching '.if'.", 1],
    ['.endif\na\n', "lone '.endif' with no matching '.if'.", 1],
    ['.if 0\n.else\n.else\n.endif\na\n', "'.else' after '.else' is not permitted.", 3],
    ['.if 0\n.else\n.elif 1\n.endif\na\n', "'.elif' after '.else' is not permitted.", 3],
    ['.if 1\n.else foo\n.endif\na\n', "Unexpected argument 'foo' for '.else'.", 2],
    ['.if 1\n.endif foo\na\n', "Unexpected argument 'foo' for '.endif'.", 2],
    ['.if 1\n.if 1\n.endif\na\n', "non-terminated '.if' block.", 4],
    ['.foo bar\na\n', "unknown directive '.foo'.", 1],
  ])('%p is reported and the rest is read', (text, message, line) => {
    const result = read(text);
    expect(result.findings).toEqual([`ALERT parsing [f:${line}]: ${message}`]);
    expect(result.lines.map((found) => found.split(' ')[1])).toEqual(['a']);
  });

  test('a block ends with its file', () => {
    const result = readSources([
      { file: 'a', text: '.if 0\n' },
      { file: 'b', text: 'x\n.endif\n' },
    ]);
    expect(result).toEqual({
      lines: ['b:1 x'],
      findings: [
        "ALERT parsing [a:1]: non-terminated '.if' block.",
        "ALERT parsing [b:2]: lone '.endif' with no matching '.if'.",
      ],
    });
  });

  test.each([
    ['.notice', 'NOTICE'],
    ['.warning', 'WARNING'],
    ['.alert', 'ALERT'],
    ['.diag', 'DIAG'],
  ])('%s reports its message as %s', (directive, severity) => {
    expect(read(`${directive} "hello  world"\n`).findings).toEqual([
      `${severity} parsing [f:1]: 'hello  world'.`,
    ]);
    expect(read(`${directive}\n`).findings).toEqual([`${severity} parsing [f:1]: ''.`]);
    expect(read(`${directive} hello world\n`).findings).toEqual([
      `ALERT parsing [f:1]: Unexpected argument 'world' for '${directive}'. Use quotes if the message should contain spaces.`,
    ]);
  });
});

describe('files and folders of the command line (management.txt 3)', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-reader-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('a folder gives its visible .cfg files in byte order', () => {
    mkdirSync(join(folder, 'd'));
    mkdirSync(join(folder, 'd', 'folder.cfg'));
    for (const name of [
      'b.cfg',
      'a.cfg',
      '.hidden.cfg',
      'c.conf',
      '10.cfg',
      '9.cfg',
      'A.cfg',
      'é.cfg',
    ]) {
      writeFileSync(join(folder, 'd', name), `${name}\n`);
    }
    symlinkSync('c.conf', join(folder, 'd', 'link.cfg'));
    symlinkSync('nowhere', join(folder, 'd', 'dangling.cfg'));
    const diagnostics = new Diagnostics();
    const sources = loadSources([join(folder, 'd')], diagnostics);
    expect(sources.map(({ file }) => file.slice(folder.length))).toEqual([
      '/d/10.cfg',
      '/d/9.cfg',
      '/d/A.cfg',
      '/d/a.cfg',
      '/d/b.cfg',
      '/d/link.cfg',
      '/d/\xc3\xa9.cfg',
    ]);
    expect(diagnostics.list.map(({ message }) => message.replace(folder, ''))).toEqual([
      'Cannot open configuration file /d/dangling.cfg : No such file or directory',
    ]);
    expect(loadSources([join(folder, 'd/')], diagnostics)[0]!.file).toBe(`${folder}/d/10.cfg`);
  });

  test('files keep the order given, may repeat, and are bytes', () => {
    writeFileSync(join(folder, 'x'), Buffer.from([0x61, 0xff, 0x0a]));
    const diagnostics = new Diagnostics();
    const sources = loadSources([join(folder, 'x'), '/dev/null', join(folder, 'x')], diagnostics);
    expect(sources.map(({ text }) => text)).toEqual(['a\xff\n', '', 'a\xff\n']);
  });

  test('what does not exist is reported and the others are read', () => {
    writeFileSync(join(folder, 'x'), 'global\n');
    const diagnostics = new Diagnostics();
    const sources = loadSources([join(folder, 'none'), join(folder, 'x')], diagnostics);
    expect(sources).toHaveLength(1);
    expect(diagnostics.list).toEqual([
      {
        severity: 'ALERT',
        origin: null,
        message: `Cannot open configuration file/directory ${folder}/none : No such file or directory`,
      },
    ]);
  });
});
