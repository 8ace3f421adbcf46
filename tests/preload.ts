/**
 * Loaded before every test (bunfig.toml). A run without bin/test would compare with whatever
 * haproxy the machine has, so it is told how to start.
 */
import { join } from 'node:path';

const folder = process.env.SLUICE_REFERENCE ?? '/opt/haproxy-3.2';
const reference = Bun.which('haproxy', { PATH: folder });

if (reference !== null && Bun.which('haproxy') !== join(folder, 'haproxy')) {
  console.error('tests: start them with bin/test, which puts HAProxy 3.2 first in PATH');
  process.exit(1);
}
