import { describe, expect, test } from 'bun:test';
import { Counter, PROCESS_ENTITY, State } from '../model/shared.ts';
import { createRuntime, startMs, type TestRuntime } from '../runtime/fixture.ts';
import { infoJson, infoText, infoTyped } from './info.ts';

const text = `
global
  node n1
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
frontend f
  bind 127.0.0.1:18080
  bind 127.0.0.1:18081
`;

function moment(runtime: TestRuntime, ms = 0, float = false) {
  return { source: runtime.source.info, nowMs: startMs + ms, float };
}

function values(runtime: TestRuntime, ms = 0, float = false): Record<string, string> {
  const lines = infoText(moment(runtime, ms, float), false)
    .trimEnd()
    .split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)));
}

describe('show info (management.txt 9.3)', () => {
  test('gives the uptime in words and seconds', () => {
    const ms = ((2 * 24 + 3) * 3600 + 4 * 60 + 5) * 1000 + 678;
    const shown = values(createRuntime(text), ms);
    expect(shown['Uptime']).toBe('2d 3h04m05s');
    expect(shown['Uptime_sec']).toBe(String(((2 * 24 + 3) * 60 + 4) * 60 + 5));
  });

  test('gives fractions when asked for floats', () => {
    expect(values(createRuntime(text), 1500, true)['Uptime_sec']).toBe('1.500000');
  });

  test('adds up the workers and the stats socket', () => {
    const runtime = createRuntime(text, 2);
    for (const rowNumber of [1, 2]) {
      const base = runtime.shared.counterBase(rowNumber, PROCESS_ENTITY);
      runtime.shared.counters[base + Counter.Connections] = 10;
    }
    runtime.source.info.cli.connections = 3;
    runtime.shared.set(PROCESS_ENTITY, State.Current, 5);
    expect(values(runtime)).toMatchObject({ CumConns: '23', CurrConns: '5', Jobs: '7' });
  });

  test('names the node, and shows a description only when there is one (3.1)', () => {
    const shown = values(createRuntime(text));
    expect(shown['node']).toBe('n1');
    expect(shown['description']).toBeUndefined();
  });

  test('has the positions, tags and types of the typed format', () => {
    const lines = infoTyped(moment(createRuntime(text)), false).split('\n');
    expect(lines[0]).toBe('0.Name.1:POSV:str:sluice');
    expect(lines).toContain('3.Nbthread.1:CGSV:u32:2');
    expect(lines).toContain('15.Maxconn.1:CLPV:u32:2000');
    expect(lines).toContain('47.Tasks.1:MGPV:u32:3');
  });

  test('adds meanings in both line formats', () => {
    const now = moment(createRuntime(text));
    expect(infoText(now, true)).toContain('Nbproc: 1:"Processes, always 1"\n');
    expect(infoTyped(now, true)).toContain('4.Nbproc.1:CGSV:u32:1:"Processes, always 1"\n');
  });

  test('is a list of objects in JSON', () => {
    const parsed = JSON.parse(infoJson(moment(createRuntime(text)))) as { field: unknown }[];
    expect(parsed[0]!.field).toEqual({ pos: 0, name: 'Name' });
  });
});
