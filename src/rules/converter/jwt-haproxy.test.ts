/** JSON Web Tokens are read and verified as by HAProxy (configuration.txt 7.3.1; RFC 7518 3.1). */
import { expect, test } from 'bun:test';
import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseExpression } from '../expression.ts';
import { expressionDifferences } from '../haproxy-fixture.ts';
import { testScope } from '../rule-fixture.ts';

const haproxyMissing = !Bun.which('haproxy');
const SECRET = 'some secret';

const coded = (value: string) => Buffer.from(value).toString('base64url');

function unsigned(algorithm: string): string {
  const payload = '{"sub":"me","roles":["a","b"],"exp":1700000000,"n":{"d":true}}';
  return `${coded(`{"alg":"${algorithm}","typ":"JWT"}`)}.${coded(payload)}`;
}

const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
};

function signature(algorithm: string, data: string, key: KeyObject): Buffer {
  const hash = `sha${algorithm.slice(2)}`;
  const bytes = Buffer.from(data);
  if (algorithm.startsWith('ES')) return sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' });
  if (algorithm.startsWith('RS')) return sign(hash, bytes, key);
  return sign(hash, bytes, {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  });
}

const tokens = new Map<string, string>();
for (const bits of [256, 384, 512]) {
  const data = unsigned(`HS${bits}`);
  const mac = createHmac(`sha${bits}`, SECRET).update(data).digest('base64url');
  tokens.set(`HS${bits}`, `${data}.${mac}`);
  const curve = pairs[bits === 512 ? 'p521' : (`p${bits}` as 'p256')];
  for (const [family, pair] of [
    ['RS', pairs.rsa],
    ['PS', pairs.rsa],
    ['ES', curve],
  ] as const) {
    const algorithm = `${family}${bits}`;
    const signed = signature(algorithm, unsigned(algorithm), pair.privateKey);
    tokens.set(algorithm, `${unsigned(algorithm)}.${signed.toString('base64url')}`);
  }
}
const good = tokens.get('HS256')!;
tokens.set('none', `${unsigned('none')}.`);
tokens.set('two', unsigned('HS256'));
tokens.set('four', `${good}.x`);
tokens.set('one', 'abc');
tokens.set('dots', '..');
tokens.set('letters', good.replace(/.$/, '!'));
tokens.set('cut', good.slice(0, -1));
tokens.set('other', good.replace('.e', '.f'));
tokens.set('blind', `${coded('x')}.!!.${good.split('.')[2]}`);

const head = `GET / HTTP/1.1\r\nHost: h\r\n${[...tokens]
  .map(([name, token]) => `T-${name}: ${token}\r\n`)
  .join('')}\r\n`;

const field = (name: string) => `req.hdr(T-${name})`;

test.skipIf(haproxyMissing)('7.3.1: tokens are verified as HAProxy verifies them', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-jwt-'));
  try {
    const scope = testScope();
    for (const [name, { publicKey }] of Object.entries(pairs)) {
      const path = join(dir, `${name}.pem`);
      const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
      writeFileSync(path, pem);
      scope.files[path] = pem;
    }
    const keyOf = (algorithm: string) => {
      if (/^[RP]S/.test(algorithm)) return `${dir}/rsa.pem`;
      const curves: Record<string, string> = { ES256: 'p256', ES384: 'p384', ES512: 'p521' };
      return algorithm in curves ? `${dir}/${curves[algorithm]}.pem` : `'${SECRET}'`;
    };
    const expressions = [...tokens.keys()].flatMap((name) => [
      `${field(name)},jwt_verify(HS256,'${SECRET}')`,
      `${field(name)},jwt_verify(none,)`,
      `${field(name)},jwt_verify(none,x)`,
      `${field(name)},jwt_verify(RS256,${dir}/rsa.pem)`,
      `${field(name)},jwt_verify(ES256,${dir}/p256.pem)`,
    ]);
    for (const algorithm of [...tokens.keys()].filter((name) => /[A-Z]S/.test(name))) {
      expressions.push(`${field(algorithm)},jwt_verify(${algorithm},${keyOf(algorithm)})`);
    }
    expressions.push(
      `${field('HS256')},jwt_verify(HS256,wrong)`,
      `${field('RS256')},jwt_verify(RS256,${dir}/p256.pem)`,
      `${field('ES256')},jwt_verify(ES256,${dir}/rsa.pem)`,
      `str(),jwt_verify(HS256,x)`,
    );
    expect(await expressionDifferences(expressions, head, scope)).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test.skipIf(haproxyMissing)('7.3.1: parts of tokens are those that HAProxy finds', async () => {
  const expressions = [...tokens.keys()].flatMap((name) =>
    ['jwt_header_query', 'jwt_payload_query'].flatMap((converter) => [
      `${field(name)},${converter}`,
      `${field(name)},${converter}('$.alg')`,
      `${field(name)},${converter}('$.exp',int)`,
      `${field(name)},${converter}('$.roles')`,
      `${field(name)},${converter}('$.n.d')`,
    ]),
  );
  expect(await expressionDifferences(expressions, head)).toEqual([]);
});

test.each([
  ['jwt_verify(foo,k)', 'unknown JWT algorithm: foo'],
  ['jwt_header_query($.a,str)', 'output_type only supports "int" as argument'],
])('7.3.1: %s is refused with the reason', (converter, message) => {
  expect(() => parseExpression(`str(a),${converter}`, testScope())).toThrow(message);
});
