import { describe, expect, test } from 'bun:test';
import { numberEntities } from '../model/entity.ts';
import { AdminFlag, Counter, Health, State } from '../model/shared.ts';
import { createRuntime, startMs, type TestRuntime } from '../runtime/fixture.ts';
import { fields } from './fields.ts';
import { csvHeader, csvLine, statJson, typedLines } from './stat-format.ts';
import { listSubjects, type SubjectFilter } from './subject.ts';
import { csvText } from './value.ts';

const text = `
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
frontend f
  option socket-stats
  bind 127.0.0.1:18080 name web id 7
  default_backend b
backend b
  server s1 127.0.0.1:18081 check rise 2 fall 3 weight 10
  server s2 127.0.0.1:18082 backup
  server s3 127.0.0.1:18083 disabled
listen l
  mode tcp
  bind [::1]:18084
  server x [::1]:18085 maxconn 9
`;

const all: SubjectFilter = {
  proxyId: -1,
  types: -1,
  objectId: -1,
  up: false,
  noMaintenance: false,
};

function list(runtime: TestRuntime, filter: Partial<SubjectFilter> = {}, ms = 0, details = true) {
  return listSubjects(runtime.source.stats, { ...all, ...filter }, startMs + ms, details);
}

function names(runtime: TestRuntime, filter: Partial<SubjectFilter>): string[] {
  return list(runtime, filter).map((s) => csvLine(s).split(',').slice(0, 2).join('/'));
}

/** One line of `show stat` by column name. */
function row(runtime: TestRuntime, name: string, ms = 0, details = true): Record<string, string> {
  const subject = list(runtime, {}, ms, details).find((s) =>
    csvLine(s).startsWith(`${name.replace('/', ',')},`),
  );
  const values = csvLine(subject!).split(',');
  return Object.fromEntries(fields.map((field, i) => [field.name, values[i]!]));
}

describe('the CSV of show stat (management.txt 9.1)', () => {
  test('has the fields of the manual, numbered from 0 to 118, and then "-"', () => {
    expect(fields.length).toBe(119);
    const at = (name: string) => fields.findIndex((field) => field.name === name);
    expect(at('svname')).toBe(1);
    expect(at('status')).toBe(17);
    expect(at('rate')).toBe(33);
    expect(at('check_status')).toBe(36);
    expect(at('req_tot')).toBe(48);
    expect(at('addr')).toBe(73);
    expect(at('ttime_max')).toBe(93);
    expect(at('uweight')).toBe(99);
    expect(at('cache_hint_hits')).toBe(118);
    expect(csvHeader()).toEndWith(',cache_hint_hits,-,\n');
  });

  test('has as many columns in every line as in the header', () => {
    const columns = csvHeader().split(',').length;
    for (const subject of list(createRuntime(text))) {
      expect(csvLine(subject).split(',').length).toBe(columns);
    }
  });

  test('quotes a text only when it holds a quote or a comma', () => {
    expect(csvText('a b')).toBe('a b');
    expect(csvText('a,b')).toBe('"a,b"');
    expect(csvText('say "x"')).toBe('"say ""x"""');
  });

  test('lists frontend, listeners, servers and backend of each proxy in file order', () => {
    expect(names(createRuntime(text), {})).toEqual([
      'f/FRONTEND',
      'f/web',
      'b/s1',
      'b/s2',
      'b/s3',
      'b/BACKEND',
      'l/FRONTEND',
      'l/x',
      'l/BACKEND',
    ]);
  });

  test('sums the counters of all workers and takes the largest maximum', () => {
    const runtime = createRuntime(text, 3);
    const entity = numberEntities(runtime.source.config).frontend[0]!;
    for (let worker = 1; worker <= 3; worker++) {
      const base = runtime.shared.counterBase(worker, entity);
      runtime.shared.counters[base + Counter.Sessions] = worker * 10;
      runtime.shared.counters[base + Counter.SessionsMax] = worker;
    }
    expect(row(runtime, 'f/FRONTEND')).toMatchObject({ stot: '60', smax: '3' });
  });

  test('averages times over the requests that were served (qtime to ttime)', () => {
    const runtime = createRuntime(text, 2);
    const entity = numberEntities(runtime.source.config).server[1]![0]!;
    const base = runtime.shared.counterBase(1, entity);
    runtime.shared.counters[base + Counter.Sessions] = 4;
    runtime.shared.counters[base + Counter.ConnectTimeSum] = 50;
    expect(row(runtime, 'b/s1')).toMatchObject({ ctime: '12', qtime: '0' });
    runtime.shared.counters[base + Counter.Sessions] = 50_000;
    runtime.shared.counters[base + Counter.ConnectTimeSum] = 1024 * 7;
    expect(row(runtime, 'b/s1').ctime).toBe('7');
  });

  test('shows addresses and algorithms to operators only', () => {
    const runtime = createRuntime(text);
    expect(row(runtime, 'b/s1').addr).toBe('127.0.0.1:18081');
    expect(row(runtime, 'l/x').addr).toBe('[::1]:18085');
    expect(row(runtime, 'b/BACKEND').algo).toBe('roundrobin');
    expect(row(runtime, 'b/s1', 0, false).addr).toBe('');
    expect(row(runtime, 'b/BACKEND', 0, false).algo).toBe('');
  });

  test('leaves HTTP counters empty in TCP mode', () => {
    const runtime = createRuntime(text);
    expect(row(runtime, 'l/FRONTEND')).toMatchObject({ hrsp_2xx: '', intercepted: '' });
    expect(row(runtime, 'f/FRONTEND')).toMatchObject({ hrsp_2xx: '0', intercepted: '0' });
    expect(row(runtime, 'l/BACKEND').req_tot).toBe('');
  });

  test('shows the listener by its name and id (5.1 name, id)', () => {
    const listener = row(createRuntime(text), 'f/web');
    expect(listener).toMatchObject({ sid: '7', type: '3', status: 'OPEN', proto: 'tcpv4' });
  });
});

describe('the state of servers in show stat', () => {
  const entityOf = (runtime: TestRuntime, index: number) =>
    numberEntities(runtime.source.config).server[1]![index]!;

  test('is "no check" without checks and MAINT when disabled (5.2 disabled)', () => {
    const runtime = createRuntime(text);
    expect(row(runtime, 'b/s2').status).toBe('no check');
    expect(row(runtime, 'b/s3').status).toBe('MAINT');
  });

  test('shows how far a checked server is from the other state', () => {
    const runtime = createRuntime(text);
    const s1 = entityOf(runtime, 0);
    const status = (health: Health, counter: number) => {
      runtime.shared.set(s1, State.Health, health);
      runtime.shared.set(s1, State.CheckCounter, counter);
      return row(runtime, 'b/s1').status;
    };
    expect(status(Health.Up, 4)).toBe('UP');
    expect(status(Health.Up, 3)).toBe('UP 2/3');
    expect(status(Health.Up, 2)).toBe('UP 1/3');
    expect(status(Health.Down, 1)).toBe('DOWN 1/2');
    expect(status(Health.Down, 0)).toBe('DOWN');
  });

  test('is DRAIN while it gets no new sessions', () => {
    const runtime = createRuntime(text);
    runtime.shared.set(entityOf(runtime, 1), State.Admin, AdminFlag.Drain);
    expect(row(runtime, 'b/s2').status).toBe('DRAIN');
  });

  test('counts downtime up to now', () => {
    const runtime = createRuntime(text);
    const s1 = entityOf(runtime, 0);
    runtime.shared.set(s1, State.Health, Health.Down);
    runtime.shared.set(s1, State.Downtime, 5);
    expect(row(runtime, 'b/s1', 3000)).toMatchObject({ downtime: '8', lastchg: '3' });
  });

  test('gives the backend the weight of the servers that get requests', () => {
    const runtime = createRuntime(text);
    expect(row(runtime, 'b/BACKEND')).toMatchObject({ weight: '10', act: '1', bck: '1' });
    const backend = numberEntities(runtime.source.config).backend[1]!;
    runtime.shared.set(entityOf(runtime, 0), State.Health, Health.Down);
    runtime.shared.set(backend, State.ActiveServers, 0);
    expect(row(runtime, 'b/BACKEND')).toMatchObject({ weight: '1', act: '0', status: 'UP' });
  });
});

describe('the selection of show stat (management.txt 9.3)', () => {
  test('is by proxy id, kind and server id', () => {
    const runtime = createRuntime(text);
    expect(names(runtime, { proxyId: 3 })).toEqual(['b/s1', 'b/s2', 'b/s3', 'b/BACKEND']);
    expect(names(runtime, { types: 1 })).toEqual(['f/FRONTEND', 'l/FRONTEND']);
    expect(names(runtime, { types: 2 })).toEqual(['b/BACKEND', 'l/BACKEND']);
    expect(names(runtime, { proxyId: 3, types: 4, objectId: 2 })).toEqual(['b/s2']);
  });

  test('leaves out servers in maintenance, or all that are not up', () => {
    const runtime = createRuntime(text);
    const s1 = numberEntities(runtime.source.config).server[1]![0]!;
    runtime.shared.set(s1, State.Health, Health.Down);
    const only = { proxyId: 3, types: 4 };
    expect(names(runtime, { ...only, noMaintenance: true })).toEqual(['b/s1', 'b/s2']);
    expect(names(runtime, { ...only, up: true })).toEqual(['b/s2']);
  });
});

describe('the typed and JSON formats (management.txt 9.2)', () => {
  test('name object, position, field, tags, type and value', () => {
    const lines = typedLines(list(createRuntime(text))[0]!, false).split('\n');
    expect(lines[0]).toBe('F.2.0.0.pxname.1:KNSV:str:f');
    expect(lines).toContain('F.2.0.4.scur.1:MGPV:u32:0');
    expect(lines).toContain('F.2.0.8.bin.1:MCPP:u64:0');
    expect(lines.some((line) => line.includes('.qcur.'))).toBe(false);
  });

  test('add the meaning when asked to', () => {
    const [line] = typedLines(list(createRuntime(text))[0]!, true).split('\n');
    expect(line).toBe('F.2.0.0.pxname.1:KNSV:str:f:"Name of the proxy"');
  });

  test('give one array per object in JSON', () => {
    const parsed = JSON.parse(statJson(list(createRuntime(text)))) as unknown[][];
    expect(parsed.length).toBe(9);
    expect(parsed[0]![0]).toEqual({
      objType: 'Frontend',
      proxyId: 2,
      id: 0,
      field: { pos: 0, name: 'pxname' },
      processNum: 1,
      tags: { origin: 'Key', nature: 'Name', scope: 'Service', persistence: 'Volatile' },
      value: { type: 'str', value: 'f' },
    });
  });
});
