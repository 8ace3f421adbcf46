/** Answers that the proxy itself makes, and edited fields: configuration.txt 4.3 and 4.4. */
import { type Case, get, head, okay, reply } from '../case.ts';

const edited = (name: string, send: string, answer = okay): Case => ({
  name: `rules: ${name}`,
  variant: 'edited',
  send,
  answer,
});

const path = (target: string, ...fields: string[]) =>
  head(`GET ${target} HTTP/1.1`, 'Host: h', ...fields);

export const ruleCases: Case[] = [
  edited('fields are set, added and removed', get('X-Set: old', 'X-Add: old', 'X-Del: gone')),
  edited(
    'every field of a name is set at once',
    get('X-Set: a', 'x-set: b', 'X-DEL: a', 'X-del: b'),
  ),
  edited('a value is replaced by its groups', get('X-Rep: aXYb', 'X-Rep: none')),
  edited(
    'fields of the answer are set and removed',
    get(),
    reply('ok', 'Server: s', 'Content-Length: 2'),
  ),
  edited('deny answers 403', path('/deny')),
  edited('deny answers HEAD without a body', head('HEAD /deny HTTP/1.1', 'Host: h')),
  edited('deny closes for HTTP/1.0', head('GET /deny HTTP/1.0')),
  edited(
    'deny of a request with a body',
    `${head('POST /deny HTTP/1.1', 'Host: h', 'Content-Length: 3')}abc`,
  ),
  edited('redirect location', path('/redirect')),
  edited('redirect prefix keeps the path and the query', path('/prefix/a?b=c')),
  edited('redirect of HEAD', head('HEAD /redirect HTTP/1.1', 'Host: h')),
  edited('redirect for HTTP/1.0', head('GET /redirect HTTP/1.0')),
  edited('redirect with Connection: close', path('/redirect', 'Connection: close')),
  edited('return a string', path('/return')),
  edited('return a string to HEAD', head('HEAD /return HTTP/1.1', 'Host: h')),
  edited('return for HTTP/1.0', head('GET /return HTTP/1.0')),
  {
    name: 'rules: two denied requests on one connection',
    variant: 'edited',
    send: path('/deny').repeat(2),
    replies: 2,
    methods: ['GET', 'GET'],
  },
  {
    name: 'rules: a returned answer, then one of the back end',
    variant: 'edited',
    send: path('/return') + get(),
    replies: 2,
    methods: ['GET', 'GET'],
  },
  edited(
    'edits on a chunked request',
    `${head('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
  ),
  edited('an absolute target matches by its path', head('GET http://h/deny HTTP/1.1', 'Host: h')),
  {
    name: 'buffered: a body that comes in two parts is sent after both',
    variant: 'buffered',
    send: [head('POST / HTTP/1.1', 'Host: h', 'Content-Length: 6'), 'abc', 'def', { replies: 1 }],
    methods: ['POST'],
  },
  {
    name: 'buffered: a body that never comes',
    variant: 'buffered',
    send: head('POST / HTTP/1.1', 'Host: h', 'Content-Length: 6'),
  },
  {
    name: 'buffered: a chunked body',
    variant: 'buffered',
    send: `${head('POST / HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
  },
  {
    name: 'buffered: a rule answers after the whole body has come',
    variant: 'buffered',
    send: [head('POST /deny HTTP/1.1', 'Host: h', 'Content-Length: 6'), 'abc', 'def', get()],
    replies: 2,
    methods: ['POST', 'GET'],
  },
  {
    name: 'buffered: a redirect after the whole body has come',
    variant: 'buffered',
    send: [head('POST /redirect HTTP/1.1', 'Host: h', 'Content-Length: 6'), 'abc', 'def'],
    methods: ['POST'],
  },
  {
    name: 'buffered: no rule answers for a body that never comes',
    variant: 'buffered',
    send: `${head('POST /deny HTTP/1.1', 'Host: h', 'Content-Length: 6')}abc`,
  },
];
