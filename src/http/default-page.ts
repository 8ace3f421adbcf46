/**
 * HAProxy's error pages byte for byte (configuration.txt 1.4.1). 414 and 431 follow the pattern of
 * the others.
 */

/** A status without a page gets this one. */
export const FALLBACK_STATUS = 500;

export interface DefaultPage {
  status: number;
  reason: string;
  text: string;
  /** The page asks for the end of the connection. */
  close?: true;
}

export const defaultPages: readonly DefaultPage[] = [
  { status: 200, reason: 'OK', text: 'Service ready.' },
  {
    status: 400,
    reason: 'Bad request',
    text: 'Your browser sent an invalid request.',
    close: true,
  },
  {
    status: 401,
    reason: 'Unauthorized',
    text: 'You need a valid user and password to access this content.',
  },
  {
    status: 403,
    reason: 'Forbidden',
    text: 'Request forbidden by administrative rules.',
  },
  { status: 404, reason: 'Not Found', text: 'The resource could not be found.' },
  {
    status: 405,
    reason: 'Method Not Allowed',
    text: 'A request was made of a resource using a request method not supported by that resource.',
  },
  {
    status: 407,
    reason: 'Unauthorized',
    text: 'You need a valid user and password to access this content.',
  },
  {
    status: 408,
    reason: 'Request Time-out',
    text: "Your browser didn't send a complete request in time.",
    close: true,
  },
  {
    status: 410,
    reason: 'Gone',
    text: 'The resource is no longer available and will not be available again.',
  },
  {
    status: 413,
    reason: 'Payload Too Large',
    text: 'The request entity exceeds the maximum allowed.',
  },
  {
    status: 414,
    reason: 'URI Too Long',
    text: 'The request target exceeds the maximum allowed.',
    close: true,
  },
  {
    status: 421,
    reason: 'Misdirected Request',
    text: 'Request sent to a non-authoritative server.',
  },
  {
    status: 422,
    reason: 'Unprocessable Content',
    text: 'The server cannot process the contained instructions.',
  },
  { status: 425, reason: 'Too Early', text: 'Your browser sent early data.' },
  {
    status: 429,
    reason: 'Too Many Requests',
    text: 'You have sent too many requests in a given amount of time.',
  },
  {
    status: 431,
    reason: 'Request Header Fields Too Large',
    text: 'The request header fields exceed the maximum allowed.',
    close: true,
  },
  {
    status: 500,
    reason: 'Internal Server Error',
    text: 'An internal server error occurred.',
  },
  {
    status: 501,
    reason: 'Not Implemented',
    text: 'The server does not support the functionality required to fulfill the request.',
  },
  {
    status: 502,
    reason: 'Bad Gateway',
    text: 'The server returned an invalid or incomplete response.',
  },
  {
    status: 503,
    reason: 'Service Unavailable',
    text: 'No server is available to handle this request.',
  },
  { status: 504, reason: 'Gateway Time-out', text: "The server didn't respond in time." },
];

/** The default page of a status that has one, as sent when no rule may change it. */
export function errorPage(status: number): { bytes: Uint8Array } {
  const known = defaultPages.find((page) => page.status === status);
  const page = known ?? defaultPages.find((other) => other.status === FALLBACK_STATUS)!;
  const title = `${page.status} ${page.reason}`;
  const body = `<html><body><h1>${title}</h1>\n${page.text}\n</body></html>\n`;
  const close = page.close ? 'Connection: close\r\n' : '';
  const head =
    `HTTP/1.1 ${title}\r\nContent-length: ${body.length}\r\nCache-Control: no-cache\r\n` +
    `${close}Content-Type: text/html\r\n\r\n`;
  return { bytes: new TextEncoder().encode(head + body) };
}
