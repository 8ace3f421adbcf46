import { expect, test } from 'bun:test';
import { plainRequest, testContext, valueOf } from '../rule-fixture.ts';

const head =
  'GET /p/a;S=1;T=2?a=1&b=&c&n=42&a=2;d=5?e=6 HTTP/1.1\r\nHost: H.com:81\r\nX: a, b ,c\r\nX:\r\n' +
  'x: ,d,\r\nQ: "a,b",c, "d\\",e"\r\nE:\r\nN: 5, 7x\r\n' +
  'I: 1.2.3.4, ::1, [::2]:80, 5.6.7.8:90, x, [::3]\r\nT: \ta\t,  b c  , \r\nU: ,,a,,b,,\r\n' +
  'Cookie: a=1; b="2 3"; c ;n=12;a=4;d=;=z; e = f ;q="x;y"\r\nCookie: a=9, f=8; e=1\r\n\r\n';
const ctx = testContext(head);

// What HAProxy answers to the same request.
const table: [string, string | null][] = [
  ['req.hdr(x)', ''],
  ['req.hdr(x,1)', 'a'],
  ['req.hdr(x,2)', 'b'],
  ['req.hdr(x,3)', 'c'],
  ['req.hdr(x,4)', ''],
  ['req.hdr(x,5)', ''],
  ['req.hdr(x,6)', 'd'],
  ['req.hdr(x,7)', ''],
  ['req.hdr(x,8)', null],
  ['req.hdr(x,-2)', 'd'],
  ['req.hdr(x,-9)', null],
  ['req.hdr_cnt(x)', '7'],
  ['req.fhdr_cnt(x)', '3'],
  ['req.fhdr(x)', ',d,'],
  ['req.fhdr(x,1)', 'a, b ,c'],
  ['req.fhdr(x,-2)', ''],
  ['hdr(q)', '"d\\",e"'],
  ['req.hdr(q,1)', '"a,b"'],
  ['req.hdr_cnt(q)', '3'],
  ['req.hdr(e)', ''],
  ['req.hdr_cnt(e)', '1'],
  ['req.hdr(none)', null],
  ['req.hdr_cnt(none)', '0'],
  ['req.fhdr_cnt', '12'],
  ['req.hdr_names', 'host,x,x,x,q,e,n,i,t,u,cookie,cookie'],
  ['req.hdr_names(;;)', 'host;x;x;x;q;e;n;i;t;u;cookie;cookie'],
  ['req.hdr_val(n)', '7'],
  ['req.hdr_val(n,1)', '5'],
  ['req.hdr_val(x)', '0'],
  ['req.hdr_ip(i,1)', '1.2.3.4'],
  ['req.hdr_ip(i,2)', '::1'],
  ['req.hdr_ip(i,3)', null],
  ['req.hdr_ip(i,4)', '5.6.7.8'],
  ['req.hdr_ip(i,5)', null],
  ['req.hdr(t,1)', 'a'],
  ['req.hdr(t,2)', 'b c'],
  ['req.hdr(t,3)', ''],
  ['req.hdr_cnt(t)', '3'],
  ['req.hdr(u,3)', 'a'],
  ['req.hdr_cnt(u)', '7'],
  ['req.cook(a)', '9'],
  ['req.cook(b)', '"2 3"'],
  ['req.cook(c)', null],
  ['req.cook', '1'],
  ['req.cook_cnt(a)', '3'],
  ['req.cook_cnt', '11'],
  ['req.cook_val(n)', '12'],
  ['req.cook(d)', ''],
  ['req.cook(e)', '1'],
  ['req.cook_cnt(e)', '2'],
  ['req.cook(q)', '"x;y"'],
  ['cookie(f)', '8'],
  ['url', '/p/a;S=1;T=2?a=1&b=&c&n=42&a=2;d=5?e=6'],
  ['path', '/p/a;S=1;T=2'],
  ['pathq', '/p/a;S=1;T=2?a=1&b=&c&n=42&a=2;d=5?e=6'],
  ['query', 'a=1&b=&c&n=42&a=2;d=5?e=6'],
  ['query(with_qm)', '?a=1&b=&c&n=42&a=2;d=5?e=6'],
  ['base', 'H.com:81/p/a;S=1;T=2'],
  ['baseq', 'H.com:81/p/a;S=1;T=2?a=1&b=&c&n=42&a=2;d=5?e=6'],
  ['url_ip', null],
  ['url_port', null],
  ['urlp(a)', '1'],
  ['urlp(b)', ''],
  ['urlp(c)', null],
  ['urlp', '1'],
  ['urlp(n)', '42'],
  ['urlp_val(n)', '42'],
  ['urlp(S,;)', '1'],
  ['urlp(A)', null],
  ['urlp(A,,i)', '1'],
  ['url_param(e)', '6'],
  ['method', 'GET'],
  ['req.ver', '1.1'],
  ['http_first_req', '1'],
  ['src', '127.0.0.1'],
  ['src_port', '40000'],
];

test.each(table)('7.3.6: %s of a request full of odd fields', (expression, expected) => {
  expect(valueOf(ctx, expression)).toBe(expected);
});

test('7.3.2: constants yield their argument', () => {
  const plain = testContext(plainRequest);
  expect(valueOf(plain, 'str(a b)')).toBe('a b');
  expect(valueOf(plain, 'int(-5)')).toBe('-5');
  expect(valueOf(plain, 'bool(true)')).toBe('1');
  expect(valueOf(plain, 'ipv4(10.0.0.1)')).toBe('10.0.0.1');
  expect(valueOf(plain, 'ipv6(fe80::1)')).toBe('fe80::1');
  expect(valueOf(plain, 'bin(6162)')).toBe('ab');
  expect(valueOf(plain, 'meth(FOO)')).toBe('FOO');
});
