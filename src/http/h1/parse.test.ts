import { expect, test } from 'bun:test';
import { mem, reserve, text } from '../../sys/arena.ts';
import { BodyMode, Col, HttpMessage, ROW } from '../message.ts';
import { Method } from '../method.ts';
import { HeadError, parseRequest, parseResponse } from './parse.ts';
import { serializeHead } from './serialize.ts';

const at = reserve(70_000);
const out = reserve(70_000);
const req = new HttpMessage(false, 101, 16384);
const res = new HttpMessage(true, 101, 16384);

function request(input: string, relaxed = false): number {
  mem.set(Buffer.from(input, 'latin1'), at);
  return parseRequest(req, at, input.length, 101, relaxed);
}

function response(input: string, method = Method.Get, relaxed = false): number {
  mem.set(Buffer.from(input, 'latin1'), at);
  return parseResponse(res, at, input.length, 101, relaxed, method);
}

function written(msg: HttpMessage): string {
  return text(out, serializeHead(msg, out, 65_000, null));
}

test('empty lines in front of a request count as used bytes, for HTTP/0.9 too (RFC 9112 2.2)', () => {
  const line = '\r\nGET /x HTTP/1.1\r\n\r\n';
  expect(request(`${line}rest`)).toBe(line.length);
  expect(request('\r\n\r\nGET /x\r\n', true)).toBe(12);
});

test('a host that is empty but for its port is refused (RFC 9110 4.2.1)', () => {
  for (const target of ['http://:80/', 'http://:/', 'https://:443', 'http:///x']) {
    expect([target, request(`GET ${target} HTTP/1.1\r\n\r\n`)]).toEqual([
      target,
      HeadError.Invalid,
    ]);
  }
});

test('a request is taken apart and written again with lower-case names (RFC 9112 3)', () => {
  const head = 'GET /a?b HTTP/1.1\r\nHost: x\r\nX-Two:   padded \t\r\nEmpty:\r\n\r\n';
  expect(request(`${head}rest`)).toBe(head.length);
  expect(req.method).toBe(Method.Get);
  expect(text(req.uriOff, req.uriLen)).toBe('/a?b');
  expect(req.count).toBe(3);
  expect(text(req.rows[ROW + Col.ValOff]!, req.rows[ROW + Col.ValLen]!)).toBe('padded');
  expect(written(req)).toBe('GET /a?b HTTP/1.1\r\nhost: x\r\nx-two: padded\r\nempty: \r\n\r\n');
});

test('every prefix of a head is incomplete, never an error (RFC 9112 2)', () => {
  const head = 'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n';
  for (let n = 0; n < head.length; n++) {
    expect([n, request(head.slice(0, n))]).toEqual([n, HeadError.Incomplete]);
  }
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n';
  for (let n = 1; n < answer.length; n++) {
    expect([n, response(answer.slice(0, n))]).toEqual([n, HeadError.Incomplete]);
  }
});

test.each([
  ['a repeated length that differs', 'Content-Length: 3\r\nContent-Length: 4\r\n'],
  ['a list of lengths that differ', 'Content-Length: 3, 4\r\n'],
  ['a signed length', 'Content-Length: +3\r\n'],
  ['an empty length', 'Content-Length:\r\n'],
  ['a length with garbage', 'Content-Length: 3x\r\n'],
  ['a length beyond 2^53', 'Content-Length: 99999999999999999999\r\n'],
  ['chunked twice', 'Transfer-Encoding: chunked, chunked\r\n'],
  ['a coding after chunked', 'Transfer-Encoding: chunked, gzip\r\n'],
  ['an empty coding', 'Transfer-Encoding:\r\n'],
  ['a blank before the colon', 'Name : x\r\n'],
  ['obsolete folding', 'Name: x\r\n folded\r\n'],
  ['a NUL in a value', 'Name: x\0y\r\n'],
  ['a bare CR in a value', 'Name: x\ry\r\n'],
  ['a bare LF as line end', 'Name: x\n'],
  ['a name without a colon', 'Name\r\n'],
  ['an empty name', ': x\r\n'],
  ['a control character in a name', 'Na\x01me: x\r\n'],
  ['two hosts that differ', 'Host: a\r\nHost: b\r\n'],
])('%s is refused (RFC 9112 5, 6)', (_, fields) => {
  expect(request(`POST / HTTP/1.1\r\n${fields}\r\n`)).toBeLessThan(0);
});

test.each([
  ['two blanks after the method', 'GET  / HTTP/1.1\r\n\r\n'],
  ['no target', 'GET HTTP/1.1\r\n\r\n'],
  ['no version', 'GET /\r\n\r\n'],
  ['a lower-case protocol', 'GET / http/1.1\r\n\r\n'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\n'],
  ['two digits of minor version', 'GET / HTTP/1.10\r\n\r\n'],
  ['a control character in the target', 'GET /\x01 HTTP/1.1\r\n\r\n'],
  ['a byte above 127 in the target', 'GET /\xe9 HTTP/1.1\r\n\r\n'],
  ['a fragment in the target', 'GET /a#b HTTP/1.1\r\n\r\n'],
  ['a bad method', 'G@T / HTTP/1.1\r\n\r\n'],
  ['an authority that is not Host', 'GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n'],
  ['CONNECT without a port', 'CONNECT host HTTP/1.1\r\n\r\n'],
])('%s is refused (RFC 9112 3)', (_, head) => {
  expect(request(head)).toBeLessThan(0);
});

test('chunked wins over a length, which does not travel on (RFC 9112 6.1)', () => {
  request('POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n');
  expect(req.body).toBe(BodyMode.Chunked);
  expect(req.insecureFraming).toBe(true);
  expect(written(req)).toBe('POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n');
});

test('repeated identical lengths count as one (RFC 9112 6.3)', () => {
  request('POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3, 3\r\n\r\n');
  expect(req.contentLength).toBe(3);
  expect(written(req)).toBe('POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n');
});

test('the end of a response body follows RFC 9112 6.3', () => {
  const cases: [string, Method, BodyMode][] = [
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', Method.Get, BodyMode.Length],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', Method.Head, BodyMode.None],
    ['HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n', Method.Get, BodyMode.None],
    ['HTTP/1.1 304 No\r\n\r\n', Method.Get, BodyMode.None],
    ['HTTP/1.1 200 OK\r\n\r\n', Method.Get, BodyMode.Close],
    ['HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n', Method.Get, BodyMode.Chunked],
    ['HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', Method.Get, BodyMode.Tunnel],
    ['HTTP/1.1 200 OK\r\n\r\n', Method.Connect, BodyMode.Tunnel],
  ];
  for (const [head, method, body] of cases) {
    expect([head, response(head, method)]).toEqual([head, head.length]);
    expect([head, res.body]).toEqual([head, body]);
  }
});

test('relaxed parsing drops fields with bad names and accepts HTTP/0.9 (4.2)', () => {
  expect(request('GET / HTTP/1.1\r\nbad name: x\r\nhost: a\r\n\r\n', true)).toBeGreaterThan(0);
  expect(written(req)).toBe('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  expect(request('GET /\r\n', true)).toBe(7);
  expect(req.version).toBe(9);
});

test('more fields than tune.http.maxhdr are told apart from bad ones (3.2)', () => {
  const fields = 'a: b\r\n'.repeat(102);
  expect(request(`GET / HTTP/1.1\r\n${fields}\r\n`)).toBe(HeadError.TooManyFields);
});
