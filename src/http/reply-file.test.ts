import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../base/config-error.ts';
import { parseReply } from './reply-file.ts';

const parse = (text: string) => parseReply(Buffer.from(text, 'latin1'));

describe('4.2 errorfile: a complete response is taken apart', () => {
  test('names become lower case, blanks around values go, Connection becomes a wish', () => {
    const reply = parse(
      'HTTP/1.1 403 No Way\r\nX-Foo:  Bar \r\nConnection: Keep-Alive, CLOSE\r\n' +
        'Content-Length: 2\r\n\r\nhi',
    );
    expect(reply).toMatchObject({
      version: 11,
      status: 403,
      reason: 'No Way',
      fields: [
        ['x-foo', 'Bar'],
        ['content-length', '2'],
      ],
      close: true,
      hasLength: true,
    });
    expect(Buffer.from(reply.body).toString()).toBe('hi');
  });
  test('lines may end in LF alone and the body may hold any byte', () => {
    const reply = parse('HTTP/1.0 503 Sorry\nA: b\n\n\xff\0\n');
    expect(reply.version).toBe(10);
    expect([...reply.body]).toEqual([255, 0, 10]);
    expect(reply.hasLength).toBe(false);
  });
  test('the reason may be absent', () => {
    expect(parse('HTTP/1.1 403\r\n\r\n').reason).toBe('');
    expect(parse('HTTP/1.1 403 \r\n\r\n').reason).toBe('');
  });
  const refused: [string, string][] = [
    ['junk', 'unable to parse headers (error offset: 0)'],
    ['junk\r\n\r\n', 'unable to parse headers (error offset: 0)'],
    ['HTTP/1.1 403 x\r\n A: b\r\n\r\n', 'unable to parse headers (error offset: 16)'],
    ['HTTP/1.1 403 x\r\nA : b\r\n\r\n', 'unable to parse headers (error offset: 16)'],
    ['HTTP/1.1 403 x\r\nA: b\r\n', 'unable to parse headers (error offset: 22)'],
    [
      'HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'chunk-encoded payload not supported',
    ],
    [
      'HTTP/1.1 403 x\r\nContent-Length: 3\r\n\r\nhello!',
      'payload size does not match the announced content-length (6 != 3)',
    ],
    ['HTTP/1.1 101 x\r\n\r\n', 'invalid http status code for an error message (101)'],
  ];
  for (const [text, message] of refused) {
    test(`refused: ${JSON.stringify(text)}`, () => {
      expect(() => parse(text)).toThrow(new ConfigError(message));
    });
  }
});
