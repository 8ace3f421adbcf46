/** Regular expressions at their limits, and without the library that runs them. */
import { expect } from 'bun:test';
import { fieldOf, type HttpMessage } from '../harness/http.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';

const ours = programUnderTest === 'haproxy' ? 'HAProxy has the library linked' : null;

/** The request as the server sees it behind `rules`. */
async function passed(
  world: World,
  rules: string,
  request: string,
  env: Record<string, string> = {},
): Promise<HttpMessage> {
  const seen: HttpMessage[] = [];
  const server = world.http((message) => {
    seen.push(message);
    return 'HTTP/1.1 204 No Content\r\n\r\n';
  });
  const proxy = await world.proxy(
    `
global
  nbthread 1
  tune.bufsize 65536
${defaultsHttp}
listen l
  bind fd@{{l}}
${rules}
  server s 127.0.0.1:${server.port}
`,
    { env },
  );
  await world.exchange(proxy.port('l'), request);
  expect(seen.length).toBe(1);
  return seen[0]!;
}

const get = (fields: string) =>
  `GET /path HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n`;

scenario('backtracking without end is given up and counts as no match (7.1.4)', async (world) => {
  const evil = `${'a'.repeat(60)}!`;
  const message = await passed(
    world,
    String.raw`  http-request set-header match yes if { req.hdr(evil) -m reg (a+)+$ }
  http-request set-header miss yes unless { req.hdr(evil) -m reg (a+)+$ }
  http-request set-header regsub "%[req.hdr(evil),regsub('(a+)+\$',x)]"
  http-request replace-header replaced (a+)+$ x
  http-request set-header other yes if { req.hdr(evil) -m reg ^(a+)+$|! }
  http-request set-header last yes if { req.hdr(evil) -m reg ^a+! }`,
    get(`Evil: ${evil}\r\nReplaced: ${evil}\r\n`),
  );
  expect(fieldOf(message, 'match')).toBeNull();
  expect(fieldOf(message, 'miss')).toBe('yes');
  expect(fieldOf(message, 'regsub')).toBe(evil);
  expect(fieldOf(message, 'replaced')).toBe(evil);
  // What stands behind it in the expression is not tried any more.
  expect(fieldOf(message, 'other')).toBeNull();
  expect(fieldOf(message, 'last')).toBe('yes');
});

scenario(
  'a text that is long for the stack of compiled code is matched all the same (7.1.4)',
  async (world) => {
    const long = 'ab'.repeat(10_000);
    const message = await passed(
      world,
      String.raw`  http-request set-header match yes if { req.hdr(long) -m reg ^(?:a|b)*$ }
  http-request set-header miss yes if { req.hdr(long) -m reg ^(?:a|b)*c$ }
  http-request set-header regsub "%[req.hdr(long),regsub('^(a|b)*\$','<\1>')]"`,
      get(`Long: ${long}\r\n`),
    );
    expect(fieldOf(message, 'match')).toBe('yes');
    expect(fieldOf(message, 'miss')).toBeNull();
    expect(fieldOf(message, 'regsub')).toBe('<b>');
  },
  { skip: ours },
);

const useless = { SLUICE_PCRE2: '/nonexistent/libpcre2-8.so.0' };

for (const [engine, env] of [
  ['libpcre2-8', {}],
  ['JavaScript', useless],
] as const) {
  scenario(
    `an expression in the format of replace-path leaves the match alone, on ${engine} (4.4)`,
    async (world) => {
      const message = await passed(
        world,
        String.raw`  http-request replace-path /(p)(a)(th) "/\3%[str(xyz),regsub('(x)(y)','\2')]\1"
  http-request replace-header x (b)(c) "\2%[str(xyz),regsub('(x)(y)','\2')]\1"`,
        get('X: bc\r\n'),
        env,
      );
      expect(message.target).toBe('/thyzp');
      expect(fieldOf(message, 'x')).toBe('cyzb');
    },
    { skip: engine === 'JavaScript' ? ours : null },
  );
}

scenario(
  'without libpcre2-8 an expression that needs it is refused with the name of its package',
  async (world) => {
    const config = (expression: string) =>
      `${defaultsHttp}frontend f\n  bind fd@{{f}}\n  acl a path_reg ${expression}\n`;
    const options = { args: ['-c'], probe: false, env: useless };
    const refused = await world.run(config('^/(?R)'), options);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(
      "regex '^/(?R)' has the group '(?R)', for which sluice needs the library " +
        'libpcre2-8.so.0 (Debian: libpcre2-8-0)',
    );
    const { stderr, status } = await world.run(config('^/(?>a++|b)'), options);
    expect(stderr).not.toContain('[ALERT]');
    expect(status).toBe(0);
  },
  { skip: ours },
);
