/** The forms of each part of a request that `generated.ts` puts together: good ones and odd ones. */
import { head } from '../case.ts';

export const chunks = '3\r\nabc\r\n0\r\n\r\n';

export const key = 'dGhlIHNhbXBsZSBub25jZQ==';

export const versions = ['HTTP/1.1', 'HTTP/1.0'];

export const hosts = [
  ...[
    'h',
    'H.Example',
    'h:80',
    'h:',
    'h:8080',
    'h:080',
    'h:0',
    'h:65536',
    'h:8a',
    'h:80:80',
    ':80',
  ],
  ...[':', '', '.', '-', '_', 'h.', '1.2.3.4', '1.2.3.4:80', '::1', '[::1]', '[::1]:80', '[::1]80'],
  ...[
    '[::1',
    '::1]',
    '[]',
    '[v1.x]',
    '[h]i',
    'h[i]',
    '[[h]]',
    '[h]:i',
    'h:9',
    'h:1',
    ':8080',
    'u@h',
    '@h',
    'u:p@h',
    'h/',
    'h/p',
  ],
  ...['h?q', 'h#f', 'h,i', 'h, i', 'h i', 'h\ti', 'h;i', "h!$&'()*+=~", 'h%41', 'h%4', 'h%', 'h"i'],
  ...['h<i>', 'h|i', 'h\\i', 'h^i', 'h`i', 'h{i}', 'http://h', 'h:+80', 'h:-1', 'h: 80', 'h :80'],
];

export const schemes = ['http', 'https', 'HTTP', 'ftp', 'ws', 'h+t-t.p', '1http', 'http:', ''];

export const ports = ['', ':', ':80', ':080', ':443', ':8080'];

export const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PATCH',
];

export const oddMethods = ['FROB', 'get', 'PRI', 'pri', 'G', 'M-SEARCH', 'A!#$%&*+.^_`|~9'];

/** A letter away from a method that is known. */
export const almost = ['GEX', 'XET', 'GXT', 'HEAX', 'DELETX', 'CONNECX', 'OPTIONX'];

export const targets = [
  ...[
    '/',
    '/a?b=c',
    '*',
    '*a',
    'h',
    'h:80',
    '?q',
    '*:443',
    'http://h',
    'http://h/',
    'http://h?q',
    'http://',
  ],
  ...[
    'http:/h',
    'http:h',
    '//h/',
    'https://h:443',
    '/a%00',
    '/..',
    '/;',
    '/"<>\\^`{|}',
    '.',
    'a/b',
  ],
];

export const lengths = [
  '3',
  '0',
  '03',
  '3,3',
  '3, 4',
  '4',
  ' 3 ',
  '+3',
  '3x',
  '',
  '3,',
  '9007199254740993',
];

export const oddLengths = ['3 , 3', '3\t,\t3', '12,12', '9007199254740991'];

export const codings = [
  'chunked',
  'CHUNKED',
  'chunked,',
  ',chunked',
  'gzip',
  'gzip, chunked',
  'identity',
];

export const oddCodings = [
  'chunked, chunked',
  'chunked, gzip',
  'chunked;q=1',
  '"chunked"',
  '',
  'xchunked',
];

export const sizes = [
  '3',
  '03',
  '0000000003',
  '3 ',
  '3\t',
  ' 3',
  '',
  'g',
  '-3',
  '+3',
  '0x3',
  '3g',
  '3.0',
];

export const wrongSizes = ['2', '4', '10', 'ffffffffffffffff', '10000000000000003', '3,3', '3:'];

export const extensions = [
  '',
  ';',
  ';a',
  ';a=b',
  ';a="b;c"',
  '; a = b',
  ' ;a',
  ';a\x00',
  ';a\tb',
  ';\xe9',
  ',a',
];

export const lineEnds = ['\r\n', '\n', '\r', '\r\r\n', '\n\r', ' \r\n', ''];

export const names = [
  ...[
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Proxy-Connection',
    'Keep-Alive',
  ],
  ...['TE', 'Trailer', 'Upgrade', 'Expect', 'HTTP2-Settings', 'Sec-WebSocket-Key', 'Cookie'],
  ...[
    'Authorization',
    'Content-Type',
    'Content-Encoding',
    'Content-Range',
    'Cache-Control',
    'Range',
  ],
  ...[
    'X-A',
    'x_a',
    'X-A ',
    ' X-A',
    'X A',
    'X:A',
    ':a',
    '',
    'X\x00',
    'X\xe9',
    '(X)',
    'Hosts',
    'Hos',
  ],
];

export const upgrades = [
  'h2c',
  'websocket',
  'frob',
  'H2C',
  'h2',
  'h2c, frob',
  'frob,h2c',
  'WebSocket, frob',
  '',
  'h\x12c',
  'close, frob, h2c',
  'http2-settings',
];

export const connections = [
  ...[
    'upgrade',
    'Upgrade, HTTP2-Settings',
    'keep-alive, Upgrade',
    'close',
    'x-a',
    'x-a,upgrade,close',
  ],
  ...[
    'HTTP2-Settings',
    'upgrade,',
    ',upgrade',
    'x-a , upgrade , x-b',
    'TE, close',
    'close, x-a,x-b',
    'x-a\t,\tclose',
    'close,x-a\t, x-b',
    'h2c, x-a, close',
  ],
];

export const keys = [
  key,
  key.slice(1),
  `${key}=`,
  key.replace('d', '!'),
  '',
  'dGhlIHNhbXBsZSBub25jZQA=',
  `${key.slice(0, 23)}A`,
];

export const seeds = [
  head('GET /a/b?c=d HTTP/1.1', 'Host: example.test', 'User-Agent: x', 'Accept: */*'),
  head('GET http://example.test:80/x HTTP/1.1', 'Host: example.test', 'Connection: close'),
  head('GET / HTTP/1.0', 'Connection: keep-alive', 'X-A: b'),
  head('OPTIONS * HTTP/1.1', 'Host: example.test:8080'),
  head('CONNECT example.test:443 HTTP/1.1', 'Host: example.test:443'),
  `${head('POST / HTTP/1.1', 'Host: h', 'Content-Length: 3', 'X-A: b')}abc`,
  head('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked') + chunks,
  `${head('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked')}3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n`,
  head(
    'GET / HTTP/1.1',
    'Host: h',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${key}`,
  ),
  head('GET / HTTP/1.1', 'Host: h', 'Connection: Upgrade', 'Upgrade: frob, h2c', 'TE: trailers'),
  `${head('PUT / HTTP/1.1', 'Host: h', 'Content-Length: 1')}a${head('GET /2 HTTP/1.1', 'Host: h')}`,
];

export const words = [
  ...['\r\n', '\n', '\r', ' ', '\t', ':', ',', ';', '\0', '\x7f', '\xff', '%', '/', '#', '0', '3'],
  ...[
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Host: i\r\n',
    'chunked',
    'HTTP/1.0',
  ],
];
