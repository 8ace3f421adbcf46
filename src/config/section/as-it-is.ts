/**
 * Keywords of the global section that can only ask for what sluice does anyway (configuration.txt
 * 3.1, 3.2): the value that describes it is accepted, any other is refused with the reason.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { GlobalConfig } from '../../model/config.ts';
import { type KeywordLine, type KeywordRow, Sign } from './keyword.ts';

/** What a row accepts after its keyword: one of these lines of words. */
type Accepted = readonly string[] | ((words: readonly string[]) => boolean);

interface Row {
  name: string;
  args: string;
  /** Lines of words that are accepted; '' is the keyword alone. */
  accepts: Accepted;
  /** Only `no <keyword>` is accepted. */
  negated?: boolean;
  /** What is, and so why there is nothing else to choose. */
  reason: string;
  doc: string;
}

const whole = (word: string | undefined): boolean => /^[0-9]{1,9}$/.test(word ?? '');

const rows: readonly Row[] = [
  {
    name: 'cpu-affinity',
    args: '{ auto | per-group }',
    accepts: ['auto', 'per-group', 'per-group auto', 'per-group loose'],
    reason: 'threads run on every CPU of the process unless cpu-map binds them',
    doc: 'Accepted; cpu-map binds threads.',
  },
  {
    name: 'cpu-policy',
    args: 'none',
    accepts: ['none', 'none threads-per-core auto'],
    reason:
      'the process uses all CPUs that it may run on, a thread for each unless nbthread is set',
    doc: 'Accepted; nbthread and cpu-map choose threads and CPUs.',
  },
  {
    name: 'dns-accept-family',
    args: '{ ipv4,ipv6 | auto }',
    accepts: ['ipv4,ipv6', 'ipv6,ipv4', 'auto'],
    reason: 'names are resolved to whatever family the system finds for them',
    doc: 'Accepted; names have both families.',
  },
  ...['expose-deprecated-directives', 'expose-experimental-directives'].map((name) => ({
    name,
    args: '',
    accepts: [''],
    reason: 'nothing that exists needs to be unlocked',
    doc: 'Accepted; nothing is hidden.',
  })),
  {
    name: 'harden.reject-privileged-ports.tcp',
    args: 'off',
    accepts: ['off'],
    reason: 'connections are accepted from every source port',
    doc: 'Accepted; every source port is served.',
  },
  {
    name: 'insecure-setuid-wanted',
    args: '',
    accepts: [''],
    reason: 'the process does not give up setuid programs',
    doc: 'Accepted; setuid programs are not forbidden.',
  },
  {
    name: 'max-threads-per-group',
    args: '64',
    accepts: ['64'],
    reason: 'all threads, 64 at most, are one group',
    doc: 'Accepted; there is one thread group.',
  },
  {
    name: 'no-memory-trimming',
    args: '',
    accepts: [''],
    reason: 'the heap of the system library is never trimmed',
    doc: 'Accepted; memory is never trimmed so.',
  },
  ...['noevports', 'nokqueue', 'nopoll'].map((name) => ({
    name,
    args: '',
    accepts: [''],
    reason: 'epoll is the only poller',
    doc: 'Accepted; epoll is the only poller.',
  })),
  {
    name: 'numa-cpu-mapping',
    args: '',
    accepts: [''],
    negated: true,
    reason: 'threads are not bound to the first NUMA node; cpu-map can do that',
    doc: 'Accepted with no in front: threads run on all nodes.',
  },
  {
    name: 'set-dumpable',
    args: 'off',
    accepts: ['off'],
    reason: 'whether the process may dump core is left to the system',
    doc: 'Accepted; core dumps are left to the system.',
  },
  {
    name: 'stress-level',
    args: '0',
    accepts: ['0'],
    reason: 'there is no code that stresses the program',
    doc: 'Accepted; nothing stresses the program.',
  },
  {
    name: 'thread-group',
    args: '1 [<thread-range>...]',
    accepts: (words) =>
      words[0] === '1' && words.slice(1).every((word) => /^[0-9]+(-[0-9]*)?$/.test(word)),
    reason: 'all threads are one group',
    doc: 'Accepted; there is one thread group.',
  },
  {
    name: 'thread-groups',
    args: '1',
    accepts: ['1'],
    reason: 'all threads are one group',
    doc: 'Accepted; there is one thread group.',
  },
  {
    name: 'tune.applet.zero-copy-forwarding',
    args: 'on',
    accepts: ['on'],
    reason: 'answers of the program itself are written where they are sent from',
    doc: 'Accepted; there is no other way.',
  },
  {
    name: 'tune.buffers.limit',
    args: '0',
    accepts: ['0'],
    reason: 'the buffers follow from maxconn and -m',
    doc: 'Accepted; maxconn and -m limit the buffers.',
  },
  {
    name: 'tune.buffers.reserve',
    args: '<number>',
    accepts: (words) => words.length === 1 && whole(words[0]),
    reason: 'all buffers are reserved at start-up',
    doc: 'Accepted; all buffers are reserved.',
  },
  {
    name: 'tune.fail-alloc',
    args: '0',
    accepts: ['0'],
    reason: 'allocations never fail on purpose',
    doc: 'Accepted; nothing fails on purpose.',
  },
  {
    name: 'tune.fd.edge-triggered',
    args: 'on',
    accepts: ['on'],
    reason: 'connections are polled edge-triggered',
    doc: 'Accepted; polling is edge-triggered.',
  },
  {
    name: 'tune.fd.tables',
    args: 'shared',
    accepts: ['shared'],
    reason: 'the threads share one table of descriptors',
    doc: 'Accepted; there is one table.',
  },
  ...[
    'tune.h1.zero-copy-fwd-recv',
    'tune.h1.zero-copy-fwd-send',
    'tune.pt.zero-copy-forwarding',
  ].map((name) => ({
    name,
    args: 'on',
    accepts: ['on'],
    reason: 'bytes are sent from the buffer that they were received in',
    doc: 'Accepted; there is no other way.',
  })),
  {
    name: 'tune.idle-pool.shared',
    args: 'off',
    accepts: ['off'],
    reason: 'a thread uses its own idle connections only',
    doc: 'Accepted; idle connections belong to a thread.',
  },
  {
    name: 'tune.listener.multi-queue',
    args: 'on',
    accepts: ['on'],
    reason: 'connections of a shared socket go to the thread with the fewest',
    doc: 'Accepted; a shared socket feeds the least loaded thread.',
  },
  {
    name: 'tune.max-checks-per-thread',
    args: '0',
    accepts: ['0'],
    reason: 'health checks are not limited in number',
    doc: 'Accepted; checks are not limited.',
  },
  {
    name: 'tune.max-rules-at-once',
    args: '0',
    accepts: ['0'],
    reason: 'the rules of a message run without a pause',
    doc: 'Accepted; rules run without a pause.',
  },
  {
    name: 'tune.ring.queues',
    args: '0',
    accepts: ['0'],
    reason: 'the queues of a ring follow from the threads',
    doc: 'Accepted; a ring has what the threads need.',
  },
];

function check(row: Row, line: KeywordLine): void {
  const words = line.words.slice(1);
  const fits =
    typeof row.accepts === 'function' ? row.accepts(words) : row.accepts.includes(words.join(' '));
  if (fits && (line.sign === Sign.No) === (row.negated === true)) return;
  const spelled = `${row.negated ? 'no ' : ''}${row.name}${row.args === '' ? '' : ` ${row.args}`}`;
  throw new ConfigError(`'${row.name}' : sluice only has '${spelled}': ${row.reason}.`);
}

export const asItIsKeywords: readonly KeywordRow<GlobalConfig>[] = rows.map((row) => ({
  name: row.name,
  args: row.args,
  doc: row.doc,
  asItIs: row.reason,
  ...(row.negated === true ? { negatable: true } : {}),
  parse: (_global, line) => check(row, line),
}));
