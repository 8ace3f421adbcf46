/** The language that is chosen is HAProxy's choice (configuration.txt 7.3.1 `language`). */
import { expect, test } from 'bun:test';
import { expressionDifferences } from '../haproxy-fixture.ts';

const wishes = [
  'fr,en;q=0.8',
  'fr;q=0.5, en;q=0.9',
  'de, es-MX;q=0.7, en;q=0.6',
  'en-US,en;q=0.5',
  'en;q=0',
  'EN',
  'fr ; q=0.3 , en ;q= 0.9',
  '*',
  'es;q=0.5,en;q=0.5',
  'en;q=1.5,fr',
  'fr,en;q=1.5',
  'en;q=x,fr;q=0.1',
  'fr;q=0.9,en;q=x',
  'fr;q=0.9,en;level=1;q=0.2',
  'en;q=0.123,fr;q=0.1239',
  'fr;q=0.0001,en;q=0.0009',
  'en;q,fr',
  'en;,fr;q=.5',
  ',,en',
  'en-',
  'en-US-x;q=0.3',
  'en-US-x-y',
  'en-USX',
  'fr;q=0.30,es;q=0.3000',
  'en;q=00.5',
  'en;Q=0.5,fr;q=0.6',
  'fr;q=0.9,en;q=',
  'fr;q=0.9,en;q=2',
  'fr;q=0.9,en;q=0.95x',
  'fr;q=0.9,en; q = 0.95',
  'fr;q=0.9,en;q=0.',
  'fr;q=0.9,en;q=-1',
  'fr;q=0.5,e n',
  'fr;q=0.5,\ten;q=0.9',
  'fr;q=0.5,en;q=0.4 ;q=0.9',
  'fr;q =0.9,en;q=0.95',
  'fr;;q=0.1,en;q=0.5',
  '*;q=0.9,fr;q=0.1',
  'fr;q=1.9,en;q=9.9',
];

const head = `GET / HTTP/1.1\r\nHost: h\r\n${wishes
  .map((wish, i) => `L${i}: ${wish}\r\n`)
  .join('')}\r\n`;

const choices = [
  "'es;fr;en'",
  "'es;fr;en',other",
  "'en;en-US'",
  "'en-US;en'",
  'en-US',
  "';;en;'",
  "'',d",
  "''",
];

test.skipIf(!Bun.which('haproxy'))('7.3.1: language chooses what HAProxy chooses', async () => {
  const expressions = choices.flatMap((choice) => [
    ...wishes.map((_, i) => `req.fhdr(l${i}),language(${choice})`),
    `str(),language(${choice})`,
    `req.fhdr(none),language(${choice})`,
  ]);
  expect(await expressionDifferences(expressions, head)).toEqual([]);
});
