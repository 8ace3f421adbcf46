/**
 * Arguments of the actions that answer: `deny`, `return`, `tarpit` (configuration.txt 4.4
 * `return`). Texts are byte strings (a character is a byte), and so are files: they may be images.
 */
import { ConfigError } from '../../base/config-error.ts';
import { hasErrorPage } from '../../http/error-page.ts';
import { parseReply } from '../../http/reply-file.ts';
import type { LogFormatConfig } from '../../model/config.ts';
import type { RuleScope } from '../scope.ts';
import { fieldNameWord, formatWord, startsCondition } from './words.ts';

export interface ReplyArgs {
  status: number;
  /** The proxy's error page; a complete response; a body; the status alone. */
  kind: 'page' | 'complete' | 'body' | 'empty';
  /** `complete`: the file; `body`: the payload when it is constant. */
  bytes: Uint8Array | null;
  /** In a ruleset of responses: the message still holds the server's response. */
  response: boolean;
  /** `body`: the payload when it is made per request. */
  format: LogFormatConfig | null;
  /** `errorfiles`: an http-errors section, whose file becomes `bytes` when all has been read. */
  section: string | null;
  contentType: string;
  headers: { name: string; format: LogFormatConfig }[];
}

/** Written by the proxy itself, so that rules cannot contradict the body. */
const ignoredHeaders = ['content-length', 'content-type', 'transfer-encoding'];

const payloadWords = [
  'default-errorfiles',
  'errorfile',
  'errorfiles',
  'file',
  'lf-file',
  'string',
  'lf-string',
];

const STATUS_LEAST = 200;
const STATUS_MOST = 599;

/**
 * @param words what follows the action's name.
 * @param response the rule is one of responses.
 * @param status the action's default.
 * @param denies `deny_status` is a word, and nothing else means the proxy's error page.
 */
export function parseReplyArgs(
  words: readonly string[],
  scope: RuleScope,
  response: boolean,
  status: number,
  denies: boolean,
): { args: ReplyArgs; rest: string[] } {
  const parser = new ReplyParser(words, scope, response, status, denies);
  return { args: parser.parse(), rest: words.slice(parser.at) };
}

class ReplyParser {
  at = 0;
  /** The word that said what the answer is made of. */
  private source = '';
  private readonly args: ReplyArgs;
  private readonly words: readonly string[];
  private readonly scope: RuleScope;
  private readonly denies: boolean;

  constructor(
    words: readonly string[],
    scope: RuleScope,
    response: boolean,
    status: number,
    denies: boolean,
  ) {
    this.words = words;
    this.scope = scope;
    this.denies = denies;
    this.args = {
      status,
      kind: 'empty',
      response,
      bytes: null,
      format: null,
      section: null,
      contentType: '',
      headers: [],
    };
  }

  parse(): ReplyArgs {
    const onlyStatus = this.denies && this.meansErrorPage();
    while (this.at < this.words.length && this.word()) {
      // Each word has moved `at` past its arguments.
    }
    if (onlyStatus) this.source = 'default-errorfiles';
    if (this.source === 'default-errorfiles') this.usePage();
    this.check();
    return this.args;
  }

  /** `deny` and `deny deny_status <code>` alone. */
  private meansErrorPage(): boolean {
    const after = this.words[0] === 'deny_status' ? this.words[2] : this.words[0];
    return after === undefined || startsCondition(after);
  }

  /** Takes one argument. @returns false when the next word is none. */
  private word(): boolean {
    const word = this.words[this.at]!;
    if (word === 'status' || (word === 'deny_status' && this.denies)) {
      this.takeStatus();
    } else if (word === 'content-type') {
      this.args.contentType = this.argument("'content-type' expects <ctype> as argument");
    } else if (word === 'hdr') {
      this.takeHeader();
    } else if (payloadWords.includes(word)) {
      this.takePayload(word);
    } else {
      return false;
    }
    return true;
  }

  private argument(missing: string): string {
    const value = this.words[this.at + 1];
    if (value === undefined || value === '') throw new ConfigError(missing);
    this.at += 2;
    return value;
  }

  private takeStatus(): void {
    const text = this.argument("'status' expects <status_code> as argument");
    const status = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (status < STATUS_LEAST || status > STATUS_MOST) {
      throw new ConfigError(`Unexpected status code '${status}'`);
    }
    this.args.status = status;
  }

  private takeHeader(): void {
    const [, name, value] = this.words.slice(this.at, this.at + 3);
    if (!name || !value) throw new ConfigError("'hdr' expects <name> and <value> as arguments");
    this.at += 3;
    const lower = fieldNameWord(name, this.scope);
    if (ignoredHeaders.includes(lower)) {
      this.scope.warn(`header '${lower}' always ignored by the http reply.`);
      return;
    }
    this.args.headers.push({ name: lower, format: formatWord(value, this.scope) });
  }

  private takePayload(word: string): void {
    if (this.source !== '') {
      throw new ConfigError(`unexpected '${word}' argument, '${this.source}' already defined`);
    }
    this.source = word;
    const { args } = this;
    if (word === 'default-errorfiles') {
      this.at++;
      return;
    }
    if (word === 'errorfiles') {
      args.section = this.argument("'errorfiles' expects <name> as argument");
      args.kind = 'complete';
      return;
    }
    const what = word.endsWith('string') ? (word === 'string' ? '<str>' : '<fmt>') : '<file>';
    const value = this.argument(`'${word}' expects ${what} as argument`);
    args.kind = word === 'errorfile' ? 'complete' : 'body';
    if (word === 'string') args.bytes = bytesOf(value);
    else if (word === 'lf-string') args.format = formatWord(value, this.scope);
    else if (word === 'lf-file') args.format = this.formatFile(value);
    else args.bytes = bytesOf(this.readFile(value));
    if (args.kind === 'complete' && args.bytes!.length > 0) {
      try {
        parseReply(args.bytes!);
      } catch (problem) {
        if (!(problem instanceof ConfigError)) throw problem;
        throw new ConfigError(`'${value}': ${problem.message}`);
      }
    }
  }

  /** The text is made in a buffer, so more than one never fits. */
  private formatFile(path: string): LogFormatConfig | null {
    const text = this.readFile(path);
    const { bufsize } = this.scope;
    if (text.length > bufsize) {
      throw new ConfigError(`file '${path}' exceeds the buffer size (${text.length} > ${bufsize})`);
    }
    if (text !== '') return formatWord(text, this.scope);
    this.args.bytes = new Uint8Array(0);
    return null;
  }

  private readFile(path: string): string {
    try {
      return this.scope.readFile(path);
    } catch (problem) {
      if (!(problem instanceof ConfigError)) throw problem;
      throw new ConfigError(`error opening file '${path}'`);
    }
  }

  private usePage(): void {
    const { args } = this;
    args.kind = 'page';
    if (!hasErrorPage(args.status)) {
      throw new ConfigError(
        `status code '${args.status}' not handled by default with 'default-errorfiles' argument.`,
      );
    }
  }

  private check(): void {
    const { args, scope } = this;
    const complete = args.kind === 'page' || args.kind === 'complete';
    if (complete && args.headers.length > 0) {
      scope.warn('hdr parameters ignored by the http reply when used with an errorfile.');
      args.headers = [];
    }
    const hasPayload = args.format !== null || (args.bytes !== null && args.bytes.length > 0);
    if (args.kind === 'body' && hasPayload) {
      if (args.status === 204) throw new ConfigError('No body expected for 204 responses');
      if (args.contentType === '') {
        throw new ConfigError(
          'a content type must be defined when non-empty payload is configured',
        );
      }
      return;
    }
    if (args.contentType === '') return;
    const why = complete
      ? 'when used with an errorfile'
      : args.kind === 'body'
        ? 'when used with an empty payload'
        : 'because neither errorfile nor payload defined';
    scope.warn(`content-type '${args.contentType}' ignored by the http reply ${why}.`);
    args.contentType = '';
  }
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
