/** Captures and what they must leave alone (configuration.txt 4.2 capture, 8.7, 8.8). */
import { expect } from 'bun:test';
import { answer } from '../harness/http.ts';
import { defaultsHttp, scenario } from '../harness/scenario.ts';

/** Every kind of capture that a frontend without `log` may have. */
const captures = {
  'capture response header': 'capture response header X-Long len 900',
  'capture request header': 'capture request header X-Long len 900',
  'capture cookie': 'capture cookie SESSION len 900',
  'http-request capture': 'http-request capture req.hdr(x-long) len 900',
  'unique-id-format': 'unique-id-format %[req.hdr(x-long)]',
};

for (const [name, lines] of Object.entries(captures)) {
  scenario(
    `without a log, ${name} leaves the rules of later requests as they are (8.7, 8.8)`,
    async (world) => {
      const long = 'v'.repeat(900);
      const server = world.http(() =>
        answer('ok', '200 OK', `X-Long: ${long}\r\nSet-Cookie: SESSION=${long}\r\n`),
      );
      const proxy = await world.proxy(`
global
  nbthread 1
  tune.http.logurilen 64
${defaultsHttp}
frontend f
  bind fd@{{f}}
  ${lines}
  http-request deny if { req.cook(deny) -m found }
  http-request deny if { req.hdr(accept-encoding) -m found }
  http-request deny if { req.hdr(if-none-match) -m found }
  default_backend b
backend b
  server s 127.0.0.1:${server.port}
`);
      const client = await world.connect(proxy.port('f'));
      const status = async (fields: string) => {
        client.send(`GET / HTTP/1.1\r\nHost: h\r\n${fields}\r\n`);
        return (await client.readMessage('GET')).status;
      };
      const denied = ['Cookie: deny=1\r\n', 'Accept-Encoding: gzip\r\n', 'If-None-Match: "x"\r\n'];
      for (const fields of denied) expect(await status(fields)).toBe(403);
      const plain = `X-Long: ${long}\r\nCookie: SESSION=${long}\r\n`;
      for (let i = 0; i < 3; i++) expect(await status(plain)).toBe(200);
      for (const fields of denied) expect(await status(fields)).toBe(403);
    },
  );
}
