/**
 * Prints what one program, or both, say about the checks whose name contains a word:
 * `bin/bun tests/differential/checks/show.ts haproxy redis`. With `both`, only what differs.
 */
import { printable } from '../../harness/bytes.ts';
import type { Program } from '../../harness/proxy.ts';
import { World } from '../../harness/scenario.ts';
import { checkCases } from './cases.ts';
import { observeChecks } from './observe.ts';

const [which = 'both', word = ''] = process.argv.slice(2);
const programs: Program[] = which === 'both' ? ['haproxy', 'sluice'] : [which as Program];
const cases = checkCases.filter((kase) => kase.name.includes(word));

const seen = await Promise.all(
  programs.map(async (program) => {
    const world = new World(program);
    try {
      return await observeChecks(world, program, cases);
    } finally {
      await world.end();
    }
  }),
);

for (const kase of cases) {
  const observed = seen.map((map) => map.get(kase.name)!);
  if (new Set(observed.map((one) => JSON.stringify(one))).size === 1 && observed.length > 1)
    continue;
  console.log(`== ${kase.name}: ${kase.lines.join(' | ')}`);
  for (const [i, one] of observed.entries()) {
    console.log(`   ${programs[i]}`);
    console.log(`     ${one.log}`);
    console.log(`     ${one.stat}`);
    for (const bytes of one.received) console.log(`     > ${printable(bytes)}`);
  }
}
process.exit(0);
