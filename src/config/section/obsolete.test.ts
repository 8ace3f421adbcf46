import { describe, expect, test } from 'bun:test';
import { HttpMode, Option } from '../../model/config.ts';
import { parseText } from '../fixture.ts';

describe('spellings of HAProxy 1.3 to 2.0', () => {
  test('clitimeout, contimeout, srvtimeout and redispatch work and name the modern line', () => {
    const { config, errors, warnings } = parseText(`listen l :5001
 clitimeout 50000
 contimeout 5s
 srvtimeout 1m
 redispatch
`);
    expect(errors).toEqual([]);
    expect(warnings.slice(1)).toEqual([
      "parsing [t.cfg:2] : the 'clitimeout' directive is obsolete. Use 'timeout client 50000'.",
      "parsing [t.cfg:3] : the 'contimeout' directive is obsolete. Use 'timeout connect 5s'.",
      "parsing [t.cfg:4] : the 'srvtimeout' directive is obsolete. Use 'timeout server 1m'.",
      "parsing [t.cfg:5] : the 'redispatch' directive is obsolete. Use 'option redispatch'.",
    ]);
    expect(config.proxies[0]!.timeout).toMatchObject({
      client: 50_000,
      connect: 5000,
      server: 60_000,
    });
    expect(config.proxies[0]!.options & Option.Redispatch).not.toBe(0);
  });

  test('forceclose and accept-invalid-http-request are accepted with the modern option', () => {
    const { config, errors, warnings } = parseText(`defaults
 mode http
 option forceclose
 option accept-invalid-http-request
 timeout client 1s
frontend f
 bind :5001
`);
    expect(errors).toEqual([]);
    expect(warnings).toEqual([
      "parsing [t.cfg:3] : option 'forceclose' is an older spelling. Use 'option httpclose' instead.",
      "parsing [t.cfg:4] : option 'accept-invalid-http-request' is an older spelling. Use 'option " +
        "accept-unsafe-violations-in-http-request' instead.",
    ]);
    expect(config.proxies[0]).toMatchObject({
      httpMode: HttpMode.Close,
      options: Option.AcceptUnsafeRequest,
    });
  });

  test('reqadd and rspadd become add-header with the text as it is', () => {
    const { config, errors, warnings } = parseText(`defaults
 mode http
 timeout client 1s
frontend f
 bind :5001
 acl a path /a
 reqadd X-Proto:\\ 100% if a
 rspadd X-Via:\\ s
`);
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.rules).toMatchObject([
      { ruleset: 'http-request', action: 'add-header', condition: { negate: false } },
      { ruleset: 'http-response', action: 'add-header', condition: null },
    ]);
    expect(JSON.stringify(config.proxies[0]!.rules[0]!.args)).toContain('100%');
    expect(warnings[0]).toBe(
      "parsing [t.cfg:7] : the 'reqadd' directive is obsolete. Use 'http-request add-header " +
        'X-Proto "100%%" if a\'.',
    );
  });

  test('what has no exact equivalent is refused with the modern keyword', () => {
    const { errors } = parseText(`listen l
 cliexp ^a b
 srvexp ^Server b
 monitor-net 10.0.0.0/8
 option http-tunnel
 dispatch 127.0.0.1:80
 mode health
global
 nbproc 4
`);
    expect(errors.map((line) => line.replace(/^parsing \[t.cfg:(\d+)\] ?: /, '$1 '))).toEqual([
      "2 The 'cliexp' directive is not supported anymore since HAProxy 2.1. Use 'http-request " +
        "replace-path', 'http-request replace-uri' or 'http-request replace-header' instead.",
      "3 The 'srvexp' directive is not supported anymore since HAProxy 2.1. Use 'http-response " +
        "replace-header' instead.",
      "4 'monitor-net' doesn't exist anymore. Please use 'http-request return status 200 if { src " +
        "10.0.0.0/8 }' instead.",
      "5 option 'http-tunnel' is not supported any more since HAProxy 2.1, please just remove it, " +
        "it shouldn't be needed.",
      "6 'dispatch' is not supported any more. Use a 'server' line instead.",
      "7 'mode health' doesn't exist anymore. Please use 'http-request return status 200' instead.",
      '9 nbproc is not supported any more since HAProxy 2.5. Threads will automatically be used on ' +
        "multi-processor machines if available; 'nbthread' sets their number.",
    ]);
  });

  test('nbproc 1, nosepoll and bind-process say nothing that matters', () => {
    const { errors, warnings } = parseText(
      'global\n nbproc 1\n nosepoll\n stats bind-process 1\nbackend b\n bind-process all\n',
    );
    expect(errors).toEqual([]);
    expect(warnings).toHaveLength(3);
  });
});
