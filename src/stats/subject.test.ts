import { describe, expect, test } from 'bun:test';
import { AdminFlag, Counter, Health, State } from '../model/shared.ts';
import { createRuntime, startMs, type TestRuntime } from '../runtime/fixture.ts';
import { fields } from './fields.ts';
import { infoText } from './info.ts';
import { csvLine } from './stat-format.ts';
import { listSubjects } from './subject.ts';

const head = `
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
`;

const filter = { proxyId: -1, types: -1, objectId: -1, up: false, noMaintenance: false };

/** The rows of `show stat` by `proxy/name`, some seconds after the start. */
function rows(runtime: TestRuntime, seconds = 0, details = true, only = filter) {
  const nowMs = startMs + seconds * 1000;
  const list = listSubjects(runtime.source.stats, only, nowMs, details);
  return Object.fromEntries(
    list.map((subject) => {
      const values = csvLine(subject).split(',');
      const row = Object.fromEntries(fields.map((field, i) => [field.name, values[i]!]));
      return [`${values[0]}/${values[1]}`, row];
    }),
  );
}

function entityOf(runtime: TestRuntime, proxy: number, server: number): number {
  return runtime.source.stats.entities.server[proxy]![server]!;
}

describe('averages (management.txt 9.1 qtime, ctime, rtime, ttime)', () => {
  const text = `${head}backend b\n  server s 127.0.0.1:1\n`;

  test('count every worker, the last one too', () => {
    for (const worker of [1, 2, 3]) {
      const runtime = createRuntime(text, 3);
      const base = runtime.shared.counterBase(worker, entityOf(runtime, 0, 0));
      runtime.shared.counters[base + Counter.Sessions] = 4;
      runtime.shared.counters[base + Counter.ResponseTimeSum] = 40;
      runtime.shared.counters[base + Counter.QueueTimeSum] = 20;
      expect(rows(runtime)['b/s']).toMatchObject({ rtime: '10', qtime: '5', ctime: '0' });
    }
  });

  test('are over 1024 requests of each worker', () => {
    const runtime = createRuntime(text, 2);
    for (const [worker, sum] of [
      [1, 1024 * 3],
      [2, 1024 * 5],
    ] as const) {
      const base = runtime.shared.counterBase(worker, entityOf(runtime, 0, 0));
      runtime.shared.counters[base + Counter.Sessions] = 50_000;
      runtime.shared.counters[base + Counter.TotalTimeSum] = sum;
    }
    expect(rows(runtime)['b/s']!['ttime']).toBe('4');
  });

  test('maxima are those of the worker that has the largest', () => {
    const runtime = createRuntime(text, 3);
    [7, 3, 9].forEach((ms, i) => {
      const base = runtime.shared.counterBase(i + 1, entityOf(runtime, 0, 0));
      runtime.shared.counters[base + Counter.TotalTimeMax] = ms;
    });
    expect(rows(runtime)['b/s']!['ttime_max']).toBe('9');
  });
});

describe('listeners (proto, addr)', () => {
  const runtime = createRuntime(`${head}frontend f
  option socket-stats
  bind 127.0.0.1:1 name four
  bind [::1]:2 name six
  bind /run/x name path
  bind abns@x name abstract
  bind 127.0.0.1:3 name seven id 77
`);

  test('say what they are', () => {
    const all = rows(runtime);
    expect(['four', 'six', 'path', 'abstract'].map((name) => all[`f/${name}`]!['proto'])).toEqual([
      'tcpv4',
      'tcpv6',
      'unix_stream',
      'abns_stream',
    ]);
    expect(['four', 'six', 'path', 'abstract'].map((name) => all[`f/${name}`]!['addr'])).toEqual([
      '127.0.0.1:1',
      '[::1]:2',
      'unix',
      'unix',
    ]);
  });

  test('are chosen by their id', () => {
    expect(Object.keys(rows(runtime, 0, true, { ...filter, objectId: 77 }))).toEqual(['f/seven']);
    expect(Object.keys(rows(runtime, 0, true, { ...filter, objectId: 0 }))).toEqual(['f/FRONTEND']);
  });

  test('hide their address from users without the level', () => {
    expect(rows(runtime, 0, false)['f/four']!['addr']).toBe('');
  });
});

describe('servers and backends over time', () => {
  const text = `${head}backend b
  server s 127.0.0.1:1 check
  server plain 127.0.0.1:2
  server off 127.0.0.1:3 check disabled
backend gone
  disabled
  server s 127.0.0.1:1
`;

  test('a disabled section is not listed', () => {
    expect(Object.keys(rows(createRuntime(text)))).not.toContain('gone/BACKEND');
  });

  test('downtime grows while a server is down or in maintenance, and stands otherwise', () => {
    const runtime = createRuntime(text);
    const { shared } = runtime;
    const entity = entityOf(runtime, 0, 0);
    expect(rows(runtime, 10)['b/s']!['downtime']).toBe('0');
    shared.set(entity, State.Downtime, 100);
    expect(rows(runtime, 10)['b/s']!['downtime']).toBe('100');
    shared.set(entity, State.Health, Health.Down);
    expect(rows(runtime, 10)['b/s']!['downtime']).toBe('110');
    shared.set(entity, State.Health, Health.Up);
    shared.set(entity, State.Admin, AdminFlag.Maintenance);
    expect(rows(runtime, 10)['b/s']!['downtime']).toBe('110');
    const backend = runtime.source.stats.entities.backend[0]!;
    shared.set(backend, State.LastChange, startMs / 1000);
    shared.set(backend, State.Health, Health.Up);
    expect(rows(runtime, 10)['b/BACKEND']!['downtime']).toBe('0');
    shared.set(backend, State.Health, Health.Down);
    expect(rows(runtime, 10)['b/BACKEND']!['downtime']).toBe('10');
  });

  test('only a server that is being checked has results', () => {
    const runtime = createRuntime(text);
    const all = rows(runtime);
    expect(all['b/s']).toMatchObject({ check_rise: '2', check_fall: '3', check_duration: '' });
    expect(all['b/plain']).toMatchObject({ check_rise: '', check_status: '', downtime: '' });
    expect(all['b/off']).toMatchObject({ check_rise: '', check_status: '' });
    runtime.shared.set(entityOf(runtime, 0, 0), State.CheckDuration, 0);
    expect(rows(runtime)['b/s']!['check_duration']).toBe('0');
    runtime.shared.set(entityOf(runtime, 0, 0), State.CheckDuration, 12);
    expect(rows(runtime)['b/s']!['check_duration']).toBe('12');
  });

  test('a check that runs has a star', () => {
    const runtime = createRuntime(text);
    const before = rows(runtime)['b/s']!['check_status']!;
    expect(before).not.toStartWith('* ');
    runtime.source.stats.checks.isRunning = (entity) => entity === entityOf(runtime, 0, 0);
    expect(rows(runtime)['b/s']!['check_status']).toBe(`* ${before}`);
  });

  test('lastsess is -1 before the first session, then its age', () => {
    const runtime = createRuntime(text);
    expect(rows(runtime, 9)['b/s']!['lastsess']).toBe('-1');
    runtime.shared.set(entityOf(runtime, 0, 0), State.LastSession, startMs / 1000 + 2);
    expect(rows(runtime, 9)['b/s']!['lastsess']).toBe('7');
    expect(rows(runtime, 1)['b/s']!['lastsess']).toBe('0');
  });
});

describe('limits are read where they are changed', () => {
  test('slim, rate_lim and the limits of show info', () => {
    const runtime = createRuntime(
      `${head}frontend f\n  bind :1\n  option socket-stats\nbackend b\n`,
    );
    const { shared, source } = runtime;
    const { frontend, backend, listener } = source.stats.entities;
    shared.set(frontend[0]!, State.Maxconn, 11);
    shared.set(frontend[0]!, State.SessionRateMax, 12);
    shared.set(listener[0]![0]!, State.Maxconn, 13);
    shared.set(backend[1]!, State.Maxconn, 14);
    shared.set(0, State.Maxconn, 15);
    shared.set(0, State.SessionRateMax, 16);
    shared.set(0, State.ConnectionRateMax, 17);
    const all = rows(runtime);
    expect(all['f/FRONTEND']).toMatchObject({ slim: '11', rate_lim: '12' });
    expect(all['f/sock-1']!['slim']).toBe('13');
    expect(all['b/BACKEND']!['slim']).toBe('14');
    const info = infoText({ source: source.info, nowMs: startMs, float: false }, false);
    expect(info).toContain('\nMaxconn: 15\n');
    expect(info).toContain('\nSessRateLimit: 16\n');
    expect(info).toContain('\nConnRateLimit: 17\n');
  });
});

describe('show info (management.txt 9.3)', () => {
  test('a process that stops has no listeners', () => {
    const runtime = createRuntime(
      `${head}frontend f\n  bind :1\n  bind :2\nfrontend g\n  disabled\n`,
    );
    const shown = () =>
      infoText({ source: runtime.source.info, nowMs: startMs, float: false }, false);
    expect(shown()).toContain('\nStopping: 0\n');
    expect(shown()).toContain('\nListeners: 2\n');
    runtime.source.info.stopping = () => true;
    expect(shown()).toContain('\nStopping: 1\n');
    expect(shown()).toContain('\nListeners: 0\n');
  });

  test('says whether workers never sleep', () => {
    const busy = createRuntime(`global\n busy-polling\n${head}`);
    const info = infoText({ source: busy.source.info, nowMs: startMs, float: false }, false);
    expect(info).toContain('\nBusyPolling: 1\n');
  });
});
