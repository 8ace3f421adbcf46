/**
 * The language side by side with HAProxy: the same lines, conditions, delays
 * and addresses go to both, and the findings must be the same text. Differences that are meant are
 * not in the tables; docs and the head of lexer.ts and address.ts give the reasons.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ConfigError } from '../base/config-error.ts';
import {
  parseAddress,
  parseCidr,
  setHostResolver,
  splitAddressList,
} from '../base/value/address.ts';
import { parseDuration } from '../base/value/duration.ts';
import { resolveHost } from '../sys/resolve.ts';
import { HaproxyChecker, haproxy } from './ask-haproxy.ts';
import { createConditionContext, evaluateConditionLine } from './conditions.ts';
import { Diagnostics } from './diagnostics.ts';
import { Environment } from './environment.ts';
import {
  addresses,
  badConditions,
  brokenLines,
  conditions,
  delays,
  directives,
  emptyDefaults,
  lines,
  networks,
  preamble,
} from './haproxy-language-fixture.ts';
import { formatFinding } from './print.ts';
import { ConfigReader } from './reader.ts';

const variables = { S: 'one', L: 'a b  c', E: '', Q: 'a"b c', D: 'a$b\\c', HOME: '/root' };

let checker: HaproxyChecker | null = null;

beforeAll(() => {
  checker = new HaproxyChecker(variables);
  setHostResolver(resolveHost);
});

afterAll(() => {
  checker?.close();
  setHostResolver(null);
});

/** What haproxy says about a configuration: severity and text behind `config : `. */
function askHaproxy(text: string): string[] {
  return inLineOrder(checker!.ask(text).findings.filter((found) => /^\w+ parsing \[/.test(found)));
}

/** HAProxy looks at the shape of all lines first, and then reads them. */
function inLineOrder(findings: string[]): string[] {
  const lineOf = (finding: string) => Number(/:(\d+)\]/.exec(finding)![1]);
  return findings.sort((a, b) => lineOf(a) - lineOf(b));
}

function askSluice(text: string): string[] {
  const env = new Environment(variables);
  const diagnostics = new Diagnostics();
  const sources = [{ file: 't.cfg', text }];
  const reader = new ConfigReader(sources, env, diagnostics, createConditionContext(env));
  for (const _ of reader.lines()) {
    // Only the reader's own findings are compared.
  }
  return diagnostics.list.map((found) => `${found.severity} ${formatFinding(found)}`);
}

/** The finding of sluice about one value, null when it is accepted. */
function problem(parse: () => unknown): string | null {
  try {
    parse();
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/** Finds what haproxy says about each of the lines that begin at `from` (1-based). */
function byLine(findings: readonly string[], from: number, count: number): (string | null)[] {
  const found = new Array<string | null>(count).fill(null);
  for (const finding of findings) {
    const parts = /^ALERT parsing \[t\.cfg:(\d+)\] : (.*)$/.exec(finding);
    if (parts !== null) found[Number(parts[1]) - from] ??= parts[2]!;
  }
  return found;
}

describe.skipIf(haproxy === null)('the language as haproxy reads it', () => {
  test.each([
    ['quotes, escapes, variables and messages of lines (2.2, 2.3, 2.4)', lines],
    ['lines that cannot be split into words (2.2, 2.3)', brokenLines],
  ])('%s', (_, list) => {
    const text = `${preamble}${list.join('\n')}\n`;
    const ours = askSluice(text);
    expect(ours.length).toBeGreaterThanOrEqual(list.length);
    expect(ours).toEqual(askHaproxy(text));
  });

  test('empty values of variables with a default (2.3)', () => {
    const text = `${preamble}${emptyDefaults.join('\n')}\n`;
    const unshown = (findings: string[]) => findings.map((found) => found.replace(/\n.*/, ''));
    expect(unshown(askSluice(text))).toEqual(unshown(askHaproxy(text)));
  });

  test.each(conditions)('-cc %p gives the same status (2.4)', (text) => {
    const run = Bun.spawnSync([haproxy!, '-cc', text], {
      env: variables,
      stdout: 'ignore',
      stderr: 'ignore',
    });
    const env = new Environment(variables);
    let status = 2;
    const message = problem(() => {
      status = evaluateConditionLine(text, createConditionContext(env)) ? 0 : 1;
    });
    expect([message === null ? status : 2]).toEqual([run.exitCode]);
  });

  test.each(badConditions)('.if %s is refused with the same words and mark (2.4)', (condition) => {
    const text = `.if ${condition}\n.endif\n`;
    const ours = askSluice(text);
    expect(ours).toEqual(askHaproxy(text));
    expect(ours).not.toEqual([]);
  });

  test.each(directives)('%p gives the same findings (2.4)', (text) => {
    expect(askSluice(text)).toEqual(askHaproxy(text));
  });

  test('delays (2.5)', () => {
    const head = 'defaults\n';
    const text = head + delays.map((delay) => ` timeout client ${delay}\n`).join('');
    const ours = delays.map((delay) => problem(() => parseDuration(delay, 'ms', 'timeout client')));
    expect(ours).toEqual(byLine(askHaproxy(text), 2, delays.length));
  });

  test('addresses of bind lines (2.9)', () => {
    const text = `listen x\n mode tcp\n${addresses.map((address) => ` bind ${address}\n`).join('')}`;
    const ours = addresses.map((address) => {
      const message = problem(() => {
        for (const one of splitAddressList(address))
          parseAddress(one, { port: 'required', range: true }, new Environment(variables));
      });
      return message === null ? null : `'bind' : ${message}`;
    });
    expect(ours).toEqual(byLine(askHaproxy(text), 3, addresses.length));
  });

  test('networks of address patterns (7.1.6)', () => {
    const text = `listen x\n mode tcp\n${networks.map((net, i) => ` acl a${i} src ${net}\n`).join('')}`;
    const ours = networks.map((net, i) => {
      const message = problem(() => parseCidr(net));
      return message && `error detected while parsing ACL 'a${i}' : ${message}.`;
    });
    expect(ours).toEqual(byLine(askHaproxy(text), 3, networks.length));
  });
});
