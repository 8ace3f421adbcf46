/** Maps that cannot be changed say so (management.txt 9.3). */
import { expect, test } from 'bun:test';
import { Level } from './command.ts';
import { createRuntime } from './fixture.ts';
import { CliSession } from './session.ts';

const { source } = createRuntime(`
defaults
  mode http
  timeout client 1s
  timeout connect 1s
  timeout server 1s
frontend web
  bind :8080
  acl known path -M -f virt@shared
  http-request return status 200 hdr a %[path,map(virt@shared)] if known
  http-request return status 200 hdr b %[path,map(virt@own)]
`);

function run(line: string): string {
  return new CliSession(source, Level.Admin, 1000, 16384).receive(`${line}\n`);
}

test.each(['add map', 'prepare map', 'clear map'])(
  '%s of a map that ACLs use is refused',
  (name) => {
    const args = name === 'add map' ? ' a b' : '';
    expect(run(`${name} virt@shared${args}`)).toBe(
      `'${name}' of a map that ACLs use too is not supported yet by sluice.\n\n`,
    );
    expect(run(`${name} virt@own${args}`)).not.toContain('not supported');
  },
);

test('a payload is refused', () => {
  expect(run('add map virt@own <<')).toBe(
    "a payload of 'add map' is not supported yet by sluice.\n\n",
  );
});

test.each(['add acl', 'del acl', 'show acl', 'get acl', 'clear acl', 'prepare acl', 'commit acl'])(
  '%s is refused by name',
  (name) => {
    expect(run(`${name} x y`)).toBe(`'${name}' is not supported yet by sluice.\n\n`);
  },
);
