/**
 * What a log line costs: building a `option httplog` line for a stream, framing it for UDP syslog
 * and sending it in batches.
 *
 *   bin/bun bench/log-line.ts [lines]
 */
import { createSocket } from 'node:dgram';
import { createLogger } from '../src/log/logger.ts';
import { Framing } from '../src/log/syslog.ts';
import { configurationFixture, logFixture, proxyFixture } from '../src/log/test-fixture.ts';
import { scopeFixture, testStream } from '../src/rules/log-format/test-stream.ts';
import { compileLogFormat, defaultHttpLogFormat, parseLogFormat } from '../src/rules/log-format.ts';
import { reserve, text } from '../src/sys/arena.ts';
import { clock } from '../src/sys/clock.ts';

export interface LogLineResult {
  line: string;
  /** ns per line. */
  buildNs: number;
  frameNs: number;
  sendNs: number;
}

/** @param lines how many to measure; @param port a UDP port on 127.0.0.1 that is read. */
export function benchLogLine(lines: number, port: number): LogLineResult {
  const test = testStream();
  const writer = compileLogFormat(parseLogFormat(defaultHttpLogFormat, scopeFixture()), 'log');
  const off = reserve(2048);
  const address = { family: 'ipv4' as const, datagram: true, port, path: '', fd: -1, text: '' };
  const bytes = [127, 0, 0, 1];
  const log = logFixture({
    target: { kind: 'udp', address: { ...address, bytes } },
    format: 'local',
  });
  const config = configurationFixture([proxyFixture({ logs: [log] })]);
  const logger = createLogger({ config, hostname: 'bench', pid: 4711, worker: 0 });
  let len = 0;
  const build = (count: number) => {
    for (let i = 0; i < count; i++) {
      test.strm.requestDateMs++;
      len = writer.write(test.ctx, off, 1023);
    }
  };
  const send = (count: number) => {
    for (let i = 0; i < count; i++) {
      logger.send(0, 6, off, len, 0, 0);
      if (i % 32 === 31) logger.flush();
    }
    logger.flush();
  };
  const framing = new Framing({
    format: 'local',
    facility: 16,
    lengthMax: 1024,
    hostname: null,
    tag: 'haproxy',
    pid: 4711,
    newline: true,
  });
  const framed = reserve(2048);
  const frame = (count: number) => {
    for (let i = 0; i < count; i++) framing.write(framed, 6, off, len, 0, 0);
  };
  const measure = (run: (count: number) => void) => {
    run(lines);
    const start = Bun.nanoseconds();
    run(lines);
    return (Bun.nanoseconds() - start) / lines;
  };
  clock.update();
  const result = {
    line: '',
    buildNs: measure(build),
    frameNs: measure(frame),
    sendNs: measure(send),
  };
  result.line = text(off, len);
  logger.close();
  return result;
}

if (import.meta.main) {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const result = benchLogLine(Number(process.argv[2] ?? 200000), socket.address().port);
  socket.close();
  process.stdout.write(`${result.line}\n`);
  process.stdout.write(`build  ${result.buildNs.toFixed(0)} ns per line\n`);
  process.stdout.write(`frame  ${result.frameNs.toFixed(0)} ns per line\n`);
  process.stdout.write(`send   ${result.sendNs.toFixed(0)} ns per line, framing included\n`);
}
