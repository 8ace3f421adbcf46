/**
 * Nothing is accepted and ignored. A keyword either changes a field of the configuration that the
 * program reads, or its row says why it changes nothing: `waitsFor` the feature that it belongs to,
 * or `asItIs` the reason why there is nothing else to ask for.
 */
import { afterAll, describe, expect, test } from 'bun:test';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseText } from '../../src/config/fixture.ts';
import { keywords } from '../../src/config/registry.ts';
import type { Effect } from '../../src/config/section/keyword.ts';
import { changedFields } from './change.ts';
import { modelShape, readFields } from './reader.ts';
import { argumentFor, sampleFolder, samples } from './sample.ts';

interface Row extends Effect {
  name: string;
  args?: string;
  modern?: string;
}

type Table = keyof typeof keywords;

/** Keywords that act while the configuration is read, and how. */
const actsWhileReading: Readonly<Record<string, string>> = {
  'global default-path': 'where the names of files start',
  'global localpeer': 'sets a variable that later lines may use',
  'global presetenv': 'variables for later lines',
  'global resetenv': 'variables for later lines',
  'global setenv': 'variables for later lines',
  'global unsetenv': 'variables for later lines',
  'global ca-base': 'where the names of files start',
  'global crt-base': 'where the names of files start',
  'global issuers-chain-path': 'completes the certificates of later lines',
  'global key-base': 'where the names of files start',
  'global ssl-load-extra-del-ext': 'how companions of certificates are called',
  'global ssl-load-extra-files': 'which companions of certificates are read',
  'global ssl-skip-self-issued-ca': 'shortens the chains of later lines',
  'global unix-bind': 'defaults of bind lines with a path',
  'global tune.http.cookielen': 'bounds the length of capture cookie',
  'proxy acl': 'names a condition for later lines',
  'proxy default-server': 'defaults of server lines',
  'proxy disabled': 'a section without a listener does not start',
  'proxy enabled': 'takes disabled back',
  'bind no-ca-names': 'takes the names of ca-file back',
  'server init-addr': 'how the names of servers are looked up',
  'server enabled': 'takes disabled back',
  'server no-agent-check': 'takes agent-check back',
  'server no-check-send-proxy': 'takes check-send-proxy of default-server back',
  'server no-send-proxy': 'takes send-proxy of default-server back',
  'server no-send-proxy-v2': 'takes send-proxy-v2 of default-server back',
  'server no-ssl': 'takes ssl of default-server back',
  'server no-verifyhost': 'takes verifyhost back',
  'server no-backup': 'takes backup back',
  'server no-check': 'takes check back',
};

/** Fields that come with one that is read, and have no reader of their own. */
const companions: Readonly<Record<string, string>> = {
  'LogFormatConfig.text': 'the text that the items were read from',
  'CaptureConfig.name': 'read through a type of its own, together with length',
};

/** Keywords with one value, which is the default: the field that they set. */
const onlyDefault: Readonly<Record<string, string>> = {
  'balance roundrobin': 'BalanceConfig.algorithm',
  'option http-keep-alive': 'ProxyConfig.httpMode',
};

const folder = sampleFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const head = 'defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n';
const listen = (bind = '', server = ''): string =>
  `listen l\n bind :45000 ${bind}\n server first 127.0.0.1:1\n` +
  ` server second 127.0.0.1:2 check ${server}\n` +
  ` server third 127.0.0.1:3 ${/^(check$|track)/.test(server) ? 'check' : ''}\nbackend other\n stick-table type ip size 5\n`;
const inListen = (line: string): string =>
  `global\n external-check\n insecure-fork-wanted\n${head}${listen().replace('backend', `${line}\nbackend`)}`;

/** A configuration with a line of a table in it; without any for ''. */
const places: Readonly<Record<Table, (line: string) => string>> = {
  global: (line) => `global\n ${line}\n${head}${listen()}`,
  proxy: inListen,
  ring: (line) => `${head}${listen()}ring r\n server first 127.0.0.1:2\n ${line}\n`,
  'http-errors': (line) => `${head}  errorfiles e\n${listen()}http-errors e\n ${line}\n`,
  mailers: (line) => `${head}${listen()}mailers m\n ${line}\n`,
  userlist: (line) => `${head}${listen()}userlist u\n user other\n group more\n ${line}\n`,
  // The Runtime API does not speak TLS.
  bind: (line) =>
    `global\n stats socket /s ${line.startsWith('ssl crt') ? '' : line}\n${head}${listen(line)}`,
  server: (line) => `${head}${listen('', line)}`,
  option: (line) => inListen(line && `option ${line}`),
  timeout: (line) => inListen(line && `timeout ${line}`),
  balance: (line) => inListen(line && `balance ${line}`),
};

function sampleLine(table: Table, row: Row): string | null {
  const own = (samples as Record<string, Readonly<Record<string, string>>>)[table]?.[row.name];
  const words = own ?? (table === 'timeout' ? '5s' : argumentFor(row.args ?? ''));
  if (words === null) return null;
  const no = table === 'global' && negative.includes(row.name) ? 'no ' : '';
  // What stands in parentheses belongs to the name.
  const space = words.startsWith('(') ? '' : ' ';
  return `${no}${row.name}${space}${words.replaceAll('%', folder)}`.trimEnd();
}

/** Keywords whose only other value is `no`. */
const negative = ['strict-limits', 'numa-cpu-mapping'];

const shape = modelShape();

const bases = new Map<Table, ReturnType<typeof parseText>>();

function baseOf(table: Table): ReturnType<typeof parseText> {
  const base = bases.get(table) ?? parseText(places[table](''));
  bases.set(table, base);
  return base;
}

/** The fields that the keyword's sample changes, or what is wrong with the sample. */
function changesOf(table: Table, row: Row): string[] | string {
  const line = sampleLine(table, row);
  if (line === null) return `has no sample for its arguments: ${row.args}`;
  const before = baseOf(table);
  const after = parseText(places[table](line));
  const wrong = [...before.errors, ...after.errors];
  if (wrong.length > 0) return `has a wrong sample: ${wrong.join(', ')}`;
  const changed = changedFields(before.config, after.config, shape);
  return [...changed].filter((name) => companions[name] === undefined);
}

/** A field with a plain value is read itself; of another one, what it holds is. */
function isRead(name: string, read: ReadonlySet<string>, seen = new Set<string>()): boolean {
  const [owner = '', field = ''] = name.split('.');
  const types = shape.get(owner)?.get(field) ?? [];
  if (types.length === 0) return read.has(name);
  return types.some((type) => {
    if (seen.has(type)) return false;
    seen.add(type);
    const fields = [...(shape.get(type)?.keys() ?? [])];
    return fields.some((inner) => isRead(`${type}.${inner}`, read, seen));
  });
}

const changes = new Map<string, string[] | string>();

/** What is wrong with a keyword, given the fields that the program reads; '' = nothing. */
function fault(table: Table, row: Row, read: ReadonlySet<string>): string {
  const key = `${table} ${row.name}`;
  const changed = changes.get(key) ?? changesOf(table, row);
  changes.set(key, changed);
  if (typeof changed === 'string') return changed;
  const only = onlyDefault[key];
  const fields = only === undefined ? changed : [only];
  const list = fields.join(', ');
  if (row.asItIs !== undefined) return fields.length === 0 ? '' : `asks for what is, sets ${list}`;
  if (row.waitsFor !== undefined) {
    if (fields.length === 0) return 'waits for its feature, but its value is not kept';
    const found = fields.filter((name) => isRead(name, read));
    return found.length > 0 ? `is said to wait, but something reads ${found.join(', ')}` : '';
  }
  if (actsWhileReading[key] !== undefined) return '';
  if (fields.length === 0) return 'changes nothing';
  const unread = fields.filter((name) => !isRead(name, read));
  return unread.length === 0 ? '' : `nothing reads ${unread.join(', ')}`;
}

function faults(read: ReadonlySet<string>): string[] {
  const list: string[] = [];
  for (const [table, rows] of Object.entries(keywords)) {
    for (const row of rows as readonly Row[]) {
      if (row.modern !== undefined) continue;
      const found = fault(table as Table, row, read);
      if (found !== '') list.push(`${table} ${row.name} ${found}`);
    }
  }
  return list;
}

describe('every keyword that is accepted', () => {
  test('has a reader, waits for a feature that its row names, or asks for what is', () => {
    expect(faults(readFields())).toEqual([]);
  });

  test('is found when its reader goes away', () => {
    const read = readFields((path, text) => {
      if (path === 'src/process/worker.ts') return text.replace('global.cpuMap', 'global.logs');
      if (path === 'src/stream/close.ts')
        return text.replaceAll('Option.NoLinger', 'Option.Contstats');
      return text.replaceAll('tune.rcvbufServer', 'tune.rcvbufClient');
    });
    expect(faults(read)).toEqual([
      'global cpu-map nothing reads GlobalConfig.cpuMap',
      'global tune.rcvbuf.server nothing reads TuneConfig.rcvbufServer',
      'option nolinger nothing reads Option.NoLinger',
    ]);
  });
});

test('a keyword that acts while the configuration is read exists', () => {
  const names = Object.entries(keywords).flatMap(([table, rows]) =>
    (rows as readonly Row[]).map((row) => `${table} ${row.name}`),
  );
  expect(Object.keys(actsWhileReading).filter((name) => !names.includes(name))).toEqual([]);
});

/** Rows without an effect, with a line of each in a configuration. */
const inert = (Object.keys(places) as Table[]).flatMap((table) =>
  (keywords[table] as readonly Row[])
    .filter((row) => row.waitsFor !== undefined || row.asItIs !== undefined)
    .map((row) => ({ table, row })),
);

/** Arguments that may be any word: names, files, lists of what only a library knows. */
const free =
  /^(|\[ preserve-env \]|\[ all \| none.*|<(dir|text|string|key|file|path|secret|name|query|section|cafile|directory|cmd|address|conns|hostname|sni|protocols|named curve|cipher.*|.*sigalgs|curves)>.*)$/;

describe('the value of a keyword without an effect', () => {
  test('is checked all the same', () => {
    const accepted = inert.filter(({ table, row }) => {
      if (free.test(row.args ?? '')) return false;
      return parseText(places[table](`${row.name} no-such-value`)).errors.length === 0;
    });
    expect(accepted.map(({ row }) => `${row.name} ${row.args}`)).toEqual([]);
  });

  test('does not stand behind a keyword that takes none', () => {
    const accepted = inert.filter(({ table, row }) => {
      if ((row.args ?? '') !== '') return false;
      return parseText(places[table](`${row.name} extra`)).errors.length === 0;
    });
    expect(accepted.map(({ row }) => row.name)).toEqual([]);
  });

  const haproxy = Bun.which('haproxy');
  test.skipIf(haproxy === null)('is one that HAProxy takes', () => {
    const rows = inert.filter(({ table }) => table === 'global').map(({ row }) => row);
    const lines = rows.map((row) => sampleLine('global', row)!);
    const wrong: string[] = [];
    // It gives up after 50 errors, and what is newer than 3.2 is one.
    for (let at = 0; at < lines.length; at += 40) {
      const some = lines.slice(at, at + 40);
      const file = join(folder, 'some.cfg');
      writeFileSync(file, `global\n expose-experimental-directives\n ${some.join('\n ')}\n`);
      const { stderr } = Bun.spawnSync([haproxy!, '-c', '-f', file]);
      for (const [, line, message] of stderr.toString().matchAll(/cfg:(\d+)\]\s*:? *(.*)/g)) {
        wrong.push(`${some[Number(line) - 3]}: ${message}`);
      }
    }
    const other = /unknown keyword|not (built|compiled|supported)|deprecated|obsolete|already conf/;
    expect(wrong.filter((text) => !other.test(text))).toEqual([]);
  });
});
