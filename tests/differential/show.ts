/**
 * Prints what one program, or both, do with the cases whose name contains a word:
 * `bin/bun tests/differential/show.ts haproxy chunks`. With `both`, only what differs is printed.
 * For reading, and for writing docs/differences.md.
 */

import { printable } from '../harness/bytes.ts';
import type { Program } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';
import { allCases } from './cases/all.ts';
import { type Observation, Runner } from './observe.ts';

const [which = 'both', word = ''] = process.argv.slice(2);
const programs: Program[] = which === 'both' ? ['haproxy', 'sluice'] : [which as Program];
const cases = allCases.filter((kase) => kase.name.includes(word));

const seen = await Promise.all(
  programs.map(async (program) => {
    const world = new World(program);
    try {
      return await (await Runner.start(world, program, 4)).run(cases);
    } finally {
      await world.end();
    }
  }),
);

const parts: (keyof Observation)[] = ['client', 'server', 'log'];

for (const kase of cases) {
  const observed = seen.map((map) => map.get(kase.name)!);
  const differing = parts.filter(
    (part) => new Set(observed.map((o) => JSON.stringify(o[part]))).size > 1,
  );
  if (programs.length > 1 && differing.length === 0) continue;
  console.log(`== ${kase.name}`);
  const sent = typeof kase.send === 'string' ? kase.send : JSON.stringify(kase.send);
  console.log(`   sends ${printable(sent)}`);
  if (kase.answer !== undefined) console.log(`   answer ${printable(JSON.stringify(kase.answer))}`);
  for (const part of programs.length > 1 ? differing : parts) {
    for (let i = 0; i < programs.length; i++) {
      console.log(
        `   ${part.padEnd(6)} ${programs[i]!.padEnd(7)} ${observed[i]![part].join(' | ')}`,
      );
    }
  }
}
process.exit(0);
