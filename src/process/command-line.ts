/**
 * The command line (management.txt 3). Every option is a row: its spelling, what it takes and what
 * it does. An option that would change behaviour and cannot be honoured yet is refused by name;
 * one that only forces what sluice does anyway (`-dG`, `-db` in the foreground) is taken.
 */

export interface CommandLine {
  files: string[];
  /** `-C`: change to this directory first. */
  directory: string | null;
  checkOnly: boolean;
  /** `-cc`: the condition to evaluate. */
  condition: string | null;
  daemon: boolean;
  /** `-db`, `-d`: stay in the foreground whatever the configuration says. */
  foreground: boolean;
  debug: boolean;
  quiet: boolean;
  verbose: boolean;
  diagnostics: boolean;
  warningsFail: boolean;
  /** `-dr`: names of servers that do not resolve are no error. */
  ignoreResolution: boolean;
  noSplice: boolean;
  noReusePort: boolean;
  /** `-dK`: classes of keywords to list, or null. */
  keywordClasses: string | null;
  /** `-n`, `-N`: 0 = not given. */
  maxconn: number;
  proxyMaxconn: number;
  /** `-m`, in bytes. */
  memoryLimit: number;
  pidfile: string | null;
  /** `-L` */
  localPeer: string | null;
  /** `-sf` and `-st`: processes to tell once this one is in charge. */
  finishPids: number[];
  terminatePids: number[];
  /** 0 = run, 1 = `-v`, 2 = `-vv`. */
  version: 0 | 1 | 2;
}

/** Wrong usage: print `message` (when not empty) and, when `usage`, the help, and exit. */
export interface CommandLineError {
  message: string;
  usage: boolean;
}

type Target = CommandLine;

interface OptionRow {
  name: string;
  /** `none`: exact; `word`: takes the next argument; `glued`: the rest of this argument. */
  takes: 'none' | 'word' | 'glued';
  /** Stores; a returned text is the reason for a refusal. */
  apply(to: Target, value: string): string | undefined;
}

function decimal(value: string): number {
  // As atoi(3): leading digits count, anything else is 0.
  return Math.max(0, Number.parseInt(value, 10) || 0);
}

function unsupported(what: string): () => string {
  return () => `${what} is not supported yet`;
}

const options: readonly OptionRow[] = [
  { name: '-v', takes: 'none', apply: (to) => void (to.version = 1) },
  { name: '-vv', takes: 'none', apply: (to) => void (to.version = 2) },
  {
    name: '-f',
    takes: 'word',
    apply: (to, value) => void to.files.push(value),
  },
  { name: '-C', takes: 'word', apply: (to, value) => void (to.directory = value) },
  { name: '-c', takes: 'none', apply: (to) => void (to.checkOnly = true) },
  { name: '-cc', takes: 'word', apply: (to, value) => void (to.condition = value) },
  { name: '-D', takes: 'none', apply: (to) => void (to.daemon = true) },
  {
    name: '-d',
    takes: 'none',
    apply: (to) => {
      to.debug = true;
      to.foreground = true;
      return undefined;
    },
  },
  { name: '-db', takes: 'none', apply: (to) => void (to.foreground = true) },
  { name: '-dD', takes: 'none', apply: (to) => void (to.diagnostics = true) },
  { name: '-dW', takes: 'none', apply: (to) => void (to.warningsFail = true) },
  { name: '-dr', takes: 'none', apply: (to) => void (to.ignoreResolution = true) },
  { name: '-dS', takes: 'none', apply: (to) => void (to.noSplice = true) },
  { name: '-dR', takes: 'none', apply: (to) => void (to.noReusePort = true) },
  // There is no getaddrinfo() on the path of a request, no kqueue and no event ports: nothing to
  // disable, so these hold already.
  { name: '-dG', takes: 'none', apply: () => undefined },
  { name: '-dk', takes: 'none', apply: () => undefined },
  { name: '-dv', takes: 'none', apply: () => undefined },
  { name: '-dp', takes: 'none', apply: () => undefined },
  { name: '-de', takes: 'none', apply: () => '-de: sluice has no other poller than epoll' },
  { name: '-dK', takes: 'glued', apply: (to, value) => void (to.keywordClasses = value) },
  { name: '-dM', takes: 'glued', apply: (_to, value) => memoryDebugging(value) },
  { name: '-dA', takes: 'glued', apply: unsupported("'-dA' (archive of dependencies)") },
  { name: '-dC', takes: 'glued', apply: unsupported("'-dC' (dump of the configuration)") },
  { name: '-dF', takes: 'none', apply: unsupported("'-dF' (no fast-forward)") },
  { name: '-dI', takes: 'none', apply: unsupported("'-dI' (insecure fork)") },
  { name: '-dL', takes: 'none', apply: unsupported("'-dL' (list of libraries)") },
  { name: '-dT', takes: 'none', apply: unsupported("'-dT' (no kTLS)") },
  { name: '-dV', takes: 'none', apply: unsupported("'-dV' (no TLS verification)") },
  { name: '-dZ', takes: 'none', apply: unsupported("'-dZ' (no zero-copy forwarding)") },
  { name: '-dc', takes: 'none', apply: unsupported("'-dc' (CPU affinity debugging)") },
  { name: '-dt', takes: 'glued', apply: unsupported("'-dt' (traces)") },
  { name: '-m', takes: 'word', apply: (to, v) => void (to.memoryLimit = decimal(v) * 1048576) },
  { name: '-n', takes: 'word', apply: (to, v) => void (to.maxconn = decimal(v)) },
  { name: '-N', takes: 'word', apply: (to, v) => void (to.proxyMaxconn = decimal(v)) },
  { name: '-p', takes: 'word', apply: (to, value) => void (to.pidfile = value) },
  { name: '-L', takes: 'word', apply: (to, value) => void (to.localPeer = value) },
  { name: '-q', takes: 'none', apply: (to) => void (to.quiet = true) },
  { name: '-V', takes: 'none', apply: (to) => void (to.verbose = true) },
  { name: '-4', takes: 'none', apply: unsupported("'-4' (resolvers)") },
  { name: '-S', takes: 'word', apply: unsupported("'-S' (master CLI)") },
  { name: '-W', takes: 'none', apply: unsupported("'-W' (master-worker mode)") },
  { name: '-Ws', takes: 'none', apply: unsupported("'-Ws' (master-worker mode)") },
  { name: '-x', takes: 'word', apply: unsupported("'-x' (taking over listening sockets)") },
];

function memoryDebugging(value: string): string | undefined {
  if (/^[0-9]*$/.test(value)) {
    return "'-dM' (memory poisoning) is not supported yet";
  }
  return `'-dM${value}' (memory debugging) is not supported yet`;
}

function emptyCommandLine(): CommandLine {
  return {
    files: [],
    directory: null,
    checkOnly: false,
    condition: null,
    daemon: false,
    foreground: false,
    debug: false,
    quiet: false,
    verbose: false,
    diagnostics: false,
    warningsFail: false,
    ignoreResolution: false,
    noSplice: false,
    noReusePort: false,
    keywordClasses: null,
    maxconn: 0,
    proxyMaxconn: 0,
    memoryLimit: 0,
    pidfile: null,
    localPeer: null,
    finishPids: [],
    terminatePids: [],
    version: 0,
  };
}

function findOption(argument: string): OptionRow | undefined {
  return (
    options.find((row) => row.name === argument) ??
    options.find((row) => row.takes === 'glued' && argument.startsWith(row.name))
  );
}

/** Reads the pids after `-sf` and `-st`: the list ends at the next option. */
function readPids(args: readonly string[], from: number, into: number[]): number | string {
  let at = from;
  while (at < args.length && !args[at]!.startsWith('-')) {
    const pid = decimal(args[at]!);
    if (pid <= 0) return `invalid process number '${args[at]}'`;
    into.push(pid);
    at++;
  }
  return at;
}

/**
 * @param args the arguments without the program's name
 * @returns the choices, or why the command line cannot be obeyed
 */
export function parseCommandLine(args: readonly string[]): CommandLine | CommandLineError {
  const to = emptyCommandLine();
  let at = 0;
  while (at < args.length) {
    const argument = args[at++]!;
    if (argument === '--') {
      to.files.push(...args.slice(at));
      break;
    }
    if (argument === '-sf' || argument === '-st') {
      const next = readPids(args, at, argument === '-sf' ? to.finishPids : to.terminatePids);
      if (typeof next === 'string') return { message: `${argument}: ${next}`, usage: true };
      at = next;
      continue;
    }
    const row = findOption(argument);
    if (row === undefined) {
      const message = argument.startsWith('-') ? `unknown option '${argument}'` : '';
      return { message, usage: true };
    }
    let value = argument.slice(row.name.length);
    if (row.takes === 'word') {
      if (at === args.length || args[at] === '') {
        return { message: `option '${argument}' expects an argument`, usage: true };
      }
      value = args[at++]!;
    }
    const refusal = row.apply(to, value);
    if (refusal !== undefined) return { message: refusal, usage: false };
    if (to.version !== 0) return to;
  }
  const complete = to.files.length > 0 || to.condition !== null || to.keywordClasses === 'help';
  return complete ? to : { message: '', usage: true };
}

export function isCommandLineError(
  result: CommandLine | CommandLineError,
): result is CommandLineError {
  return 'usage' in result;
}
