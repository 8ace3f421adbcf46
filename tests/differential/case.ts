/**
 * One crafted exchange as data: what the client sends, what the back end answers, and with which
 * options the proxy is configured. The same bytes go through haproxy and through sluice.
 */

/** A step of a scripted side: bytes to send, or one of the words. */
export type Step =
  | string
  | { wait: string }
  /** Waits until the back end has received these bytes on its newest connection. */
  | { seen: string }
  | { replies: number }
  | { requests: number }
  | 'end'
  | 'close'
  | 'reset';

export type Variant =
  | 'plain'
  | 'server-close'
  | 'close'
  | 'pretend'
  | 'unsafe'
  | 'edited'
  | 'routed'
  | 'buffered'
  | 'forwarded';

/** The options of each variant; every variant has short timeouts and `http-reuse never`. */
export const variants: Record<Variant, string[]> = {
  plain: [],
  'server-close': ['option http-server-close'],
  close: ['option httpclose'],
  pretend: ['option http-pretend-keepalive', 'option http-server-close'],
  // The spelling up to 2.8; configuration.txt 4.2 keeps it as a deprecated name of
  // accept-unsafe-violations-in-http-request.
  unsafe: ['option accept-invalid-http-request', 'option accept-invalid-http-response'],
  edited: [
    'http-request set-header X-Set one',
    'http-request add-header X-Add two',
    'http-request del-header X-Del',
    'http-request deny if { path_beg /deny }',
    'http-request redirect location /there if { path /redirect }',
    'http-request redirect prefix https://h code 301 if { path_beg /prefix }',
    'http-request return status 200 content-type text/plain string hello if { path /return }',
    'http-request replace-header X-Rep a(.*)b c\\1d',
    'http-response set-header X-Set-Res three',
    'http-response del-header Server',
    'http-response deny if { hdr_cnt(x-deny-me) gt 100 }',
  ],
  routed: [
    'http-request set-header Host %[req.fhdr(x-host)] if { req.hdr(x-host) -m found }',
    'http-request add-header Host %[req.fhdr(x-add)] if { req.hdr(x-add) -m found }',
    'http-request replace-header Host old(.*) new\\1',
    'http-request set-uri %[req.fhdr(x-uri)] if { req.hdr(x-uri) -m found }',
    'http-request replace-uri ([^:]*)://old(.*) \\1://new\\2',
  ],
  buffered: [
    'option http-buffer-request',
    'http-request deny if { path_beg /deny }',
    'http-request redirect location /there if { path /redirect }',
  ],
  forwarded: ['option forwardfor', 'option originalto'],
};

export interface Case {
  name: string;
  variant?: Variant;
  /** What the client does. A plain string is sent whole; then `replies` answers are awaited. */
  send: string | Step[];
  /** Answers to wait for before the client ends its side; default 1. 0 ends at once. */
  replies?: number;
  /** Method of each awaited answer's request; default: the first word of the bytes sent. */
  methods?: string[];
  /** What the back end does for each connection: answers in turn (the last repeats), or steps. */
  answer?: string | string[] | { steps: Step[] };
  /** What the back end does after its last listed answer. */
  after?: 'keep' | 'close' | 'reset';
}

/** A request head: lines joined by CRLF and closed by an empty line. */
export function head(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A GET of `/` with more fields after Host. */
export function get(...fields: string[]): string {
  return head('GET / HTTP/1.1', 'Host: h', ...fields);
}

/** A POST of `/` with a body and more fields after Host. */
export function post(body: string, ...fields: string[]): string {
  return head('POST / HTTP/1.1', 'Host: h', ...fields) + body;
}

/** A chunked POST of `/` whose body bytes, framing included, are given. */
export function chunkedPost(body: string, ...fields: string[]): string {
  return post(body, 'Transfer-Encoding: chunked', ...fields);
}

/** An answer of the back end with these fields and this body, as they are. */
export function reply(body: string, ...fields: string[]): string {
  return head('HTTP/1.1 200 OK', ...fields) + body;
}

export const okay = reply('ok', 'Content-Length: 2');
