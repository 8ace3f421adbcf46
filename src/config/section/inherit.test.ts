import { describe, expect, test } from 'bun:test';
import { parseText } from '../fixture.ts';

describe('defaults sections (4)', () => {
  test('a proxy takes the latest one, or the one that it names', () => {
    const { config, errors } = parseText(`defaults A
 timeout client 1s
defaults B
 timeout client 2s
 maxconn 5
defaults C from A
 maxconn 7
defaults
 timeout client 4s
frontend latest
 bind :5001
frontend named from B
 bind :5002
frontend chained from C
 bind :5003
`);
    expect(errors).toEqual([]);
    expect(config.proxies.map((proxy) => [proxy.timeout.client, proxy.maxconn])).toEqual([
      [4000, 0],
      [2000, 5],
      [1000, 7],
    ]);
  });

  test('a section without "from" starts with the documented values', () => {
    const { config } = parseText(
      'defaults\n mode http\n maxconn 9\ndefaults\n timeout client 1s\nfrontend f\n bind :5001\n',
    );
    expect(config.proxies[0]).toMatchObject({ mode: 'tcp', maxconn: 0, retries: 3 });
  });

  test('a proxy that changes an inherited list leaves the defaults alone', () => {
    const { config } = parseText(`defaults
 log 127.0.0.1 local0
 timeout client 1s
frontend a
 bind :5001
 log 127.0.0.2 local1
 errorfile 503 /dev/null
frontend b
 bind :5002
`);
    expect(config.proxies.map((proxy) => proxy.logs.length)).toEqual([2, 1]);
    expect(config.proxies.map((proxy) => proxy.errorFiles)).toEqual([{ 503: '' }, {}]);
  });

  test('rules of named defaults run first; their ACLs stay there (4.2 "acl")', () => {
    const { config, errors } = parseText(`defaults d
 mode http
 timeout client 1s
 acl local src 127.0.0.1
 http-request set-header X-A 1 if local
frontend f from d
 bind :5001
 http-request set-header X-B 2
frontend g from d
 bind :5002
 http-request deny if local
`);
    expect(config.proxies[0]!.rules.map((rule) => rule.line)).toEqual([5, 8]);
    expect(config.proxies[0]!.rules[0]!.condition!.any[0]![0]!.tests[0]!.name).toBe('local');
    expect(errors).toEqual([
      "parsing [t.cfg:11] : error detected while parsing an 'http-request deny' condition : " +
        "no such ACL : 'local'.",
    ]);
  });

  test('defaults with rules serve one side only and no other defaults', () => {
    const { errors } = parseText(`defaults d
 mode http
 http-request deny if FALSE
defaults e from d
frontend f from d
 bind :5001
backend b from d
listen l from d
`);
    expect(errors).toEqual([
      'parsing [t.cfg:4]: a defaults section cannot inherit from a defaults section defining ' +
        'TCP/HTTP rules (defaults section at t.cfg:1).',
      'parsing [t.cfg:7]: frontends and backends cannot inherit from the same defaults section if ' +
        'it defines TCP/HTTP rules (defaults section at t.cfg:1).',
      'parsing [t.cfg:8]: frontends and backends cannot inherit from the same defaults section if ' +
        'it defines TCP/HTTP rules (defaults section at t.cfg:1).',
    ]);
  });

  test('mixing explicit and implicit use warns', () => {
    const { warnings } = parseText(
      'defaults A\n timeout client 1s\nfrontend f\n bind :5001\nfrontend g from A\n bind :5002\n',
    );
    expect(warnings).toEqual([
      "parsing [t.cfg:5] : defaults section 'A' (declared at t.cfg:1) is explicitly referenced by " +
        "another proxy and implicitly used here. To avoid any ambiguity don't mix both usage. Add " +
        'a last defaults section not explicitly used or always use explicit references.',
    ]);
  });
});

describe('section lines (4)', () => {
  test('unknown, ambiguous and badly named sections are refused; their lines are still read', () => {
    const { errors } = parseText(`frontend
 foo1
frontend a@b
 foo2
frontend c from nosuch
defaults D
defaults D
frontend d from D
frontend c
`);
    expect(errors).toEqual([
      "parsing [t.cfg:1] : 'frontend' expects an <id> argument",
      "parsing [t.cfg:2] : unknown keyword 'foo1' in 'frontend' section",
      "parsing [t.cfg:3] : character '@' is not permitted in 'frontend' name 'a@b'.",
      "parsing [t.cfg:4] : unknown keyword 'foo2' in 'frontend' section",
      "parsing [t.cfg:5] : defaults section 'nosuch' not found for frontend 'c'.",
      "parsing [t.cfg:8] : ambiguous defaults section name 'D' referenced by frontend 'd' exists " +
        'at least at t.cfg:7 and t.cfg:6.',
      "parsing [t.cfg:9] : frontend 'c' has the same name as frontend 'c' declared at t.cfg:5. Rename " +
        "one of them, e.g. to 'c_frontend'.",
    ]);
  });

  test('a second word after the name that is no address says what may stand there', () => {
    const { errors } = parseText('frontend my site\n');
    expect(errors).toEqual([
      "parsing [t.cfg:1] : 'frontend my' : only an address may follow the name : " +
        "missing port specification in 'site'",
    ]);
  });

  test('"listen" of HAProxy 1.3 has a comma list of addresses on its line', () => {
    const { config, errors, warnings } = parseText(
      'defaults\n timeout client 1s\n timeout connect 1s\n timeout server 1s\n' +
        'listen l 127.0.0.1:81,:90-91\n bind :92\n server s 127.0.0.1:1\n',
    );
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.binds.map((bind) => bind.address.port)).toEqual([81, 90, 91, 92]);
    expect(warnings).toEqual([
      "parsing [t.cfg:5] : please use the 'bind' keyword for listening addresses: 'listen l' " +
        "followed by 'bind 127.0.0.1:81,:90-91'.",
    ]);
  });

  test('a file cannot continue a section of the one before it (2.1)', () => {
    const { errors } = parseText({ 'a.cfg': 'global\n maxconn 5\n', 'b.cfg': ' maxconn 6\n' });
    expect(errors).toEqual(["parsing [b.cfg:1]: unknown keyword 'maxconn' out of section."]);
  });

  test('a wrong line of defaults is reported once, however many sections inherit it', () => {
    const { errors } = parseText(
      'defaults\n mode http\n timeout client 1s\n unique-id-format %zz\n' +
        'frontend a\n bind :81\nfrontend b\n bind :82\n',
    );
    expect(errors).toEqual([expect.stringContaining("no such format alias 'zz'")]);
  });

  test('a section that sluice does not know yet is refused once, by name', () => {
    const { errors } = parseText('cache c\n max-age 60\nbackend b\n');
    expect(errors).toEqual(["parsing [t.cfg:1] : section 'cache' is not supported yet by sluice"]);
  });
});
