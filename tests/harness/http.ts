/**
 * Reading HTTP/1 messages in tests, independently of the product's parser (RFC 9112). It takes what
 * a correct sender writes and throws on anything else.
 */

export interface HttpHead {
  /** The first line. */
  start: string;
  /** Status of an answer, or 0. */
  status: number;
  method: string;
  target: string;
  version: string;
  /** Fields in order, names as they came. */
  fields: [string, string][];
  /** The bytes of the head with its empty line. */
  raw: string;
}

export interface HttpMessage extends HttpHead {
  body: string;
  trailers: string;
  /** Bytes of the whole message. */
  size: number;
}

export function parseHead(raw: string): HttpHead {
  const lines = raw.slice(0, -4).split('\r\n');
  const start = lines[0] ?? '';
  const words = start.split(' ');
  const answer = start.startsWith('HTTP/');
  const fields = lines.slice(1).map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return {
    start,
    status: answer ? Number(words[1]) : 0,
    method: answer ? '' : (words[0] ?? ''),
    target: answer ? '' : (words[1] ?? ''),
    version: (answer ? words[0] : words[2]) ?? '',
    fields,
    raw,
  };
}

/** The values of a field, joined as RFC 9110 5.3 says, or null when it is absent. */
export function fieldOf(head: HttpHead, name: string): string | null {
  const wanted = name.toLowerCase();
  const values = head.fields.filter(([n]) => n.toLowerCase() === wanted).map(([, v]) => v);
  return values.length > 0 ? values.join(', ') : null;
}

/**
 * A whole message from the start of `bytes`, or null when more is needed. `method` is that of the
 * request when an answer is read (RFC 9112 6.3); `ended` says that no more bytes will come.
 */
export function takeMessage(
  bytes: Buffer,
  method: string | null,
  ended: boolean,
): HttpMessage | null {
  const headEnd = bytes.indexOf('\r\n\r\n', 0, 'latin1');
  if (headEnd < 0) return null;
  const from = headEnd + 4;
  const head = parseHead(bytes.subarray(0, from).toString('latin1'));
  const whole = (body: string, size: number, trailers = ''): HttpMessage => ({
    ...head,
    body,
    trailers,
    size: from + size,
  });
  const bodyless = method === 'HEAD' || head.status === 204 || head.status === 304;
  const interim = head.status >= 100 && head.status < 200;
  if (head.status > 0 && (bodyless || interim)) return whole('', 0);
  if (fieldOf(head, 'transfer-encoding') !== null) {
    const chunked = takeChunked(bytes.subarray(from).toString('latin1'));
    return chunked === null ? null : whole(chunked.body, chunked.size, chunked.trailers);
  }
  const length = fieldOf(head, 'content-length');
  if (length !== null) {
    const size = Number(length);
    if (bytes.length < from + size) return null;
    return whole(bytes.subarray(from, from + size).toString('latin1'), size);
  }
  if (head.status === 0) return whole('', 0);
  if (!ended) return null;
  return whole(bytes.subarray(from).toString('latin1'), bytes.length - from);
}

function takeChunked(text: string): { body: string; size: number; trailers: string } | null {
  let body = '';
  let at = 0;
  for (;;) {
    const eol = text.indexOf('\r\n', at);
    if (eol < 0) return null;
    const line = text.slice(at, eol);
    if (!/^[0-9a-fA-F]+(;.*)?$/.test(line)) throw new Error(`chunk size ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = eol + 2;
    if (size === 0) {
      if (text.startsWith('\r\n', at)) return { body, size: at + 2, trailers: '' };
      const end = text.indexOf('\r\n\r\n', at);
      if (end < 0) return null;
      return { body, size: end + 4, trailers: text.slice(at, end + 2) };
    }
    if (text.length < at + size + 2) return null;
    body += text.slice(at, at + size);
    if (text.slice(at + size, at + size + 2) !== '\r\n') throw new Error('no CRLF after a chunk');
    at += size + 2;
  }
}

/** An answer with a Content-Length. */
export function answer(body: string, status = '200 OK', fields = ''): string {
  return `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/**
 * The head and the data so far of a chunked message that is not complete, or null when the bytes do
 * not begin with such a message. What cannot be read as chunks is `tail`.
 */
export function takePartialChunked(
  bytes: Buffer,
): { raw: string; body: string; tail: string } | null {
  const headEnd = bytes.indexOf('\r\n\r\n', 0, 'latin1');
  if (headEnd < 0) return null;
  const head = parseHead(bytes.subarray(0, headEnd + 4).toString('latin1'));
  if (fieldOf(head, 'transfer-encoding') === null) return null;
  let tail = bytes.subarray(headEnd + 4).toString('latin1');
  let body = '';
  for (;;) {
    const line = /^([0-9a-fA-F]+)(;[^\r\n]*)?\r\n/.exec(tail);
    const size = line === null ? 0 : Number.parseInt(line[1]!, 16);
    if (line === null || size === 0) return { raw: head.raw, body, tail };
    const data = tail.slice(line[0].length);
    body += data.slice(0, size);
    if (data.length < size) return { raw: head.raw, body, tail: '' };
    tail = data.slice(size).replace(/^\r\n/, '');
  }
}
