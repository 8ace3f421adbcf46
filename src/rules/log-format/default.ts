/**
 * The built-in formats (configuration.txt 8.2.1 to 8.2.5) as log-format strings. The parser of the
 * configuration also offers them as HAPROXY_*_LOG_FMT.
 */

/** `option tcplog` */
export const defaultTcpLogFormat =
  '%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq';

/** `option tcplog clf` */
export const clfTcpLogFormat =
  '%{+Q}o %{-Q}ci - - [%T] "TCP " 000 %B "" "" %cp ' +
  '%ms %ft %b %s %Th %Tw %Tc %Tt %U %ts-- %ac %fc %bc %sc %rc %sq %bq "" "" ';

/** `option httplog` */
export const defaultHttpLogFormat =
  '%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC ' +
  '%CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r';

/** `option httplog clf` */
export const clfHttpLogFormat =
  '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp ' +
  '%ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl';

/** `option httpslog` */
export const defaultHttpsLogFormat =
  `${defaultHttpLogFormat} %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/` +
  '%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc';

/** Without any log option (8.2.1): written when the connection has been accepted. */
export const defaultLogFormat = {
  http: 'Connect from %ci:%cp to %fi:%fp (%f/HTTP)',
  tcp: 'Connect from %ci:%cp to %fi:%fp (%f/TCP)',
} as const;

/**
 * A connection that failed before its first request (8.2.5) when there is no `error-log-format`.
 * @param bindName name of the bind line, or its id.
 * @param message for example `Connection error during SSL handshake`.
 */
export function defaultErrorLogFormat(bindName: string, message: string): string {
  return `%ci:%cp [%t] %f/${verbatim(bindName)}: ${verbatim(message)}`;
}

/** Text that a log-format string must not interpret. */
function verbatim(text: string): string {
  return text.replaceAll('%', '%%');
}
