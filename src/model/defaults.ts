/**
 * The values that settings have when nothing is written: one function per noun, in the order of
 * the fields of model/config.ts. Each number names the paragraph that states it.
 */
import { hostname } from 'node:os';
import type { Address } from '../base/value/address.ts';
import type {
  BindConfig,
  CheckRulesetConfig,
  GlobalConfig,
  Origin,
  ProxyConfig,
  ServerConfig,
  TimeoutConfig,
  TlsDefaults,
  TlsSettings,
  TuneConfig,
} from './config.ts';
import { HttpMode, RetryOn, Reuse } from './config.ts';

/** 3.2: "tune.*". */
export function defaultTune(): TuneConfig {
  return {
    bufsize: 16384,
    maxrewrite: 1024,
    httpMaxhdr: 101,
    httpLogurilen: 1024,
    httpCookielen: 63,
    maxaccept: 4,
    maxpollevents: 200,
    rcvbufClient: 0,
    rcvbufServer: 0,
    sndbufClient: 0,
    sndbufServer: 0,
    pipesize: 0,
    maxpipes: 0,
    notsentLowatClient: 0,
    notsentLowatServer: 0,
    varsGlobalMax: 0,
    varsProcMax: 0,
    varsSessMax: 0,
    varsTxnMax: 0,
    varsReqresMax: 0,
    sharesListeners: false,
    stickCounters: 3,
  };
}

/** 3.1 and 3.2. */
export function defaultGlobal(): GlobalConfig {
  return {
    daemon: false,
    chroot: null,
    uid: null,
    gid: null,
    pidfile: null,
    maxconn: 0,
    ulimitN: 0,
    nbthread: 0,
    node: hostname(),
    description: null,
    logs: [],
    logTag: null,
    logSendHostname: null,
    statsSockets: [],
    // 3.1 "stats timeout": 10 seconds; "stats maxconn": 10 connections.
    statsTimeoutMs: 10_000,
    statsMaxconn: 10,
    hardStopAfterMs: 0,
    graceMs: 0,
    closeSpreadMs: 0,
    tune: defaultTune(),
    h1CaseAdjust: {},
    strictLimits: true,
    quiet: false,
    zeroWarning: false,
    noSplice: false,
    spreadChecksPercent: 0,
    maxSpreadChecksMs: 0,
    fdHardLimit: 0,
    threadHardLimit: 0,
    maxconnrate: 0,
    maxsessrate: 0,
    cpuMap: Array.from({ length: 64 }, () => null),
    busyPolling: false,
    httpErrCodes: defaultErrCodes(),
    httpFailCodes: defaultFailCodes(),
    noReusePort: false,
    externalCheck: 'off',
    forkWanted: false,
    serverStateBase: null,
    serverStateFile: null,
    tls: defaultTls(),
    waiting: {},
  };
}

/** 3.1 "http-err-codes". */
function defaultErrCodes(): number[] {
  return Array.from({ length: 100 }, (_, i) => 400 + i);
}

/** 3.1 "http-fail-codes". */
function defaultFailCodes(): number[] {
  return Array.from({ length: 100 }, (_, i) => 500 + i).filter((n) => n !== 501 && n !== 505);
}

/** 3.1: "ssl-*", "ca-base", "crt-base". */
/** Nothing said. */
export function defaultTlsSettings(): TlsSettings {
  return {
    alpn: null,
    ciphers: null,
    ciphersuites: null,
    curves: null,
    ecdhe: null,
    sigalgs: null,
    clientSigalgs: null,
    minVersion: 0,
    maxVersion: 0,
    refusedVersions: 0,
    tickets: null,
    strictSni: null,
    preferClientCiphers: null,
    verify: null,
    trustStore: 0,
    trustNames: 0,
    ignoredErrors: null,
    ignoredCaErrors: null,
    verifyHost: null,
    sessionReuse: null,
  };
}

function defaultTls(): TlsDefaults {
  return {
    caBase: null,
    crtBase: null,
    keyBase: null,
    issuersChainPath: null,
    bind: defaultTlsSettings(),
    server: defaultTlsSettings(),
    dhParameters: 0,
    extraFiles: ['all'],
    extraDelExt: false,
    skipSelfIssuedCa: false,
    securityLevel: null,
    serverVerify: 'required',
    // 3.2 "tune.ssl.*".
    cacheSize: 20_000,
    lifetimeS: 300,
    dhParamBits: 0,
    hardMaxRecord: 0,
    compressesCertificates: true,
  };
}

/** 4.2 "timeout": nothing set means no limit. */
export function noTimeouts(): TimeoutConfig {
  return {
    client: -1,
    clientFin: -1,
    clientHs: -1,
    connect: -1,
    server: -1,
    serverFin: -1,
    tunnel: -1,
    httpRequest: -1,
    httpKeepAlive: -1,
    queue: -1,
    check: -1,
    tarpit: -1,
  };
}

/** A proxy as a `defaults` section without lines leaves it. */
export function defaultProxy(name: string, origin: Origin): ProxyConfig {
  return {
    ...origin,
    index: -1,
    name,
    id: 0,
    idGiven: false,
    kind: 'listen',
    mode: 'tcp',
    disabled: false,
    description: null,
    maxconn: 0,
    sessionRateMax: 0,
    fullconn: 0,
    backlog: 0,
    options: 0,
    httpMode: HttpMode.KeepAlive,
    reuse: Reuse.Safe,
    retries: 3,
    retryOn: RetryOn.ConnFailure,
    redispatchInterval: -1,
    timeout: noTimeouts(),
    binds: [],
    servers: [],
    check: plainCheck(),
    balance: { algorithm: 'roundrobin', args: [], expr: null },
    hashType: { method: 'map-based', function: 'sdbm', avalanche: false },
    hashBalanceFactor: 0,
    hashPreserveAffinity: 'always',
    serverState: 'none',
    serverStateName: null,
    emailAlert: { mailers: null, from: null, to: null, myhostname: null, level: 1 },
    cookie: null,
    dynamicCookieKey: null,
    persistRules: [],
    stickTable: null,
    stickRules: [],
    forwardFor: null,
    originalTo: null,
    forwarded: null,
    defaultBackend: null,
    useBackends: [],
    useServers: [],
    keepAliveQueueMax: -1,
    lineBackends: [],
    rules: [],
    requestInspectMs: 0,
    responseInspectMs: 0,
    stats: null,
    errorFiles: {},
    errorReplies: {},
    logs: [],
    logTag: null,
    logFormat: null,
    errorLogFormat: null,
    logFormatSd: null,
    captureRequest: [],
    captureResponse: [],
    captureCookie: null,
    clitcpkaCnt: 0,
    clitcpkaIdleMs: 0,
    clitcpkaIntvlMs: 0,
    srvtcpkaCnt: 0,
    srvtcpkaIdleMs: 0,
    srvtcpkaIntvlMs: 0,
    uniqueIdFormat: null,
    uniqueIdHeader: null,
  };
}

/** 5.2 check: a connection and nothing else. */
function plainCheck(): CheckRulesetConfig {
  const connect = { type: 'connect', number: 0, comment: '', address: null, port: 0 } as const;
  return {
    kind: 'tcp',
    steps: [{ ...connect, linger: false }],
    disableOn404: false,
    external: null,
  };
}

/** 5.1. */
export function defaultBind(index: number, address: Address, origin: Origin): BindConfig {
  return {
    ...origin,
    index,
    name: null,
    id: 0,
    address,
    backlog: 0,
    maxconn: 0,
    interface: null,
    mss: 0,
    nice: 0,
    deferAccept: 0,
    tfo: false,
    v4v6: false,
    v6only: false,
    mode: null,
    uid: null,
    gid: null,
    tcpUserTimeout: -1,
    acceptProxy: false,
    ssl: false,
    tls: defaultTlsSettings(),
    certificates: [],
    ticketKeys: [],
    exposesListeners: false,
  };
}

/** An address that has not been read yet. */
export function noAddress(): Address {
  return {
    family: 'ipv4',
    datagram: false,
    bytes: [0, 0, 0, 0],
    port: 0,
    path: '',
    fd: -1,
    text: '',
  };
}

/** 5.2. */
export function defaultServer(origin: Origin): ServerConfig {
  return {
    ...origin,
    index: -1,
    name: '',
    id: 0,
    idGiven: false,
    address: noAddress(),
    portOffset: false,
    weight: 1,
    hashKey: 'id',
    backup: false,
    unresolved: false,
    takesLastAddress: false,
    initState: 'none',
    shutdownOnDown: false,
    shutdownBackups: false,
    disabled: false,
    maxconn: 0,
    minconn: 0,
    maxqueue: 0,
    check: null,
    agent: null,
    track: null,
    poolMaxConn: -1,
    poolPurgeDelayMs: 5000,
    maxReuse: -1,
    sourceAddress: null,
    tcpUserTimeout: -1,
    cookie: null,
    nonStick: false,
    sendProxy: 0,
    ssl: false,
    tls: defaultTlsSettings(),
    certificate: null,
    sni: null,
    waiting: {},
  };
}
