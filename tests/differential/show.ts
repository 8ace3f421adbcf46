/**
 * Prints what one program, or both, do with the cases whose name contains a word:
 * `bin/bun tests/differential/show.ts haproxy chunks`. For reading, and for writing
 * docs/differences.md.
 */
import type { Program } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';
import { allCases } from './cases/all.ts';
import { Runner } from './observe.ts';

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

for (const kase of cases) {
  const texts = seen.map((map) => JSON.stringify(map.get(kase.name), null, 1));
  if (programs.length > 1 && texts[0] === texts[1]) continue;
  console.log(`== ${kase.name}`);
  for (let i = 0; i < programs.length; i++) console.log(`-- ${programs[i]}\n${texts[i]}`);
}
process.exit(0);
