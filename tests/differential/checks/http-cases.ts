/** HTTP checks, and servers that answer them in all ways: well, badly, late, never. */
import type { Act, CheckCase } from './observe.ts';

const request: Act = { until: '\r\n\r\n' };

/** A server that answers one request. */
function http(answer: string, end: Act[] = ['close']): Act[][] {
  return [[request, { send: answer }, ...end]];
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const httpchk = 'option httpchk';

function httpCase(name: string, lines: string[], acts: Act[][]): CheckCase {
  return { name: `http ${name}`, lines: [httpchk, ...lines], acts };
}

/** A server with this answer under one rule. */
function expecting(rule: string, answer: string, lines: string[] = []): CheckCase {
  const status = answer.slice(9, 12);
  return httpCase(
    `expect ${rule} of ${status} ${answer.length}`,
    [...lines, `http-check expect ${rule}`],
    http(answer),
  );
}

const headers =
  'HTTP/1.1 200 OK\r\nSet-Cookie: sessid=1\r\nX-List: a, b ,c\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\nhello world';

export const httpCases: readonly CheckCase[] = [
  httpCase('plain', [], http(ok)),
  httpCase('201', [], http('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n')),
  httpCase('301', [], http('HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n')),
  httpCase('404', [], http('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')),
  httpCase('500 without a reason', [], http('HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n')),
  httpCase(
    '503 long reason',
    [],
    http('HTTP/1.1 503 Service Unavailable, "come" back later\r\nContent-Length: 0\r\n\r\n'),
  ),
  httpCase('100 then 200', [], http(`HTTP/1.1 100 Continue\r\n\r\n${ok}`)),
  httpCase('101', [], http('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n')),
  httpCase('200 hangs in the body', [], http('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok', [])),
  httpCase('200 until close', [], http('HTTP/1.1 200 OK\r\n\r\nok', [])),
  httpCase('200 of HTTP/1.0', [], http('HTTP/1.0 200 OK\r\n\r\nok')),
  httpCase('no answer', [], [[request]]),
  httpCase('half a head, then nothing', [], http('HTTP/1.1 200 OK\r\nA: b', [])),
  httpCase('half a head, then close', [], http('HTTP/1.1 200 OK\r\nA: b')),
  httpCase('half a line, then close', [], http('HTTP/1.1 2')),
  httpCase('close without a byte', [], http('')),
  httpCase('reset', [], http('', ['reset'])),
  httpCase('garbage', [], http('this is no HTTP\r\n\r\n')),
  httpCase('garbage that hangs', [], http('this is no HTTP\r\n\r\n', [])),
  httpCase('zero bytes', [], http('\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0')),
  httpCase('status of two digits', [], http('HTTP/1.1 20 OK\r\n\r\n')),
  httpCase('HTTP/2 preface', [], http('HTTP/2.0 200 OK\r\n\r\n')),
  httpCase('bad field', [], http('HTTP/1.1 200 OK\r\na b: c\r\n\r\n')),
  httpCase(
    'two lengths',
    [],
    http('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok'),
  ),
  httpCase(
    'a head that does not fit',
    [],
    http(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(20000)}\r\n\r\n`),
  ),
  httpCase(
    'a head that does not fit and hangs',
    [],
    http(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(20000)}\r\n\r\n`, []),
  ),
  httpCase('a million bytes', [], http(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1_000_000)}`)),
  httpCase(
    'a million bytes, wanted',
    ['http-check expect string y'],
    http(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1_000_000)}y`),
  ),
  httpCase(
    'a million bytes of a length',
    ['http-check expect string y'],
    http(`HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n${'x'.repeat(1_000_000)}y`),
  ),
  httpCase('early answer that holds', [], [[{ send: ok }]]),
  { name: 'http method', lines: ['option httpchk /foo'], acts: http(ok) },
  {
    name: 'http method and uri',
    lines: ['option httpchk HEAD /foo?a=b'],
    acts: http('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', []),
  },
  {
    name: 'http head with a body',
    lines: ['option httpchk HEAD /', 'http-check expect string ok'],
    acts: http(ok),
  },
  { name: 'http version', lines: ['option httpchk GET / HTTP/1.1'], acts: http(ok) },
  {
    name: 'http version and host',
    lines: ['option httpchk GET / HTTP/1.1 www.example.com'],
    acts: http(ok),
  },
  { name: 'http version 2', lines: ['option httpchk GET / HTTP/2.0'], acts: http(ok) },
  { name: 'http version odd', lines: ['option httpchk GET / foo'], acts: http(ok) },
  { name: 'http version 1.2', lines: ['option httpchk GET / HTTP/1.2'], acts: http(ok) },
  {
    name: 'http absolute uri and host',
    lines: ['option httpchk GET http://a/b HTTP/1.1 www'],
    acts: http(ok),
  },
  { name: 'http host in format', lines: ['option httpchk GET / HTTP/1.1 %H'], acts: http(ok) },
  { name: 'http refused', lines: [httpchk], acts: [], address: '127.0.0.1:1' },
  httpCase(
    'send',
    ['http-check send meth GET uri /a ver HTTP/1.1 hdr Host www hdr X-A "b c"'],
    http(ok),
  ),
  httpCase('send lower-case version', ['http-check send ver http/1.1'], http(ok)),
  httpCase(
    'send body',
    ['http-check send meth POST body "a b"'],
    [[{ until: 'a b' }, { send: ok }, 'close']],
  ),
  httpCase(
    'send body 1.1',
    [
      'http-check send meth POST ver HTTP/1.1 body abc hdr Content-Length 7 hdr Transfer-Encoding chunked hdr A b',
    ],
    [[{ until: 'abc' }, { send: ok }, 'close']],
  ),
  httpCase('send own connection', ['http-check send hdr Connection keep-alive'], http(ok)),
  httpCase(
    'send own connection 1.1',
    ['http-check send ver HTTP/1.1 hdr connection keep-alive hdr HOST x'],
    http(ok),
  ),
  httpCase(
    'send uri-lf',
    ['http-check send uri-lf /%[be_name]/%[srv_name]/%H body-lf %[str(abc),upper]'],
    [[{ until: 'ABC' }, { send: ok }, 'close']],
  ),
  httpCase(
    'send hdr format',
    ['http-check send hdr X-Name %[srv_name]:%[int(3),add(4)]'],
    http(ok),
  ),
  httpCase(
    'send hdr without a value',
    ['http-check send hdr X-Name %[str(),upper] hdr B c'],
    http(ok),
  ),
  {
    name: 'http send over option',
    lines: ['option httpchk PUT /opt HTTP/1.1 host', 'http-check send hdr A b'],
    acts: http(ok),
  },
  {
    name: 'http send over option 2',
    lines: ['option httpchk PUT /opt HTTP/1.1 host', 'http-check send meth GET uri /x hdr Host y'],
    acts: http(ok),
  },
  {
    name: 'http send before option',
    lines: ['http-check send meth GET uri /x hdr Host y', 'option httpchk PUT /opt HTTP/1.1 host'],
    acts: http(ok),
  },
  {
    name: 'http send before plain option',
    lines: ['http-check send meth GET uri /x hdr Host y', 'option httpchk'],
    acts: http(ok),
  },
  {
    name: 'http send before option, part',
    lines: ['http-check send hdr Host y body x', 'option httpchk GET /x'],
    acts: [[{ until: 'x' }, { send: ok }]],
  },
  {
    name: 'http send before option, uri',
    lines: ['http-check send uri /a hdr Host y ver HTTP/1.1', 'option httpchk /x'],
    acts: http(ok),
  },
  { name: 'http odd method', lines: ['option httpchk G@T /'], acts: http(ok) },
  { name: 'http odd uri', lines: ['option httpchk GET /a\\ b'], acts: http(ok) },
  httpCase('send-state', ['http-check send-state'], http(ok)),
  expecting('status 200', ok),
  expecting('status 201,300-310', ok),
  expecting('status 100-199,200', ok),
  expecting('! status 200', ok),
  expecting('! status 500', ok),
  expecting('rstatus ^2', ok),
  expecting('rstatus ^5', ok),
  expecting('! rstatus ^2', ok),
  expecting('string ok', ok),
  expecting('string nope', ok),
  expecting('! string ok', ok),
  expecting('! string nope', ok),
  expecting('rstring ^o', ok),
  expecting('rstring ^x', ok),
  expecting('! rstring ^o', ok),
  expecting('string-lf %[str(ok)]', ok),
  expecting('string-lf %[str(nope)]', ok),
  expecting('string-lf %[str()]', ok),
  expecting('string a', 'HTTP/1.1 204 No Content\r\n\r\n'),
  expecting('string a', 'HTTP/1.1 500 Oh\r\nContent-Length: 1\r\n\r\na'),
  expecting('rstring a', 'HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n'),
  expecting('hdr name set-cookie', headers),
  expecting('hdr name Set-Cookie value sessid=1', headers),
  expecting('hdr name set-cookie value -m beg sessid=', headers),
  expecting('hdr name set-cookie value -m beg SESSID=', headers),
  expecting('hdr name -m beg x- value b', headers),
  expecting('fhdr name x-list value b', headers),
  expecting('fhdr name x-list value "a, b ,c"', headers),
  expecting('fhdr name x-list value -m end c', headers),
  expecting('hdr name x-list value -m reg ^[bB]$', headers),
  expecting('hdr name -m reg ^X-L value c', headers),
  expecting('hdr name -m end list value -m sub b', headers),
  expecting('hdr name none', headers),
  expecting('! hdr name none', headers),
  expecting('! hdr name x-list', headers),
  expecting('hdr name x-list value d', headers),
  expecting('hdr name-lf %[str(x-list)] value-lf %[str(c)]', headers),
  expecting('comment "a comment" string nope', ok),
  expecting('comment "a comment" status 300', ok),
  expecting('comment "a comment" hdr name none', ok),
  expecting('error-status L7STS string nope', ok),
  expecting('error-status L6RSP string nope', ok),
  expecting('error-status L4CON string nope', ok),
  expecting('error-status L4CON status 300', ok),
  expecting('error-status L7OKC string nope', ok),
  expecting('error-status L7OKC status 300', ok),
  expecting('ok-status L7OKC string ok', ok),
  expecting('ok-status L6OK string ok', ok),
  expecting('ok-status L4OK status 200', ok),
  expecting('on-success "good %[srv_name] %[status]" string ok', ok),
  expecting('on-success "good" status 200', ok),
  expecting('on-error "bad %[srv_name] %[res.hdr(content-length)] %[status]" string nope', ok),
  expecting('on-error "bad %[be_name,length]" status 300', ok),
  expecting('on-error "bad" comment "a comment" hdr name none', ok),
  expecting('status-code int(42) string ok', ok),
  expecting('status-code int(42) string nope', ok),
  expecting('status-code res.hdr(content-length) string nope', ok),
  expecting('status-code str(abc) status 300', ok),
  expecting('min-recv 100 string nope', ok),
  httpCase('tout-status', ['http-check expect tout-status L4TOUT string x'], [[request]]),
  httpCase(
    'tout-status L6',
    ['http-check expect tout-status L6TOUT comment foo string x'],
    [[request]],
  ),
  httpCase(
    'body in parts',
    ['http-check expect string hello'],
    [
      [
        request,
        { send: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel' },
        { send: 'lo hello' },
        'close',
      ],
    ],
  ),
  httpCase(
    'chunked',
    ['http-check expect string hello'],
    http('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n'),
  ),
  httpCase(
    'chunked that breaks',
    ['http-check expect string hello'],
    http('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhel\r\n'),
  ),
  httpCase(
    'chunked that breaks later',
    ['http-check expect string hello'],
    http('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nzz\r\n'),
  ),
  httpCase(
    'chunked that ends early',
    ['http-check expect string hello'],
    http('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n'),
  ),
  httpCase(
    'length that ends early',
    ['http-check expect string nope'],
    http('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello'),
  ),
  httpCase(
    'length that ends early with it',
    ['http-check expect string hello'],
    http('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello'),
  ),
  httpCase(
    'length that hangs with it',
    ['http-check expect string hello'],
    http('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello', []),
  ),
  httpCase(
    'length that hangs without it',
    ['http-check expect string nope'],
    http('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello', []),
  ),
  httpCase(
    'length that hangs with what must not be',
    ['http-check expect ! string hello'],
    http('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello', []),
  ),
  httpCase(
    'length that hangs without what must not be',
    ['http-check expect ! string nope'],
    http('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello', []),
  ),
  httpCase('two rules', ['http-check expect status 200', 'http-check expect string ok'], http(ok)),
  httpCase(
    'two rules, second fails',
    ['http-check expect status 200', 'http-check expect string nope'],
    http(ok),
  ),
  httpCase(
    'two rules, first fails',
    ['http-check expect status 201', 'http-check expect string nope'],
    http(ok),
  ),
  httpCase(
    'two exchanges',
    [
      'http-check connect',
      'http-check send uri /1',
      'http-check expect status 200',
      'http-check connect',
      'http-check send uri /2',
      'http-check expect status 200',
    ],
    http(ok),
  ),
  httpCase(
    'two exchanges, second fails',
    [
      'http-check connect',
      'http-check send uri /1',
      'http-check expect status 200',
      'http-check connect',
      'http-check send uri /2 comment second',
      'http-check expect status 201',
    ],
    http(ok),
  ),
  httpCase(
    'two exchanges, implicit rule fails',
    [
      'http-check connect',
      'http-check send uri /1',
      'http-check expect status 200',
      'http-check connect',
      'http-check send uri /2',
    ],
    [...http(ok), ...http('HTTP/1.1 500 Oh\r\n\r\n')],
  ),
  httpCase('connect elsewhere', ['http-check connect port 1'], []),
  httpCase(
    'connect elsewhere, comment',
    ['http-check connect port 1 comment "the other port"'],
    [],
  ),
  httpCase(
    'connect hangs, comment',
    ['http-check comment "asking"', 'http-check send uri /x'],
    [[request]],
  ),
  httpCase('connect addr', ['http-check connect addr 127.0.0.2 port int(1)'], []),
  httpCase('connect linger', ['http-check connect linger'], http(ok)),
  httpCase(
    'disable-on-404',
    ['http-check disable-on-404'],
    http('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'),
  ),
  httpCase(
    'disable-on-404 expect 200',
    ['http-check disable-on-404', 'http-check expect status 200'],
    http('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'),
  ),
  httpCase('disable-on-404 with 200', ['http-check disable-on-404'], http(ok)),
  ...[
    'status 300',
    '! status 200',
    'rstatus ^3',
    '! rstatus ^2',
    'hdr name a',
    '! hdr name b',
    'fhdr name a value b',
    'hdr name -m beg a',
    'comment foo status 300',
  ].map((rule) =>
    httpCase(
      `no reason ${rule}`,
      [`http-check expect ${rule}`],
      http('HTTP/1.1 200 \r\nB: c\r\nContent-Length: 0\r\n\r\n'),
    ),
  ),
  httpCase(
    'no reason, sent',
    ['http-check send uri /x', 'http-check expect status 300'],
    http('HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n'),
  ),
  httpCase(
    'no reason, connected',
    ['http-check connect', 'http-check send uri /x', 'http-check expect status 300'],
    http('HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n'),
  ),
  httpCase(
    'no reason, connected, implicit',
    ['http-check connect', 'http-check send uri /x'],
    http('HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n'),
  ),
  httpCase(
    'no reason, commented',
    [
      'http-check comment a',
      'http-check send uri /x',
      'http-check comment b',
      'http-check expect status 300',
    ],
    http('HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n'),
  ),
  ...['POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT', 'PATCH', 'get'].map(
    (method): CheckCase => ({
      name: `http ${method}`,
      lines: [`option httpchk ${method} /`],
      acts: http(ok),
    }),
  ),
  ...['close', 'upgrade', 'close,x', 'Keep-Alive'].flatMap((value) =>
    ['1.0', '1.1'].map((version) =>
      httpCase(
        `connection ${value} ${version}`,
        [`http-check send ver HTTP/${version} hdr Connection ${value}`],
        http(ok),
      ),
    ),
  ),
  {
    name: 'http merge meth',
    lines: ['option httpchk PUT /opt HTTP/1.1 host', 'http-check send meth GET'],
    acts: http(ok),
  },
  {
    name: 'http merge body',
    lines: ['option httpchk PUT /opt HTTP/1.1 host', 'http-check send body x'],
    acts: [[{ until: '\r\n\r\nx' }, { send: ok }]],
  },
  {
    name: 'http merge twice',
    lines: ['option httpchk PUT /opt HTTP/1.1 host', 'option httpchk'],
    acts: http(ok),
  },
  {
    name: 'http merge connect',
    lines: [
      'option httpchk PUT /opt HTTP/1.1 host',
      'http-check connect',
      'http-check send hdr A b',
    ],
    acts: http(ok),
  },
  {
    name: 'http connect without send',
    lines: ['option httpchk PUT /opt HTTP/1.1 host', 'http-check connect'],
    acts: http(ok),
  },
  {
    name: 'http send-state first',
    lines: ['http-check send-state', 'option httpchk GET / HTTP/1.1 host'],
    acts: http(ok),
  },
  httpCase(
    'down 404',
    ['http-check disable-on-404', 'http-check expect string x'],
    http('HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx'),
  ),
  httpCase('comment alone', ['http-check comment foo'], http('HTTP/1.1 500 Oh\r\n\r\n')),
];
