import { describe, expect, test } from 'bun:test';
import { AdminFlag } from '../model/shared.ts';
import { readAgentLine } from './agent.ts';
import { checkResult } from './result.ts';

/** What a line says to a server of weight 50. */
function read(line: string) {
  const { status, ...rest } = readAgentLine(line, 50);
  return { status: checkResult(status).name, ...rest };
}

const nothing = { status: 'CHECKED', info: '', admin: null, weight: null, maxconn: null };

describe('the words of an agent (5.2 agent-check)', () => {
  test.each<[string, Partial<typeof nothing> | Record<string, unknown>]>([
    ['', {}],
    ['75%', { weight: 37 }],
    ['0%', { weight: 0 }],
    ['1000%', { weight: 256 }],
    ['weight:20', { weight: 20 }],
    ['weight:50%', { weight: 25 }],
    ['maxconn:30', { maxconn: 30 }],
    ['ready', { admin: 0 }],
    ['drain', { admin: AdminFlag.Drain }],
    ['maint', { admin: AdminFlag.Maintenance }],
    ['UP', { status: 'L7OK', info: 'via agent : UP' }],
    ['down', { status: 'L7STS', info: 'via agent : down' }],
    [
      'fail # disk is full, call us',
      { status: 'L7STS', info: 'via agent : fail (disk is full, call us)' },
    ],
    [
      'stopped,\t50% ,ready',
      { status: 'L7STS', info: 'via agent : stopped', weight: 25, admin: 0 },
    ],
    [
      'weight:300',
      { info: 'agent warns : Absolute weight can only be between 0 and 256 inclusive.' },
    ],
    ['weight:x', { info: 'agent warns : Empty weight string empty or preceded by garbage' }],
    ['maxconn:-1', { info: 'agent warns : maxconn string empty or preceded by garbage' }],
    ['hello world', { info: 'agent reports an error : hello' }],
    ['hello 50% up', { status: 'L7OK', info: 'via agent : up', weight: 25 }],
  ])('%p', (line, said) => {
    expect(read(line)).toEqual({ ...nothing, ...said } as never);
  });

  test('a static algorithm knows the weight of the server line and none', () => {
    const weights = ['100%', '0%', 'weight:50', 'weight:0', '50%', 'weight:20'].map(
      (line) => readAgentLine(line, 50, true).weight,
    );
    expect(weights).toEqual([50, 0, 50, 0, null, null]);
  });
});
