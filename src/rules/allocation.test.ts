/** Rules allocate nothing while they run. Regular expressions on JavaScript's engine do. */

import { heapStats } from 'bun:jsc';
import { expect, test } from 'bun:test';
import { compileCondition, parseCondition } from './condition.ts';
import { compileExpression, parseExpression } from './expression.ts';
import { testContext, testScope } from './rule-fixture.ts';

const head =
  'GET /images/a.png?x=1&y=2 HTTP/1.1\r\nHost: www.example.com\r\nX-Forwarded-For: 1.2.3.4, ::1\r\n' +
  'Cookie: a=1; b=2\r\nAccept: a, b\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n';

const expressions = [
  'path,lower,field(2,/),length,add(1)',
  'req.hdr(host),upper,hex',
  'req.hdr_ip(x-forwarded-for,1),ipmask(24),lower',
  'req.cook(b),add(5),mul(3)',
  'urlp(y),crc32',
  'base,sdbm',
  'src',
  'date,http_date',
  'date(0,ms),ms_utime(%T.%3N)',
  'uuid',
  'rand(10)',
  'str(a b),url_enc,url_dec,base64,b64dec',
  'req.hdr_names',
  'http_auth_user,concat(-),length',
  'query,json(utf8)',
  'req.hdr(host),regsub("(e)([a-z]+)","[\\2\\1]",g)',
];
const conditions = [
  'if { path_beg /static /images } { path_end .gif .png }',
  'if { path_reg ^/images/(?>a+)\\.(png|gif)$ } { hdr_reg(host) -i ^WWW }',
  'if { hdr_dom(host) -i EXAMPLE } !{ method POST } or { src 10.0.0.0/8 ::1 }',
  'if { hdr(accept) b } { hdr_cnt(accept) 1:5 } { path_dir images }',
  'unless { cook(b) 3 } || { hdr_ip(x-forwarded-for) 2001:db8::/32 }',
];

test('DESIGN: a hundred thousand evaluations leave no objects behind', () => {
  const ctx = testContext(head);
  const scope = testScope();
  const values = expressions.map((text) => compileExpression(parseExpression(text, scope)));
  const checks = conditions.map((text) => compileCondition(parseCondition(text.split(' '), scope)));
  const run = (times: number) => {
    for (let i = 0; i < times; i++) {
      for (let k = 0; k < values.length; k++) values[k]!.evaluate(ctx, ctx.sample);
      for (let k = 0; k < checks.length; k++) checks[k]!(ctx);
    }
  };
  const growth = (work: () => void) => {
    Bun.gc(true);
    const before = heapStats().heapCapacity;
    work();
    // heapStats collects first; what garbage leaves behind is the room that it had taken.
    return heapStats().heapCapacity - before;
  };
  run(3000);
  growth(() => {});
  const bound = 256 * 1024;
  expect(growth(() => run(5000))).toBeLessThan(bound);
  // The measure sees as little as one small object per round.
  const waste: unknown[] = [null];
  const wasteful = () => {
    for (let i = 0; i < 90_000; i++) waste[0] = { i };
  };
  expect(growth(wasteful)).toBeGreaterThan(bound);
});
