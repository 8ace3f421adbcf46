/**
 * A proxy section while it is being read (configuration.txt 4).
 *
 * A draft is a ProxyConfig plus what must wait until the section, or the whole configuration, has
 * been read: log formats (their meaning depends on `mode`, which may come later), `log global`,
 * the settings of `default-server`. It is plain data, so that a section takes its initial settings
 * from a `defaults` section by a deep copy.
 */
import type {
  AclTestConfig,
  ConditionConfig,
  LogTargetConfig,
  Origin,
  ProxyConfig,
  RuleConfig,
  ServerConfig,
  UserlistConfig,
} from '../../model/config.ts';
import type { ReplyArgs } from '../../rules/action/reply-args.ts';
import type { TrustFiles } from '../tls/trust.ts';

import type { CheckDraft } from './check-draft.ts';

export type ProxySection = 'defaults' | 'frontend' | 'backend' | 'listen';

/** A log-format string that is parsed when the section is complete. */
export interface FormatSource {
  origin: Origin;
  text: string;
  /** `httplog` falls back to `tcplog` in TCP mode; `text` is that of a `log-format` line. */
  kind: 'tcplog' | 'tcplog clf' | 'httplog' | 'httplog clf' | 'httpslog' | 'text';
}

/** Where a rule or option was written first, for warnings after parsing. */
export type Seen = Record<string, Origin>;

/** A `log` line; a ring target without a format of its own takes the ring's. */
export interface LogSource {
  /** Null stands for `log global`. */
  target: LogTargetConfig | null;
  formatGiven: boolean;
}

export interface ServerSettings {
  server: ServerConfig;
  /** Timings exist without `check`, so that `check` on a server line finds those inherited. */
  checkEnabled: boolean;
  checkSendsProxy: boolean;
  interMs: number;
  fastinterMs: number;
  downinterMs: number;
  rise: number;
  fall: number;
  checkAddress: ServerConfig['address'] | null;
  checkPort: number;
  agentEnabled: boolean;
  agentInterMs: number;
  agentAddress: ServerConfig['address'] | null;
  agentPort: number;
  agentSend: string | null;
  /** `[<proxy>/]<server>`; found when all sections have been read. */
  track: string | null;
  trust: TrustFiles;
  /** The text of `sni`, read when the section is complete; null = none. */
  sni: string | null;
  /** `init-addr`; null = not written. */
  initAddr: string[] | null;
}

/** A line about one status, or about some of a section (`statuses` null = all). */
export type ErrorSource =
  | { kind: 'file'; status: number; text: string }
  | { kind: 'reply'; status: number; args: ReplyArgs }
  | { kind: 'default'; status: number }
  | ({ kind: 'section'; name: string; statuses: number[] | null } & Origin);

/** `http-errors` (12.4). */
export interface HttpErrors extends Origin {
  name: string;
  files: Map<number, string>;
}

/** A list while it is being read: users and groups may name each other before they are declared. */
export interface UserlistDraft {
  config: UserlistConfig;
  groups: { name: string; users: string[] }[];
}

export interface ProxyDraft {
  section: ProxySection;
  /** '' for an anonymous `defaults`. */
  name: string;
  origin: Origin;
  config: ProxyConfig;
  /** Named ACLs of this section alone (7.1). */
  acls: Map<string, AclTestConfig[]>;
  /** Rules that `defaults` sections contribute, evaluated before the section's own. */
  inheritedRules: RuleConfig[];
  /** `redirect` lines: evaluated after all `http-request` rules of the section. */
  redirects: RuleConfig[];
  /** `block` lines: evaluated before them. */
  blocks: RuleConfig[];
  /** A `stats` line stands in the section itself. */
  ownStats: boolean;
  /** `monitor-uri`, null = none, and the conditions of `monitor fail`. */
  monitorUri: string | null;
  monitorFails: ConditionConfig[];
  /** Answers in place of errors, in the order of the lines. */
  errors: ErrorSource[];
  logSources: LogSource[];
  logFormat: FormatSource | null;
  errorLogFormat: FormatSource | null;
  logFormatSd: FormatSource | null;
  uniqueIdFormat: FormatSource | null;
  defaultServer: ServerSettings;
  checks: CheckDraft;
  /** `option forwarded` expressions and the like, once seen: keyword to origin. */
  seen: Seen;
  /** Ids given with `id`, so that automatic ones avoid them. */
  idGiven: boolean;
  /** Per bind and server index: whether the id was given. */
  bindIdGiven: boolean[];
  serverIdGiven: boolean[];
  /** Per server: `track`. */
  tracks: (string | null)[];
  /** Bookkeeping of `defaults` sections (4): who uses them and how. */
  usedExplicitly: boolean;
  usedImplicitly: boolean;
  /** Sides of the proxies that use a `defaults` section with rules: `Where` bits. */
  usedBy: number;
  parent: ProxyDraft | null;
}
