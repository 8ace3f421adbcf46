/** JSON queries and digests give what HAProxy gives (configuration.txt 7.3.1). */
import { expect, test } from 'bun:test';
import { parseExpression } from '../expression.ts';
import { expressionDifferences } from '../haproxy-fixture.ts';
import { testScope } from '../rule-fixture.ts';

const haproxyMissing = !Bun.which('haproxy');

const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`;

const fields: Record<string, string> = {
  J:
    '{"i":4,"f":1.50,"e":1e3,"n":-12,"big":123456789012345678,"z":0.0,"t":true,"F":false,"u":null,' +
    '"o":{"x":1, "y" : [1, 2,{"k":"v"} ,"q"]},"a":[ "m" , "n"],"my.key":"dot","dup":1,"dup":2,' +
    '"":"empty","num":"42","h":12.9999999999,"p":-0.5,"v":1.23456789012,"l":12345678.5,"m":1e20,' +
    '"k":1e-7,"numx":"4x","s0":-0,"lead":01,"s7":1234567,"s6":123456,"half":123456.5,"e4":0.0001,' +
    '"e5":0.00001,"E":1E5,"neg":-1.0,"max":9007199254740991,"over":9007199254740992}',
  S: '{"q":"a\\"b\\\\c","n":"x\\ny","u":"\\u0041","v":"\\u00e9","w":"\\u20ac","x":"\\/","r":"\xc3\xa9","e":""}',
  A: ' [1,"two",[3]]',
  T: '"str"',
  N: '7',
  B: 'true',
  D19: nested(19),
  D20: nested(20),
  D21: nested(21),
  X: '{"a":1,"a":{"b":2}}',
  C: '{"a":[1,2,],"b":3,}',
  M1: '{"a":1,',
  M2: '{"a":1} x',
  M3: '{a:1}',
  M4: '{"x":[}],"b":3}',
  M5: '{"x":tru,"b":3}',
  M6: '{"b":nullx}',
  M7: '[1,2',
  M8: '{"b":+1}',
  M9: '{"b":.5}',
  M10: '{"b":"x',
};

const head = `GET / HTTP/1.1\r\nHost: h\r\n${Object.entries(fields)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')}\r\n`;

const paths: [string, string[]][] = [
  [
    'J',
    `i f e n big z t F u o o.x o.y o.y[0] o.y[2].k o.y[2] o.y[9] a a[1] a.x my\\.key dup none num h
     p v l m k i.x i[0] o. .i o.y[-1] o.y[x] o.y[0]x I numx s0 lead s7 s6 half e4 e5 E neg max over`
      .split(/\s+/)
      .map((one) => `$.${one}`)
      .concat('$.', '$', '$i', 'i', 'x'),
  ],
  ['S', ['$.q', '$.n', '$.u', '$.v', '$.w', '$.x', '$.r', '$.e']],
  ['A', ['$', '$[0]', '$[1]', '$[2]', '$[2][0]', '$.x', '[1]']],
  ...['T', 'N', 'B', 'D19', 'D20', 'D21', 'M7'].map((name): [string, string[]] => [name, ['$']]),
  ['D20', [`$${'[0]'.repeat(20)}`]],
  ['X', ['$.a.b', '$.a']],
  ['C', ['$.a', '$.b', '$.c']],
  ['M1', ['$.a', '$.b']],
  ['M2', ['$.a']],
  ['M3', ['$.a']],
  ['M7', ['$[0]']],
  ...['M4', 'M5', 'M6', 'M8', 'M9', 'M10'].map((name): [string, string[]] => [name, ['$.b']]),
];

test.skipIf(haproxyMissing)('7.3.1: json_query finds what HAProxy finds', async () => {
  const queries = paths.flatMap(([name, list]) =>
    list.flatMap((path) => [
      `req.fhdr(${name}),json_query('${path}')`,
      `req.fhdr(${name}),json_query('${path}',int)`,
    ]),
  );
  expect(await expressionDifferences(queries, head)).toEqual([]);
});

const digests = `
sha1 sha2 sha2(224) sha2(256) sha2(384) sha2(512) digest(md5) digest(SHA256) digest(sha512-256)
digest(sha3-384) digest(blake2b512) digest(ripemd160) hmac(sha256,) hmac(sha256,a2V5)
hmac(sha1,a2V5) hmac(SHA512,a2V5a2V5) hmac(md5,AA==)
`
  .split(/\s+/)
  .filter((one) => one !== '');

test.skipIf(haproxyMissing)('7.3.1: digests are those of HAProxy', async () => {
  const expressions = [
    ...digests.flatMap((one) => [`str(some text),${one}`, `bin(00ff),${one}`, `str(),${one}`]),
    'str(a),hmac(sha256,a2V5),base64',
  ];
  expect(await expressionDifferences(expressions, head)).toEqual([]);
});

test.each([
  ['sha2(100)', "Unsupported number of bits: '100'"],
  ['sha2(0)', "Unsupported number of bits: '0'"],
  ['digest(foo)', 'algorithm must be a valid OpenSSL message digest name.'],
  ['digest', 'algorithm must be a valid OpenSSL message digest name.'],
  ['digest(toString)', 'algorithm must be a valid OpenSSL message digest name.'],
  ['digest(sm3)', "'sm3' is not supported yet by sluice"],
  ['hmac(sha256,Z)', 'failed to parse key : argument needs to be base64 encoded'],
  ['hmac(foo,Zm9v)', 'algorithm must be a valid OpenSSL message digest name.'],
  ['json_query()', 'json_path must not be empty'],
  ['json_query($.x,string)', 'output_type only supports "int" as argument'],
])('7.3.1: %s is refused with the reason', (converter, message) => {
  const name = /^[^(]*/.exec(converter)![0];
  const parse = () => parseExpression(`str(a),${converter}`, testScope());
  expect(parse).toThrow(`invalid args in converter '${name}' : ${message}`);
});
