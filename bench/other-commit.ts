/** `--against`: sluice as another commit of this repository has it, built in a tree of its own. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '..');

function run(command: string[], cwd: string): string {
  const child = Bun.spawnSync(command, { cwd, stdin: 'ignore' });
  if (child.exitCode === 0) return child.stdout.toString().trim();
  throw new Error(`${command.join(' ')}: ${child.stderr.toString().trim()}`);
}

/** Builds what bin/sluice of a tree runs. */
export function build(tree: string): void {
  run([process.execPath, join(tree, 'scripts', 'build.ts')], tree);
}

export interface OtherCommit {
  root: string;
  /** Its number and subject. */
  title: string;
  remove(): void;
}

/**
 * Checks a commit out beside this tree, with the same packages, and builds it.
 * @param revision what git rev-parse takes
 * @param dir where the tree goes; it must not exist
 * @throws Error with git's or the build's message
 */
export function checkOut(revision: string, dir: string): OtherCommit {
  const commit = run(['git', 'rev-parse', '--verify', '--quiet', `${revision}^{commit}`], root);
  run(['git', 'worktree', 'add', '--quiet', '--detach', dir, commit], root);
  const remove = () => void run(['git', 'worktree', 'remove', '--force', dir], root);
  try {
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
    build(dir);
  } catch (error) {
    remove();
    throw error;
  }
  const title = run(['git', 'log', '-1', '--format=%h %s', commit], root);
  return { root: dir, title, remove };
}
