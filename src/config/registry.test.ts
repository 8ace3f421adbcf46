import { describe, expect, test } from 'bun:test';
import { isKnownKeyword } from '../base/known-keywords.ts';
import { dumpKeywords, unknownClasses } from './keywords-dump.ts';
import { duplicates, keywords, obsolete } from './registry.ts';

describe('the registry of keywords', () => {
  test('finds duplicates', () => {
    expect(duplicates([{ name: 'a' }, { name: 'b' }, { name: 'a' }])).toEqual(['a']);
    expect(duplicates(keywords.proxy)).toEqual([]);
  });

  test('every row has a name, a grammar and a sentence of documentation', () => {
    for (const rows of Object.values(keywords)) {
      for (const row of rows as readonly { name: string; doc: string }[]) {
        expect(row.name).toMatch(/^[a-z0-9._-]+$/);
        expect(row.doc).toMatch(/^[A-Z].*\.$/);
      }
    }
  });

  test('every keyword is one of HAProxy; obsolete spellings are listed apart', () => {
    for (const { name } of keywords.global) expect(isKnownKeyword('global', [name])).toBe(true);
    for (const { name } of keywords.proxy) expect(isKnownKeyword('listen', [name])).toBe(true);
    const supported = new Set(keywords.proxy.map((row) => row.name));
    for (const { name } of obsolete.proxy) expect(supported.has(name)).toBe(false);
  });
});

describe('-dK (management.txt 3)', () => {
  test('the classes come in one order, each with its head', () => {
    const heads = dumpKeywords(['smp', 'all'])
      .split('\n')
      .filter((line) => line.startsWith('# List of'));
    expect(heads).toEqual([
      '# List of registered ACL keywords:',
      '# List of registered configuration keywords:',
      '# List of registered CLI keywords:',
      '# List of registered sample converter functions:',
      '# List of registered filter names:',
      '# List of registered sample fetch functions:',
      '# List of registered service names:',
    ]);
  });

  test('help and unknown classes', () => {
    expect(dumpKeywords(['help'])).toContain('cfg: configuration keywords\n');
    expect(dumpKeywords(['nosuch'])).toBe('');
    expect(unknownClasses(['all', 'cfg', 'nosuch'])).toEqual(['nosuch']);
  });

  test('keywords of lines say how many arguments follow', () => {
    const lines = dumpKeywords(['cfg']).split('\n');
    expect(lines).toContain('\tbind <addr> backlog +1');
    expect(lines).toContain('\tbind <addr> v6only');
    expect(lines).toContain('\tserver <name> <addr> weight +1');
    expect(lines).toContain('\toption http-buffer-request [ FE BE HTTP ]');
    expect(lines).toContain('\thttp-request set-header');
    expect(lines.indexOf('global')).toBeLessThan(lines.indexOf('listen'));
  });

  test('commands of the Runtime API are handed in', () => {
    const lines = dumpKeywords(['cli'], [{ name: 'show stat' }, { name: 'help' }]).split('\n');
    expect(lines.slice(1, 3)).toEqual(['help [WORKER] ', 'show stat [WORKER] ']);
  });

  const installed = Bun.which('haproxy');
  test.skipIf(installed === null)(
    'fetches, converters and ACLs print as HAProxy prints them',
    () => {
      const run = Bun.spawnSync([installed!, '-dKacl,cnv,smp', '-q', '-c', '-f', '/dev/null']);
      const theirs = new Set(run.stdout.toString().split('\n'));
      const ours = dumpKeywords(['acl']).split('\n');
      // HAProxy 3.2 has no newer keywords; those that both know must be the same lines.
      const names = new Set([...theirs].map((line) => line.split(' ')[0]));
      for (const line of ours) {
        if (names.has(line.split(' ')[0]!)) expect(theirs.has(line)).toBe(true);
      }
      const head = readHead(run.stdout.toString());
      expect(readHead(dumpKeywords(['smp']))).toEqual(head);
    },
  );
});

/** The drawing above the fetches. */
function readHead(text: string): string[] {
  const lines = text.split('\n');
  const from = lines.indexOf('# List of registered sample fetch functions:');
  return lines.slice(from).filter((line) => line.startsWith('#') && line.includes('/'));
}
