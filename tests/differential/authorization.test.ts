/** Credentials as samples (configuration.txt 7.3.6 `http_auth_*`), through the running programs. */
import { describe, expect, test } from 'bun:test';
import { fieldOf } from '../harness/http.ts';
import { type Program, programPath } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';

const encoded = (text: string) => Buffer.from(text, 'latin1').toString('base64');

/** Fields of a request, each a case. */
const cases = [
  '',
  `Authorization: Basic ${encoded('user:pass')}`,
  `Authorization: basic ${encoded('user:pass')}`,
  `Authorization: BASIC   ${encoded('user:pass')} `,
  `Authorization: Basic\t${encoded('u:p')}`,
  `Authorization: Basic ${encoded('user')}`,
  `Authorization: Basic ${encoded('user:pa:ss')}`,
  `Authorization: Basic ${encoded(':p')}`,
  `Authorization: Basic ${encoded('u:')}`,
  `Authorization: Basic ${encoded('u\0v:p')}`,
  `Authorization: Basic ${encoded('u:p\0q')}`,
  `Authorization: Basic ${encoded(`${'u'.repeat(200)}:${'p'.repeat(200)}`)}`,
  `Authorization: Basic ${encoded('user:pass')} x`,
  `Authorization: Basic ${encoded('user:pass').slice(0, -1)}`,
  'Authorization: Basic',
  'Authorization: Basic ',
  'Authorization: Basic !!!!',
  'Authorization: Basi dXNlcjpwYXNz',
  'Authorization: Bearer abc',
  'Authorization: bearer abc',
  'Authorization: Bearer  abc def ',
  'Authorization: Bearer abc, x',
  'Authorization: Bearer',
  'Authorization: Bearer ',
  'Authorization: Digest x',
  'Authorization: Bearer one\r\nAuthorization: Bearer two',
  'X-Token: Bearer of',
  `X-Token: Basic ${encoded('user:pass')}`,
  'X-Token: of',
];

const expressions = [
  'http_auth_type',
  'http_auth_user',
  'http_auth_pass',
  'http_auth_bearer',
  'http_auth_bearer(X-Token)',
  'http_auth_pass,hex',
];

async function observe(program: Program): Promise<string[]> {
  const world = new World(program);
  try {
    const body = expressions.map((text) => `<%[${text}]>`).join(' ');
    const proxy = await world.proxy(`
defaults
  mode http
  timeout client 20s
frontend l
  bind fd@{{l}}
  http-request set-header found yes if { http_auth_user -m found }
  http-request return status 200 content-type a/b hdr found "%[req.hdr(found)]" lf-string "${body}"
`);
    const peer = await world.connect(proxy.port('l'));
    const seen: string[] = [];
    for (const fields of cases) {
      peer.send(`GET / HTTP/1.1\r\nHost: h\r\n${fields === '' ? '' : `${fields}\r\n`}\r\n`);
      const reply = await peer.readMessage('GET');
      seen.push(`${fields}: ${reply.body} ${fieldOf(reply, 'found')}`);
    }
    return seen;
  } finally {
    await world.end();
  }
}

describe.skipIf(programPath('haproxy') === null)('7.3.6: http_auth_*', () => {
  test('credentials are those that HAProxy finds', async () => {
    const theirs = await observe('haproxy');
    expect(await observe('sluice')).toEqual(theirs);
    expect(theirs.join('\n')).toContain('<Basic> <user> <pa:ss> <> <> <70613A7373> yes');
  });
});
