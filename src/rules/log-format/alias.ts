/**
 * The aliases of a log-format string (configuration.txt 8.2.6), in the order of the manual's table.
 * The parser knows which words exist from these rows, the compiler turns them into operations.
 */
export const enum Op {
  Text = 0,
  Space = 1,
  Expression = 2,
  /** Dates: the alias decides the moment, the text and what follows it. */
  AcceptUtc = 3,
  AcceptLocal = 4,
  AcceptSeconds = 5,
  AcceptMs = 6,
  AcceptMillis = 7,
  RequestMs = 8,
  RequestUtc = 9,
  RequestLocal = 10,
  Ta = 11,
  Tc = 12,
  Td = 13,
  Th = 14,
  Ti = 15,
  Tq = 16,
  TR = 17,
  Tr = 18,
  Tt = 19,
  Tu = 20,
  Tw = 21,
  BytesOut = 22,
  RequestCookie = 23,
  ResponseCookie = 24,
  Hostname = 25,
  Method = 26,
  UriNoQuery = 27,
  Path = 28,
  Query = 29,
  Uri = 30,
  Version = 31,
  UniqueId = 32,
  Status = 33,
  BytesIn = 34,
  ActiveConnections = 35,
  BackendName = 36,
  BackendConnections = 37,
  BackendSourceIp = 38,
  BackendSourcePort = 39,
  BackendQueue = 40,
  ClientIp = 41,
  ClientPort = 42,
  FrontendName = 43,
  FrontendConnections = 44,
  FrontendIp = 45,
  FrontendPort = 46,
  FrontendTransport = 47,
  LogCounter = 48,
  RequestHeaders = 49,
  RequestHeadersList = 50,
  ResponseHeaders = 51,
  ResponseHeadersList = 52,
  Origin = 53,
  Pid = 54,
  RequestLine = 55,
  Retries = 56,
  RequestCounter = 57,
  ServerName = 58,
  ServerConnections = 59,
  ServerIp = 60,
  ServerPort = 61,
  ServerQueue = 62,
  SslCipher = 63,
  SslVersion = 64,
  State = 65,
  StateCookie = 66,
}

/** Bits of `LogFormatItem.flags`. */
export const enum LogFlag {
  Quote = 1,
  Hex = 2,
  Escape = 4,
  Bin = 8,
  Json = 16,
  Cbor = 32,
  /** An empty value is written as `-` (or `""`): always so in logs. */
  Mandatory = 64,
}

/** Encoding type of an item without a forced one. */
export type ItemType = 'str' | 'sint' | 'bool';

export interface AliasRow {
  name: string;
  op: Op;
  type: ItemType;
  /** Restriction `H`: only in `mode http`. */
  http: boolean;
  doc: string;
}

function row(name: string, op: Op, type: ItemType, http: boolean, doc: string): AliasRow {
  return { name, op, type, http, doc };
}

export const aliasRows: readonly AliasRow[] = [
  row('T', Op.AcceptUtc, 'str', false, 'accept date UTC with time zone'),
  row('Tl', Op.AcceptLocal, 'str', false, 'accept date local with time zone'),
  row('Ts', Op.AcceptSeconds, 'sint', false, 'accept date as a UNIX timestamp'),
  row('t', Op.AcceptMs, 'str', false, 'accept date local with milliseconds'),
  row('ms', Op.AcceptMillis, 'sint', false, 'milliseconds of the accept date'),
  row('tr', Op.RequestMs, 'str', true, 'request date local with milliseconds'),
  row('trg', Op.RequestUtc, 'str', true, 'request date UTC with time zone'),
  row('trl', Op.RequestLocal, 'str', true, 'request date local with time zone'),
  row('Ta', Op.Ta, 'sint', true, 'active time of the request'),
  row('Tc', Op.Tc, 'sint', false, 'time to connect to the server'),
  row('Td', Op.Td, 'sint', false, 'data transfer time'),
  row('Th', Op.Th, 'sint', false, 'handshake time of the connection'),
  row('Ti', Op.Ti, 'sint', true, 'idle time before the request'),
  row('Tq', Op.Tq, 'sint', true, 'Th + Ti + TR'),
  row('TR', Op.TR, 'sint', true, 'time to receive the full request head'),
  row('Tr', Op.Tr, 'sint', true, 'response time of the server'),
  row('Tt', Op.Tt, 'sint', false, 'total time'),
  row('Tu', Op.Tu, 'sint', false, 'total time without the idle time'),
  row('Tw', Op.Tw, 'sint', false, 'time in queues'),
  row('B', Op.BytesOut, 'sint', false, 'bytes sent to the client'),
  row('CC', Op.RequestCookie, 'str', true, 'captured request cookie'),
  row('CS', Op.ResponseCookie, 'str', true, 'captured response cookie'),
  row('H', Op.Hostname, 'str', false, 'host name of the machine'),
  row('HM', Op.Method, 'str', true, 'request method'),
  row('HP', Op.UriNoQuery, 'str', true, 'request target without query string'),
  row('HPO', Op.Path, 'str', true, 'path of the request, without host and query string'),
  row('HQ', Op.Query, 'str', true, 'query string, question mark included'),
  row('HU', Op.Uri, 'str', true, 'request target'),
  row('HV', Op.Version, 'str', true, 'HTTP version of the request'),
  row('ID', Op.UniqueId, 'str', false, 'unique ID'),
  row('ST', Op.Status, 'sint', false, 'status code'),
  row('U', Op.BytesIn, 'sint', false, 'bytes received from the client'),
  row('ac', Op.ActiveConnections, 'sint', false, 'connections of the process'),
  row('b', Op.BackendName, 'str', false, 'backend name'),
  row('bc', Op.BackendConnections, 'sint', false, 'connections of the backend'),
  row('bi', Op.BackendSourceIp, 'str', false, 'source address towards the server'),
  row('bp', Op.BackendSourcePort, 'sint', false, 'source port towards the server'),
  row('bq', Op.BackendQueue, 'sint', false, 'requests ahead in the queue of the backend'),
  row('ci', Op.ClientIp, 'str', false, 'client address'),
  row('cp', Op.ClientPort, 'sint', false, 'client port'),
  row('f', Op.FrontendName, 'str', false, 'frontend name'),
  row('fc', Op.FrontendConnections, 'sint', false, 'connections of the frontend'),
  row('fi', Op.FrontendIp, 'str', false, 'address the client connected to'),
  row('fp', Op.FrontendPort, 'sint', false, 'port the client connected to'),
  row('ft', Op.FrontendTransport, 'str', false, 'frontend name, with ~ for SSL'),
  row('lc', Op.LogCounter, 'sint', false, 'log counter of the frontend'),
  row('hr', Op.RequestHeaders, 'str', true, 'captured request headers'),
  row('hrl', Op.RequestHeadersList, 'str', true, 'captured request headers, CLF style'),
  row('hs', Op.ResponseHeaders, 'str', true, 'captured response headers'),
  row('hsl', Op.ResponseHeadersList, 'str', true, 'captured response headers, CLF style'),
  row('OG', Op.Origin, 'str', false, 'why the line was written'),
  row('pid', Op.Pid, 'sint', false, 'process id'),
  row('r', Op.RequestLine, 'str', true, 'request line'),
  row('rc', Op.Retries, 'sint', false, 'retries, + after a redispatch'),
  row('rt', Op.RequestCounter, 'sint', false, 'request counter'),
  row('s', Op.ServerName, 'str', false, 'server name'),
  row('sc', Op.ServerConnections, 'sint', false, 'connections of the server'),
  row('si', Op.ServerIp, 'str', false, 'server address'),
  row('sp', Op.ServerPort, 'sint', false, 'server port'),
  row('sq', Op.ServerQueue, 'sint', false, 'requests ahead in the queue of the server'),
  row('sslc', Op.SslCipher, 'str', false, 'cipher of the client connection'),
  row('sslv', Op.SslVersion, 'str', false, 'SSL version of the client connection'),
  row('ts', Op.State, 'str', false, 'termination state'),
  row('tsc', Op.StateCookie, 'str', true, 'termination state with cookie status'),
];

const byName = new Map(aliasRows.map((alias) => [alias.name, alias]));

/** The row of an alias without its `%`, or undefined. */
export function aliasRow(name: string): AliasRow | undefined {
  return byName.get(name);
}
