/**
 * What a request for the statistics page asks for: words between `;` behind the prefix of `stats uri`
 * (management.txt 9.1; links of the page carry them), and the state of an action that it tells about.
 */

export type Format = 'html' | 'csv' | 'json' | 'typed' | 'json-schema';

export interface PageQuery {
  format: Format;
  /** `up`: no server that is down; `no-maint`: none in maintenance. */
  up: boolean;
  noMaintenance: boolean;
  /** The page does not refresh itself. */
  noRefresh: boolean;
  /** Part of the names of the proxies to show, '' = all. */
  scope: string;
  /** `st=`: what has become of an action, '' = nothing to tell. */
  state: string;
}

/** Longest part of a name that is looked for. */
const SCOPE_MAX = 20;

const formats: readonly Format[] = ['json-schema', 'json', 'typed', 'csv'];

/** @param rest the target behind the prefix of `stats uri` */
export function readQuery(rest: string): PageQuery {
  const words = rest.split(/[;?&]/);
  const valueOf = (name: string) =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  return {
    format: formats.find((format) => words.includes(format)) ?? 'html',
    up: words.includes('up'),
    noMaintenance: words.includes('no-maint'),
    noRefresh: words.includes('norefresh'),
    scope: decode(valueOf('scope')).slice(0, SCOPE_MAX),
    state: valueOf('st'),
  };
}

/**
 * Percent-encoding of forms (the URL standard's application/x-www-form-urlencoded), to characters that
 * stand for bytes. What is no encoding stays as it is.
 */
export function decode(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

/** The target of the page with other wishes. */
export function targetOf(uri: string, query: Partial<PageQuery>): string {
  const format = query.format === undefined || query.format === 'html' ? '' : `;${query.format}`;
  const state = query.state === undefined || query.state === '' ? '' : `;st=${query.state}`;
  const up = query.up === true ? ';up' : '';
  const maintenance = query.noMaintenance === true ? ';no-maint' : '';
  const refresh = query.noRefresh === true ? ';norefresh' : '';
  const scope = query.scope ? `?scope=${encodeURIComponent(query.scope)}` : '';
  return `${uri}${format}${state}${up}${maintenance}${refresh}${scope}`;
}
