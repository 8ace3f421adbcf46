/**
 * Error pages (configuration.txt 1.4.1, 4.2 `errorfile`): HAProxy's default pages byte for byte and
 * their replacement by files, per proxy.
 *
 * There are two forms of a page. Errors of the request's syntax and of its timeouts are answered
 * before any rule sees the request: the page goes out as complete bytes. All other errors become a
 * response message, which `http-after-response` rules may change. A file replaces both forms; when
 * it is empty the connection is closed without an answer (`errorfile 408 /dev/null`).
 *
 * @dataplane
 */
import type { ProxyConfig } from '../model/config.ts';
import { reserveBytes } from '../sys/arena.ts';
import { defaultPages, errorPage, FALLBACK_STATUS } from './default-page.ts';
import { ReplyTemplate } from './reply.ts';
import type { ReplyContext } from './reply-context.ts';
import { parseReply } from './reply-file.ts';

export { errorPage } from './default-page.ts';

const STATUSES = 600;

/** 1 + index into `defaultPages`, by status; 0 = no page. */
const slotOf = createSlots();

function createSlots(): Uint8Array {
  const slots = new Uint8Array(STATUSES);
  defaultPages.forEach((page, i) => {
    slots[page.status] = i + 1;
  });
  return slots;
}

/** Whether `errorfile` and `default-errorfiles` know this status. */
export function hasErrorPage(status: number): boolean {
  return status >= 0 && status < STATUSES && slotOf[status] !== 0;
}

const defaultTemplates = createTemplates();

function createTemplates(): ReplyTemplate[] {
  return defaultPages.map((page) => new ReplyTemplate(parseReply(errorPage(page.status).bytes)));
}

const defaultOffs = Int32Array.from(defaultPages, (page) =>
  reserveBytes(errorPage(page.status).bytes),
);
const defaultLens = Int32Array.from(defaultPages, (page) => errorPage(page.status).bytes.length);

/** What answers in place of a default page. */
export interface ErrorAnswer {
  /** Makes it the answer. @returns false when there is no room for it. */
  prepare(ctx: ReplyContext): boolean;
}

/** The pages of one proxy. */
export class ErrorPages {
  /** Own pages by slot; null = none, the other side's or the default one serves. */
  readonly own: (ErrorAnswer | null)[];
  /** 1 where the file is empty: close without a word. */
  readonly silent: Uint8Array;
  /** Complete responses by slot: own ones, else the default ones. */
  private readonly offs: Int32Array;
  private readonly lens: Int32Array;

  /** @param made answers by status that are made when they are needed */
  constructor(
    errorFiles: Readonly<Record<number, string>>,
    made: ReadonlyMap<number, ErrorAnswer> = new Map(),
  ) {
    this.own = [];
    this.silent = new Uint8Array(defaultPages.length + 1);
    this.offs = Int32Array.of(0, ...defaultOffs);
    this.lens = Int32Array.of(0, ...defaultLens);
    for (let slot = 0; slot <= defaultPages.length; slot++) this.own.push(null);
    for (const key of Object.keys(errorFiles)) {
      const slot = slotOf[Number(key)] ?? 0;
      if (slot === 0) continue;
      const text = errorFiles[Number(key)]!;
      if (text === '') {
        this.silent[slot] = 1;
        this.lens[slot] = 0;
        continue;
      }
      const reply = parseReply(Buffer.from(text, 'latin1'));
      this.own[slot] = new ReplyTemplate(reply);
      const complete = Buffer.concat([Buffer.from(reply.head, 'latin1'), reply.body]);
      this.offs[slot] = reserveBytes(complete);
      this.lens[slot] = complete.length;
    }
    // An error that no rule may change has the default page instead: nothing is known to make it of.
    for (const [status, answer] of made) {
      const slot = slotOf[status] ?? 0;
      if (slot !== 0) this.own[slot] = answer;
    }
  }

  /** Arena offset of the complete response for an error that no rule may change. */
  off(status: number): number {
    return this.offs[pageSlot(status)]!;
  }

  /** Its length; 0 = close without an answer. */
  len(status: number): number {
    return this.lens[pageSlot(status)]!;
  }

  /** The proxy has a file for this status. */
  owns(slot: number): boolean {
    return this.silent[slot] === 1 || this.own[slot] !== null;
  }
}

function pageSlot(status: number): number {
  const slot = status < STATUSES ? slotOf[status]! : 0;
  return slot === 0 ? slotOf[FALLBACK_STATUS]! : slot;
}

/** Pages by proxy index, so that an action finds those of the stream's two sides. */
const pagesOf: ErrorPages[] = [];

/** Of most proxies. */
const defaultOnly = new ErrorPages({});

/** Compiles the pages of a proxy. Call for every proxy at start-up. */
export function compileErrorPages(
  proxy: ProxyConfig,
  made: ReadonlyMap<number, ErrorAnswer> = new Map(),
): ErrorPages {
  const files = proxy.errorFiles;
  const none = Object.keys(files).length === 0 && made.size === 0;
  const pages = none ? defaultOnly : new ErrorPages(files, made);
  pagesOf[proxy.index] = pages;
  return pages;
}

/**
 * Makes the page of `status` the answer: the backend's file, else the frontend's, else the default.
 * An empty file leaves a raw answer of no bytes.
 * @returns false when the context has no response message.
 */
export function prepareErrorPage(ctx: ReplyContext, status: number): boolean {
  const slot = pageSlot(status);
  const strm = ctx.stream;
  const be = strm === null || strm.backend === null ? undefined : pagesOf[strm.backend.index];
  const fe = ctx.session.frontend === null ? undefined : pagesOf[ctx.session.frontend.index];
  let pages: ErrorPages | undefined;
  if (be?.owns(slot)) pages = be;
  else if (fe?.owns(slot)) pages = fe;
  if (pages !== undefined) return prepareOwn(ctx, pages, slot);
  return defaultTemplates[slot - 1]!.prepare(ctx);
}

function prepareOwn(ctx: ReplyContext, pages: ErrorPages, slot: number): boolean {
  const own = pages.own[slot];
  if (own !== null && own !== undefined) return own.prepare(ctx);
  ctx.replySilent = true;
  ctx.replyBodyOff = 0;
  ctx.replyBodyLen = 0;
  return true;
}
