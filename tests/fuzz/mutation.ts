/** Mutations of byte strings, and the valid messages that they start from. */
import type { Random } from './random.ts';

const odd = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '\0',
  '\x7f',
  '\xff',
  '%',
  '/',
  '#',
  '=',
];

/** A few random edits; the result may be anything, also still valid. */
export function mutate(random: Random, text: string, dictionary: readonly string[] = odd): string {
  let result = text;
  for (let n = random.between(1, 4); n > 0; n--) {
    const at = random.below(result.length + 1);
    const length = random.size(Math.min(40, result.length - at));
    const before = result.slice(0, at);
    const after = result.slice(at);
    switch (random.below(7)) {
      case 0:
        result = before + after.slice(length);
        break;
      case 1:
        result = before + random.bytes(random.between(1, 4)) + after;
        break;
      case 2:
        result = before + random.pick(dictionary) + after;
        break;
      case 3:
        result = before + random.pick(dictionary) + after.slice(1);
        break;
      case 4:
        result = before + after.slice(0, length) + after;
        break;
      case 5: {
        const from = random.below(result.length + 1);
        result = before + result.slice(from, from + length) + after.slice(length);
        break;
      }
      default:
        result = before + String.fromCharCode(random.below(256)) + after.slice(1);
    }
  }
  return result;
}

export const oddBytes: readonly string[] = odd;

const names = [
  'Host',
  'Connection',
  'Content-Length',
  'Transfer-Encoding',
  'Expect',
  'Upgrade',
  'Cookie',
  'TE',
  'X-Token',
  'x',
  'Keep-Alive',
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Accept',
];

const values = [
  'example.test',
  'example.test:80',
  'close',
  'keep-alive',
  'keep-alive, Upgrade',
  'chunked',
  'gzip, chunked',
  'identity',
  '0',
  '5',
  '5, 5',
  '5,6',
  '18446744073709551616',
  '100-continue',
  'websocket',
  'a=b; c="d"',
  '',
  '  padded\t',
  '\xe9',
];

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'BREW'];
const targets = [
  '/',
  '/a/b?c=d&e=%20',
  '*',
  'http://example.test/x',
  'http://example.test:80/x',
  'https://example.test:443',
  'example.test:443',
  'example.test:80',
  `/${'long/'.repeat(30)}`,
];
const versions = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.9'];

function fields(random: Random): string {
  let text = '';
  for (let n = random.below(7); n > 0; n--) {
    text += `${random.pick(names)}:${random.oneIn(8) ? '' : ' '}${random.pick(values)}\r\n`;
  }
  return text;
}

/** The head of a request that a client could have meant. */
export function requestHead(random: Random): string {
  const line = `${random.pick(methods)} ${random.pick(targets)} ${random.pick(versions)}`;
  const blank = random.oneIn(10) ? '\r\n' : '';
  // HTTP/0.9 is understood with `option accept-unsafe-violations-in-http-request`.
  if (random.oneIn(30)) return `${blank}GET ${random.pick(targets)}\r\n`;
  return `${blank}${line}\r\n${fields(random)}\r\n`;
}

/** The head of a response that a server could have meant. */
export function responseHead(random: Random): string {
  const status = random.pick([100, 101, 103, 200, 204, 206, 302, 304, 404, 500, 599, 700]);
  const reason = random.pick([' OK', ' ', '', ' Not Modified', ' \xe9']);
  return `${random.pick(versions)} ${status}${reason}\r\n${fields(random)}\r\n`;
}
