/**
 * Credentials (configuration.txt 12.2 userlists, 4.4 http-request auth, 7.3.6 http_auth and its family).
 * SLUICE_TEST_PROGRAM=haproxy shows that haproxy answers the same.
 */
import { expect } from 'bun:test';
import { defaultsHttp, scenario, type World } from '../harness/scenario.ts';

const lists = `
userlist people
  group admin users bob
  group guests
  # openssl passwd -6 -salt saltsalt secret, then -1
  user bob password $6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1
  user eve password $1$saltsalt$9xy1btjgzLYfb7hivXtC//
  user al insecure-password pw2 groups guests,admin
  user colon insecure-password a:b
  user nobody
  user broken password no-hash-of-crypt
`;

const basic = (text: string) => `Authorization: Basic ${Buffer.from(text).toString('base64')}`;

function field(reply: string, name: string): string | null {
  return new RegExp(`^${name}: (.*)\r$`, 'm').exec(reply)?.[1] ?? null;
}

async function front(world: World): Promise<(...fields: string[]) => Promise<string>> {
  const seen = ['http_auth(people)', 'http_auth_group(people)', 'http_auth_type', 'http_auth_user']
    .concat(['http_auth_pass', 'http_auth_bearer', 'http_auth_bearer(x-token)'])
    .map((name) => `%[${name}]`)
    .join('|');
  const proxy = await world.proxy(`${lists}${defaultsHttp}
frontend f
  bind fd@{{f}}
  http-request return status 200 hdr x-seen "${seen}" hdr x-group yes if { http_auth_group(people) guests }
  http-request return status 200 hdr x-seen "${seen}"
`);
  return (...fields) =>
    world.exchange(
      proxy.port('f'),
      ['GET / HTTP/1.1', 'Host: h', 'Connection: close', ...fields, '', ''].join('\r\n'),
    );
}

const cases: readonly [what: string, fields: string[], seen: string, group: string | null][] = [
  ['no credentials', [], '||||||', null],
  ['a plain password', [basic('al:pw2')], '1|al|Basic|al|pw2||', 'yes'],
  ['a wrong password', [basic('al:pw')], '0||Basic|al|pw||', null],
  ['a password of SHA-512', [basic('bob:secret')], '1|bob|Basic|bob|secret||', null],
  ['a wrong one of SHA-512', [basic('bob:Secret')], '0||Basic|bob|Secret||', null],
  ['a password of MD5', [basic('eve:secret')], '1|eve|Basic|eve|secret||', null],
  [
    'the hash instead of the password',
    [basic('broken:no-hash-of-crypt')],
    '0||Basic|broken|no-hash-of-crypt||',
    null,
  ],
  ['a user without a password', [basic('nobody:')], '0||Basic|nobody|||', null],
  ['a colon in the password', [basic('colon:a:b')], '1|colon|Basic|colon|a:b||', null],
  ['an unknown user', [basic('who:pw2')], '0||Basic|who|pw2||', null],
  [
    'the scheme in other letters',
    [basic('al:pw2').replace('Basic', 'bASIC')],
    '1|al|Basic|al|pw2||',
    'yes',
  ],
  [
    'blanks in front of base64',
    [basic('al:pw2').replace('Basic ', 'Basic   ')],
    '1|al|Basic|al|pw2||',
    'yes',
  ],
  ['base64 that is cut', ['Authorization: Basic YWw6cHcyQQ'], '||||||', null],
  ['no base64', ['Authorization: Basic !!!!'], '||||||', null],
  ['no colon', [basic('nocolon')], '||||||', null],
  ['a scheme alone', ['Authorization: Basic'], '||||||', null],
  ['another scheme', ['Authorization: Digest a=b'], '||||||', null],
  ['a token', ['Authorization: bearer to.ken'], '||Bearer|||to.ken|', null],
  ['a token in a field of its own', ['X-Token: Bearer abc'], '||||||abc', null],
  ['two fields', [basic('colon:a:b'), basic('al:pw2')], '1|colon|Basic|colon|a:b||', null],
];

scenario('credentials are what they should be (7.3.6 http_auth)', async (world) => {
  const ask = await front(world);
  for (const [what, fields, seen, group] of cases) {
    const reply = await ask(...fields);
    expect([what, field(reply, 'x-seen'), field(reply, 'x-group')]).toEqual([what, seen, group]);
  }
});

scenario(
  'an encrypted password is right and wrong again after it was right once',
  async (world) => {
    const ask = await front(world);
    const verdict = async (password: string) =>
      field(await ask(basic(`bob:${password}`)), 'x-seen')?.[0];
    const words = ['secret', 'secret', 'secreT', 'secret', '', 'secret2', 'secret'];
    const found: (string | undefined)[] = [];
    for (const word of words) found.push(await verdict(word));
    expect(found).toEqual(words.map((word) => (word === 'secret' ? '1' : '0')));
  },
);

scenario('http-request auth asks with a realm (4.4)', async (world) => {
  await Bun.write(
    `${world.dir}/401`,
    'HTTP/1.1 401 Mine\r\nX-Mine: yes\r\nContent-Length: 4\r\n\r\nmine',
  );
  const log = await world.syslog();
  const proxy = await world.proxy(`${lists}${defaultsHttp}
  log 127.0.0.1:${log.port} format raw local0
  option httplog
frontend f
  bind fd@{{f}}
  option http-use-proxy-header
  http-request auth realm "my realm" if { path /realm }
  http-request auth unless { http_auth(people) }
  http-request return status 200
frontend own
  bind fd@{{own}}
  errorfile 401 {{dir}}/401
  http-request auth
`);
  const ask = (port: string, target: string, ...fields: string[]) =>
    world.exchange(
      proxy.port(port),
      [
        `GET ${target} HTTP/1.1`,
        'Host: h',
        'Connection: close',
        'Proxy-Connection: close',
        ...fields,
        '',
        '',
      ].join('\r\n'),
    );
  const named = await ask('f', '/realm', basic('al:pw2'));
  expect(named).toStartWith('HTTP/1.1 401 Unauthorized\r\n');
  expect(field(named, 'www-authenticate')).toBe('Basic realm="my realm"');
  const plain = await ask('f', '/');
  expect(field(plain, 'www-authenticate')).toBe('Basic realm="f"');
  expect(plain).toContain('You need a valid user and password');
  expect(await ask('f', '/', basic('al:pw2'))).toStartWith('HTTP/1.1 200');
  const proxied = await ask('f', 'http://h/', basic('al:pw2'));
  expect(proxied).toStartWith('HTTP/1.1 407 ');
  expect(field(proxied, 'proxy-authenticate')).toBe('Basic realm="f"');
  expect(await ask('f', 'http://h/', `Proxy-${basic('al:pw2')}`)).toStartWith('HTTP/1.1 200');
  const own = await ask('own', '/');
  expect(own).toStartWith('HTTP/1.1 401 Mine\r\n');
  expect([field(own, 'x-mine'), own.endsWith('\r\n\r\nmine')]).toEqual(['yes', true]);
  const lines = await log.take(6);
  expect(lines[0]).toContain(' f f/<NOSRV> ');
  expect(lines[0]).toContain(' 401 ');
  expect(lines[0]).toContain(' LR-- ');
});
