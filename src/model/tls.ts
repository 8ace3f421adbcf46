/**
 * What is known of TLS on a connection, for its transport, for rules and for logs. Pooled with the
 * connection that it belongs to.
 *
 * @dataplane
 */

/** Why a connection failed before its first byte; numbers and texts are those of `fc_err`. */
export const enum Failure {
  None = 0,
  /** The peer closed in the middle of the handshake. */
  Closed = 24,
  TimedOut = 26,
  /** The client's certificate is not trusted. */
  Untrusted = 31,
  Handshake = 34,
}

/** Texts by code. */
export const failureText: ReadonlyMap<number, string> = new Map([
  [Failure.None, 'Success'],
  [Failure.Closed, 'Connection closed during SSL handshake'],
  [Failure.TimedOut, 'Timeout during SSL handshake'],
  [Failure.Untrusted, 'SSL client certificate not trusted'],
  [Failure.Handshake, 'SSL handshake failure'],
]);

/** Where the session of a server is kept for its next connection. */
export interface Resumption {
  /** OpenSSL's SSL_SESSION; 0 = none. */
  session: number;
}

export class TlsState {
  /** OpenSSL's SSL; 0 = none. */
  ssl: number = 0;
  /** The SSL_CTX that it began with. */
  context: number = 0;
  /** The handshake is not complete. */
  opening: boolean = false;
  /** Reading cannot go on before something has been written. */
  readNeedsWrite: boolean = false;
  failure: Failure = Failure.None;
  /** OpenSSL's number of the first error; 0 = none. */
  error: number = 0;
  /** First error of verification at depth 0, above it, and at which depth. */
  verifyError: number = 0;
  caError: number = 0;
  caDepth: number = 0;
  /** What the configuration passes over; see `TlsSettings`. */
  ignored: readonly number[] | null = null;
  ignoredCa: readonly number[] | null = null;
  /** To a server: the place of its session; null = it is not resumed. */
  resumption: Resumption | null = null;

  begin(ssl: number, context: number): void {
    this.ssl = ssl;
    this.context = context;
    this.opening = true;
    this.readNeedsWrite = false;
    this.failure = Failure.None;
    this.error = 0;
    this.verifyError = 0;
    this.caError = 0;
    this.caDepth = 0;
    this.ignored = null;
    this.ignoredCa = null;
    this.resumption = null;
  }
}
