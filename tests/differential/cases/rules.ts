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

const routed = (name: string, ...lines: string[]): Case => ({
  name: `rules: ${name}`,
  variant: 'routed',
  send: head(...lines),
});

/** Rules keep Host and the target together, and write no Host that is none: RFC 9112 3.2. */
const routedCases: Case[] = [
  routed('a Host', 'GET / HTTP/1.1', 'Host: h', 'X-Host: i:81'),
  routed('a Host beside a target', 'GET http://h/p HTTP/1.1', 'Host: h', 'X-Host: i:81'),
  routed('a Host beside a target with a port', 'GET http://h:80 HTTP/1.1', 'X-Host: i'),
  routed('an empty Host', 'GET / HTTP/1.1', 'Host: h', 'X-Host:'),
  routed('a Host with user information', 'GET / HTTP/1.1', 'Host: h', 'X-Host: u@i'),
  routed('a Host with a list', 'GET / HTTP/1.1', 'Host: h', 'X-Add: i, j'),
  routed('a Host with a blank', 'GET / HTTP/1.1', 'Host: h', 'X-Host: i j'),
  routed('a Host with user information beside a target', 'GET http://h/ HTTP/1.1', 'X-Host: u@i'),
  routed('a Host that is replaced', 'GET http://old:81/p HTTP/1.1', 'Host: old:81'),
  routed('a target', 'GET / HTTP/1.1', 'Host: h', 'X-Uri: http://i:81/p'),
  routed('a target without a path', 'GET / HTTP/1.1', 'Host: h', 'X-Uri: http://i'),
  routed('a target of a path', 'GET http://h/p HTTP/1.1', 'Host: h', 'X-Uri: /q'),
  routed('a target with user information', 'GET / HTTP/1.1', 'Host: h', 'X-Uri: http://u@i/'),
  routed('a target that is replaced', 'GET http://old/p HTTP/1.1', 'Host: old'),
];

export const ruleCases: Case[] = [
  ...routedCases,
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
    send: [
      head('POST /deny HTTP/1.1', 'Host: h', 'Content-Length: 6'),
      'abc',
      'def',
      get(),
      { replies: 2 },
    ],
    methods: ['POST', 'GET'],
  },
  {
    name: 'buffered: a redirect after the whole body has come',
    variant: 'buffered',
    send: [
      head('POST /redirect HTTP/1.1', 'Host: h', 'Content-Length: 6'),
      'abc',
      'def',
      { replies: 1 },
    ],
    methods: ['POST'],
  },
  {
    name: 'buffered: no rule answers for a body that never comes',
    variant: 'buffered',
    send: `${head('POST /deny HTTP/1.1', 'Host: h', 'Content-Length: 6')}abc`,
  },
];
