/**
 * Thousands of generated requests through haproxy and through sluice. Nothing that haproxy refuses
 * reaches a server through sluice; what sluice refuses or writes otherwise is explained by one of
 * the rules, each of which is a section of docs/differences.md.
 */
import { beforeAll, describe, expect, test } from 'bun:test';
import { printable } from '../harness/bytes.ts';
import { programPath } from '../harness/proxy.ts';
import { World } from '../harness/scenario.ts';
import { allCases } from './cases/all.ts';
import { families, generatedCases } from './cases/generated.ts';
import { readDifferences } from './differences.ts';
import { type Observation, Runner } from './observe.ts';
import { explain, rules, shapeOf } from './rules.ts';

const absent = programPath('haproxy') === null;
const lanes = 12;
/** How many of the requests that nothing explains a failure names. */
const shown = 10;

async function observeAll(program: 'haproxy' | 'sluice'): Promise<Map<string, Observation>> {
  const world = new World(program);
  try {
    return await (await Runner.start(world, program, lanes)).run(generatedCases);
  } finally {
    await world.end();
  }
}

function picture(name: string, bytes: string, theirs: Observation, ours: Observation): string {
  const lines = [`${name}: ${printable(bytes)}`];
  for (const part of ['client', 'server', 'log'] as const) {
    if (theirs[part].join() === ours[part].join()) continue;
    lines.push(`  haproxy ${part} ${theirs[part].join(' | ')}`);
    lines.push(`  sluice  ${part} ${ours[part].join(' | ')}`);
  }
  return lines.join('\n');
}

test('there are at least 1500 requests, all different, with names of their own', () => {
  expect(generatedCases.length + allCases.length).toBeGreaterThanOrEqual(1500);
  const names = [...generatedCases, ...allCases].map((kase) => kase.name);
  expect(new Set(names).size).toBe(names.length);
  const sent = generatedCases.map((kase) => `${kase.variant} ${kase.send}`);
  expect(new Set(sent).size).toBe(sent.length);
});

test('the rules are sections of docs/differences.md, each once', () => {
  const titles = readDifferences().map((difference) => difference.title);
  for (const rule of rules) expect(titles).toContain(rule.title);
  expect(new Set(rules.map((rule) => rule.title)).size).toBe(rules.length);
});

describe('what explains a disagreement', () => {
  const forwards = (line: string): Observation => ({
    client: ['HTTP/1.1 200 OK'],
    server: ['connection 0', line],
    log: ['plain/s n/n 200 51 - - ---- 0/0/0 "GET"'],
  });
  const refused: Observation = {
    client: ['HTTP/1.1 400 Bad request'],
    server: [],
    log: ['plain/<NOSRV> -1/n 400 0 - - PR-- 0/0/0 "<BADREQ>"'],
  };
  const request = 'GET / HTTP/1.1\\r\\nhost: h\\r\\n\\r\\n';
  const titles = (bytes: string, theirs: Observation, ours: Observation) =>
    explain(bytes, theirs, ours)?.map((rule) => rule.title) ?? null;

  test('nothing, when haproxy refuses what sluice forwards', () => {
    const bytes = 'GET / HTTP/1.1\r\nHost: u@h\n\r\n';
    expect(titles(bytes, refused, forwards(request))).toBeNull();
  });

  test('a rule that holds, when sluice refuses what haproxy forwards', () => {
    const bytes = 'GET / HTTP/1.1\r\nHost: u@h\r\n\r\n';
    expect(titles(bytes, forwards(request), refused)).toEqual([
      'The authority of a target and Host are checked',
    ]);
    expect(titles('GET / HTTP/1.1\r\nHost: h\r\n\r\n', forwards(request), refused)).toBeNull();
  });

  test('a rule that makes both spellings one', () => {
    const other = 'GET / HTTP/1.1\\r\\nhost: h\\r\\nhttp2-settings: A\\r\\n\\r\\n';
    const bytes = 'GET / HTTP/1.1\r\nHost: h\r\nHTTP2-Settings: A\r\n\r\n';
    expect(titles(bytes, forwards(other), forwards(request))).toEqual(['HTTP2-Settings ends here']);
    expect(titles(bytes, forwards(other.replace('h', 'i')), forwards(request))).toBeNull();
  });

  test('a request is taken apart as far as it can be read', () => {
    expect(shapeOf('\r\nPOST /a HTTP/1.1\r\nHost:  h \nX\r\n\r\nbody')).toEqual({
      bytes: '\r\nPOST /a HTTP/1.1\r\nHost:  h \nX\r\n\r\nbody',
      method: 'POST',
      target: '/a',
      version: 'HTTP/1.1',
      fields: [
        ['host', 'h'],
        ['', 'X'],
      ],
      body: 'body',
    });
  });
});

describe.skipIf(absent)('the same bytes through haproxy and sluice', () => {
  let haproxy = new Map<string, Observation>();
  let sluice = new Map<string, Observation>();
  const used = new Set<string>();

  beforeAll(async () => {
    [haproxy, sluice] = await Promise.all([observeAll('haproxy'), observeAll('sluice')]);
  }, 180_000);

  for (const family of families) {
    test(`generated: ${family.name}`, () => {
      const unexplained: string[] = [];
      for (const { name, send } of family.cases) {
        const bytes = send as string;
        const theirs = haproxy.get(name)!;
        const ours = sluice.get(name)!;
        const found = explain(bytes, theirs, ours);
        if (found === null) unexplained.push(picture(name, bytes, theirs, ours));
        else for (const rule of found) used.add(rule.title);
      }
      const count = `${unexplained.length} of ${family.cases.length}`;
      expect(unexplained.slice(0, shown), count).toEqual([]);
    });
  }

  test('every rule explains some request', () => {
    expect(rules.map((rule) => rule.title).filter((title) => !used.has(title))).toEqual([]);
  });
});
