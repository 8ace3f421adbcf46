import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { proxyConfig } from '../model/config-fixture.ts';
import { Proxy } from '../model/runtime.ts';
import { answerOf, contextOf } from '../rules/action/message-fixture.ts';
import { hasHaproxy, Reference } from '../rules/action/reference-fixture.ts';
import { text } from '../sys/arena.ts';
import { compileErrorPages, errorPage, prepareErrorPage } from './error-page.ts';

const request = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

/** A context whose stream goes from a frontend to a backend with these files. */
function contextBetween(frontend: Record<number, string>, backend: Record<number, string>) {
  const fe = proxyConfig({ index: 10, errorFiles: frontend });
  const be = proxyConfig({ index: 11, errorFiles: backend });
  const pages = compileErrorPages(fe);
  compileErrorPages(be);
  const ctx = contextOf(request);
  ctx.session.frontend = new Proxy(fe, 1, -1, []);
  ctx.stream!.frontend = ctx.session.frontend;
  ctx.stream!.backend = new Proxy(be, -1, 2, []);
  return { ctx, pages };
}

const file = (reason: string) => `HTTP/1.1 403 ${reason}\r\nContent-Length: 0\r\n\r\n`;
const sent = (reason: string) => `HTTP/1.1 403 ${reason}\r\ncontent-length: 0\r\n\r\n`;

describe('4.2 errorfile: which page answers', () => {
  test('the backend comes before the frontend, the frontend before the default', () => {
    const both = contextBetween({ 403: file('F') }, { 403: file('B') }).ctx;
    prepareErrorPage(both, 403);
    expect(answerOf(both)).toBe(sent('B'));
    const front = contextBetween({ 403: file('F') }, { 404: file('B') }).ctx;
    prepareErrorPage(front, 403);
    expect(answerOf(front)).toBe(sent('F'));
    const none = contextBetween({}, {}).ctx;
    prepareErrorPage(none, 403);
    expect(answerOf(none)).toStartWith('HTTP/1.1 403 Forbidden\r\ncontent-length: 93\r\n');
  });
  test('an empty file closes without an answer, early errors included', () => {
    const { ctx, pages } = contextBetween({ 400: '' }, {});
    prepareErrorPage(ctx, 400);
    expect([ctx.replySilent, ctx.replyBodyLen]).toEqual([true, 0]);
    expect(pages.len(400)).toBe(0);
    expect(text(pages.off(408), pages.len(408))).toStartWith('HTTP/1.1 408 Request Time-out\r\n');
  });
  test('a status without a page is answered with 500', () => {
    const { ctx, pages } = contextBetween({}, {});
    prepareErrorPage(ctx, 418);
    expect(ctx.response!.status).toBe(500);
    expect(text(pages.off(418), 12)).toBe('HTTP/1.1 500');
  });
  test('an HTTP/1.0 file keeps its version, one without a length ends the connection', () => {
    const { ctx } = contextBetween({ 403: 'HTTP/1.0 403 Nope\r\nX-Foo: Bar\r\n\r\nbody!\n' }, {});
    prepareErrorPage(ctx, 403);
    expect(answerOf(ctx)).toBe(
      'HTTP/1.0 403 Nope\r\nx-foo: Bar\r\nconnection: close\r\n\r\nbody!\n',
    );
  });
});

describe.skipIf(!hasHaproxy)('1.4.1: pages are those of HAProxy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-pages-'));
  const files = [
    'HTTP/1.1 403 Nope\nX-Foo:   Bar  \nContent-Length: 6\n\nbody!\n',
    'HTTP/1.1 403 Nope\r\nX-Foo: Bar\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi',
    'HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-B: \xff\r\n\r\nbody!',
    'HTTP/1.1 403 Nope\r\nX-Foo: Bar\r\n\r\nbody!\n',
    '',
  ];
  const haproxy = new Reference();
  beforeAll(() => {
    files.forEach((page, i) => {
      writeFileSync(join(folder, `${i}`), page, 'latin1');
    });
    const sections = files.map((_, i) => [
      `errorfile 403 ${join(folder, `${i}`)}`,
      'http-request deny',
    ]);
    return haproxy.start(sections);
  });
  afterAll(async () => {
    await haproxy.stop();
    rmSync(folder, { recursive: true });
  });

  test('a request that cannot be parsed gets the page as it is written', async () => {
    const { client } = await haproxy.ask(0, 'bad\r\n\r\n');
    expect(Buffer.from(errorPage(400).bytes).toString('latin1')).toBe(client);
  });
  files.forEach((page, i) => {
    test(`file ${JSON.stringify(page)}`, async () => {
      const { client } = await haproxy.ask(i, request);
      const { ctx } = contextBetween({}, { 403: page });
      prepareErrorPage(ctx, 403);
      expect(answerOf(ctx)).toBe(client);
    });
  });
});
