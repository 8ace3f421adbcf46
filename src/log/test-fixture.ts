/** Configurations for the tests of logs: complete, with every value that a test does not care for. */
import type { Configuration, LogTargetConfig, ProxyConfig, RingConfig } from '../model/config.ts';

const origin = { file: 'test.cfg', line: 1 };

const noTimeouts = {
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

export function proxyFixture(values: Partial<ProxyConfig>): ProxyConfig {
  const proxy: Partial<ProxyConfig> = {
    ...origin,
    index: 0,
    name: 'fe',
    id: 2,
    kind: 'frontend',
    mode: 'http',
    disabled: false,
    options: 0,
    timeout: noTimeouts,
    binds: [],
    servers: [],
    rules: [],
    logs: [],
    logTag: null,
    captureRequest: [],
    captureResponse: [],
    captureCookie: null,
    ...values,
  };
  return proxy as ProxyConfig;
}

export function logFixture(values: Partial<LogTargetConfig>): LogTargetConfig {
  return {
    ...origin,
    target: { kind: 'fd', fd: 1 },
    format: 'raw',
    facility: 16,
    levelMax: 7,
    levelMin: 0,
    length: 1024,
    sample: null,
    ...values,
  };
}

export function ringFixture(values: Partial<RingConfig>): RingConfig {
  return {
    ...origin,
    name: 'r',
    description: null,
    format: 'raw',
    maxlen: 1024,
    size: 16384,
    backingFile: null,
    timeoutConnectMs: 1000,
    timeoutServerMs: 1000,
    servers: [],
    ...values,
  };
}

export function configurationFixture(
  proxies: ProxyConfig[],
  global: Partial<Configuration['global']> = {},
  rings: RingConfig[] = [],
): Configuration {
  const values: Partial<Configuration['global']> = {
    logs: [],
    logTag: null,
    logSendHostname: null,
    ...global,
  };
  return { global: values as Configuration['global'], proxies, rings };
}
