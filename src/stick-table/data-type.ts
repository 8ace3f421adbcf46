/**
 * The data that entries of stick tables may hold (configuration.txt 11.1 store): one row per type, in
 * the order in which `show table` writes them.
 */

export const enum DataType {
  ServerId = 0,
  Gpt0 = 1,
  Gpc0 = 2,
  Gpc0Rate = 3,
  ConnCnt = 4,
  ConnRate = 5,
  ConnCur = 6,
  SessCnt = 7,
  SessRate = 8,
  HttpReqCnt = 9,
  HttpReqRate = 10,
  HttpErrCnt = 11,
  HttpErrRate = 12,
  BytesInCnt = 13,
  BytesInRate = 14,
  BytesOutCnt = 15,
  BytesOutRate = 16,
  Gpc1 = 17,
  Gpc1Rate = 18,
  ServerKey = 19,
  Gpt = 20,
  Gpc = 21,
  GpcRate = 22,
  HttpFailCnt = 23,
  HttpFailRate = 24,
  GlitchCnt = 25,
  GlitchRate = 26,
  COUNT = 27,
}

/** What a value is made of. */
export const enum Kind {
  /** 32 bits. */
  Number = 0,
  /** 64 bits. */
  Wide = 1,
  /** Events over a period (rate.ts). */
  Rate = 2,
  /** The name or address of a server, as an index of the known ones (registry.ts). */
  Text = 3,
}

export interface DataRow {
  readonly type: DataType;
  readonly name: string;
  readonly kind: Kind;
  /** `gpc(<nb>)`: several of them. */
  readonly array: boolean;
  readonly doc: string;
}

/** Words of a value, by `Kind`. */
export const kindWords = [1, 2, 3, 1] as const;

/** By number. */
export const dataRows: readonly DataRow[] = [
  row(DataType.ServerId, 'server_id', Kind.Number, 'number of the server'),
  row(DataType.Gpt0, 'gpt0', Kind.Number, 'first general purpose tag'),
  row(DataType.Gpc0, 'gpc0', Kind.Number, 'first general purpose counter'),
  row(DataType.Gpc0Rate, 'gpc0_rate', Kind.Rate, 'its increments'),
  row(DataType.ConnCnt, 'conn_cnt', Kind.Number, 'connections'),
  row(DataType.ConnRate, 'conn_rate', Kind.Rate, 'connections'),
  row(DataType.ConnCur, 'conn_cur', Kind.Number, 'connections that track it now'),
  row(DataType.SessCnt, 'sess_cnt', Kind.Number, 'sessions'),
  row(DataType.SessRate, 'sess_rate', Kind.Rate, 'sessions'),
  row(DataType.HttpReqCnt, 'http_req_cnt', Kind.Number, 'requests'),
  row(DataType.HttpReqRate, 'http_req_rate', Kind.Rate, 'requests'),
  row(DataType.HttpErrCnt, 'http_err_cnt', Kind.Number, 'errors of the client'),
  row(DataType.HttpErrRate, 'http_err_rate', Kind.Rate, 'errors of the client'),
  row(DataType.BytesInCnt, 'bytes_in_cnt', Kind.Wide, 'bytes of the client'),
  row(DataType.BytesInRate, 'bytes_in_rate', Kind.Rate, 'bytes of the client'),
  row(DataType.BytesOutCnt, 'bytes_out_cnt', Kind.Wide, 'bytes of the server'),
  row(DataType.BytesOutRate, 'bytes_out_rate', Kind.Rate, 'bytes of the server'),
  row(DataType.Gpc1, 'gpc1', Kind.Number, 'second general purpose counter'),
  row(DataType.Gpc1Rate, 'gpc1_rate', Kind.Rate, 'its increments'),
  row(DataType.ServerKey, 'server_key', Kind.Text, 'name or address of the server'),
  array(DataType.Gpt, 'gpt', Kind.Number, 'general purpose tags'),
  array(DataType.Gpc, 'gpc', Kind.Number, 'general purpose counters'),
  array(DataType.GpcRate, 'gpc_rate', Kind.Rate, 'their increments'),
  row(DataType.HttpFailCnt, 'http_fail_cnt', Kind.Number, 'failures of servers'),
  row(DataType.HttpFailRate, 'http_fail_rate', Kind.Rate, 'failures of servers'),
  row(DataType.GlitchCnt, 'glitch_cnt', Kind.Number, 'glitches of the client'),
  row(DataType.GlitchRate, 'glitch_rate', Kind.Rate, 'glitches of the client'),
];

function row(type: DataType, name: string, kind: Kind, doc: string): DataRow {
  return { type, name, kind, array: false, doc };
}

function array(type: DataType, name: string, kind: Kind, doc: string): DataRow {
  return { type, name, kind, array: true, doc };
}

const byName = new Map(dataRows.map((each) => [each.name, each]));

export function dataRow(name: string): DataRow | undefined {
  return byName.get(name);
}
