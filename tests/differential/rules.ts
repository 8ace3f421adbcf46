/**
 * What generated requests may differ in, by kind: each rule is a section of docs/differences.md, of
 * which its title is the heading, and says for which requests it holds. A request that sluice
 * forwards and haproxy refuses is never within a rule.
 */
import type { Observation } from './observe.ts';

/** A request as far as anybody can read it. */
export interface Shape {
  bytes: string;
  method: string;
  target: string;
  version: string;
  /** Names in lower case. */
  fields: [name: string, value: string][];
  body: string;
}

export interface Rule {
  title: string;
  /**
   * refused: sluice answers with an error and sends nothing of it, whatever haproxy does.
   * spelled: both forward it, and what the server gets is the same after `plain`.
   * answered: the server gets the same, the answer or the log differ.
   */
  effect: 'refused' | 'spelled' | 'answered';
  applies(shape: Shape, theirs: Observation, ours: Observation): boolean;
  /** One line that a server saw, without what the rule is about. */
  plain?(line: string): string;
}

export function shapeOf(bytes: string): Shape {
  const start = bytes.replace(/^(\r?\n)+/, '');
  const found = /\r?\n\r?\n/.exec(start);
  const head = found === null ? start : start.slice(0, found.index);
  const body = found === null ? '' : start.slice(found.index + found[0].length);
  const lines = head.split(/\r?\n/);
  const [method = '', target = '', version = ''] = (lines[0] ?? '').split(' ');
  const fields = lines.slice(1).map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [
      line.slice(0, colon).toLowerCase(),
      line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''),
    ];
  });
  return { bytes, method, target, version, fields, body };
}

function valuesOf(shape: Shape, name: string): string[] {
  return shape.fields.filter(([n]) => n === name).map(([, value]) => value);
}

/** RFC 3986 3.2 without user information, and without the comma that begins another element. */
const authority = /^(\[[^\][@,#?/\\]*\]|([-\w.~!$&'()*+;=]|%[\da-f]{2})*)(:\d*)?$/i;

function authorityOf(target: string): string | null {
  return /^[a-z][-+.a-z\d]*:\/\/([^/?#]*)/i.exec(target)?.[1] ?? null;
}

const ofHead = /^(host|content-length|transfer-encoding|connection|proxy-connection|keep-alive)$/;
const alsoOfHead = /^(te|trailer|upgrade|http2-settings|expect)$/;

function trailerNames(shape: Shape): string[] {
  const at = /(?:^|\n)0+[ \t]*(?:;[^\r\n]*)?\r\n/.exec(shape.body);
  if (at === null || valuesOf(shape, 'transfer-encoding').length === 0) return [];
  const lines = shape.body.slice(at.index + at[0].length).split('\r\n');
  return lines.map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
}

const words = (value: string) => value.split(',').map((word) => word.trim());

const plainList = (line: string, field: string, drop = ''): string =>
  line.replaceAll(
    new RegExp(`${field}: (.*?)(\\\\r\\\\n)`, 'g'),
    (_, value: string, end: string) => {
      const kept = words(value.replaceAll('\\t', ' ')).filter(
        (word) => word !== '' && word.toLowerCase() !== drop,
      );
      return kept.length === 0 ? '' : `${field}: ${kept.join(',')}${end}`;
    },
  );

export const rules: readonly Rule[] = [
  {
    title: 'Bare line feeds are refused',
    effect: 'refused',
    applies: ({ bytes }) => /(^|[^\r])\n/.test(bytes),
  },
  {
    title: 'Bare carriage returns are refused',
    effect: 'refused',
    applies: ({ bytes }) => /\r[^\n]/.test(bytes),
  },
  {
    title: 'Folded fields are refused',
    effect: 'refused',
    applies: ({ bytes }) => /\n[ \t]/.test(bytes),
  },
  {
    title: 'NUL is refused',
    effect: 'refused',
    applies: ({ body }) => body.includes('\0'),
  },
  {
    title: 'White space in the start line is one space',
    effect: 'refused',
    applies: ({ bytes }) => /^[^\r\n]*(\t| {2})/.test(bytes),
  },
  {
    title: 'Versions other than HTTP/1 are refused',
    effect: 'refused',
    applies: ({ version }) => /^HTTP\/[02-9]\.\d$/.test(version),
  },
  {
    title: 'Lengths that no integer holds are refused',
    effect: 'refused',
    applies: (shape) =>
      valuesOf(shape, 'content-length').some((value) =>
        words(value).some((word) => Number(word) > Number.MAX_SAFE_INTEGER),
      ),
  },
  {
    title: 'Transfer-Encoding in HTTP/1.0 is faulty',
    effect: 'refused',
    applies: (shape) =>
      shape.version === 'HTTP/1.0' && valuesOf(shape, 'transfer-encoding').length > 0,
  },
  {
    title: 'The authority of a target and Host are checked',
    effect: 'refused',
    applies(shape) {
      const named = authorityOf(shape.target);
      if (named !== null && (!authority.test(named) || named.replace(/:\d*$/, '') === ''))
        return true;
      if (valuesOf(shape, 'host').some((value) => !authority.test(value))) return true;
      if (shape.method !== 'CONNECT') return false;
      const port = Number(/:(\d+)$/.exec(shape.target)?.[1] ?? 0);
      return !authority.test(shape.target) || port < 1 || port > 65535 || shape.target[0] === ':';
    },
  },
  {
    title: 'The asterisk is for OPTIONS only',
    effect: 'refused',
    applies: ({ method, target }) => target === '*' && method !== 'OPTIONS',
  },
  {
    title: 'A trailer neither frames nor routes',
    effect: 'refused',
    applies: (shape) =>
      trailerNames(shape).some((name) => ofHead.test(name) || alsoOfHead.test(name)),
  },
  {
    title: 'A WebSocket key is the base64 form of 16 bytes',
    effect: 'refused',
    applies: (shape) => {
      if (!valuesOf(shape, 'upgrade').some((value) => /websocket/i.test(value))) return false;
      const keys = valuesOf(shape, 'sec-websocket-key');
      return keys.length !== 1 || !/^[+/\w]{22}==$/.test(keys[0]!) || keys[0]!.includes('_');
    },
  },
  {
    title: 'HTTP2-Settings ends here',
    effect: 'spelled',
    applies: (shape) => /http2-settings/i.test(shape.bytes),
    plain: (line) =>
      plainList(line.replaceAll(/http2-settings: .*?\\r\\n/g, ''), 'connection', 'http2-settings'),
  },
  {
    title: 'CONNECT has no content',
    effect: 'spelled',
    applies: (shape) =>
      shape.method === 'CONNECT' && valuesOf(shape, 'transfer-encoding').length > 0,
    plain: (line) => line.replaceAll('connection: close\\r\\n', ''),
  },
  {
    title: 'Lists that lose a word',
    effect: 'spelled',
    applies: (shape) =>
      [...valuesOf(shape, 'connection'), ...valuesOf(shape, 'upgrade')].some((value) =>
        /[ \t]|,,|,$/.test(value),
      ),
    plain: (line) => plainList(plainList(line, 'connection'), 'upgrade'),
  },
  {
    title: 'A trailer is written as it came',
    effect: 'spelled',
    applies: (shape) => trailerNames(shape).length > 0,
    plain: (line) =>
      line.startsWith('trailers ')
        ? line.replaceAll(/([\w-]+):(?: |\\t)*(.*?)(?: |\\t)*(\\r\\n)/g, '$1: $2$3')
        : line,
  },
  {
    title: 'TE does not depend on case',
    effect: 'spelled',
    applies: (shape) => valuesOf(shape, 'te').some((value) => /trailers/i.test(value)),
    plain: (line) => line.replaceAll('te: trailers\\r\\n', ''),
  },
  {
    title: 'Every request that is refused gets an answer',
    effect: 'answered',
    applies: (_, theirs, ours) =>
      theirs.client.every((line) => !line.startsWith('HTTP/1.1 4')) &&
      ours.client.some((line) => line.startsWith('HTTP/1.1 4')),
  },
  {
    title: 'A client that stalls in its body gets 408',
    effect: 'answered',
    applies: (_, theirs, ours) =>
      theirs.log.some((line) => / 400 \d+ - - cH-- /.test(line)) &&
      ours.log.some((line) => / 408 \d+ - - cH-- /.test(line)),
  },
  {
    title: 'The bytes of some log lines',
    effect: 'answered',
    applies: (shape) => shape.method.toUpperCase() === 'PRI',
  },
  {
    title: 'A head that can never become valid is refused at once',
    effect: 'answered',
    applies: (_, theirs, ours) =>
      theirs.log.some((line) => / 408 \d+ - - cR-- /.test(line)) &&
      ours.log.some((line) => / 400 \d+ - - PR-- /.test(line)),
  },
];

const requestsIn = (seen: Observation) =>
  seen.server.filter((line) => / HTTP\/\d\.\d\\r\\n/.test(line)).length;

const refuses = (seen: Observation) =>
  seen.log.some((line) => / (400|413|414|422|431) \d+ - - /.test(line));

/** The server's lines without what the rules are about; numbers of connections do not matter. */
function plainServer(seen: Observation, spelled: Rule[]): string[] {
  return seen.server.map((line) => spelled.reduce((text, rule) => rule.plain!(text), line));
}

/**
 * Judges what two programs did with one request.
 * @returns the rules that explain it (none when both did the same), or null when none does.
 */
export function explain(bytes: string, theirs: Observation, ours: Observation): Rule[] | null {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  if (same(theirs, ours)) return [];
  const shape = shapeOf(bytes);
  const holding = rules.filter((rule) => rule.applies(shape, theirs, ours));
  if (requestsIn(ours) > requestsIn(theirs)) return null;
  const refused = refuses(ours) ? holding.filter((rule) => rule.effect === 'refused') : [];
  if (requestsIn(ours) < requestsIn(theirs)) return refused.length > 0 ? refused : null;
  const spelled = holding.filter((rule) => rule.effect === 'spelled');
  const answered = holding.filter((rule) => rule.effect === 'answered');
  if (!same(plainServer(theirs, spelled), plainServer(ours, spelled))) return null;
  const isSpelled = !same(theirs.server, ours.server);
  if (same(theirs.client, ours.client) && same(theirs.log, ours.log)) return spelled;
  const others = answered.length > 0 ? answered : refused;
  if (others.length === 0) return null;
  return isSpelled ? [...spelled, ...others] : others;
}
