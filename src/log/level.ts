/** Names of syslog levels and facilities (configuration.txt 4.2 `log`); the index is the number. */
export const logLevels = [
  'emerg',
  'alert',
  'crit',
  'err',
  'warning',
  'notice',
  'info',
  'debug',
] as const;

export const logFacilities = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'auth2',
  'ftp',
  'ntp',
  'audit',
  'alert',
  'cron2',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;

export const enum Level {
  Emerg = 0,
  Alert = 1,
  Crit = 2,
  Err = 3,
  Warning = 4,
  Notice = 5,
  Info = 6,
  Debug = 7,
}
