/**
 * TLS to one server in one worker (configuration.txt 5.2 ssl): its context, made at start, and the
 * session that the next connection resumes.
 */
import type { ServerConfig, TlsDefaults } from '../../model/config.ts';
import type { Resumption, TlsState } from '../../model/tls.ts';
import { mem, reserve } from '../../sys/arena.ts';
import {
  type Address,
  at,
  Ctrl,
  createCallback,
  cString,
  inArena,
  needOpenssl,
  type Openssl,
} from '../../sys/openssl.ts';
import type { Socket } from '../socket.ts';
import { openTls } from '../tls.ts';
import { onVerify } from './listener.ts';
import { createContext, offerProtocols, verifyMode } from './settings.ts';

/** Longest host name, with its final zero. */
const NAME_ROOM = 256;
const name = reserve(NAME_ROOM);

let verify: Address = 0;

export class TlsClient implements Resumption {
  session: Address = 0;
  /** The `reuseKey` that the session was made under. */
  sessionKey: number = 0;
  private readonly lib: Openssl;
  private readonly context: Address;
  private readonly config: ServerConfig;
  private readonly resumes: boolean;
  private readonly verifies: boolean;

  constructor(config: ServerConfig, defaults: TlsDefaults) {
    this.lib = needOpenssl();
    this.config = config;
    if (verify === 0) verify = createCallback(onVerify, ['i32', 'ptr']);
    const { tls, certificate } = config;
    const { lib } = this;
    const made = createContext(lib, 'server', tls, defaults);
    this.context = made.context;
    const context = at(made.context);
    const mode = verifyMode('server', tls, defaults);
    this.verifies = mode !== 0;
    lib.SSL_CTX_set_verify(context, mode, at(verify));
    if (certificate !== null) {
      const { certificate: x509, key, chain } = certificate;
      lib.SSL_CTX_use_cert_and_key(context, at(x509), at(key), at(chain), 1);
    }
    offerProtocols(lib, made.context, tls.alpn ?? []);
    this.resumes = tls.sessionReuse !== false;
    lib.SSL_CTX_ctrl(context, Ctrl.SessionCacheMode, 0, null);
    lib.ERR_clear_error();
  }

  /**
   * Makes a connecting socket one to this server.
   * @param sniOff the name to send, `sniLen` 0 = none; a longer one than 255 bytes is not sent
   * @param key `reuseKey` of the connection
   */
  open(sock: Socket, sniOff: number, sniLen: number, key: number): TlsState | null {
    const tls = openTls(sock, this.context, false);
    if (tls === null) return null;
    const { lib } = this;
    const ssl = at(tls.ssl);
    const { verifyHost } = this.config.tls;
    if (sniLen > 0 && sniLen < NAME_ROOM) {
      mem.copyWithin(name, sniOff, sniOff + sniLen);
      mem[name + sniLen] = 0;
      lib.SSL_ctrl(ssl, Ctrl.SetTlsextHostname, 0, inArena(name));
      if (this.verifies) lib.SSL_set1_host(ssl, inArena(name));
    } else if (this.verifies && verifyHost !== null) {
      // 5.2 verifyhost: where no name is sent.
      lib.SSL_set1_host(ssl, cString(verifyHost));
    }
    if (this.resumes) {
      if (this.session !== 0 && this.sessionKey === key) lib.SSL_set_session(ssl, at(this.session));
      this.sessionKey = key;
      tls.resumption = this;
    }
    return tls;
  }
}
