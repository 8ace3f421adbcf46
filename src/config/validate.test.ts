import { describe, expect, test } from 'bun:test';
import { parseText } from './fixture.ts';

const timeouts = 'timeout connect 1s\n timeout client 1s\n timeout server 1s\n';

describe('checks of the whole configuration', () => {
  test('a misspelt backend is shown with the nearest name', () => {
    const { errors } = parseText('frontend f\n use_backend ap if TRUE\nbackend app\n');
    expect(errors).toEqual([
      "parsing [t.cfg:2] : Proxy 'f': unable to find required use_backend: 'ap'; did you mean " +
        "'app' maybe ?",
    ]);
  });

  test('errors of lines and contradictions are reported in one run', () => {
    const { errors, warnings } = parseText(
      'frontend f\n foo\n default_backend nosuch\nbackend b\n server a 127.0.0.1:1\n' +
        ' server a 127.0.0.1:2\n',
    );
    expect(errors).toEqual([
      "parsing [t.cfg:2] : unknown keyword 'foo' in 'frontend' section",
      "parsing [t.cfg:3] : Proxy 'f': unable to find required default_backend: 'nosuch'.",
      "parsing [t.cfg:6] : backend 'b', another server named 'a' was already defined at line 5, " +
        'please use distinct names.',
    ]);
    // Timeouts and listeners are not complained about while lines are missing.
    expect(warnings).toEqual([]);
  });

  test('a backend whose section line was refused is not reported as missing', () => {
    const { errors } = parseText('frontend f\n bind :5001\n default_backend b@\nbackend b@\n');
    expect(errors).toEqual([
      "parsing [t.cfg:4] : character '@' is not permitted in 'backend' name 'b@'.",
    ]);
  });

  test('a TCP frontend may use an HTTP backend (4)', () => {
    const { errors, warnings } = parseText(
      `defaults\n ${timeouts}frontend f\n bind :5001\n default_backend b\nbackend b\n mode http\n` +
        ' server a 127.0.0.1:1\n',
    );
    expect([...errors, ...warnings]).toEqual([]);
  });

  test('a check needs a port (5.2 "check")', () => {
    const { errors } = parseText(
      `defaults\n ${timeouts}backend b
 server a 127.0.0.1 check
 server b 127.0.0.1:+1 check
 server c 127.0.0.1 check port 80
 server d /s.sock check
 server e 127.0.0.1:80 check addr 127.0.0.2
 server f 127.0.0.1:80 check addr 127.0.0.2:81
 server g 127.0.0.1
`,
    );
    expect(errors).toEqual([
      "parsing [t.cfg:6] : backend 'b': server 'a' has neither service port nor check port.",
      "parsing [t.cfg:7] : backend 'b': server 'b' has neither service port nor check port.",
    ]);
  });

  test('an address that is bound twice is a diagnostic', () => {
    const { diags } = parseText(
      `defaults\n ${timeouts}frontend f\n bind :5001\nfrontend g\n bind :5001\n bind :5002\n`,
    );
    expect(diags).toEqual([
      "parsing [t.cfg:8] : 'bind :5001' : the same address is also bound at t.cfg:6.",
    ]);
  });

  test('a ring with servers wants timeouts (12.5)', () => {
    const { warnings } = parseText('ring r\n server s 127.0.0.1:1\n');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith("missing timeouts for backend 'r'.");
  });
});
