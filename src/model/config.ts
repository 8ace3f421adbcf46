/**
 * The configuration as plain data: what the parser produces from `haproxy.cfg` and what every
 * worker receives by structured clone, in which large pattern lists are shared. No functions and no class instances live here, so that one
 * parse serves all threads and a worker never reads a file (it may be inside a chroot by then).
 *
 * Source: configuration.txt, chapters 3 to 8. All durations are in milliseconds, all sizes in bytes.
 */
import type { Address } from '../base/value/address.ts';
import type { AgentConfig, CheckConfig, CheckRulesetConfig } from './check-config.ts';
import type { MapConfig } from './pattern.ts';
import type {
  ArgConfig,
  ConditionConfig,
  ExprConfig,
  LogFormatConfig,
  Origin,
  RuleConfig,
} from './rule-config.ts';
import type { VariablesConfig } from './variable.ts';

export * from './check-config.ts';
export * from './rule-config.ts';

export interface Configuration {
  global: GlobalConfig;
  /** In file order. `index` is the position here and is stable for the life of the process. */
  proxies: ProxyConfig[];
  rings: RingConfig[];
  mailers: MailersConfig[];
  variables: VariablesConfig;
  userlists: UserlistConfig[];
  maps: MapConfig[];
}

export interface GlobalConfig {
  daemon: boolean;
  chroot: string | null;
  /** Numeric identities to take after binding, or null to keep the current ones. */
  uid: number | null;
  gid: number | null;
  pidfile: string | null;
  /** 0 = compute from `ulimitN` and the capacity formula. */
  maxconn: number;
  ulimitN: number;
  /** 0 = one per CPU this process may run on. */
  nbthread: number;
  node: string;
  description: string | null;
  logs: LogTargetConfig[];
  logTag: string | null;
  /** `log-send-hostname`: null = not asked for; '' = the machine's name. */
  logSendHostname: string | null;
  statsSockets: StatsSocketConfig[];
  statsTimeoutMs: number;
  statsMaxconn: number;
  hardStopAfterMs: number;
  graceMs: number;
  /** 0 = at once; `SPREAD_ENDLESS`. */
  closeSpreadMs: number;
  tune: TuneConfig;
  /** `h1-case-adjust`: lower-case field name → spelling to send. */
  h1CaseAdjust: Record<string, string>;
  strictLimits: boolean;
  /** `external-check`, `insecure-*` and similar flags that later work reads. */
  quiet: boolean;
  zeroWarning: boolean;
  noSplice: boolean;
  spreadChecksPercent: number;
  maxSpreadChecksMs: number;
  /** 0 = the program's own. */
  fdHardLimit: number;
  /** 0 = none. */
  threadHardLimit: number;
  /** Connections and sessions per second of the process; 0 = no limit. */
  maxconnrate: number;
  maxsessrate: number;
  /** `cpu-map`: CPUs by worker, null = not bound. */
  cpuMap: (number[] | null)[];
  /** Never sleep in the poller. */
  busyPolling: boolean;
  /** Statuses that count as errors of the client, and as failures of the server (3.1). */
  httpErrCodes: number[];
  httpFailCodes: number[];
  noReusePort: boolean;
  /** `external-check`: whether programs may check servers, and with which environment. */
  externalCheck: 'off' | 'clean' | 'preserve-env';
  /** `insecure-fork-wanted`: the process may start others. */
  forkWanted: boolean;
  /** Where the states of servers before a restart are (3.1); null = nowhere. */
  serverStateBase: string | null;
  serverStateFile: string | null;
  tls: TlsDefaults;
  /** Keyword → value, for keywords whose feature does not exist yet (`waitsFor`). */
  waiting: Record<string, WaitingValue>;
}

/** The value of a keyword whose feature does not exist yet. */
export type WaitingValue = string | number | boolean | string[];

/** What TLS takes from the global section (3.1, 3.2 `ssl-*`); null = not said. */
export interface TlsDefaults {
  caBase: string | null;
  crtBase: string | null;
  keyBase: string | null;
  issuersChainPath: string | null;
  bind: TlsSettings;
  server: TlsSettings;
  /** `ssl-dh-param-file`: address of an EVP_PKEY in this process; 0 = none. */
  dhParameters: number;
  /** `ssl-load-extra-files`: which companions of a certificate file are looked for. */
  extraFiles: string[];
  extraDelExt: boolean;
  skipSelfIssuedCa: boolean;
  securityLevel: number | null;
  serverVerify: 'none' | 'required';
  /** `tune.ssl.cachesize`: sessions that workers remember; 0 = none. */
  cacheSize: number;
  /** `tune.ssl.lifetime` in seconds. */
  lifetimeS: number;
  /** `tune.ssl.default-dh-param`: the most bits of ephemeral Diffie-Hellman. */
  dhParamBits: number;
  /** `tune.ssl.hard-maxrecord`: the largest record in bytes; 0 = the protocol's limit. */
  hardMaxRecord: number;
  /** `tune.ssl.certificate-compression`. */
  compressesCertificates: boolean;
}

/**
 * What a bind line, a line of a crt-list or a server says about TLS (5.1, 5.2), or what the global
 * section says for all of them; null and 0 = not said.
 */
export interface TlsSettings {
  /** Protocols in the order of preference; empty = no ALPN. */
  alpn: string[] | null;
  ciphers: string | null;
  ciphersuites: string | null;
  curves: string | null;
  ecdhe: string | null;
  sigalgs: string | null;
  clientSigalgs: string | null;
  /** As the protocol numbers them: 0x301 = TLSv1.0 to 0x304 = TLSv1.3. */
  minVersion: number;
  maxVersion: number;
  /** `no-sslv3`, `no-tlsv10` ...: bit n stands for version 0x300 + n. */
  refusedVersions: number;
  tickets: boolean | null;
  strictSni: boolean | null;
  preferClientCiphers: boolean | null;
  verify: 'none' | 'optional' | 'required' | null;
  /** Addresses of an X509_STORE, and of the names that a client is told, in this process. */
  trustStore: number;
  trustNames: number;
  /** Errors of verification to pass over, at depth 0 and above; [-1] = all of them. */
  ignoredErrors: number[] | null;
  ignoredCaErrors: number[] | null;
  /** 5.2: the name to verify; '' = none. */
  verifyHost: string | null;
  sessionReuse: boolean | null;
}

/**
 * A certificate with its key, parsed once for all threads: addresses in OpenSSL's memory of this
 * process, where the objects stay until it ends.
 */
export interface CertificateConfig {
  /** The file, or how a crt-store calls it. */
  name: string;
  /** X509, EVP_PKEY, STACK_OF(X509) of the chain, EVP_PKEY with DH parameters or 0. */
  certificate: number;
  key: number;
  chain: number;
  dhParameters: number;
  /** Which certificates of one name stand beside each other: `rsa`, `ecdsa` and so on. */
  keyType: string;
  /** The OCSP response to staple, DER; empty = none. */
  ocsp: number[];
}

/** A certificate at a bind line. */
export interface CertificateUse {
  certificate: CertificateConfig;
  /** Lower-case host names, `*.domain`, `!name`; `*` makes it a default certificate. */
  names: string[];
  /** What its line of the crt-list says; null = nothing. */
  settings: TlsSettings | null;
}

export interface TuneConfig {
  bufsize: number;
  maxrewrite: number;
  httpMaxhdr: number;
  httpLogurilen: number;
  httpCookielen: number;
  maxaccept: number;
  maxpollevents: number;
  rcvbufClient: number;
  rcvbufServer: number;
  sndbufClient: number;
  sndbufServer: number;
  pipesize: number;
  maxpipes: number;
  /** TCP_NOTSENT_LOWAT in bytes; 0 = the system's. */
  notsentLowatClient: number;
  notsentLowatServer: number;
  /** Most bytes of the variables of a scope and of those within it (`tune.vars.*`); 0 = no limit. */
  varsGlobalMax: number;
  varsProcMax: number;
  varsSessMax: number;
  varsTxnMax: number;
  varsReqresMax: number;
  /** `tune.listener.default-shards`: a socket per worker, or one that they share. */
  sharesListeners: boolean;
  /** Entries that a session or stream may track. */
  stickCounters: number;
}

export interface StatsSocketConfig extends Origin {
  address: Address;
  level: 'user' | 'operator' | 'admin';
  mode: number | null;
  uid: number | null;
  gid: number | null;
  backlog: number;
  maxconn: number;
  exposesListeners: boolean;
}

export type LogFormatName =
  | 'local'
  | 'rfc3164'
  | 'rfc5424'
  | 'priority'
  | 'short'
  | 'timed'
  | 'iso'
  | 'raw';

/** One `log` line with a target (4.2 `log`). `log global` is resolved before this. */
export interface LogTargetConfig extends Origin {
  target:
    | { kind: 'udp'; address: Address }
    | { kind: 'unix'; path: string }
    | { kind: 'fd'; fd: number }
    | { kind: 'ring'; ring: string };
  format: LogFormatName;
  /** 0..23 */
  facility: number;
  /** 0 (emerg) .. 7 (debug): lines above `levelMax` are dropped. */
  levelMax: number;
  /** Lines more severe than this are sent as this level; 0 leaves them alone. */
  levelMin: number;
  /** Longest line, including the header. Default 1024. */
  length: number;
  /** `sample <ranges>:<size>`: which of each `size` lines go out (1-based, inclusive). */
  sample: { ranges: [number, number][]; size: number } | null;
}

/** A `mailers` section (12.3). */
export interface MailersConfig extends Origin {
  name: string;
  timeoutMs: number;
  mailers: { name: string; address: Address }[];
}

/** `email-alert` (4.2); null = not said, and without mailers there is no mail. */
export interface EmailAlertConfig {
  mailers: string | null;
  from: string | null;
  to: string | null;
  myhostname: string | null;
  /** Syslog level: events that are less severe are worth no mail. */
  level: number;
}

export interface RingConfig extends Origin {
  name: string;
  description: string | null;
  format: LogFormatName;
  maxlen: number;
  size: number;
  timeoutConnectMs: number;
  timeoutServerMs: number;
  servers: { name: string; address: Address; logProto: 'legacy' | 'octet-count' }[];
}

/** `userlist` (12.2). */
export interface UserlistConfig extends Origin {
  /** Empty for the accounts of `stats auth` lines. */
  name: string;
  users: UserConfig[];
}

export interface UserConfig {
  name: string;
  /** As crypt(3) makes it, or plain when `insecure`; null = none, which nothing matches. */
  password: string | null;
  insecure: boolean;
  groups: string[];
}

/** `close-spread-time infinite`: a soft stop closes no connection by itself. */
export const SPREAD_ENDLESS = -1;

/** Bits of `ProxyConfig.options`. */
export const enum Option {
  DontLogNull = 1 << 0,
  DontLogNormal = 1 << 1,
  LogSeparateErrors = 1 << 2,
  LogAsap = 1 << 3,
  LogHealthChecks = 1 << 4,
  Redispatch = 1 << 5,
  AbortOnClose = 1 << 6,
  HttpBufferRequest = 1 << 7,
  HttpNoDelay = 1 << 8,
  HttpPretendKeepalive = 1 << 9,
  HttpIgnoreProbes = 1 << 10,
  HttpUseProxyHeader = 1 << 11,
  ClientTcpKeepalive = 1 << 12,
  ServerTcpKeepalive = 1 << 13,
  TcpSmartAccept = 1 << 14,
  TcpSmartConnect = 1 << 15,
  NoLinger = 1 << 16,
  Contstats = 1 << 17,
  AcceptUnsafeRequest = 1 << 18,
  AcceptUnsafeResponse = 1 << 19,
  H1CaseAdjustBogusClient = 1 << 20,
  H1CaseAdjustBogusServer = 1 << 21,
  AllBackups = 1 << 22,
  PreferLastServer = 1 << 23,
  SpliceRequest = 1 << 24,
  SpliceResponse = 1 << 25,
  Persist = 1 << 26,
  SocketStats = 1 << 27,
  DisableH2Upgrade = 1 << 28,
  IdleCloseOnResponse = 1 << 29,
}

/** Bits of `ProxyConfig.retryOn` (4.2 retry-on). */
export const enum RetryOn {
  ConnFailure = 1 << 0,
  EmptyResponse = 1 << 1,
  JunkResponse = 1 << 2,
  ResponseTimeout = 1 << 3,
  /** Never happens: no request is sent as early data. */
  EarlyRejected = 1 << 4,
  Status401 = 1 << 5,
  Status403 = 1 << 6,
  Status404 = 1 << 7,
  Status408 = 1 << 8,
  Status421 = 1 << 9,
  Status425 = 1 << 10,
  Status429 = 1 << 11,
  Status500 = 1 << 12,
  Status501 = 1 << 13,
  Status502 = 1 << 14,
  Status503 = 1 << 15,
  Status504 = 1 << 16,
}

/** How the connection is treated after a transaction (4.2: four exclusive options). */
export const enum HttpMode {
  KeepAlive = 0,
  ServerClose = 1,
  Close = 2,
}

export const enum Reuse {
  Never = 0,
  Safe = 1,
  Aggressive = 2,
  Always = 3,
}

/** -1 = not set (no limit), otherwise milliseconds. */
export interface TimeoutConfig {
  client: number;
  clientFin: number;
  clientHs: number;
  connect: number;
  server: number;
  serverFin: number;
  tunnel: number;
  httpRequest: number;
  httpKeepAlive: number;
  queue: number;
  check: number;
  tarpit: number;
}

export interface ProxyConfig extends Origin {
  index: number;
  name: string;
  /** `id`, used in the CSV; assigned from 2 upwards in file order when not given. */
  id: number;
  /** `id` was written. */
  idGiven: boolean;
  kind: 'frontend' | 'backend' | 'listen';
  mode: 'tcp' | 'http';
  disabled: boolean;
  description: string | null;
  /** Frontend side; 0 = the global limit alone. */
  maxconn: number;
  /** Frontend side: new sessions per second (4.2 rate-limit sessions); 0 = no limit. */
  sessionRateMax: number;
  /** Backend side (4.2 fullconn). */
  fullconn: number;
  backlog: number;
  options: number;
  httpMode: HttpMode;
  reuse: Reuse;
  retries: number;
  /** `RetryOn` bits: failures after which a request is sent again; HTTP only. */
  retryOn: number;
  /** `option redispatch <interval>`; -1 = only on the last retry. */
  redispatchInterval: number;
  timeout: TimeoutConfig;
  binds: BindConfig[];
  servers: ServerConfig[];
  /** How servers with `check` are checked. */
  check: CheckRulesetConfig;
  balance: BalanceConfig;
  hashType: HashTypeConfig;
  /** `hash-balance-factor`, in percent; 0 = off. */
  hashBalanceFactor: number;
  hashPreserveAffinity: HashAffinity;
  /** `load-server-state-from-file`, and the file of `local`; null = the backend's name. */
  serverState: 'none' | 'global' | 'local';
  serverStateName: string | null;
  emailAlert: EmailAlertConfig;
  cookie: CookieConfig | null;
  dynamicCookieKey: string | null;
  /** `force-persist` and `ignore-persist` in their order. */
  persistRules: PersistRuleConfig[];
  stickTable: StickTableConfig | null;
  /** `stick` lines in their order. */
  stickRules: StickRuleConfig[];
  forwardFor: ForwardConfig | null;
  originalTo: ForwardConfig | null;
  /** `option forwarded` (RFC 7239), null when off. */
  forwarded: ForwardedConfig | null;
  defaultBackend: string | null;
  useBackends: UseBackendConfig[];
  useServers: UseServerConfig[];
  /** `max-keep-alive-queue`; -1 = no limit. */
  keepAliveQueueMax: number;
  /** Backends that `reqsetbe` lines name; the args of such a rule hold an index here. */
  lineBackends: string[];
  rules: RuleConfig[];
  /** `tcp-request inspect-delay`, `tcp-response inspect-delay` in ms; 0 = nothing is waited for. */
  requestInspectMs: number;
  responseInspectMs: number;
  /** The statistics page (4.2 `stats`), null = none. */
  stats: StatsConfig | null;
  /** Full bytes of the response per status, from `errorfile` (latin1 text). */
  errorFiles: Record<number, string>;
  /** Answers per status that are made when they are needed (`http-error`): `ReplyArgs`. */
  errorReplies: Record<number, unknown>;
  logs: LogTargetConfig[];
  logTag: string | null;
  logFormat: LogFormatConfig | null;
  /** `error-log-format`, or null to use `logFormat`. */
  errorLogFormat: LogFormatConfig | null;
  /** `log-format-sd` (RFC 5424 structured data). */
  logFormatSd: LogFormatConfig | null;
  /** Captures in declaration order: index i is `capture.req.hdr(i)`. */
  captureRequest: CaptureConfig[];
  captureResponse: CaptureConfig[];
  captureCookie: CaptureCookieConfig | null;
  clitcpkaCnt: number;
  clitcpkaIdleMs: number;
  clitcpkaIntvlMs: number;
  srvtcpkaCnt: number;
  srvtcpkaIdleMs: number;
  srvtcpkaIntvlMs: number;
  uniqueIdFormat: LogFormatConfig | null;
  uniqueIdHeader: string | null;
}

/** `cookie` (4.2). */
export interface CookieConfig {
  name: string;
  mode: 'passive' | 'rewrite' | 'insert' | 'prefix';
  indirect: boolean;
  nocache: boolean;
  postonly: boolean;
  preserve: boolean;
  httponly: boolean;
  secure: boolean;
  dynamic: boolean;
  domains: string[];
  attributes: string[];
  /** 0 = no limit. */
  maxidleMs: number;
  maxlifeMs: number;
}

export interface PersistRuleConfig extends Origin {
  /** `force-persist`, else `ignore-persist`. */
  force: boolean;
  condition: ConditionConfig | null;
}

/** `stick-table` (4.2, 11.1). */
export interface StickTableConfig extends Origin {
  /** That of its proxy. */
  name: string;
  type: 'ip' | 'ipv6' | 'integer' | 'string' | 'binary';
  /** Longest key. */
  keyBytes: number;
  /** Most entries. */
  size: number;
  /** 0 = never. */
  expireMs: number;
  nopurge: boolean;
  serverKey: 'name' | 'addr';
  /** `brates-factor`: bytes that count as one in rates of bytes. */
  bytesFactor: number;
  data: StickDataConfig[];
}

/** One type behind `store`. */
export interface StickDataConfig {
  type: string;
  /** Elements of an array, otherwise 1. */
  count: number;
  /** Of a rate, otherwise 0. */
  periodMs: number;
}

/** `stick match`, `stick on`, `stick store-request`, `stick store-response` (4.2). */
export interface StickRuleConfig extends Origin {
  matches: boolean;
  stores: 'request' | 'response' | null;
  expr: ExprConfig;
  table: string;
  condition: ConditionConfig | null;
}

/** `stats` lines (4.2). */
export interface StatsConfig {
  uri: string;
  /** Null = not given. */
  realm: string | null;
  users: { name: string; password: string }[];
  /** 0 = the browser is not asked to refresh. */
  refreshSeconds: number;
  /** Names of proxies that are listed, `.` for the one with the page; empty = all. */
  scope: string[];
  showsVersion: boolean;
  showsNode: boolean;
  /** Null = that of `global`. */
  node: string | null;
  showsDescription: boolean;
  /** Null = that of `global`. */
  description: string | null;
  showsLegends: boolean;
  showsModules: boolean;
  rules: RuleConfig[];
  admins: ConditionConfig[];
}

export interface CaptureConfig {
  /** The header field, or '' for a slot that only rules fill (`http-request capture ... len`). */
  name: string;
  length: number;
}

export interface CaptureCookieConfig {
  /** The prefix or full name that the cookie must start with, `=` included when exact. */
  name: string;
  length: number;
}

export interface ForwardConfig {
  header: string;
  /** CIDR networks whose clients get no header. */
  except: { bytes: number[]; prefix: number }[];
  /** Add only when the request has no such header. */
  ifNone: boolean;
}

/** `option forwarded`: each part is off (null), automatic (true) or an expression. */
export interface ForwardedConfig {
  proto: boolean;
  host: true | ExprConfig | null;
  by: true | ExprConfig | null;
  byPort: true | ExprConfig | null;
  for: true | ExprConfig | null;
  forPort: true | ExprConfig | null;
}

export interface BalanceConfig {
  algorithm: string;
  /** What the algorithm's row made of its arguments. */
  args: ArgConfig[];
  /** `balance hash`: the expression, parsed when the section is complete. */
  expr: ExprConfig | null;
}

/** `hash-type`. */
export interface HashTypeConfig {
  method: 'map-based' | 'consistent';
  function: 'sdbm' | 'djb2' | 'wt6' | 'crc32' | 'none';
  avalanche: boolean;
}

/** `hash-preserve-affinity`: which servers a hash passes over. */
export type HashAffinity = 'always' | 'maxconn' | 'maxqueue';

export interface BindConfig extends Origin {
  /** Position within the proxy; the CSV names the listener `sock-N` when it has no name. */
  index: number;
  name: string | null;
  id: number;
  /** One address; the parser expands port ranges and comma lists into several `BindConfig`. */
  address: Address;
  backlog: number;
  maxconn: number;
  interface: string | null;
  mss: number;
  nice: number;
  /** ms; TCP_DEFER_ACCEPT when > 0 (whole seconds), -1 = bare `defer-accept`, 0 = off. */
  deferAccept: number;
  tfo: boolean;
  v4v6: boolean;
  v6only: boolean;
  /** unix sockets: permission bits and owner, null = as created. */
  mode: number | null;
  uid: number | null;
  gid: number | null;
  /** ms or -1; `tcp-ut` (TCP_USER_TIMEOUT). */
  tcpUserTimeout: number;
  /** `accept-proxy`: connections begin with a PROXY header. */
  acceptProxy: boolean;
  /** `ssl`: connections are decrypted here. */
  ssl: boolean;
  tls: TlsSettings;
  certificates: CertificateUse[];
  /** `tls-ticket-keys`: byte strings of 48 or 80 bytes, all alike; empty = own ones. */
  ticketKeys: string[];
  /** `expose-fd listeners`, which waits for whoever asks for the sockets (`-x`). */
  exposesListeners: boolean;
}

/** `init-state` of a server line (5.2). */
export type InitState = 'none' | 'fully-up' | 'up' | 'down' | 'fully-down';

export interface ServerConfig extends Origin {
  index: number;
  name: string;
  id: number;
  /** `id` was written. */
  idGiven: boolean;
  address: Address;
  /** The name has no address (`-dr`): the server stays in maintenance, `address` is a blank. */
  unresolved: boolean;
  /** 5.2 init-addr: an address in a file of server states counts before that of the name. */
  takesLastAddress: boolean;
  initState: InitState;
  /** 5.2 on-marked-down, on-marked-up: whose sessions end then: its own, those of backup servers. */
  shutdownOnDown: boolean;
  shutdownBackups: boolean;
  /** Port offset for `server s addr:+N` (use the client's destination port plus this). */
  portOffset: boolean;
  weight: number;
  /** `hash-key`: where its nodes stand on the ring of `hash-type consistent`. */
  hashKey: 'id' | 'addr' | 'addr-port';
  backup: boolean;
  disabled: boolean;
  maxconn: number;
  minconn: number;
  maxqueue: number;
  check: CheckConfig | null;
  agent: AgentConfig | null;
  /** 5.2 track: the server whose state this one has. */
  track: { proxyIndex: number; serverIndex: number } | null;
  poolMaxConn: number;
  poolPurgeDelayMs: number;
  /** -1 = without limit. */
  maxReuse: number;
  sourceAddress: Address | null;
  tcpUserTimeout: number;
  cookie: string | null;
  /** `non-stick`: nobody is made to come back. */
  nonStick: boolean;
  /** Version of the PROXY header that connections begin with; 0 = none. */
  sendProxy: 0 | 1 | 2;
  /** `ssl`: the connection is encrypted. */
  ssl: boolean;
  tls: TlsSettings;
  /** `crt`: what the server is shown; null = nothing. */
  certificate: CertificateConfig | null;
  /** `sni`: the name that the server is told; null = none. */
  sni: ExprConfig | null;
  /** Options that wait for checks over TLS, by their names. */
  waiting: Record<string, WaitingValue>;
}

export interface UseBackendConfig extends Origin {
  /** A fixed name, or a log-format that yields one per request. */
  backend: string | LogFormatConfig;
  condition: ConditionConfig | null;
}

export interface UseServerConfig extends Origin {
  /** A fixed name, or a log-format that yields one per request. */
  server: string | LogFormatConfig;
  condition: ConditionConfig | null;
}
