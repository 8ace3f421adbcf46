/**
 * Framing of every syslog format against the real haproxy: the same text, tag, host name and limit
 * through both, compared byte for byte once dates are masked.
 */
import { describe, expect, test } from 'bun:test';
import { hostname } from 'node:os';
import type { LogFormatName, LogTargetConfig } from '../model/config.ts';
import { reserveBytes } from '../sys/arena.ts';
import { clock } from '../sys/clock.ts';
import { logFormats } from './level.ts';
import { createLogger, type Logger } from './logger.ts';
import { configurationFixture, logFixture, proxyFixture } from './test-fixture.ts';
import { exchange, Haproxy, haproxy, LogReceiver } from './test-haproxy.ts';

interface Case {
  format: LogFormatName;
  length: number;
  facility: string;
  tag: string | null;
  text: string;
  sd: string;
}

const text = '0123456789'.repeat(12);

function casesOf(): Case[] {
  const cases: Case[] = [];
  for (const format of logFormats) {
    const common = { format, facility: 'local0', tag: null, sd: '' };
    cases.push({ ...common, length: 1024, text: 'short text' });
    cases.push({ ...common, length: 1024, text, facility: 'local7', tag: 'my tag' });
    const lengths = [80, 81, 119, 120, 121, 122];
    const everyLength = Array.from({ length: 60 }, (_, i) => 80 + i);
    const long = format === 'rfc3164' || format === 'rfc5424';
    for (const length of long ? everyLength : lengths) cases.push({ ...common, length, text });
    cases.push({ ...common, length: 80, text, tag: 't'.repeat(60) });
  }
  const rfc5424 = { format: 'rfc5424', facility: 'kern', tag: null, text } as const;
  cases.push({ ...rfc5424, length: 1024, sd: '[ex@1 a="b"]' });
  for (let sd = 34; sd <= 44; sd++) cases.push({ ...rfc5424, length: 100, sd: 's'.repeat(sd) });
  return cases;
}

function mask(line: string): string {
  return line
    .replace(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/, 'SYSLOGDATE')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d/, 'ISODATE');
}

const facilities: Record<string, number> = { kern: 0, local0: 16, local7: 23 };

function ownLogger(cases: Case[], port: number, pid: number, sendHost: string | null): Logger {
  const target: LogTargetConfig['target'] = {
    kind: 'udp',
    address: {
      family: 'ipv4',
      datagram: true,
      bytes: [127, 0, 0, 1],
      port,
      path: '',
      fd: -1,
      text: `127.0.0.1:${port}`,
    },
  };
  const proxies = cases.map((one, index) =>
    proxyFixture({
      index,
      logTag: one.tag,
      logs: [
        logFixture({
          target,
          format: one.format,
          facility: facilities[one.facility]!,
          length: one.length,
        }),
      ],
    }),
  );
  const config = configurationFixture(proxies, { logSendHostname: sendHost });
  return createLogger({ config, hostname: hostname(), pid, worker: 0 });
}

async function compare(sendHost: string | null, directive: string): Promise<void> {
  const cases = casesOf();
  const theirs = await LogReceiver.open();
  const proxy = new Haproxy(
    cases.length,
    (binds) => `global
  ${directive}
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
${cases
  .map(
    (one, i) => `
frontend f${i}
  bind ${binds[i]}
  log 127.0.0.1:${theirs.port} len ${one.length} format ${one.format} ${one.facility}
  ${one.tag ? `log-tag "${one.tag}"` : ''}
  log-format "${one.text}"
  ${one.sd ? `log-format-sd '${one.sd}'` : ''}
  http-request deny`,
  )
  .join('')}
`,
  );
  const ours = await LogReceiver.open();
  const logger = ownLogger(cases, ours.port, proxy.pid, sendHost);
  try {
    for (let i = 0; i < cases.length; i++) {
      const one = cases[i]!;
      await exchange(proxy.ports[i]!, 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
      clock.update();
      const off = reserveBytes(one.text);
      logger.send(i, 6, off, one.text.length, reserveBytes(one.sd), one.sd.length);
      logger.flush();
      const label = `${one.format} len ${one.length} tag ${one.tag} sd ${one.sd.length}: `;
      expect(label + mask(await ours.next())).toBe(label + mask(await theirs.next()));
    }
    expect(logger.lost).toBe(0);
  } finally {
    logger.close();
    ours.close();
    theirs.close();
    await proxy.stop();
  }
}

describe.skipIf(!haproxy)('syslog framing equals that of haproxy (4.2 log)', () => {
  test('without a host name', () => compare(null, ''));
  test('with log-send-hostname and the name of the machine', () =>
    compare('', 'log-send-hostname'));
  test('with log-send-hostname and a long name', () =>
    compare('h'.repeat(50), `log-send-hostname ${'h'.repeat(50)}`));
});
