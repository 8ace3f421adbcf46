/** The rules that matter are checked here, not by memory. See docs/architecture.md for the layers. */
import { describe, expect, test } from 'bun:test';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import {
  circleFaults,
  dataplaneFaults,
  functionFaults,
  headFaults,
  importFaults,
  kernelFaults,
  layerFaults,
  nameFaults,
  sizeFaults,
  typeFaults,
} from './tidy/rules.ts';
import {
  parseSource,
  projectFiles,
  readText,
  root,
  type Source,
  typeScriptFiles,
} from './tidy/source.ts';

const sources = typeScriptFiles().map((path) => parseSource(path, readText(path)));
const faultsOf = (rule: (source: Source) => string[]) => sources.flatMap(rule);

describe('the project keeps its rules', () => {
  test('a file imports only from its own layer or an earlier one, types too', () => {
    expect(faultsOf(layerFaults)).toEqual([]);
  });

  test('no files of the program import one another in a circle, types counted', () => {
    expect(circleFaults(sources.filter(({ path }) => path.startsWith('src/')))).toEqual([]);
  });

  test('bun:ffi stays in src/sys and the harness, relative imports name their file', () => {
    expect(faultsOf(importFaults)).toEqual([]);
  });

  test('the data plane makes its system calls through the replaceable kernel', () => {
    expect(faultsOf(kernelFaults)).toEqual([]);
  });

  test('no file is over 800 lines', () => {
    expect(faultsOf(sizeFaults)).toEqual([]);
  });

  test('no function is over 70 lines', () => {
    expect(faultsOf(functionFaults)).toEqual([]);
  });

  test('nothing is any and nothing is exported by default', () => {
    expect(faultsOf(typeFaults)).toEqual([]);
  });

  test('every source file says at its head what it is', () => {
    expect(faultsOf(headFaults)).toEqual([]);
  });

  test('files are named in kebab-case and by a noun that says something', () => {
    expect(sources.flatMap((source) => nameFaults(source.path))).toEqual([]);
  });

  test('data-plane functions allocate nothing', () => {
    expect(faultsOf(dataplaneFaults)).toEqual([]);
  });
});

describe('the project installs from any mirror, without scripts', () => {
  // Written in pieces, so that this file does not name what it looks for.
  const hosts = [
    ['registry', 'npmjs'],
    ['npmjs', 'org'],
    ['npmjs', 'com'],
    ['yarnpkg', 'com'],
    ['npmmirror', 'com'],
    ['deb', 'debian', 'org'],
    ['pypi', 'org'],
    ['jsr', 'io'],
  ].map((parts) => parts.join('.'));

  test('no file names the host of a package registry', () => {
    const named = projectFiles()
      .filter((path) => !/\.(png|ico|gz)$/.test(path))
      .filter((path) => {
        const text = readText(path);
        return hosts.some((host) => text.includes(host));
      });
    expect(named).toEqual([]);
  });

  test('only bun has an install script, and it is not needed', () => {
    const lock = JSON.parse(readText('package-lock.json')) as {
      packages: Record<string, { hasInstallScript?: boolean; resolved?: string }>;
    };
    const entries = Object.entries(lock.packages);
    const scripted = entries.filter(([, entry]) => entry.hasInstallScript).map(([name]) => name);
    expect(scripted).toEqual(['node_modules/bun']);
    expect(entries.filter(([, entry]) => entry.resolved)).toEqual([]);
    // The launcher takes the binary of the platform package, which no script has to fetch.
    expect(readText('bin/find-bun')).toContain('@oven/bun-linux-');
  });

  test('every dependency is pinned to one version', () => {
    const manifest = JSON.parse(readText('package.json')) as Record<string, Record<string, string>>;
    const all = { ...manifest.dependencies, ...manifest.devDependencies };
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual(
      [],
    );
  });
});

describe('a person can start', () => {
  test('the README has exactly the two set-up commands', () => {
    const commands = readText('README.md')
      .split('\n')
      .filter((line) => /^\s*(\$ )?(npm|npx|bun|apt|apt-get|sudo) /.test(line))
      .map((line) => line.trim());
    expect(commands).toEqual(['npm install && npm start', 'npm install && npm test']);
  });

  test('the programs can be run', () => {
    for (const path of ['bin/bun', 'bin/sluice', 'bin/demo', '.ci/run'])
      expect(statSync(join(root, path)).mode & 0o111, path).toBe(0o111);
  });
});

describe('the rules can fail', () => {
  const check = (rule: (source: Source) => string[], text: string, path = 'src/sys/x.ts') =>
    rule(parseSource(path, text)).length;
  const plane = (body: string) => `/** @dataplane */\nfunction f(a, b) {\n${body}\n}\n`;

  test('a later layer, bun:ffi, any and a default export are seen', () => {
    expect(check(layerFaults, "import { a } from '../http/a.ts';")).toBe(1);
    expect(check(layerFaults, "import type { a } from '../http/a.ts';")).toBe(1);
    expect(check(layerFaults, "import { a } from '../base/a.ts';")).toBe(0);
    expect(check(layerFaults, "export { a } from '../http/a.ts';")).toBe(1);
    expect(check(importFaults, "import { a } from 'bun:ffi';", 'src/http/x.ts')).toBe(1);
    expect(check(importFaults, "import { a } from 'bun:ffi';", 'tests/fuzz/x.ts')).toBe(1);
    expect(check(importFaults, "import { a } from 'bun:ffi';", 'tests/harness/x.ts')).toBe(0);
    expect(check(importFaults, "import { a } from './y';")).toBe(1);
    expect(check(typeFaults, 'let x: any;')).toBe(1);
    expect(check(typeFaults, 'export default 1;')).toBe(1);
    expect(nameFaults('src/base/utils.ts').length).toBe(1);
  });

  test('a circle of imports is seen, of types too', () => {
    const file = (path: string, text: string) => parseSource(path, text);
    const a = file('src/sys/a.ts', "import { b } from './b.ts';");
    const b = file('src/sys/b.ts', "import type { c } from './c.ts';");
    const c = file('src/sys/c.ts', "import { a } from './a.ts';");
    expect(circleFaults([a, b, c])).toHaveLength(1);
    expect(circleFaults([a, b])).toEqual([]);
  });

  test('a data-plane file that calls libc itself is seen', () => {
    const text = "import { libc } from './libc.ts';";
    expect(check(kernelFaults, `/** @dataplane */\n${text}`)).toBe(1);
    expect(check(kernelFaults, `/** A control file. */\n${text}`)).toBe(0);
  });

  test('a long function is seen, a long switch with its reason is not', () => {
    const long = (inside: string) => `function f(a) {\n${inside}${'\n'.repeat(80)}}\n`;
    expect(check(functionFaults, long(''))).toBe(1);
    expect(check(functionFaults, long('switch (a) {}'))).toBe(1);
    expect(
      check(functionFaults, long('// Longer than 70 lines: a case per byte.\nswitch (a) {}')),
    ).toBe(0);
  });

  test('allocations in the data plane are seen', () => {
    const bad = [
      'return { a };',
      'return [a];',
      'return new Map();',
      'return () => a;',
      'return a(...b);',
      `return \`x\${a}\`;`,
      "return a + 'x';",
      "a += 'x';",
      'return a.subarray(1);',
      'return a.slice(1);',
      'return 1n;',
      'for (const x of a) b();',
      'const [x] = a;',
    ];
    for (const body of bad) expect(check(dataplaneFaults, plane(body)), body).toBe(1);
  });

  test('integers, calls, throws and start-up functions are not', () => {
    const good = ['return a + b * 2;', 'return a.copyWithin(1, 2, 3);', "throw new Error('x');"];
    for (const body of good) expect(check(dataplaneFaults, plane(body)), body).toBe(0);
    const startUp = '/** @dataplane */\nfunction createF() { return { a: () => [1] }; }\n';
    expect(check(dataplaneFaults, startUp)).toBe(0);
    expect(check(dataplaneFaults, 'function f() { return {}; }')).toBe(0);
  });
});
