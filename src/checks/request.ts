/** The request of an HTTP check as bytes (configuration.txt 4.2 option httpchk, http-check send). */
import type { CheckRequestConfig, CheckText } from '../model/config.ts';
import { latin1 } from './bytes.ts';

/** Methods whose requests have no body unless one is configured: no length is said then. */
const bodyless = ['GET', 'HEAD', 'OPTIONS', 'DELETE'];
/** A request says itself how long it is: fields that would say it again are left out. */
const framing = ['content-length', 'transfer-encoding'];

/**
 * @param textOf makes the texts of this check
 * @param state value of X-Haproxy-Server-State, null = without it
 */
export function requestBytes(
  config: CheckRequestConfig,
  textOf: (text: CheckText) => string,
  state: string | null,
): Uint8Array {
  const { method } = config;
  const { version, isNew } = versionOf(config.version);
  const fields = config.fields
    .map(({ name, value }) => ({ name: name.toLowerCase(), value: textOf(value) }))
    .filter(({ name, value }) => value !== '' && !framing.includes(name));
  const lines = [`${method} ${targetOf(textOf(config.uri), fields)} ${version}`];
  const own = fields.filter(({ name }) => name === 'connection');
  const options = own.flatMap(({ value }) => value.toLowerCase().split(/[ \t]*,[ \t]*/));
  for (const { name, value } of fields) {
    if (name !== 'connection') lines.push(`${name}: ${value}`);
  }
  const others = options.filter((option) => option !== 'close' && option !== 'keep-alive');
  if (others.length > 0) lines.push(`connection: ${others.join(', ')}`);
  if (state !== null) lines.push(`x-haproxy-server-state: ${state}`);
  const body = config.body === null ? '' : textOf(config.body);
  if (body !== '' || !bodyless.includes(method)) lines.push(`content-length: ${body.length}`);
  // What a version does anyway is not said.
  if (isNew && (own.length === 0 || options.includes('close'))) lines.push('connection: close');
  if (!isNew && options.includes('keep-alive')) lines.push('connection: keep-alive');
  return latin1(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

function versionOf(text: string): { version: string; isNew: boolean } {
  const [, major, minor] = /^HTTP\/(\d)\.(\d)$/i.exec(text) ?? [];
  if (major === undefined) return { version: text, isNew: false };
  const isNew = Number(`${major}${minor}`) >= 11;
  return { version: isNew ? 'HTTP/1.1' : 'HTTP/1.0', isNew };
}

/** The authority of an absolute target is that of the Host field. */
function targetOf(uri: string, fields: readonly { name: string; value: string }[]): string {
  const host = fields.find(({ name }) => name === 'host')?.value;
  if (host === undefined) return uri;
  return uri.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/?]*/, (_, scheme) => `${scheme}${host}`);
}
