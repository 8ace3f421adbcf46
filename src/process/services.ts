/**
 * The services of the control thread at work: requests of workers come in, parts of answers go out. An
 * answer that has not gone whole is an iterator that stands still; it goes on when its stream asks for
 * more, and away with it.
 */
import type {
  ServiceMessage,
  ServicePart,
  ServiceRequest,
  ServiceTicket,
} from '../model/service.ts';
import { partsOf, type Service } from '../stats/service.ts';

/** What a request gets whose service fails. */
function createFailure(): ServicePart {
  const head: ServicePart['head'] = { status: 500, fields: [], length: 0 };
  return { head, body: new Uint8Array(0), last: true };
}

const broken: ServicePart = { head: null, body: null, last: true };

export class Services {
  /** By name; filled before the first request. */
  readonly table = new Map<string, Service>();
  /** Brings a part to a stream; set before the first request. */
  answer: (ticket: ServiceTicket, part: ServicePart) => void = () => undefined;
  private readonly failed: (text: string) => void;
  /** Answers under way, by the number of their stream. */
  private readonly open = new Map<number, Generator<ServicePart, void>>();

  /** @param failed hears of a service that threw */
  constructor(failed: (text: string) => void) {
    this.failed = failed;
  }

  receive(message: ServiceMessage): void {
    switch (message.type) {
      case 'serve':
        return this.begin(message.request);
      case 'more':
        return this.goOn(message.ticket, false);
      default:
        this.open.delete(message.ticket.id);
    }
  }

  private begin(request: ServiceRequest): void {
    const service = this.table.get(request.service);
    if (service === undefined) return this.answer(request, createFailure());
    try {
      const parts = partsOf(service(request), request.method === 'HEAD');
      this.open.set(request.id, parts);
    } catch (error) {
      this.failed(String(error));
      return this.answer(request, createFailure());
    }
    this.goOn(request, true);
  }

  /** The next part. @param first none has gone yet, so that a failure can still be said. */
  private goOn(ticket: ServiceTicket, first: boolean): void {
    const parts = this.open.get(ticket.id);
    if (parts === undefined) return;
    const { workerIndex, slot, id } = ticket;
    try {
      const part = parts.next().value!;
      if (part.last) this.open.delete(id);
      this.answer({ workerIndex, slot, id }, part);
    } catch (error) {
      this.open.delete(id);
      this.failed(String(error));
      this.answer({ workerIndex, slot, id }, first ? createFailure() : broken);
    }
  }
}
