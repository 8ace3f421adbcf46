/**
 * Mail about servers (configuration.txt 4.2 email-alert, 12.3 mailers). SLUICE_TEST_PROGRAM=haproxy shows
 * that haproxy agrees.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import type { Peer } from '../harness/peer.ts';
import { defaultsHttp, programUnderTest, scenario, type World } from '../harness/scenario.ts';
import { until } from '../harness/wait.ts';

/** A mailer that takes everything; `mails` are the dialogues as they came, without their dates. */
function mailer(world: World): { port: number; mails: string[] } {
  const mails: string[] = [];
  const take = async (peer: Peer): Promise<void> => {
    let mail = '';
    peer.send('220 hello\r\n');
    for (const end of ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n.\r\n', '\r\n']) {
      mail += await peer.readUntil(end);
      const isData = mail.endsWith('DATA\r\n');
      peer.send(isData ? '354 go on\r\n' : '250-two lines\r\n250 ok\r\n');
    }
    mails.push(mail.replace(/^Date: .*\r\n/m, '').replace(/^HELO \S+/, 'HELO host'));
  };
  // The end of the scenario may come in the middle of a mail.
  const { port } = world.server((peer) => take(peer).catch(() => undefined));
  return { port, mails };
}

const site = (port: number, servers: string, lines = '') => `
global
  nbthread 1
mailers team
  mailer one 127.0.0.1:${port}
${defaultsHttp}
frontend f
  bind fd@{{f}}
backend b
  option httpchk
  email-alert mailers team
  email-alert from proxy@example.com
  email-alert to me@example.com
  ${lines}
${servers}
`;

scenario('a server that goes down is worth a mail (email-alert)', async (world) => {
  const { port, mails } = mailer(world);
  const closed = world.refusedPort();
  await world.proxy(site(port, `  server s 127.0.0.1:${closed} check inter 30`));
  const [mail] = await until(
    () => (mails.length > 0 ? mails : null),
    () => 'no mail came',
  );
  const text =
    'Server b/s is DOWN, reason: Layer4 connection problem, info: "Connection refused", check ' +
    'duration: 0ms. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 ' +
    'remaining in queue';
  expect(mail!.replace(/check duration: [0-9]+ms/g, 'check duration: 0ms')).toBe(
    'HELO host\r\nMAIL FROM:<proxy@example.com>\r\nRCPT TO:<me@example.com>\r\nDATA\r\n' +
      'From: proxy@example.com\r\nTo: me@example.com\r\n' +
      `Subject: [HAProxy Alert] ${text}\r\n\r\n${text}\r\n\r\n.\r\nQUIT\r\n`,
  );
});

scenario(
  'what is less severe needs a level of its own (email-alert level)',
  async (world) => {
    const all = mailer(world);
    const few = mailer(world);
    let isUp = false;
    const server = world.http(() => (isUp ? answer('') : answer('', '503 No')));
    const check = `  server s 127.0.0.1:${server.port} check inter 30 rise 1 fall 1 init-state down`;
    await world.proxy(
      site(all.port, check, 'email-alert level notice\n  email-alert myhostname me').replace(
        'mailers team',
        `mailers few\n  mailer one 127.0.0.1:${few.port}\n  timeout mail 5s\nmailers team`,
      ) +
        `backend c
  option httpchk
  email-alert mailers few
  email-alert from proxy@example.com
  email-alert to me@example.com
${check}
`,
    );
    isUp = true;
    await until(
      () => all.mails.length === 1,
      () => 'no mail about the server that came up',
    );
    expect(all.mails[0]).toContain('[HAProxy Alert] Server b/s is UP, reason: Layer7 check passed');
    isUp = false;
    await until(
      () => few.mails.length === 1 && all.mails.length === 2,
      () => 'no mail about the server that went down',
    );
    expect(few.mails[0]).toContain('Server c/s is DOWN');
  },
  { skip: programUnderTest === 'haproxy' ? 'haproxy waits before its next mail' : null },
);

scenario(
  'mail that a mailer does not take is lost with a word (mailers)',
  async (world) => {
    const proxy = await world.proxy(
      site(world.refusedPort(), `  server s 127.0.0.1:${world.refusedPort()} check inter 30`),
    );
    await until(
      () =>
        / : Mailer team\/one \(127\.0\.0\.1:[0-9]+\) did not take a message: /.test(proxy.stderr),
      () => proxy.stderr,
    );
  },
  { skip: programUnderTest === 'haproxy' ? 'haproxy says nothing' : null },
);

scenario('results of checks are mailed at level info (email-alert level)', async (world) => {
  const { port, mails } = mailer(world);
  const closed = world.refusedPort();
  const lines = 'option log-health-checks\n  email-alert level info';
  await world.proxy(site(port, `  server s 127.0.0.1:${closed} check inter 30`, lines));
  await until(
    () =>
      mails.some((mail) => mail.includes('Subject: [HAProxy Alert] Health check for server b/s')),
    () => mails.join(),
  );
});

scenario('email-alert needs mailers, from and to (email-alert)', async (world) => {
  const check = (lines: string) =>
    world.run(`${defaultsHttp}backend b\n  server s 127.0.0.1:1\n${lines}\n`, { args: ['-c'] });
  const half = await check('  email-alert from a\n  email-alert to b');
  expect(half.stderr).toContain(
    " : 'email-alert' will be ignored for backend 'b' (the presence any",
  );
  const lost = await check('  email-alert from a\n  email-alert to b\n  email-alert mailers m');
  expect(lost.stderr).toContain("Proxy 'b': unable to find mailers 'm'.\n");
  for (const [line, message] of [
    ['', "missing argument after 'email-alert'."],
    ['foo', "email-alert: unknown argument 'foo'."],
    ['to', "missing argument after 'to'."],
    ['level foo', "unknown log level 'foo' after 'level'"],
  ]) {
    expect((await check(`  email-alert ${line}`)).stderr).toContain(message!);
  }
});
