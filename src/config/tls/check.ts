/**
 * Checks of complete `ssl` lines (configuration.txt 5.1, 5.2): certificates, authorities, versions, and
 * what OpenSSL itself refuses of ciphers, curves and algorithms. Messages are HAProxy's.
 */
import type {
  BindConfig,
  Configuration,
  ProxyConfig,
  ServerConfig,
  TlsSettings,
} from '../../model/config.ts';
import { at, openssl } from '../../sys/openssl.ts';
import {
  createContext,
  type TlsSide,
  verifyMode,
  versionRange,
} from '../../transport/tls/settings.ts';
import type { Diagnostics } from '../diagnostics.ts';

const versionNames = ['SSLv3', 'TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

export function checkTls(config: Configuration, diagnostics: Diagnostics): void {
  for (const proxy of config.proxies) {
    if (proxy.disabled) continue;
    const seen = new Set<string>();
    for (const bind of proxy.binds) {
      const key = `${bind.line} ${bind.address.text}`;
      if (bind.ssl && !seen.has(key)) checkBind(config, proxy, bind, diagnostics);
      seen.add(key);
    }
    for (const server of proxy.servers) {
      if (server.ssl) checkServer(config, proxy, server, diagnostics);
    }
  }
}

function checkBind(
  config: Configuration,
  proxy: ProxyConfig,
  bind: BindConfig,
  diagnostics: Diagnostics,
): void {
  const { tls } = config.global;
  const where = `for bind '${bind.address.text}' at [${bind.file}:${bind.line}]`;
  const say = (text: string) => `Proxy '${proxy.name}': ${text}`;
  const isStrict = bind.tls.strictSni ?? tls.bind.strictSni ?? false;
  if (bind.certificates.length === 0) {
    const what = `no SSL certificate specified ${where}`;
    if (isStrict) {
      diagnostics.warning(null, say(`${what}, ssl connections will fail (use 'crt').`));
    } else {
      diagnostics.error(null, say(`${what} (use 'crt').`));
    }
  }
  const all = new Set([bind.tls, ...bind.certificates.flatMap(({ settings }) => settings ?? [])]);
  for (const settings of all) {
    if (verifyMode('bind', settings, tls) !== 0 && settings.trustStore === 0) {
      diagnostics.error(null, say(`verify is enabled but no CA file specified ${where}.`));
    }
    const range = versionRange(settings, tls.bind);
    if (range === null) {
      diagnostics.error(null, say(`all SSL/TLS versions are disabled ${where}.`));
    } else if (range.warning === 'no-ignored') {
      diagnostics.warning(
        null,
        say(
          `no-sslv3/no-tlsv1x are ignored ${where}. ` +
            "Use only 'ssl-min-ver' and 'ssl-max-ver' to fix.",
        ),
      );
    } else if (range.warning === 'min-lowered') {
      const version = versionNames[range.min - 0x300];
      diagnostics.warning(
        null,
        say(
          `Ambiguous configuration ${where}: the ssl-min-ver value is not configured and the ` +
            'ssl-max-ver value is lower than the default ssl-min-ver value (TLSv1.2). Setting the ' +
            `ssl-min-ver to ${version}. Use 'ssl-min-ver' to fix this.`,
        ),
      );
    }
    const problem = tryContext('bind', settings, config);
    if (problem !== null) diagnostics.error(null, say(`${problem} ${where}.`));
  }
}

function checkServer(
  config: Configuration,
  proxy: ProxyConfig,
  server: ServerConfig,
  diagnostics: Diagnostics,
): void {
  const { tls } = config.global;
  const subject = `[${server.file}:${server.line}] : 'server ${proxy.name}/${server.name}' :`;
  if (verifyMode('server', server.tls, tls) !== 0 && server.tls.trustStore === 0) {
    diagnostics.error(
      null,
      `${subject} verify is enabled by default but no CA file specified. If you're running on a LAN ` +
        "where you're certain to trust the server's certificate, please set an explicit " +
        "'verify none' statement on the 'server' line, or use 'ssl-server-verify none' in the " +
        'global section to disable server-side verifications by default.',
    );
  }
  if (versionRange(server.tls, tls.server) === null) {
    diagnostics.error(null, `${subject} all SSL/TLS versions are disabled.`);
  }
  const problem = tryContext('server', server.tls, config);
  if (problem !== null) diagnostics.error(null, `${subject} ${problem}.`);
  checkHealthCheck(proxy, server, subject, diagnostics);
}

/**
 * 5.2 check-ssl: checks of a server with TLS are made over TLS, unless they go to a place of their own.
 * Ours are plain: a dialogue would fail, and a connection says less than it should.
 */
function checkHealthCheck(
  proxy: ProxyConfig,
  server: ServerConfig,
  subject: string,
  diagnostics: Diagnostics,
): void {
  const { check, waiting } = server;
  const isPlain = waiting['no-check-ssl'] === true || proxy.check.external !== null;
  if (check === null || isPlain || check.address !== null || check.port !== 0) return;
  if (proxy.check.kind !== 'tcp') {
    diagnostics.error(
      null,
      `${subject} checks over TLS are not supported yet by sluice; 'no-check-ssl' makes plain ones.`,
    );
    return;
  }
  diagnostics.warning(
    null,
    `${subject} 'check' only connects: checks over TLS are not supported yet by sluice. ` +
      "'no-check-ssl' says that this is meant.",
  );
}

/** What OpenSSL refuses of the settings, or null. */
function tryContext(side: TlsSide, settings: TlsSettings, config: Configuration): string | null {
  const lib = openssl();
  if (lib === null) return null;
  const { context, problem } = createContext(lib, side, settings, config.global.tls);
  lib.SSL_CTX_free(at(context));
  return problem;
}
