import { expect, test } from 'bun:test';
import { createSocket } from 'node:dgram';
import { benchLogLine } from './log-line.ts';

test('the benchmark of log lines runs', async () => {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const result = benchLogLine(100, socket.address().port);
  socket.close();
  expect(result.line).toContain(' fe be/s1 5/2/30/69/116 200 2750 - - ---- 3/2/1/0/0 0/0 "GET /');
  for (const ns of [result.buildNs, result.frameNs, result.sendNs]) expect(ns).toBeGreaterThan(0);
});
