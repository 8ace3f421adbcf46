/**
 * Help, `-v` and `-vv` (management.txt 3). The first line keeps the layout that scripts parse:
 * a name, the word "version", the version, a date.
 */
import { version as kernelVersion, machine, release } from 'node:os';
import { features, haproxyCompatibleVersion, sluiceVersion } from '../config/version.ts';

/** Date of this version, as `-v` and `show info` report it. */
export const releaseDate = '2026/11/23';

/**
 * The version on the stats socket: tools compare it with HAProxy's, so the version that sluice
 * stands for comes first and its own follows where distributions put theirs.
 */
export const reportedVersion = `${haproxyCompatibleVersion}-sluice${sluiceVersion}`;

const usageLines = [
  'Usage : sluice [-f <cfgfile|cfgdir>]* [ -vdVD ] [ -n <maxconn> ] [ -N <maxpconn> ]',
  '        [ -p <pidfile> ] [ -m <max megs> ] [ -C <dir> ] [-- <cfgfile>*]',
  '        -v displays version ; -vv shows features and pollers.',
  '        -d enters debug mode ; -db only disables background mode.',
  '        -V enters verbose mode (disables quiet mode)',
  '        -D goes daemon ; -C changes to <dir> before loading files.',
  "        -q quiet mode : don't display messages",
  '        -c check mode : only check config files and exit',
  '        -cc check condition : evaluate a condition and exit',
  '        -n sets the maximum total # of connections (uses ulimit -n)',
  '        -m limits the usable amount of memory (in MB)',
  '        -N sets the default, per-proxy maximum # of connections (0)',
  '        -L set local peer name (default to hostname)',
  '        -p writes pids of all children to this file',
  '        -dS disables splice usage (broken on old kernels)',
  '        -dR disables SO_REUSEPORT usage',
  "        -dK{class[,...]} dump registered keywords (use 'help' for list)",
  '        -dr ignores server address resolution failures',
  '        -dW fails if any warning is emitted',
  '        -dD diagnostic mode : warn about suspicious configuration statements',
  '        -sf/-st [pid ]* finishes/terminates old pids.',
  '',
];

export function usageText(): string {
  return `${usageLines.join('\n')}\n`;
}

/** `-v`, and the head of the help. */
export function versionText(): string {
  const compatible = `compatible with HAProxy ${haproxyCompatibleVersion}`;
  return [
    `sluice version ${sluiceVersion} ${releaseDate} - ${compatible}`,
    `Running on: Linux ${release()} ${kernelVersion()} ${machine()}`,
    '',
  ].join('\n');
}

export interface FeatureReport {
  defaultThreads: number;
  bufsize: number;
  maxrewrite: number;
  maxpollevents: number;
}

/** What follows the version for `-vv`; only what is really there. */
export function featureText(report: FeatureReport): string {
  const { bufsize, maxrewrite, maxpollevents, defaultThreads } = report;
  const list = [...features].map(([name, on]) => `${on ? '+' : '-'}${name}`).join(' ');
  return `${[
    'Build options :',
    '  TARGET  = linux-glibc',
    `  RUNTIME = Bun ${Bun.version}`,
    '',
    `Feature list : ${list}`,
    '',
    'Default settings :',
    `  bufsize = ${bufsize}, maxrewrite = ${maxrewrite}, maxpollevents = ${maxpollevents}`,
    '',
    `Built with multi-threading support (default=${defaultThreads}).`,
    '',
    ...pollerLines(),
    '',
    'Available multiplexer protocols :',
    "(protocols marked as <default> cannot be specified using 'proto' keyword)",
    '  <default> : mode=HTTP  side=FE|BE  mux=H1    flags=',
    '  <default> : mode=TCP   side=FE|BE  mux=PASS  flags=',
    '',
    'Available services : none',
    ...filterLines(),
    '',
  ].join('\n')}\n`;
}

export function pollerLines(): string[] {
  return [
    'Available polling systems :',
    '      epoll : pref=300,  test result OK',
    'Total: 1 (1 usable), will use epoll.',
  ];
}

export function filterLines(): string[] {
  return ['Available filters : none'];
}
