/**
 * Options of `server` and `default-server` lines (5.2) about where a server begins and what becomes of
 * its sessions when its state changes: init-addr, init-state, on-marked-down, on-marked-up.
 */
import { ConfigError } from '../../base/config-error.ts';
import { readCidr } from '../../base/value/cidr.ts';
import { parseIpv4, parseIpv6 } from '../../base/value/ip.ts';
import type { InitState } from '../../model/config.ts';
import type { ServerOptionRow } from './server-option.ts';

/** 5.2 init-addr: the methods in their order. */
function readMethods(value: string): string[] {
  const methods = value.split(',').filter((method) => method !== '');
  for (const method of methods) {
    const isIp = parseIpv4(method) !== null || parseIpv6(method) !== null;
    if (isIp || ['last', 'libc', 'none'].includes(method)) continue;
    throw new ConfigError(
      `'init-addr' : unknown init-addr method '${method}', supported methods are 'libc', ` +
        "'last', 'none'.",
    );
  }
  return methods;
}

const initStates: readonly InitState[] = ['none', 'fully-up', 'up', 'down', 'fully-down'];

/** An option with one possible word. */
function onlyWord(name: string, word: string, value: string): true {
  if (value === word) return true;
  throw new ConfigError(`'${name}' expects '${word}' but got '${value}'`);
}

export const serverStateOptions: readonly ServerOptionRow[] = [
  {
    name: 'init-addr',
    args: '{ last | libc | none | <ip> },[...]*',
    doc: 'Ways to find the address of a name at start, in their order.',
    parse: (line, value) => {
      line.settings.initAddr = readMethods(value);
    },
  },
  {
    name: 'init-state',
    args: '{ fully-up | up | down | fully-down | none }',
    doc: 'State at start and after maintenance, until checks have decided.',
    parse: (line, value) => {
      const found = initStates.find((state) => state === value);
      if (found === undefined) {
        throw new ConfigError(
          "'init-state' expects one of 'none', 'fully-up', 'up', 'down', or 'fully-down' but " +
            `got '${value}'`,
        );
      }
      line.settings.server.initState = found;
    },
  },
  {
    name: 'on-marked-down',
    args: 'shutdown-sessions',
    doc: 'End all sessions of the server when it goes down.',
    parse: (line, value) => {
      line.settings.server.shutdownOnDown = onlyWord('on-marked-down', 'shutdown-sessions', value);
    },
  },
  {
    name: 'on-marked-up',
    args: 'shutdown-backup-sessions',
    doc: 'End all sessions of backup servers when the server comes up.',
    parse: (line, value) => {
      const word = 'shutdown-backup-sessions';
      line.settings.server.shutdownBackups = onlyWord('on-marked-up', word, value);
    },
  },
  {
    name: 'resolve-net',
    args: '<network>[,<network[,...]]',
    doc: 'Networks that addresses of a name are preferred from.',
    waitsFor: 'resolvers',
    parse: (line, value) => {
      if (value === '') throw new ConfigError("'resolve-net' expects a list of networks.");
      for (const network of value.split(',')) {
        if (readCidr(network) === null) {
          throw new ConfigError(`'resolve-net' invalid network '${network}'.`);
        }
      }
      line.settings.server.waiting['resolve-net'] = value;
    },
  },
  {
    name: 'resolve-prefer',
    args: '{ ipv4 | ipv6 }',
    doc: 'Family that addresses of a name are preferred from.',
    waitsFor: 'resolvers',
    parse: (line, value) => {
      if (value !== 'ipv4' && value !== 'ipv6') {
        throw new ConfigError("'resolve-prefer' expects either ipv4 or ipv6 as argument.");
      }
      line.settings.server.waiting['resolve-prefer'] = value;
    },
  },
];
