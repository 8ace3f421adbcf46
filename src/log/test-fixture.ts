/** Configurations for the tests of logs: complete, with every value that a test does not care for. */
import type { Configuration, LogTargetConfig, ProxyConfig, RingConfig } from '../model/config.ts';
import { origin, proxyConfig } from '../model/config-fixture.ts';
import { noVariables } from '../model/variable.ts';

export function proxyFixture(values: Partial<ProxyConfig>): ProxyConfig {
  return proxyConfig({ name: 'fe', id: 2, kind: 'frontend', ...values });
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
  const variables = noVariables();
  return {
    global: values as Configuration['global'],
    proxies,
    rings,
    variables,
    userlists: [],
    maps: [],
    mailers: [],
  };
}
