/** The launchers choose the Bun that runs on this machine; the tree of packages is a fake. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const project = join(import.meta.dir, '..');
const isThere = (...files: string[]) => files.some((file) => existsSync(file));
const hasGlibc = isThere('/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1');
const hasMusl = isThere('/lib/ld-musl-x86_64.so.1', '/lib/ld-musl-aarch64.so.1');

const glibc = '@oven/bun-linux-x64/bin/bun';
const musl = '@oven/bun-linux-x64-musl/bin/bun';
const moved = 'bun/bin/bun.exe';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-launcher-'));
  cpSync(join(project, 'bin'), join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'dist'));
  writeFileSync(join(root, 'dist', 'main.js'), '');
  mkdirSync(join(root, 'src'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** A program that says where it is. */
function install(...files: string[]): void {
  for (const file of files) {
    const path = join(root, 'node_modules', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\necho ${file} "$@"\n`, { mode: 0o755 });
  }
}

function launch(launcher: string): { status: number; text: string } {
  const env = { PATH: '/usr/bin:/bin' };
  const run = Bun.spawnSync([join(root, 'bin', launcher), 'x'], { env });
  return { status: run.exitCode, text: `${run.stdout}${run.stderr}`.replace(/ .*/s, '') };
}

/** The platform package for the C library of this machine. */
const own = hasGlibc ? glibc : musl;

for (const launcher of ['bun', 'sluice']) {
  test(`bin/${launcher} runs the package of this machine's C library, whatever else is there`, () => {
    install(own);
    expect(launch(launcher)).toEqual({ status: 0, text: own });
    install(glibc, musl);
    expect(launch(launcher)).toEqual({ status: 0, text: own });
  });

  test.skipIf(hasGlibc === hasMusl)(
    `bin/${launcher} leaves the package of the other C library alone`,
    () => {
      install(hasGlibc ? musl : glibc, moved);
      expect(launch(launcher)).toEqual({ status: 0, text: moved });
    },
  );

  test(`bin/${launcher} says what to do when there is no Bun`, () => {
    expect(launch(launcher)).toEqual({ status: 1, text: 'sluice:' });
  });
}
