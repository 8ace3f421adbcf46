/**
 * What workers ask the control thread to answer in the name of a stream, and what it says. An answer
 * comes in parts: the next one is made when the client has taken the last, so that a page of several
 * megabytes costs a slow client's connection one part.
 */

/** Bytes that a part has about. */
export const PART_BYTES = 65536;

/** Which worker, which stream of it, and the stream's number, which no other stream ever has. */
export interface ServiceTicket {
  workerIndex: number;
  slot: number;
  id: number;
}

/** A request for the statistics page and its like. */
export interface ServiceRequest extends ServiceTicket {
  /** Row of the table of services, and the index of the proxy whose line asked for it. */
  service: string;
  proxy: number;
  /** Says whether a `stats admin` condition holds. */
  admin: boolean;
  method: string;
  target: string;
  /** Names in lower case. */
  fields: [name: string, value: string][];
  /** The body, latin1; null when it does not fit into a buffer. */
  body: string | null;
}

/** What workers say: a request, `more` when the last part is through, `forget` when its stream is. */
export type ServiceMessage =
  | { type: 'serve'; request: ServiceRequest }
  | { type: 'more'; ticket: ServiceTicket }
  | { type: 'forget'; ticket: ServiceTicket };

export interface ServiceHead {
  status: number;
  fields: [name: string, value: string][];
  /** The body's size in bytes; null when only its end will tell. */
  length: number | null;
}

export interface ServicePart {
  /** With the first part. */
  head: ServiceHead | null;
  /** Null: the answer broke off, and the client must see that something is missing. */
  body: Uint8Array | null;
  /** No part follows. */
  last: boolean;
}
