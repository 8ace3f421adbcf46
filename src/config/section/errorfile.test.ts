import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseText } from '../fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'errorfile-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, 'latin1');
  return path;
}

function parseFile(text: string) {
  const path = write('e.http', text);
  const parsed = parseText(`backend b\n errorfile 503 ${path}\n`);
  return { ...parsed, errors: parsed.errors.map((line) => line.replaceAll(path, 'FILE')) };
}

describe('errorfile (4.2)', () => {
  test('the bytes are kept as they are', () => {
    const text = 'HTTP/1.0 503 No\r\nContent-Length: 3\r\n\r\n\xe9\0x';
    const { config, errors } = parseFile(text);
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.errorFiles[503]).toBe(text);
  });

  test('bare line feeds and a missing reason are accepted, an empty file too', () => {
    expect(parseFile('HTTP/1.1 503 OK\nA: b\n\nx').errors).toEqual([]);
    expect(parseFile('HTTP/1.1 503\r\n\r\nx').errors).toEqual([]);
    expect(parseFile('').config.proxies[0]!.errorFiles).toEqual({ 503: '' });
  });

  test('what would break the connection is refused', () => {
    const of = (text: string): string => parseFile(text).errors.join();
    expect(of('foo')).toBe(
      "parsing [t.cfg:2] : errorfile : 'FILE': unable to parse headers (error offset: 0)",
    );
    expect(of('HTTP/1.0 503 x\r\nContent-Length: 5\r\n\r\nabc')).toEndWith(
      'payload size does not match the announced content-length (3 != 5)',
    );
    expect(of('HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toEndWith(
      'chunk-encoded payload not supported',
    );
    expect(of('HTTP/1.1 103 x\r\n\r\n')).toEndWith(
      'invalid http status code for an error message (103)',
    );
    expect(of('HTTP/1.1 503 x\r\nA b\r\n\r\n')).toEndWith('(error offset: 16)');
  });

  test('unknown statuses and files are refused', () => {
    const { config, errors } = parseText(
      'backend b\n errorfile 999 x\n errorfile 400 /nonexistent\n errorfile 400\n',
    );
    expect(errors).toEqual([
      "parsing [t.cfg:2] : errorfile : status code '999' not handled.",
      "parsing [t.cfg:3] : errorfile : error opening file '/nonexistent'.",
      'parsing [t.cfg:4] : errorfile : expects <status_code> and <file> as arguments.',
    ]);
    expect(config.proxies[0]!.errorFiles[400]).toBeUndefined();
  });

  test('default-path says where relative names start (3.1)', () => {
    write('rel.http', 'HTTP/1.0 503 x\r\n\r\n');
    const { config, errors } = parseText({
      [join(folder, 'h.cfg')]: 'global\n default-path config\nbackend b\n errorfile 503 rel.http\n',
    });
    expect(errors).toEqual([]);
    expect(config.proxies[0]!.errorFiles[503]).toStartWith('HTTP/1.0 503');
  });
});
