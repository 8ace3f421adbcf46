/**
 * The metrics of the Prometheus exporter (configuration.txt 4.4 `use-service`), in the exporter's order:
 * names as HAProxy's has them, and the values of `show info` and `show stat` behind them.
 */
import type { SubjectKind } from '../subject.ts';

export type MetricType = 'gauge' | 'counter';

/** How a value is written; `states` and the like make several samples of it. */
export type MetricShape =
  | 'number'
  | 'milliseconds'
  | 'state'
  | 'check'
  | 'servers'
  | 'checks'
  | 'codes';

export interface ProcessMetric {
  name: string;
  type: MetricType;
  /** The value of `show info`. */
  from: string;
  /** A text: it becomes a label of this name, and the value is 1. */
  label: string;
}

export interface ObjectMetric {
  name: string;
  type: MetricType;
  /** The field of `show stat`. */
  from: string;
  shape: MetricShape;
  /** Of whom; the name of a kind may differ. */
  kinds: readonly SubjectKind[];
  /** Only of proxies in HTTP mode. */
  http: boolean;
}

/** `name:field`, several in a row; a name that ends in `_total` is a counter. */
function processRows(text: string): ProcessMetric[] {
  return text
    .trim()
    .split(/\s+/)
    .map((pair) => {
      const [name = '', from = '', label = ''] = pair.split(':');
      const type = name.endsWith('_total') || name.startsWith('total_') ? 'counter' : 'gauge';
      return { name, type, from: from.replaceAll('~', ' '), label };
    });
}

export const processMetrics: readonly ProcessMetric[] = processRows(`
  nbthread:Nbthread nbproc:Nbproc relative_process_id:Process_num uptime_seconds:Uptime_sec
  pool_failures_total:PoolFailed max_fds:Ulimit-n max_sockets:Maxsock max_connections:Maxconn
  hard_max_connections:Hard_maxconn current_connections:CurrConns connections_total:CumConns
  requests_total:CumReq max_ssl_connections:MaxSslConns current_ssl_connections:CurrSslConns
  ssl_connections_total:CumSslConns max_pipes:Maxpipes pipes_used_total:PipesUsed
  pipes_free_total:PipesFree current_connection_rate:ConnRate limit_connection_rate:ConnRateLimit
  max_connection_rate:MaxConnRate current_session_rate:SessRate limit_session_rate:SessRateLimit
  max_session_rate:MaxSessRate current_ssl_rate:SslRate limit_ssl_rate:SslRateLimit
  max_ssl_rate:MaxSslRate current_frontend_ssl_key_rate:SslFrontendKeyRate
  max_frontend_ssl_key_rate:SslFrontendMaxKeyRate frontend_ssl_reuse:SslFrontendSessionReuse_pct
  current_backend_ssl_key_rate:SslBackendKeyRate max_backend_ssl_key_rate:SslBackendMaxKeyRate
  ssl_cache_lookups_total:SslCacheLookups ssl_cache_misses_total:SslCacheMisses
  http_comp_bytes_in_total:CompressBpsIn http_comp_bytes_out_total:CompressBpsOut
  limit_http_comp:CompressBpsRateLim current_zlib_memory:ZlibMemUsage max_zlib_memory:MaxZlibMemUsage
  current_tasks:Tasks current_run_queue:Run_queue idle_time_percent:Idle_pct node:node:node
  stopping:Stopping jobs:Jobs unstoppable_jobs:Unstoppable~Jobs listeners:Listeners
  active_peers:ActivePeers connected_peers:ConnectedPeers dropped_logs_total:DroppedLogs
  busy_polling_enabled:BusyPolling failed_resolutions:FailedResolutions
  bytes_out_total:TotalBytesOut spliced_bytes_out_total:TotalSplicedBytesOut
  bytes_out_rate:BytesOutRate recv_logs_total:CumRecvLogs build_info:Version:version
  max_memory_bytes:Memmax_bytes pool_allocated_bytes:PoolAlloc_bytes pool_used_bytes:PoolUsed_bytes
  start_time_seconds:Start_time_sec total_warnings:TotalWarnings
`).map((row) => (row.name === 'failed_resolutions' ? { ...row, type: 'counter' } : row));

const letters: Readonly<Record<string, SubjectKind>> = {
  F: 'frontend',
  L: 'listener',
  B: 'backend',
  S: 'server',
};

/** `name:field:kinds`, then a shape and `http` where they are not the usual ones. */
function objectRows(text: string): ObjectMetric[] {
  return text
    .trim()
    .split(/\s+/)
    .map((row) => {
      const [name = '', from = '', kinds = '', ...rest] = row.split(':');
      const shape = rest.find((word) => word !== 'http') ?? 'number';
      return {
        name,
        type: name.endsWith('_total') ? 'counter' : 'gauge',
        from,
        shape: shape as MetricShape,
        kinds: [...kinds].map((letter) => letters[letter]!),
        http: rest.includes('http'),
      };
    });
}

export const objectMetrics: readonly ObjectMetric[] = objectRows(`
  current_queue:qcur:BS max_queue:qmax:BS current_sessions:scur:FLBS max_sessions:smax:FLBS
  limit_sessions:slim:FLBS sessions_total:stot:FLBS bytes_in_total:bin:FLBS bytes_out_total:bout:FLBS
  requests_denied_total:dreq:FLB responses_denied_total:dresp:FLBS request_errors_total:ereq:FL
  connection_errors_total:econ:BS response_errors_total:eresp:BS retry_warnings_total:wretr:BS
  redispatch_warnings_total:wredis:BS status:status:FLBS:state weight:weight:BS
  active_servers:act:B backup_servers:bck:B active:act:S backup:bck:S check_failures_total:chkfail:S
  check_up_down_total:chkdown:BS check_last_change_seconds:lastchg:BS
  downtime_seconds_total:downtime:BS queue_limit:qlimit:S current_throttle:throttle:S
  loadbalanced_total:lbtot:BS current_session_rate:rate:FBS limit_session_rate:rate_lim:F
  max_session_rate:rate_max:FBS check_status:check_status:S:check check_code:check_code:S
  check_duration_seconds:check_duration:S:milliseconds http_responses_total:hrsp_1xx:FBS:codes:http
  http_requests_rate_max:req_rate_max:F:http http_requests_total:req_tot:FBS:http
  client_aborts_total:cli_abrt:BS server_aborts_total:srv_abrt:BS
  http_comp_bytes_in_total:comp_in:FB:http http_comp_bytes_out_total:comp_out:FB:http
  http_comp_bytes_bypassed_total:comp_byp:FB:http http_comp_responses_total:comp_rsp:FB:http
  last_session_seconds:lastsess:BS queue_time_average_seconds:qtime:BS:milliseconds
  connect_time_average_seconds:ctime:BS:milliseconds
  response_time_average_seconds:rtime:BS:milliseconds
  total_time_average_seconds:ttime:BS:milliseconds connections_rate_max:conn_rate_max:F
  connections_total:conn_tot:FL intercepted_requests_total:intercepted:F:http
  denied_connections_total:dcon:FL denied_sessions_total:dses:FL
  failed_header_rewriting_total:wrew:FLBS connection_attempts_total:connect:BS
  connection_reuses_total:reuse:BS http_cache_lookups_total:cache_lookups:FB:http
  http_cache_hits_total:cache_hits:FB:http idle_connections_current:srv_icur:S
  idle_connections_limit:src_ilim:S max_queue_time_seconds:qtime_max:BS:milliseconds
  max_connect_time_seconds:ctime_max:BS:milliseconds
  max_response_time_seconds:rtime_max:BS:milliseconds max_total_time_seconds:ttime_max:BS:milliseconds
  internal_errors_total:eint:FLBS unsafe_idle_connections_current:idle_conn_cur:S
  safe_idle_connections_current:safe_conn_cur:S used_connections_current:used_conn_cur:S
  need_connections_current:need_conn_est:S uweight:uweight:BS
  agg_server_status:agg_server_status:B:servers
  agg_server_check_status:agg_server_check_status:B:servers
  agg_check_status:agg_check_status:B:checks
`);
