/**
 * Complete responses as files (configuration.txt 4.2 `errorfile`) taken apart at start-up: status
 * line, fields and body, with the checks that make them safe to send.
 */
import { ConfigError } from '../base/config-error.ts';

/** A response as text, before it lies in the arena. */
export interface ReplyText {
  version: number;
  status: number;
  reason: string;
  /** In order; names in lower case, without `Connection`. */
  fields: [string, string][];
  body: Uint8Array;
  /** Status line and fields, `Connection` included, for an answer that no rule may change. */
  head: string;
  close: boolean;
  hasLength: boolean;
}

/**
 * Takes a complete response apart (4.2 `errorfile`). Lines may end in LF alone, as files do.
 * @throws ConfigError with the reason, to be put after the file's name.
 */
export function parseReply(bytes: Uint8Array): ReplyText {
  const all = Buffer.from(bytes).toString('latin1');
  let at = 0;
  const nextLine = (): string => {
    const end = all.indexOf('\n', at);
    if (end < 0) throw new ConfigError(`unable to parse headers (error offset: ${at})`);
    const line = all.slice(at, all[end - 1] === '\r' ? end - 1 : end);
    at = end + 1;
    return line;
  };
  const first = /^HTTP\/(\d)\.(\d) (\d{3})(?: (.*))?$/.exec(nextLine());
  if (!first) throw new ConfigError('unable to parse headers (error offset: 0)');
  if (Number(first[3]) < 200) {
    throw new ConfigError(`invalid http status code for an error message (${first[3]})`);
  }
  const version = Number(first[1]) * 10 + Number(first[2]);
  const reply: ReplyText = {
    version: version >= 11 ? 11 : 10,
    status: Number(first[3]),
    reason: first[4] ?? '',
    fields: [],
    body: bytes,
    head: '',
    close: false,
    hasLength: false,
  };
  reply.head = `HTTP/1.${reply.version - 10} ${reply.status} ${reply.reason}\r\n`;
  let announced = -1;
  let persistent = reply.version === 11;
  for (;;) {
    const start = at;
    const line = nextLine();
    if (line === '') break;
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (!field) throw new ConfigError(`unable to parse headers (error offset: ${start})`);
    const name = field[1]!.toLowerCase();
    const value = field[2]!;
    if (name === 'transfer-encoding') throw new ConfigError('chunk-encoded payload not supported');
    if (name === 'connection') {
      if (/(^|[ \t,])close($|[ \t,])/i.test(value)) persistent = false;
      reply.head += `${name}: ${value}\r\n`;
      continue;
    }
    if (name === 'content-length') {
      if (!/^\d{1,15}$/.test(value) || (announced >= 0 && announced !== Number(value)))
        throw new ConfigError(`unable to parse headers (error offset: ${start})`);
      if (announced >= 0) continue;
      announced = Number(value);
    }
    reply.fields.push([name, value]);
    reply.head += `${name}: ${value}\r\n`;
  }
  reply.head += '\r\n';
  reply.body = bytes.slice(at);
  reply.hasLength = announced >= 0;
  reply.close = version === 11 && !persistent;
  if (announced >= 0 && announced !== reply.body.length) {
    const sizes = `${reply.body.length} != ${announced}`;
    throw new ConfigError(`payload size does not match the announced content-length (${sizes})`);
  }
  return reply;
}
