/**
 * Prints what happens in one simulated run: every system call with its descriptor and result.
 *
 *   bin/bun tests/simulation/show.ts VARIANT SEED      VARIANT is a number or a part of its name
 */
import { simulate } from './simulation.ts';
import { variants } from './variant.ts';

const [wanted = '', seed = '1'] = process.argv.slice(2);
const variant = /^\d+$/.test(wanted)
  ? variants[Number(wanted)]
  : variants.find((one) => wanted !== '' && one.name.includes(wanted));
if (variant === undefined) {
  console.error(variants.map((one, i) => `${i} ${one.name}`).join('\n'));
  process.exit(1);
}
const outcome = simulate(variant, Number(seed), (line) => console.log(line));
console.log(outcome.violations.join('\n'));
console.log(`${variant.name}: ${JSON.stringify(outcome.count)} in ${outcome.turns} turns`);
