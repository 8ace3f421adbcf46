/**
 * Log formats (configuration.txt 8.2.6): parsed once while the configuration is read, compiled per
 * worker, written as bytes. The parts are in `log-format/`.
 *
 *   parse      text -> items (aliases, expressions, text, spaces), errors
 *   compile    items -> operations in typed arrays
 *   write      operations + stream -> bytes
 */
export { aliasRows, LogFlag } from './log-format/alias.ts';
export { compileLogFormat, type LogFormatMode } from './log-format/compile.ts';
export {
  clfHttpLogFormat,
  clfTcpLogFormat,
  defaultErrorLogFormat,
  defaultHttpLogFormat,
  defaultHttpsLogFormat,
  defaultLogFormat,
  defaultTcpLogFormat,
} from './log-format/default.ts';
export {
  initLogEnvironment,
  initLogIdentity,
  type LogEnvironment,
} from './log-format/environment.ts';
export { parseLogFormat } from './log-format/parse.ts';
export type { LogFormatWriter } from './log-format/writer.ts';
