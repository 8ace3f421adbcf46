/** The built program (`npm run build`) is independent of where it was built, and needs no compiling. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const project = join(import.meta.dir, '..');

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-build-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Reads until a text has come so many times, or until the end. */
async function readUntil(
  output: ReadableStream<Uint8Array>,
  text: string,
  times: number,
): Promise<number> {
  const decoder = new TextDecoder();
  let all = '';
  const seen = () => all.split(text).length - 1;
  for await (const bytes of output) {
    all += decoder.decode(bytes, { stream: true });
    if (seen() >= times) break;
  }
  return seen();
}

test('a build that was moved starts all its threads from its bytecode', async () => {
  const built = Bun.spawnSync([process.execPath, 'scripts/build.ts', join(root, 'built')], {
    cwd: project,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  expect(built.exitCode).toBe(0);
  renameSync(join(root, 'built'), join(root, 'moved'));
  const file = join(root, 'haproxy.cfg');
  // As many as load while the configuration is read.
  const workers = Math.min(navigator.hardwareConcurrency, 4);
  const text = `global
  nbthread ${workers}
frontend f
  bind unix@${root}/socket
  timeout client 1s
`;
  writeFileSync(file, text);
  const threads = 1 + workers;
  const program = Bun.spawn([process.execPath, join(root, 'moved/main.js'), '-db', '-f', file], {
    env: { ...process.env, BUN_JSC_verboseDiskCache: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 10_000,
  });
  try {
    expect(await readUntil(program.stderr, 'Cache hit for sourceCode', threads)).toBe(threads);
  } finally {
    program.kill('SIGKILL');
    await program.exited;
  }
});
