/** Checks of protocols that have an option of their own. */
import type { Act, CheckCase } from './observe.ts';

function protocolCase(option: string, name: string, acts: Act[][]): CheckCase {
  return { name: `${option} ${name}`, lines: [`option ${option}`], acts };
}

function smtp(option: string): CheckCase[] {
  const greet = (first: string, ...rest: Act[]): Act[][] => [[{ send: first }, ...rest]];
  return [
    protocolCase(
      option,
      'all',
      greet(
        '220 hi ESMTP\r\n',
        { until: '\r\n' },
        { send: '250 hello\r\n' },
        { until: 'QUIT\r\n' },
        { send: '221 bye\r\n' },
        'close',
      ),
    ),
    protocolCase(
      option,
      'no bye',
      greet('220 hi\r\n', { until: '\r\n' }, { send: '250 hello\r\n' }),
    ),
    protocolCase(
      option,
      'wrong bye',
      greet(
        '220 hi\r\n',
        { until: '\r\n' },
        { send: '250 hello\r\n' },
        { until: 'QUIT\r\n' },
        { send: '500 what\r\n' },
      ),
    ),
    protocolCase(
      option,
      'closes for bye',
      greet(
        '220 hi\r\n',
        { until: '\r\n' },
        { send: '250 hello\r\n' },
        { until: 'QUIT\r\n' },
        'close',
      ),
    ),
    protocolCase(option, '421', greet('421 busy\r\n', 'close')),
    protocolCase(option, '554 hangs', greet('554 no\r\n')),
    protocolCase(option, 'hangs', []),
    protocolCase(option, 'closes', [['close']]),
    protocolCase(option, 'garbage', greet('hello\r\n', 'close')),
    protocolCase(option, 'garbage hangs', greet('hello\r\n')),
    protocolCase(option, 'short', greet('22', 'close')),
    protocolCase(
      option,
      'several lines',
      greet(
        '220-hi\r\n220 there\r\n',
        { until: '\r\n' },
        { send: '250-hello\r\n250-SIZE\r\n250 END\r\n' },
        { until: 'QUIT\r\n' },
        { send: '221 bye\r\n' },
      ),
    ),
    protocolCase(option, 'line unfinished', greet('220 hi')),
    protocolCase(option, 'line unfinished 2', greet('220-hi\r\n22')),
    protocolCase(
      option,
      'ehlo refused',
      greet('220 hi\r\n', { until: '\r\n' }, { send: '502 no\r\n' }),
    ),
    protocolCase(option, 'ehlo hangs', greet('220 hi\r\n', { until: '\r\n' })),
  ];
}

const packet = (sequence: number, payload: string): string =>
  String.fromCharCode(payload.length & 255, payload.length >> 8, 0, sequence) + payload;

const hello = packet(
  0,
  '\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xf7\x21\x02\0\0\0\x15\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0mysql_native_password\0',
);
const mysqlError = packet(0, "\xff\x6a\x04Host '10.0.0.1' is not allowed to connect");
const mysqlDenied = packet(2, "\xff\x15\x04#28000Access denied for user 'x'@'localhost'");
const mysqlOk = packet(2, '\0\0\0\x02\0\0\0');

function mysql(option: string): CheckCase[] {
  // The login and the farewell; a server that closes before it has read them resets the connection.
  const asked: Act[] = option.includes('user') ? [{ read: 50 }] : [];
  const after = (answer: string, ...end: Act[]): Act[][] => [
    [{ send: hello }, { read: 50 }, { send: answer }, ...end],
  ];
  return [
    protocolCase(option, 'ok', after(mysqlOk)),
    protocolCase(option, 'denied', after(mysqlDenied, 'close')),
    protocolCase(option, 'error', [[{ send: mysqlError }, ...asked, 'close']]),
    protocolCase(option, 'hangs', []),
    protocolCase(option, 'closes', [[...asked, 'close']]),
    protocolCase(option, 'garbage', [[{ send: 'hello world\r\n' }, ...asked, 'close']]),
    protocolCase(option, 'garbage hangs', [[{ send: 'hello world\r\n' }]]),
    protocolCase(option, 'short', [[{ send: hello.slice(0, 20) }, ...asked, 'close']]),
    protocolCase(option, 'short hangs', [[{ send: hello.slice(0, 20) }]]),
    protocolCase(option, 'very short', [[{ send: hello.slice(0, 3) }, ...asked, 'close']]),
    protocolCase(option, 'error short', [[{ send: mysqlError.slice(0, 9) }, ...asked, 'close']]),
    protocolCase(option, 'after hello closes', [[{ send: hello }, ...asked, 'close']]),
    protocolCase(option, 'after hello hangs', [[{ send: hello }]]),
    protocolCase(option, 'old protocol', [
      [{ send: packet(0, '\x093.23.58\0\x08\0\0\0abcdefgh\0\xff\xf7') }],
    ]),
    protocolCase(option, 'switch of plugin', after(packet(2, '\xfemysql_clear_password\0'))),
    protocolCase(option, 'old switch', after(packet(2, '\xfe'))),
    protocolCase(option, 'garbage after', after('what is this')),
    protocolCase(option, 'garbage after closes', after('what is this', 'close')),
    protocolCase(option, 'wrong sequence', [
      [{ send: packet(1, hello.slice(4)) }, ...asked, 'close'],
    ]),
    protocolCase(option, 'empty packet', [[{ send: packet(0, '') }, ...asked, 'close']]),
  ];
}

const be32 = (n: number): string =>
  String.fromCharCode((n >> 24) & 255, (n >> 16) & 255, (n >> 8) & 255, n & 255);
const pgError = 'SFATAL\0C28000\0Mrole "x" does not exist\0\0';

const redisNoauth = '-NOAUTH Authentication required.\r\n';
const ldapLong = '\x30\x84\0\0\0\x10\x02\x01\x01\x61\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0';
const spopHello =
  '\0\0\0\x36\x65\0\0\0\x01\0\0\x07version\x08\x032.0\x0emax-frame-size\x03\xfc\xf0\x06' +
  '\x0ccapabilities\x08\0';
const spopDisconnect =
  '\0\0\0\x28\x66\0\0\0\x01\0\0\x0bstatus-code\x03\x05\x07message\x08\x09I am sick';
const notFound = 'HTTP/1.0 400 Bad\r\n\r\n';

/** Option, name, and the one answer to what the check sends. */
const answers: readonly [option: string, name: string, answer: string][] = [
  ['ssl-hello-chk', 'hello', '\x16\x03\0\0\x2a\x02'],
  ['ssl-hello-chk', 'alert', '\x15\x03\0\0\x02\x02\x28'],
  ['ssl-hello-chk', 'http', notFound],
  ['ssl-hello-chk', 'short', '\x16\x03'],
  ['ssl-hello-chk', 'nothing', ''],
  ['redis-check', 'pong', '+PONG\r\n'],
  ['redis-check', 'noauth', redisNoauth],
  ['redis-check', 'other', '+PONG'],
  ['redis-check', 'nothing', ''],
  ['ldap-check', 'success', '\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0'],
  ['ldap-check', 'long form', ldapLong],
  ['ldap-check', 'other result', '\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\0\x04\0'],
  ['ldap-check', 'other message', '\x30\x0c\x02\x01\x01\x64\x07\x0a\x01\0\x04\0\x04\0'],
  ['ldap-check', 'other id', '\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\0\x04\0\x04\0'],
  ['ldap-check', 'short', '\x30\x0c\x02\x01\x01'],
  ['ldap-check', 'garbage', 'this is not ldap at all'],
  ['ldap-check', 'result truncated', '\x30\x0c\x02\x01\x01\x61\x07\x0a\x01'],
  ['ldap-check', 'nothing', ''],
  ['pgsql-check user x', 'asks password', `R${be32(12)}${be32(5)}abcd`],
  ['pgsql-check user x', 'ok', `R${be32(8)}${be32(0)}`],
  ['pgsql-check user x', 'sasl', `R${be32(23)}${be32(10)}SCRAM-SHA-256\0\0`],
  ['pgsql-check user x', 'error', `E${be32(4 + pgError.length)}${pgError}`],
  ['pgsql-check user x', 'error short', 'E\0\0'],
  ['pgsql-check user x', 'garbage', 'hello world'],
  ['pgsql-check user x', 'R short', 'R\0\0\0'],
  ['pgsql-check user x', 'R bad length', `R${be32(3)}${be32(5)}`],
  ['pgsql-check user x', 'nothing', ''],
  ['spop-check', 'garbage', '\0\0\0\x0bhello world'],
  ['spop-check', 'http', notFound],
  ['spop-check', 'nothing', ''],
  ['spop-check', 'hello', spopHello],
  ['spop-check', 'disconnect', spopDisconnect],
];

/** Each answer from a server that holds the connection, and from one that closes it. */
const answerCases = answers.flatMap(([option, name, answer]) => {
  const acts: Act[] = [{ read: 3 }, { send: answer }];
  return [
    protocolCase(option, name, [acts]),
    protocolCase(option, `${name} closes`, [[...acts, 'close']]),
  ];
});

const wholeSmtp: Act[][] = [
  [
    { send: '220 hi ESMTP\r\n' },
    { until: '\r\n' },
    { send: '250 hello\r\n' },
    { until: 'QUIT\r\n' },
    { send: '221 bye\r\n' },
    'close',
  ],
];

export const protocolCases: readonly CheckCase[] = [
  ...answerCases,
  ...smtp('smtpchk'),
  protocolCase('smtpchk EHLO example.com', 'all', wholeSmtp),
  protocolCase('smtpchk FOO example.com', 'all', wholeSmtp),
  protocolCase('smtpchk EHLO', 'all', wholeSmtp),
  ...mysql('mysql-check'),
  ...mysql('mysql-check user checker'),
  protocolCase('mysql-check user checker pre-41', 'ok', [
    [{ send: hello }, { read: 5 }, { send: mysqlOk }],
  ]),
];
