/** What the parser knows while it reads: shared by the rows of all sections. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type {
  ExprConfig,
  GlobalConfig,
  LogFormatConfig,
  MailersConfig,
  Origin,
  RingConfig,
} from '../../model/config.ts';
import type { Columns, ListData, MapConfig } from '../../model/pattern.ts';
import { noVariables, type VariablesConfig } from '../../model/variable.ts';
import type { EntityReference } from '../../rules/entity.ts';
import type { TableUse } from '../../rules/scope.ts';
import { fromByteString } from '../byte-string.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { Environment } from '../environment.ts';
import { CertificateFiles } from '../tls/certificate.ts';
import { TrustStores } from '../tls/trust.ts';
import type { Accounts } from './account.ts';
import type { HttpErrors, LogSource, ProxyDraft, UserlistDraft } from './draft.ts';

/** `unix-bind` (3.1): common settings of unix listening sockets. */
export interface UnixBind {
  prefix: string;
  mode: number | null;
  uid: number | null;
  gid: number | null;
}

/** Facts about a ring that only the end of the parse needs. */
export interface RingDraft {
  config: RingConfig;
  /** A log line's format counts only when the ring has none of its own. */
  formatGiven: boolean;
  /** `maxlen` was written; otherwise it follows `size`. */
  maxlenGiven: boolean;
}

/** A variable of the process that the configuration sets. */
export interface VariableSetting extends Origin {
  /** With its scope. */
  name: string;
  value: ExprConfig | LogFormatConfig;
}

/** Where an expression names a userlist, and groups of it. */
export interface UserlistUse {
  origin: Origin;
  proxy: string;
  name: string;
  groups: readonly string[];
}

export class ParserState {
  readonly global: GlobalConfig;
  readonly diagnostics: Diagnostics;
  readonly env: Environment;
  readonly accounts: Accounts;
  readonly globalLogs: LogSource[] = [];
  readonly rings: RingDraft[] = [];
  /** Every `defaults` section in file order. */
  readonly defaults: ProxyDraft[] = [];
  readonly proxies: ProxyDraft[] = [];
  /** Those of `proxies` by name: a frontend and a backend may share one. */
  private readonly proxyNames = new Map<string, ProxyDraft[]>();
  readonly httpErrors: HttpErrors[] = [];
  readonly mailers: MailersConfig[] = [];
  readonly userlists: UserlistDraft[] = [];
  readonly userlistUses: UserlistUse[] = [];
  readonly unixBind: UnixBind = { prefix: '', mode: null, uid: null, gid: null };
  /** `default-path` (3.1). */
  defaultPath: 'current' | 'config' | 'parent' | 'origin' = 'current';
  defaultPathOrigin = '';
  /** Settings of `global` that were given, of those whose first line counts. */
  readonly seenGlobal = new Set<string>();
  /** A section line was refused: names may be missing for that reason alone. */
  sectionLost = false;
  /** Names of variables met so far. */
  readonly variables: VariablesConfig = noVariables();
  /** `set-var` and `set-var-fmt` of the global section, in order. */
  readonly settings: VariableSetting[] = [];
  /** Proxies and servers that expressions name. */
  readonly references: EntityReference[] = [];
  /** `-dr`: a server whose name has no address is put into maintenance instead of refused. */
  allowsUnresolved = false;
  /** References to stick tables, checked at the end. */
  readonly tableUses: TableUse[] = [];
  /** Compiled pattern files by how they are matched and where they lie. */
  private readonly patternFiles = new Map<string, ListData>();
  /** See `RuleScope.lists`. */
  readonly lists = new Map<string, Columns>();
  readonly certificates: CertificateFiles;
  readonly trust = new TrustStores();
  readonly maps: MapConfig[] = [];
  readonly aclMaps = new Set<string>();

  constructor(
    global: GlobalConfig,
    diagnostics: Diagnostics,
    env: Environment,
    accounts: Accounts,
  ) {
    this.global = global;
    this.diagnostics = diagnostics;
    this.env = env;
    this.accounts = accounts;
    this.certificates = new CertificateFiles(global.tls, (text) => {
      diagnostics.warning(null, text);
    });
  }

  /** The proxies of a name, in file order. */
  named(name: string): ProxyDraft[] {
    const known = this.proxyNames.get(name);
    if (known !== undefined) return known;
    const none: ProxyDraft[] = [];
    this.proxyNames.set(name, none);
    return none;
  }

  /** A relative path as `default-path` says, seen from the file that names it. */
  resolvePath(path: string, origin: Origin): string {
    if (isAbsolute(path)) return path;
    switch (this.defaultPath) {
      case 'config':
        return join(dirname(origin.file), path);
      case 'parent':
        return join(dirname(origin.file), '..', path);
      case 'origin':
        return join(this.defaultPathOrigin, path);
      case 'current':
        return path;
    }
  }

  /** The bytes of a file as latin1 text; null when it cannot be read. */
  readBytes(path: string, origin: Origin): string | null {
    try {
      return readFileSync(fromByteString(this.resolvePath(path, origin)), 'latin1');
    } catch {
      return null;
    }
  }

  /** See `RuleScope.patternFile`. */
  patternFile<T extends ListData>(
    path: string,
    kind: string,
    compile: (bytes: Uint8Array) => T,
    origin: Origin,
  ): T | null {
    const resolved = this.resolvePath(path, origin);
    const key = `${kind} ${resolved}`;
    const known = this.patternFiles.get(key);
    // The kind of a list says what it has been compiled to.
    if (known !== undefined) return known as T;
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(fromByteString(resolved));
    } catch {
      return null;
    }
    const data = compile(bytes);
    this.patternFiles.set(key, data);
    return data;
  }
}
