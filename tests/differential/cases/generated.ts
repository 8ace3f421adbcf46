/**
 * Crafted requests by the thousand: every form of a part beside every form of another one, every
 * byte in every kind of place, and random edits of good requests from a fixed seed. Their names say
 * what they are; `rules.ts` says which of them may differ from haproxy.
 */
import { mutate } from '../../fuzz/mutation.ts';
import { Random } from '../../fuzz/random.ts';
import { printable } from '../../harness/bytes.ts';
import { type Case, head, type Variant } from '../case.ts';
import {
  almost,
  chunks,
  codings,
  connections,
  extensions,
  hosts,
  key,
  keys,
  lengths,
  lineEnds,
  methods,
  names,
  oddCodings,
  oddLengths,
  oddMethods,
  ports,
  schemes,
  seeds,
  sizes,
  targets,
  upgrades,
  versions,
  words,
  wrongSizes,
} from './forms.ts';

/** A request and what it is called. */
type Named = [name: string, bytes: string];

function* hostRequests(): Iterable<Named> {
  for (const host of hosts) {
    for (const version of versions) {
      yield [`host ${host} in ${version}`, head(`GET / ${version}`, `Host: ${host}`)];
    }
    yield [`host ${host} in a target`, head(`GET http://${host}/ HTTP/1.1`)];
    yield [
      `host ${host} in a target and in Host`,
      head(`GET http://${host}/ HTTP/1.1`, `Host: ${host}`),
    ];
    yield [`host ${host} beside the target h`, head('GET http://h/ HTTP/1.1', `Host: ${host}`)];
    yield [`host ${host} with CONNECT`, head(`CONNECT ${host} HTTP/1.1`, `Host: ${host}`)];
    yield [`host ${host} with CONNECT and a port`, head(`CONNECT ${host}:443 HTTP/1.1`)];
    yield [`host ${host} after another`, head('GET / HTTP/1.1', 'Host: h', `Host: ${host}`)];
  }
}

function* authorityRequests(): Iterable<Named> {
  for (const scheme of schemes) {
    for (const port of ports) {
      for (const other of ['h', 'h:80', 'h:443']) {
        const target = `${scheme}://h${port}/p`;
        yield [
          `target ${target} beside ${other}`,
          head(`GET ${target} HTTP/1.1`, `Host: ${other}`),
        ];
      }
    }
  }
  for (const [target, other] of [
    ['http://zA:80/', 'Za'],
    ['http://zA/', 'Za:80'],
    ['http://h_/', 'h\x7f'],
    ['http://h/', 'i'],
    ['http://zA', 'Za'],
    ['http://h', 'h:80'],
    ['http://h', 'h:'],
    ['http://h:80', 'h:80'],
  ]) {
    yield [`target ${target} beside ${other}`, head(`GET ${target} HTTP/1.1`, `Host: ${other}`)];
  }
  yield ['target http://80/ and no blank before Host', head('GET http://80/ HTTP/1.1', 'Host:80')];
  yield ['CONNECT 443 without a name', head('CONNECT 443 HTTP/1.1')];
  for (const port of ports) {
    for (const other of ports) {
      const lines = [`CONNECT h${port} HTTP/1.1`, `Host: h${other}`];
      yield [`CONNECT h${port} beside h${other}`, head(...lines)];
    }
  }
}

function* lineRequests(): Iterable<Named> {
  for (const method of [...methods, ...oddMethods]) {
    for (const target of targets) {
      for (const version of versions) {
        yield [`line ${method} ${target} ${version}`, head(`${method} ${target} ${version}`)];
      }
    }
  }
  for (const method of [...methods, ...almost]) {
    const body = `${head(`${method} / HTTP/1.0`, 'Content-Length: 3')}abc`;
    yield [`a body with ${method} in HTTP/1.0`, body];
    yield [`line ${method} h:443`, head(`${method} h:443 HTTP/1.1`)];
    yield [`line ${method} * beside Host`, head(`${method} * HTTP/1.1`, 'Host: h')];
  }
  for (const line of ['GET  / HTTP/1.1', 'GET /  HTTP/1.1', 'GET\t/ HTTP/1.1', 'GET /\tHTTP/1.1']) {
    yield [`line ${line}`, head(line, 'Host: h')];
  }
  for (const version of ['HTTP/1.2', 'HTTP/1.9', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.10', 'HTTP/1']) {
    yield [`line GET / ${version}`, head(`GET / ${version}`, 'Host: h')];
  }
}

function* framingRequests(): Iterable<Named> {
  const fields = [
    ...lengths.map((value) => `Content-Length: ${value}`),
    ...[...codings, ...oddCodings].map((value) => `Transfer-Encoding: ${value}`),
  ];
  for (const value of oddLengths) {
    const request = `${head('POST / HTTP/1.1', 'Host: h', `Content-Length: ${value}`)}abc`;
    yield [`framing Content-Length: ${value}`, request];
  }
  for (const field of ['Transfer-Encoding: gzip\t,\tchunked', 'TE: gzip\t,\ttrailers']) {
    yield [`framing ${field}`, head('POST / HTTP/1.1', 'Host: h', field) + chunks];
  }
  const connect = head('CONNECT h:443 HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked');
  yield ['framing Transfer-Encoding of CONNECT', connect + chunks];
  for (const first of ['', ...fields]) {
    for (const second of fields) {
      const both = `${first}${second}`;
      const body = both.includes('Transfer') ? chunks : /: 0?4/.test(both) ? 'abcd' : 'abc';
      const lines = first === '' ? [second] : [first, second];
      yield [`framing ${lines.join(' and ')}`, head('POST / HTTP/1.1', 'Host: h', ...lines) + body];
      if (first !== '' && second !== fields[0] && second !== 'Transfer-Encoding: chunked') continue;
      for (const method of ['POST', 'GET', 'HEAD', 'DELETE']) {
        const request = head(`${method} / HTTP/1.0`, ...lines) + body;
        yield [`framing ${lines.join(' and ')} of ${method} in HTTP/1.0`, request];
      }
    }
  }
}

function* chunkRequests(): Iterable<Named> {
  const post = head('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked');
  for (const size of [...sizes, ...wrongSizes]) {
    for (const extension of extensions) {
      yield [`chunk ${size}${extension}`, `${post}${size}${extension}\r\nabc\r\n0\r\n\r\n`];
    }
    yield [`last chunk ${size}`, `${post}3\r\nabc\r\n${size.replaceAll('3', '0')}\r\n\r\n`];
  }
  for (const end of lineEnds) {
    yield [`chunk size ends in ${end}`, `${post}3${end}abc\r\n0\r\n\r\n`];
    yield [`chunk data ends in ${end}`, `${post}3\r\nabc${end}0\r\n\r\n`];
    yield [`last chunk ends in ${end}`, `${post}3\r\nabc\r\n0${end}\r\n`];
    yield [`trailer ends in ${end}`, `${post}0\r\nX-A: b${end}\r\n`];
    yield [`trailers end in ${end}`, `${post}0\r\nX-A: b\r\n${end}`];
  }
}

function* trailerRequests(): Iterable<Named> {
  const post = head('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked');
  for (const name of names) {
    for (const value of [' 1', '', ':1', '\t1 ', ' chunked']) {
      yield [`trailer ${name}:${value}`, `${post}0\r\n${name}:${value}\r\n\r\n`];
    }
    yield [`trailer ${name} after another`, `${post}0\r\nX-A: 1\r\n${name}: 1\r\n\r\n`];
    yield [`field ${name}`, head('GET / HTTP/1.1', 'Host: h', `${name}: 1`)];
    yield [`field ${name} twice`, head('GET / HTTP/1.1', `${name}: 1`, `${name}: 1`)];
    yield [
      `field ${name} named by Connection`,
      head('GET / HTTP/1.1', `Connection: ${name}`, `${name}: 1`),
    ];
  }
}

function* upgradeRequests(): Iterable<Named> {
  for (const connection of connections) {
    for (const upgrade of upgrades) {
      const fields = [`Connection: ${connection}`, `Upgrade: ${upgrade}`];
      const what = `upgrade to ${upgrade} by ${connection}`;
      const whole = [...fields, `Sec-WebSocket-Key: ${key}`, 'HTTP2-Settings: AAMA'];
      for (const version of versions) {
        yield [`${what} in ${version}`, head(`GET / ${version}`, 'Host: h', ...whole)];
      }
      yield [
        `${what} and a body`,
        `${head('POST / HTTP/1.1', 'Host: h', ...whole, 'Content-Length: 3')}abc`,
      ];
      yield [`${what} without more`, head('GET / HTTP/1.1', 'Host: h', ...fields)];
      yield [`${what} and a coding`, head('GET / HTTP/1.1', ...fields, 'TE: gzip, trailers')];
    }
  }
  const handshake = ['Connection: upgrade', 'Upgrade: websocket'];
  const first = head('GET / HTTP/1.1', `Sec-WebSocket-Key: ${key}`, ...handshake);
  yield ['websocket key in front', first];
  for (const value of keys) {
    for (const other of [...keys, null]) {
      const fields = ['Connection: upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${value}`];
      if (other !== null) fields.push(`Sec-WebSocket-Key: ${other}`);
      yield [`websocket keys ${value} and ${other}`, head('GET / HTTP/1.1', 'Host: h', ...fields)];
    }
  }
}

/** What option accept-unsafe-violations-in-http-request lets pass, and what not. */
function* looseRequests(): Iterable<Named> {
  for (const host of hosts) {
    yield [`loose host ${host}`, head('GET / HTTP/1.1', `Host: ${host}`)];
    yield [`loose host ${host} in a target`, head(`GET http://${host} HTTP/1.1`, 'Host: i')];
    yield [`loose host ${host} in a target alone`, head(`GET http://${host}/ HTTP/1.1`)];
  }
  for (const method of ['GET', 'OPTIONS', 'CONNECT', 'PRI', 'FROB', 'GE(T', 'G\xe9T']) {
    for (const target of [...targets, '/a#b', '/a\xe9', 'h?q', 'http://u@h:80']) {
      yield [`loose line ${method} ${target}`, head(`${method} ${target} HTTP/1.1`, 'Host: h')];
      yield [`loose line ${method} ${target} and no version`, `${method} ${target}\r\n`];
    }
  }
  for (const value of [...codings, ...oddCodings]) {
    const request = head('POST / HTTP/1.1', 'Host: h', `Transfer-Encoding: ${value}`) + chunks;
    yield [`loose coding ${value}`, request];
  }
  for (const value of lengths) {
    const request = `${head('POST / HTTP/1.1', 'Host: h', `Content-Length: ${value}`)}abc`;
    yield [`loose length ${value}`, request];
  }
  yield ['loose Hosts that differ in one bit', head('GET / HTTP/1.1', 'Host: h^', 'Host: h~')];
  yield ['loose Hosts that differ in case', head('GET / HTTP/1.1', 'Host: h', 'Host: H')];
  for (let code = 0; code < 256; code++) {
    const byte = String.fromCharCode(code);
    const what = `loose byte ${printable(byte)}`;
    yield [`${what} in a target`, head(`GET /a${byte}b HTTP/1.1`, 'Host: h')];
    yield [`${what} in a name`, head('GET / HTTP/1.1', 'Host: h', `X${byte}A: b`)];
    yield [`${what} in a value`, head('GET / HTTP/1.1', 'Host: h', `X-A: a${byte}b`)];
  }
}

/** Every byte in every kind of place. */
function* byteRequests(): Iterable<Named> {
  for (let code = 0; code < 256; code++) {
    const byte = String.fromCharCode(code);
    const what = `byte ${printable(byte)}`;
    yield [`${what} in a method`, head(`GE${byte}T / HTTP/1.1`, 'Host: h')];
    yield [`${what} in a target`, head(`GET /a${byte}b HTTP/1.1`, 'Host: h')];
    yield [`${what} in Host`, head('GET / HTTP/1.1', `Host: h${byte}i`)];
    yield [`${what} in an authority`, head(`GET http://h${byte}i/ HTTP/1.1`)];
    yield [`${what} in a name`, head('GET / HTTP/1.1', 'Host: h', `X${byte}A: b`)];
    yield [`${what} in a value`, head('GET / HTTP/1.1', 'Host: h', `X-A: a${byte}b`)];
    yield [`${what} in front of a value`, head('GET / HTTP/1.1', 'Host: h', `X-A:${byte}b`)];
    yield [
      `${what} in a length`,
      `${head('POST / HTTP/1.1', 'Host: h', `Content-Length: 1${byte}`)}a`,
    ];
    yield [
      `${what} in a coding`,
      head('POST / HTTP/1.1', 'Host: h', `Transfer-Encoding: chunked${byte}`) + chunks,
    ];
    const post = head('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked');
    yield [`${what} in a chunk size`, `${post}3${byte}\r\nabc\r\n0\r\n\r\n`];
    yield [`${what} in a trailer`, `${post}0\r\nX-A: a${byte}b\r\n\r\n`];
    yield [`${what} in the version`, head(`GET / HTTP/1.${byte}`, 'Host: h')];
  }
}

const SEED = 0x51a1ce;
const MUTATIONS = 800;

function* mutatedRequests(): Iterable<Named> {
  const random = new Random(SEED);
  for (let i = 0; i < MUTATIONS; i++) {
    yield [`mutation ${i}`, mutate(random, random.pick(seeds), words)];
  }
}

const refusal = head('HTTP/1.1 403 No', 'Content-Length: 0');

/** Requests of one kind; what an earlier family has sent already is left out. */
export interface Family {
  name: string;
  cases: Case[];
}

function createFamilies(): Family[] {
  const seen = new Set<string>();
  const make = (name: string, requests: Iterable<Named>, variant: Variant = 'plain'): Family => {
    const cases: Case[] = [];
    for (const [what, send] of requests) {
      const key = `${variant} ${send}`;
      if (send === '' || seen.has(key)) continue;
      seen.add(key);
      const kase: Case = { name: `generated: ${printable(what)}`, variant, send };
      // What these are about is not the answer to CONNECT: no tunnel.
      const connects = send.startsWith('CONNECT');
      cases.push(connects ? { ...kase, answer: refusal, after: 'close' } : kase);
    }
    return { name, cases };
  };
  return [
    make('forms of Host', hostRequests()),
    make('targets beside Host', authorityRequests()),
    make('methods, targets and versions', lineRequests()),
    make('framing fields in pairs', framingRequests()),
    make('forms of chunks', chunkRequests()),
    make('names in heads and trailers', trailerRequests()),
    make('upgrades and keys', upgradeRequests()),
    make('every byte in every place', byteRequests()),
    make('with violations accepted', looseRequests(), 'unsafe'),
    make('mutations', mutatedRequests()),
  ];
}

export const families: readonly Family[] = createFamilies();

export const generatedCases: readonly Case[] = families.flatMap((family) => family.cases);
