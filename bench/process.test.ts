import { expect, test } from 'bun:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLineOf, cpuOf, stopProcess } from './process.ts';

/** Lets a thread compute and end, and then says on each line of its input what it has used, in s. */
const worker = `
  if (!Bun.isMainThread) {
    let sum = 0;
    for (let i = 0; i < 3e7; i++) sum += Math.sqrt(i);
    postMessage(sum);
  } else {
    const thread = new Worker(process.env.FILE);
    await new Promise((done) => { thread.onmessage = done; });
    thread.terminate();
    await new Promise((done) => thread.addEventListener('close', done));
    const report = () => {
      const { user, system } = process.cpuUsage();
      console.log((user + system) / 1e6);
    };
    report();
    for await (const _ of console) report();
  }
`;

test('CPU time is that of the program behind launchers, with that of ended threads', async () => {
  const file = join(tmpdir(), `sluice-bench-${process.pid}.ts`);
  await Bun.write(file, worker);
  const exec = ['sh', '-c', 'exec "$@"', 'sh'];
  const command = [process.execPath, file];
  const child = Bun.spawn([...exec, ...exec, ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, FILE: file },
  });
  try {
    const reader = child.stdout.getReader();
    const report = async () => Number(new TextDecoder().decode((await reader.read()).value));
    const before = await report();
    const { user, system } = cpuOf(child.pid);
    child.stdin.write('\n');
    const after = await report();
    // Both are sums of one clock, which the child's numbers cut to microseconds twice.
    expect(user + system).toBeGreaterThanOrEqual(before - 2e-6);
    expect(user + system).toBeLessThanOrEqual(after + 2e-6);
    expect(commandLineOf(child.pid)).toEqual(command);
  } finally {
    await stopProcess(child);
    await Bun.file(file).delete();
  }
});
