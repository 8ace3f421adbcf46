/**
 * Servers that are checked by both programs must be found in the same state for the same reason, and
 * must have been asked the same (configuration.txt 4.2 option httpchk, option tcp-check, ...).
 */
import { expect, test } from 'bun:test';
import { programPath } from '../../harness/proxy.ts';
import { World } from '../../harness/scenario.ts';
import { checkCases } from './cases.ts';
import { type CheckObservation, observeChecks } from './observe.ts';

/** What may differ, and why; docs/differences.md says so to operators. */
const differences: readonly { cases: RegExp; parts: (keyof CheckObservation)[]; why: string }[] = [
  {
    cases: /^http (status of two digits|HTTP\/2 preface)$/,
    parts: ['log', 'stat'],
    why: 'a response line must be one of HTTP/1 with a status of three digits',
  },
  {
    cases: /^(ldap|mysql|spop)-check/,
    parts: ['stat'],
    why: 'last_chk also holds what a successful check of these found',
  },
  {
    cases: /^spop-check disconnect/,
    parts: ['log', 'stat'],
    why: "an agent's own words for leaving are shown",
  },
  {
    cases: /^mysql-check empty packet$/,
    parts: ['log', 'stat'],
    why: 'an empty packet is no greeting',
  },
  {
    cases: /^tcp newline in pattern$/,
    parts: ['stat'],
    why: 'a text of one line needs no quotes',
  },
];

function mayDiffer(name: string, part: keyof CheckObservation): boolean {
  return differences.some(({ cases, parts }) => cases.test(name) && parts.includes(part));
}

const missing = programPath('haproxy') === null;

test.skipIf(missing)('checks that speak find what HAProxy finds', async () => {
  const world = new World('sluice');
  try {
    const [theirs, ours] = await Promise.all([
      observeChecks(world, 'haproxy', checkCases),
      observeChecks(world, 'sluice', checkCases),
    ]);
    const common = (found: Map<string, CheckObservation>) =>
      checkCases.map(({ name }) => {
        const { log, stat, received } = found.get(name)!;
        return {
          name,
          log: mayDiffer(name, 'log') ? '' : log,
          stat: mayDiffer(name, 'stat') ? '' : stat,
          received,
        };
      });
    expect(common(ours)).toEqual(common(theirs));
  } finally {
    await world.end();
  }
});
