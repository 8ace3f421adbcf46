import { describe, expect, test } from 'bun:test';
import {
  isKnownAclKeyword,
  isKnownAction,
  isKnownBindOption,
  isKnownConverter,
  isKnownCrtListOption,
  isKnownFetch,
  isKnownFilter,
  isKnownKeyword,
  isKnownSection,
  isKnownServerOption,
  knownCommands,
  knownKeywords,
} from './known-keywords.ts';

describe('names of the language', () => {
  test.each([
    'global',
    'defaults',
    'listen',
    'peers',
    'resolvers',
    'fcgi-app',
    'crt-store',
    'ring',
  ])('%s begins a section', (name) => {
    expect(isKnownSection(name)).toBe(true);
  });

  test.each(['server', 'frontends', '', 'toString', 'constructor'])('%p does not', (name) => {
    expect(isKnownSection(name)).toBe(false);
  });

  test.each([
    ['global', 'tune.ssl.cachesize 1'],
    ['global', 'ssl-default-bind-ciphers x'],
    ['global', 'maxconn 1'],
    ['global', 'set-var proc.x int(1)'],
    ['backend', 'stick-table type ip'],
    ['listen', 'option httpslog'],
    ['listen', 'option mysql-check'],
    ['defaults', 'timeout tarpit 1s'],
    ['frontend', 'http-request set-var(txn.a) int(1)'],
    ['frontend', 'http-request track-sc0 src'],
    ['frontend', 'tcp-request connection reject'],
    ['frontend', 'tcp-request inspect-delay 5s'],
    ['frontend', 'capture request header X len 1'],
    ['backend', 'http-check set-var(check.x) int(1)'],
    ['backend', 'option'],
    ['frontend', 'monitor-uri /x'],
    ['peers', 'peer a 1.2.3.4:1'],
    ['resolvers', 'nameserver a 1.2.3.4:53'],
    ['bind', 'alpn'],
    ['server', 'sni'],
  ])('in %s: %s', (section, line) => {
    expect(isKnownKeyword(section, line.split(' '))).toBe(true);
  });

  test.each([
    ['global', 'frob'],
    ['global', 'use_backend x'],
    ['backend', 'maxcon 1'],
    ['listen', 'option httpslogs'],
    ['listen', 'timeout clients 1s'],
    ['frontend', 'http-request set-heade x y'],
    ['frontend', 'tcp-request connection set-header x'],
    ['frontend', 'tcp-request nothing'],
    ['nosuchsection', 'bind :80'],
    ['bind', 'weight'],
    ['server', 'accept-proxy'],
    ['global', ''],
  ])('not in %s: %s', (section, line) => {
    expect(isKnownKeyword(section, line.split(' '))).toBe(false);
  });

  test('fetches, converters, actions, options, filters and commands', () => {
    for (const name of ['src', 'req.hdr(host)', 'ssl_fc_sni', 'res.comp_ratio_x', 'url32+src']) {
      expect([name, isKnownFetch(name)]).toEqual([name, name !== 'res.comp_ratio_x']);
    }
    expect([isKnownFetch('path_beg'), isKnownAclKeyword('path_beg')]).toEqual([false, true]);
    for (const name of ['lower', 'map_beg_int(f)', 'sha2(256)', 'jwt_verify']) {
      expect([name, isKnownConverter(name)]).toEqual([name, true]);
    }
    expect(isKnownConverter('path')).toBe(false);
    expect(isKnownAction('http-request', 'set-map(f)')).toBe(true);
    expect(isKnownAction('http-response', 'auth')).toBe(false);
    expect(isKnownAction('tcp-request content', 'use-service')).toBe(true);
    expect(isKnownAction('http-requests', 'deny')).toBe(false);
    expect(isKnownAction('http-request', 'track-sc2')).toBe(true);
    expect(isKnownAction('http-response', 'lua.greet')).toBe(true);
    expect(isKnownBindOption('crt-list')).toBe(true);
    expect(isKnownServerOption('send-proxy-v2')).toBe(true);
    expect(isKnownServerOption('set-proxy-v2-tlv-fmt(0x20)')).toBe(true);
    expect(isKnownCrtListOption('sigalgs')).toBe(true);
    expect(isKnownFilter('spoe')).toBe(true);
    expect(knownCommands).toContain('show table');
    expect(knownCommands).not.toContain('show proc');
  });

  test('suggestions come from plain names', () => {
    expect(knownKeywords('global')).toContain('nbthread');
    expect(knownKeywords('backend')).toContain('stick-table');
    expect(knownKeywords('bind')).toContain('alpn');
    expect(knownKeywords('nosuchsection')).toEqual([]);
  });
});
