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
  /** `-dM`: byte that every block of memory is filled with when it is handed out; -1 = none. */
  poison: number;
  noSplice: boolean;
  noReusePort: boolean;
  /** `-dr`: servers whose names do not resolve are put into maintenance. */
  allowsUnresolved: boolean;
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

type Apply = OptionRow['apply'];

/** `-W` and `-Ws`: a service manager starts sluice in the foreground instead. */
function masterWorker(): string {
  return "'-W' and '-Ws' (master-worker mode) are not supported yet; start with '-db' instead";
}

/** 'P', as HAProxy's. */
const POISON_DEFAULT = 0x50;

/** An option that sets a switch. */
function on(name: keyof CommandLine): Apply {
  return (to) => {
    Object.assign(to, { [name]: true });
    return undefined;
  };
}

/** An option that stores its word, as it is or as a number. */
function word(name: keyof CommandLine): Apply {
  return (to, value) => {
    Object.assign(to, { [name]: value });
    return undefined;
  };
}

function number(name: keyof CommandLine, unit = 1): Apply {
  return (to, value) => {
    Object.assign(to, { [name]: decimal(value) * unit });
    return undefined;
  };
}

const options: readonly OptionRow[] = [
  { name: '-v', takes: 'none', apply: (to) => showVersion(to, 1) },
  { name: '-vv', takes: 'none', apply: (to) => showVersion(to, 2) },
  { name: '-f', takes: 'word', apply: addFile },
  { name: '-C', takes: 'word', apply: word('directory') },
  { name: '-c', takes: 'none', apply: on('checkOnly') },
  { name: '-cc', takes: 'word', apply: word('condition') },
  { name: '-D', takes: 'none', apply: on('daemon') },
  { name: '-d', takes: 'none', apply: debug },
  { name: '-db', takes: 'none', apply: on('foreground') },
  { name: '-dD', takes: 'none', apply: on('diagnostics') },
  { name: '-dW', takes: 'none', apply: on('warningsFail') },
  { name: '-dr', takes: 'none', apply: on('allowsUnresolved') },
  { name: '-dM', takes: 'glued', apply: poison },
  { name: '-dS', takes: 'none', apply: on('noSplice') },
  { name: '-dR', takes: 'none', apply: on('noReusePort') },
  { name: '-dK', takes: 'glued', apply: word('keywordClasses') },
  { name: '-m', takes: 'word', apply: number('memoryLimit', 1048576) },
  { name: '-n', takes: 'word', apply: number('maxconn') },
  { name: '-N', takes: 'word', apply: number('proxyMaxconn') },
  { name: '-p', takes: 'word', apply: word('pidfile') },
  { name: '-L', takes: 'word', apply: word('localPeer') },
  { name: '-q', takes: 'none', apply: on('quiet') },
  { name: '-V', takes: 'none', apply: on('verbose') },
  // There is no getaddrinfo() on the path of a request, and no kqueue, event ports or poll: what
  // these disable is not used.
  { name: '-dG', takes: 'none', apply: () => undefined },
  { name: '-dk', takes: 'none', apply: () => undefined },
  { name: '-dv', takes: 'none', apply: () => undefined },
  { name: '-dp', takes: 'none', apply: () => undefined },
  { name: '-de', takes: 'none', apply: () => "'-de' : epoll is the only poller of sluice" },
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
  { name: '-4', takes: 'none', apply: unsupported("'-4' (resolvers)") },
  { name: '-S', takes: 'word', apply: unsupported("'-S' (master CLI)") },
  { name: '-W', takes: 'none', apply: masterWorker },
  { name: '-Ws', takes: 'none', apply: masterWorker },
  { name: '-x', takes: 'word', apply: unsupported("'-x' (taking over listening sockets)") },
];

function showVersion(to: Target, version: 1 | 2): undefined {
  to.version = version;
}

function addFile(to: Target, value: string): undefined {
  to.files.push(value);
}

function debug(to: Target): undefined {
  to.debug = true;
  to.foreground = true;
}

/** `-dM[<byte>]`; the other memory debugging options have no meaning without HAProxy's pools. */
function poison(to: Target, value: string): string | undefined {
  if (value === '') {
    to.poison = POISON_DEFAULT;
    return undefined;
  }
  const byte = Number(value);
  if (/^(0x[0-9a-f]{1,2}|\d{1,3})$/i.test(value) && byte <= 255) {
    to.poison = byte;
    return undefined;
  }
  return `'-dM' takes a byte (0 to 255, or 0x00 to 0xff); option '${value}' is not supported yet`;
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
    poison: -1,
    noSplice: false,
    noReusePort: false,
    allowsUnresolved: false,
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
      const isUnknown = argument.startsWith('-') && argument !== '-h';
      const message = isUnknown ? `unknown option '${argument}'` : '';
      return { message, usage: true };
    }
    let value = argument.slice(row.name.length);
    if (row.takes === 'word') {
      if (at === args.length) {
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
