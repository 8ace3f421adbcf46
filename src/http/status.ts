/**
 * Reason phrases (RFC 9110 15 and the registries that HAProxy knows). They are HAProxy's spellings,
 * some of them older than the RFC's, because logs, scripts and tests compare them.
 *
 * The default error pages carry their own phrase (413 `Payload Too Large`).
 *
 * @dataplane
 */
import { reserveBytes } from '../sys/arena.ts';

const phrases: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  102: 'Processing',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'Non-Authoritative Information',
  204: 'No Content',
  205: 'Reset Content',
  206: 'Partial Content',
  207: 'Multi-Status',
  210: 'Content Different',
  226: 'IM Used',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  305: 'Use Proxy',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  310: 'Too many Redirects',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Time-out',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Requested range unsatisfiable',
  417: 'Expectation failed',
  418: "I'm a teapot",
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  423: 'Locked',
  424: 'Method failure',
  425: 'Too Early',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  449: 'Retry With',
  450: 'Blocked by Windows Parental Controls',
  451: 'Unavailable For Legal Reasons',
  456: 'Unrecoverable Error',
  499: 'client has closed connection',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway or Proxy Error',
  503: 'Service Unavailable',
  504: 'Gateway Time-out',
  505: 'HTTP Version not supported',
  506: 'Variant also negotiate',
  507: 'Insufficient storage',
  508: 'Loop detected',
  509: 'Bandwidth Limit Exceeded',
  510: 'Not extended',
  511: 'Network authentication required',
  520: 'Web server is returning an unknown error',
};

/** Phrases of codes that nobody has named, by class. */
const classPhrases = [
  '',
  'Informational',
  'Success',
  'Redirection',
  'Client Error',
  'Server Error',
];
const OTHER = 'Other';

export const STATUS_MIN = 100;
export const STATUS_MAX = 999;

/** The phrase for a status of 100 to 999. */
export function reasonText(status: number): string {
  return phrases[status] ?? classPhrases[Math.floor(status / 100)] ?? OTHER;
}

const offsets = new Int32Array(STATUS_MAX + 1);
const lengths = new Uint8Array(STATUS_MAX + 1);
initPhrases();

function initPhrases(): void {
  const kept = new Map<string, number>();
  for (let status = STATUS_MIN; status <= STATUS_MAX; status++) {
    const phrase = reasonText(status);
    let off = kept.get(phrase);
    if (off === undefined) {
      off = reserveBytes(phrase);
      kept.set(phrase, off);
    }
    offsets[status] = off;
    lengths[status] = phrase.length;
  }
}

/** Arena offset of the phrase of a status of 100 to 999. */
export function reasonOff(status: number): number {
  return offsets[status]!;
}

/** Length of the phrase in bytes. */
export function reasonLen(status: number): number {
  return lengths[status]!;
}

/** Whether a response of this status may have a body; the others end with their head (RFC 9112 6.3). */
export function hasBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}
