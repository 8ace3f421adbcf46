/**
 * `errorfile` (4.2): complete responses read while parsing, with the checks that make them safe to
 * send as they are. RFC 9112 is applied as leniently as to a server's answer: a bare LF ends a
 * line, but a message whose body and Content-Length disagree would break the connection.
 */
import { ConfigError } from '../../base/config-error.ts';
import type { KeywordLine } from './keyword.ts';

/** The statuses that the proxy generates (4.2 "errorfile"). */
export const errorStatuses: readonly number[] = [
  200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 414, 421, 422, 425, 429, 431, 500, 501, 502,
  503, 504,
];

/** Reads a line. @param prefix of the message that arguments are missing */
export function readErrorFile(line: KeywordLine, prefix: string): { status: number; text: string } {
  const [, code, file] = line.words;
  if (code === undefined || file === undefined) {
    throw new ConfigError(`${prefix}expects <status_code> and <file> as arguments.`);
  }
  const status = errorStatuses.find((candidate) => String(candidate) === code);
  if (status === undefined) {
    throw new ConfigError(`errorfile : status code '${code}' not handled.`);
  }
  const text = line.state.readBytes(file, line.origin);
  if (text === null) throw new ConfigError(`errorfile : error opening file '${file}'.`);
  checkResponse(text, file);
  return { status, text };
}

/** @throws ConfigError when the bytes are not one response that may be sent as it is */
function checkResponse(text: string, file: string): void {
  // 4.2: an empty file means that the connection is closed without an answer.
  if (text === '') return;
  const head = readHead(text);
  if (typeof head === 'number') {
    throw new ConfigError(`errorfile : '${file}': unable to parse headers (error offset: ${head})`);
  }
  if (head.status < 200) {
    throw new ConfigError(
      `errorfile : '${file}': invalid http status code for an error message (${head.status})`,
    );
  }
  if (head.chunked) {
    throw new ConfigError(`errorfile : '${file}': chunk-encoded payload not supported`);
  }
  const body = text.length - head.bodyStart;
  if (head.contentLength !== null && head.contentLength !== body) {
    throw new ConfigError(
      `errorfile : '${file}': payload size does not match the announced content-length ` +
        `(${body} != ${head.contentLength})`,
    );
  }
}

interface ResponseHead {
  status: number;
  bodyStart: number;
  contentLength: number | null;
  chunked: boolean;
}

/** The head of a response, or the offset of the byte that is wrong. */
function readHead(text: string): ResponseHead | number {
  const start = /^HTTP\/[0-9]\.[0-9] ([0-9]{3})(?: [^\r\n]*)?\r?\n/.exec(text);
  if (start === null) return 0;
  const head: ResponseHead = {
    status: Number(start[1]),
    bodyStart: 0,
    contentLength: null,
    chunked: false,
  };
  let at = start[0].length;
  for (;;) {
    const end = text.indexOf('\n', at);
    if (end < 0) return at;
    const line = text.slice(at, end).replace(/\r$/, '');
    if (line === '') {
      head.bodyStart = end + 1;
      return head;
    }
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\0]*?)[ \t]*$/.exec(line);
    if (field === null) return at;
    const name = field[1]!.toLowerCase();
    if (name === 'content-length') {
      if (!/^[0-9]{1,15}$/.test(field[2]!)) return at;
      const length = Number(field[2]);
      if (head.contentLength !== null && head.contentLength !== length) return at;
      head.contentLength = length;
    }
    if (name === 'transfer-encoding') head.chunked = true;
    at = end + 1;
  }
}
