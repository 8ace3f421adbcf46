/** Forms of the target, and Host: RFC 9112 3.2, RFC 9110 7.2. */
import { type Case, head } from '../case.ts';

const pairs: [string, ...string[]][] = [
  ['no Host', 'GET / HTTP/1.1'],
  ['no Host in HTTP/1.0', 'GET / HTTP/1.0'],
  ['an empty Host', 'GET / HTTP/1.1', 'Host:'],
  ['two equal Hosts', 'GET / HTTP/1.1', 'Host: h', 'Host: h'],
  ['two different Hosts', 'GET / HTTP/1.1', 'Host: h', 'Host: i'],
  ['Host with a port', 'GET / HTTP/1.1', 'Host: h:8080'],
  ['Host with port 80', 'GET / HTTP/1.1', 'Host: h:80'],
  ['Host with an empty port', 'GET / HTTP/1.1', 'Host: h:'],
  ['Host with a bad port', 'GET / HTTP/1.1', 'Host: h:abc'],
  ['Host with an IPv6 address', 'GET / HTTP/1.1', 'Host: [::1]:80'],
  ['Host with user information', 'GET / HTTP/1.1', 'Host: u@h'],
  ['Host with a path', 'GET / HTTP/1.1', 'Host: h/path'],
  ['Host with a space', 'GET / HTTP/1.1', 'Host: h i'],
  ['Host with a comma', 'GET / HTTP/1.1', 'Host: h,i'],
  ['Host with capitals', 'GET / HTTP/1.1', 'HOST: H.Example'],
  ['absolute-form with the same host', 'GET http://h/p HTTP/1.1', 'Host: h'],
  ['absolute-form with another host', 'GET http://h/p HTTP/1.1', 'Host: i'],
  ['absolute-form without Host', 'GET http://h/p HTTP/1.1'],
  ['absolute-form without Host in HTTP/1.0', 'GET http://h/p HTTP/1.0'],
  ['absolute-form with capitals', 'GET HTTP://H/p HTTP/1.1', 'Host: h'],
  ['absolute-form with port 80', 'GET http://h:80/p HTTP/1.1', 'Host: h'],
  ['absolute-form without port, Host with port 80', 'GET http://h/p HTTP/1.1', 'Host: h:80'],
  ['absolute-form with another port', 'GET http://h:81/p HTTP/1.1', 'Host: h'],
  ['absolute-form with the same port', 'GET http://h:81/p HTTP/1.1', 'Host: h:81'],
  ['absolute-form with an empty path', 'GET http://h HTTP/1.1', 'Host: h'],
  ['absolute-form with only a query', 'GET http://h?q HTTP/1.1', 'Host: h'],
  ['absolute-form with user information', 'GET http://u@h/p HTTP/1.1', 'Host: h'],
  ['absolute-form without authority', 'GET http:///p HTTP/1.1', 'Host: h'],
  ['absolute-form of https', 'GET https://h/p HTTP/1.1', 'Host: h'],
  ['absolute-form of another scheme', 'GET ftp://h/p HTTP/1.1', 'Host: h'],
  ['absolute-form with IPv6', 'GET http://[::1]/p HTTP/1.1', 'Host: [::1]'],
  ['absolute-form of a scheme with a digit', 'GET 1http://h/p HTTP/1.1', 'Host: h'],
  ['asterisk-form with OPTIONS', 'OPTIONS * HTTP/1.1', 'Host: h'],
  ['asterisk-form with GET', 'GET * HTTP/1.1', 'Host: h'],
  ['asterisk-form and more', 'OPTIONS *a HTTP/1.1', 'Host: h'],
  ['absolute-form with OPTIONS and no path', 'OPTIONS http://h HTTP/1.1', 'Host: h'],
  ['authority-form with GET', 'GET h:80 HTTP/1.1', 'Host: h:80'],
];

const connects: [string, ...string[]][] = [
  ['a host and a port', 'CONNECT h:443 HTTP/1.1', 'Host: h:443'],
  ['Host without the port', 'CONNECT h:443 HTTP/1.1', 'Host: h'],
  ['Host different', 'CONNECT h:443 HTTP/1.1', 'Host: i:443'],
  ['no port', 'CONNECT h HTTP/1.1', 'Host: h'],
  ['an empty port', 'CONNECT h: HTTP/1.1', 'Host: h'],
  ['a path', 'CONNECT /p HTTP/1.1', 'Host: h'],
  ['absolute-form', 'CONNECT http://h:443/ HTTP/1.1', 'Host: h:443'],
  ['an IPv6 address', 'CONNECT [::1]:443 HTTP/1.1', 'Host: [::1]:443'],
  ['no Host', 'CONNECT h:443 HTTP/1.1'],
  ['port 0', 'CONNECT h:0 HTTP/1.1', 'Host: h:0'],
  ['port 70000', 'CONNECT h:70000 HTTP/1.1', 'Host: h:70000'],
];

export const targetCases: Case[] = [
  ...pairs.map(
    ([what, ...lines]): Case => ({
      name: `target: ${what}`,
      send: head(...lines),
    }),
  ),
  ...connects.map(
    ([what, ...lines]): Case => ({
      name: `connect: ${what}`,
      send: head(...lines),
      answer: { steps: [{ requests: 1 }, head('HTTP/1.1 403 No'), 'close'] },
    }),
  ),
  {
    name: 'connect: a tunnel carries bytes both ways',
    send: [
      head('CONNECT h:443 HTTP/1.1', 'Host: h:443'),
      { wait: '\r\n\r\n' },
      'ping',
      { wait: 'pong' },
      'end',
    ],
    answer: {
      steps: [{ wait: '\r\n\r\n' }, head('HTTP/1.1 200 Tunnel'), { wait: 'ping' }, 'pong', 'end'],
    },
  },
  {
    name: 'connect: an answer with a length to it is a tunnel all the same',
    send: [head('CONNECT h:443 HTTP/1.1', 'Host: h:443'), { wait: 'pong' }, 'end'],
    answer: {
      steps: [{ wait: '\r\n\r\n' }, `${head('HTTP/1.1 200 OK', 'Content-Length: 0')}pong`, 'end'],
    },
  },
  {
    name: 'connect: with a body length',
    send: head('CONNECT h:443 HTTP/1.1', 'Host: h:443', 'Content-Length: 3'),
    answer: {
      steps: [{ wait: '\r\n\r\n' }, head('HTTP/1.1 403 No', 'Content-Length: 0'), 'close'],
    },
  },
];
