/**
 * Sizes at both ends of what can be configured (configuration.txt 3.2 maxconn, tune.bufsize,
 * tune.maxrewrite, tune.http.maxhdr, tune.pipesize): the proxy starts, serves what fits, and answers
 * or closes what does not.
 */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import { scenario } from '../harness/scenario.ts';
import { expectSilence } from './quiet.ts';

const settings = [
  'tune.bufsize 256\n  tune.maxrewrite 64',
  'tune.bufsize 512\n  tune.maxrewrite 0',
  'tune.bufsize 1024',
  'tune.bufsize 1048576\n  tune.maxrewrite 16',
  'tune.maxrewrite 15000',
  'tune.http.maxhdr 1',
  'tune.http.maxhdr 32767',
  'tune.maxpollevents 1\n  tune.maxaccept 1',
  'tune.http.logurilen 65535',
  'maxconn 1',
  'maxconn 8000',
  'nbthread 8\n  maxconn 50',
];

const bodies = [0, 1, 3000, 40_000];

for (const setting of settings) {
  scenario(
    `extreme sizes work or are refused clearly: ${setting.replace(/\s+/g, ' ')} (3.2)`,
    async (world) => {
      const log = await world.syslog();
      const server = world.http((request) => answer(request.body));
      const listen = ['', 'option http-buffer-request'];
      const proxy = await world.proxy(`
global
  log 127.0.0.1:${log.port} local0
  ${setting}
defaults
  mode http
  log global
  option httplog
  timeout connect 2s
  timeout client 2s
  timeout server 2s
${listen
  .map(
    (line, i) => `
listen l${i}
  ${line}
  bind fd@{{l${i}}}
  server s 127.0.0.1:${server.port}`,
  )
  .join('\n')}
`);
      for (const name of ['l0', 'l1']) {
        for (const size of bodies) {
          const body = 'b'.repeat(size);
          const half = Math.floor(size / 2);
          const head = 'POST / HTTP/1.1\r\nHost: h\r\n';
          const chunk = (text: string) =>
            text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`;
          const chunks = `${chunk(body.slice(0, half))}${chunk(body.slice(half))}0\r\n\r\n`;
          for (const request of [
            `${head}Content-Length: ${size}\r\n\r\n${body}`,
            `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`,
          ]) {
            const client = await world.connect(proxy.port(name));
            client.send(request);
            // What does not fit is answered with an error or, when that does not fit either, closed.
            const response = await client.readMessage('POST').catch(() => null);
            if (response !== null && response.status === 200)
              expect(response.body === body).toBe(true);
            else if (response !== null)
              expect([400, 408, 414, 431, 500, 502, 503]).toContain(response.status);
            else expect(client.ending).not.toBe('open');
            if (!/bufsize (256|512)|maxhdr 1$/.test(setting)) expect(response?.status).toBe(200);
            client.close();
          }
        }
        const client = await world.connect(proxy.port(name));
        client.send(`GET /${'long'.repeat(20_000)} HTTP/1.1\r\nHost: h\r\n\r\n`);
        const end = await client.readToEnd();
        if (end !== '') expect(end).toMatch(/^HTTP\/1\.[01] (200|400|414|431|500) /);
        client.close();
      }
      expectSilence(proxy);
    },
  );
}
