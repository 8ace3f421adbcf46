/** The built-in log formats as variables of the configuration (configuration.txt 2.3). */
import {
  clfHttpLogFormat,
  clfTcpLogFormat,
  defaultHttpLogFormat,
  defaultHttpsLogFormat,
  defaultTcpLogFormat,
} from '../rules/log-format/default.ts';

export const logFormatVariables: Readonly<Record<string, string>> = {
  HAPROXY_HTTP_LOG_FMT: defaultHttpLogFormat,
  HAPROXY_HTTP_CLF_LOG_FMT: clfHttpLogFormat,
  HAPROXY_HTTPS_LOG_FMT: defaultHttpsLogFormat,
  HAPROXY_TCP_LOG_FMT: defaultTcpLogFormat,
  HAPROXY_TCP_CLF_LOG_FMT: clfTcpLogFormat,
};
