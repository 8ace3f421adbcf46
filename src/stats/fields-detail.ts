/** `show stat`, columns 51 to 118: compression, times, checks, connections, protocols (9.1). */
import { agentRiseFall } from '../checks/agent.ts';
import { checkResult } from '../checks/result.ts';
import { Counter, State } from '../model/shared.ts';
import { asked, backendWeight, checkedNow, http, listenerProtocol, positive } from './compute.ts';
import { field, type StatField, zero } from './field.ts';
import type { Subject } from './subject.ts';

/** A counter of a feature that only HTTP proxies could have. */
function zeroInHttp(s: Subject): number | null {
  return s.isHttp ? 0 : null;
}

export const detailFields: readonly StatField[] = [
  field('comp_in', 'MCPP', 'u64', 'Bytes given to the compressor', { FB: zero }),
  field('comp_out', 'MCPP', 'u64', 'Bytes that the compressor produced', { FB: zero }),
  field('comp_byp', 'MCPP', 'u64', 'Bytes that went past the compressor', { FB: zero }),
  field('comp_rsp', 'MCPP', 'u64', 'Responses that were compressed', { FB: zero }),
  field('lastsess', 'MAPV', 's32', 'Seconds since the last session, -1 = none', {
    BS: (s) => s.age(s.state(State.LastSession)),
  }),
  field('last_chk', 'MOPV', 'str', 'What the last check found, in words', {
    S: (s) => checkedNow(s, () => s.source.checks.lastCheck(s.entity)),
  }),
  field('last_agt', 'MOPV', 'str', 'What the last agent check found, in words', {
    S: (s) => asked(s, () => s.source.checks.lastAgent(s.entity)),
  }),
  field('qtime', 'MaPV', 'u32', 'Average ms in the queue over 1024 requests', {
    BS: (s) => s.average(Counter.QueueTimeSum),
  }),
  field('ctime', 'MaPV', 'u32', 'Average ms to connect over 1024 requests', {
    BS: (s) => s.average(Counter.ConnectTimeSum),
  }),
  field('rtime', 'MaPV', 'u32', 'Average ms until the response over 1024 requests', {
    BS: (s) => (s.isHttp ? s.average(Counter.ResponseTimeSum) : 0),
  }),
  field('ttime', 'MaPV', 'u32', 'Average ms in total over 1024 requests', {
    BS: (s) => s.average(Counter.TotalTimeSum),
  }),
  field('agent_status', 'MOPV', 'str', 'Result of the last agent check', {
    S: (s) => asked(s, () => s.agentName),
  }),
  field('agent_code', 'MOPV', 'u32', 'Code of the last agent check', {
    S: (s) => asked(s, () => s.agentCode),
  }),
  field('agent_duration', 'MDPV', 'u64', 'Milliseconds that the last agent check took', {
    S: (s) => asked(s, () => positive(s.state(State.AgentDuration))),
  }),
  field('check_desc', 'MOPV', 'str', 'Result of the last check, spelled out', {
    S: (s) => checkedNow(s, () => checkResult(s.state(State.CheckStatus)).description),
  }),
  field('agent_desc', 'MOPV', 'str', 'Result of the last agent check, spelled out', {
    S: (s) => asked(s, () => checkResult(s.state(State.AgentStatus)).description),
  }),
  field('check_rise', 'CGSV', 'u32', 'Good checks in a row that bring the server up', {
    S: (s) => checkedNow(s, () => s.server!.check!.rise),
  }),
  field('check_fall', 'CGSV', 'u32', 'Bad checks in a row that take the server down', {
    S: (s) => checkedNow(s, () => s.server!.check!.fall),
  }),
  field('check_health', 'CGSV', 'u32', 'Counter of checks, 0 to rise + fall - 1', {
    S: (s) => checkedNow(s, () => s.state(State.CheckCounter)),
  }),
  field('agent_rise', 'CGSV', 'u32', 'Good agent checks in a row that bring the server up', {
    S: (s) => asked(s, () => agentRiseFall.rise),
  }),
  field('agent_fall', 'CGSV', 'u32', 'Bad agent checks in a row that take the server down', {
    S: (s) => asked(s, () => agentRiseFall.fall),
  }),
  field('agent_health', 'CGSV', 'u32', 'Counter of agent checks', {
    S: (s) => asked(s, () => s.state(State.AgentCounter)),
  }),
  field('addr', 'CGSV', 'str', 'Address and port, or "unix"; for operators', {
    LS: (s) => s.address,
  }),
  field('cookie', 'CNSV', 'str', 'Cookie value of the server; for operators', {
    S: (s) => (s.showsDetails ? s.server!.cookie : null),
  }),
  field('mode', 'CGSV', 'str', 'Mode of the proxy', { LFBS: (s) => s.proxy.mode }),
  field('algo', 'CGSV', 'str', 'Load balancing algorithm; for operators', {
    B: (s) => (s.showsDetails ? s.proxy.balance.algorithm : null),
  }),
  field('conn_rate', 'MRPP', 'u32', 'Connections within the last second', {
    F: (s) => s.rate(Counter.ConnectionSecond),
  }),
  field('conn_rate_max', 'MMPV', 'u32', 'Most connections in a second', {
    F: (s) => s.ratePeak(Counter.ConnectionSecond),
  }),
  field('conn_tot', 'MCPP', 'u64', 'Connections so far', {
    F: (s) => s.sum(Counter.Connections),
    L: (s) => s.sum(Counter.Connections),
  }),
  field('intercepted', 'MCPP', 'u64', 'Requests that the proxy answered itself', {
    F: (s) => http(s, Counter.Intercepted),
  }),
  field('dcon', 'MCPP', 'u64', 'Connections denied by rules', {
    LF: (s) => s.sum(Counter.DeniedConnections),
  }),
  field('dses', 'MCPP', 'u64', 'Sessions denied by rules', {
    LF: (s) => s.sum(Counter.DeniedSessions),
  }),
  field('wrew', 'MCPP', 'u64', 'Header rewrites that failed', {
    LFBS: (s) => s.sum(Counter.FailedRewrites),
  }),
  field('connect', 'MCPP', 'u64', 'Connections tried to servers', {
    BS: (s) => s.sum(Counter.Connections),
  }),
  field('reuse', 'MCPP', 'u64', 'Connections used again', { BS: (s) => s.sum(Counter.Reused) }),
  field('cache_lookups', 'MCPP', 'u64', 'Requests looked up in the cache', { FB: zeroInHttp }),
  field('cache_hits', 'MCPP', 'u64', 'Requests answered from the cache', { FB: zeroInHttp }),
  field('srv_icur', 'MGPV', 'u32', 'Idle connections to the server', {
    S: (s) => s.state(State.IdleConnections),
  }),
  field('src_ilim', 'CLPV', 'u32', 'Limit of idle connections: pool-max-conn', {
    S: (s) => (s.server!.poolMaxConn >= 0 ? s.server!.poolMaxConn : null),
  }),
  field('qtime_max', 'MMPV', 'u32', 'Most ms in the queue', {
    BS: (s) => s.max(Counter.QueueTimeMax),
  }),
  field('ctime_max', 'MMPV', 'u32', 'Most ms to connect', {
    BS: (s) => s.max(Counter.ConnectTimeMax),
  }),
  field('rtime_max', 'MMPV', 'u32', 'Most ms until the response', {
    BS: (s) => (s.isHttp ? s.max(Counter.ResponseTimeMax) : 0),
  }),
  field('ttime_max', 'MMPV', 'u32', 'Most ms in total', { BS: (s) => s.max(Counter.TotalTimeMax) }),
  field('eint', 'MCPP', 'u64', 'Internal errors', { LFBS: (s) => s.sum(Counter.InternalErrors) }),
  field('idle_conn_cur', 'MGPV', 'u32', 'Idle connections that one session has used', {
    S: (s) => s.state(State.FreshConnections),
  }),
  field('safe_conn_cur', 'MGPV', 'u32', 'Idle connections that several sessions have used', {
    S: (s) => Math.max(0, s.state(State.IdleConnections) - s.state(State.FreshConnections)),
  }),
  field('used_conn_cur', 'MGPV', 'u32', 'Connections in use', { S: (s) => s.state(State.Current) }),
  field('need_conn_est', 'MGPV', 'u32', 'Connections estimated to be needed', {
    S: (s) => s.state(State.Current),
  }),
  field('uweight', 'MaPV', 'u32', 'Weight as configured or set; of a backend, the sum', {
    B: backendWeight,
    S: (s) => s.state(State.Weight),
  }),
  field('agg_server_status', 'MGPV', 'u32', 'Aggregated state of the servers', { B: zero }),
  field('agg_server_check_status', 'MGPV', 'u32', 'Aggregated checks (deprecated)', { B: zero }),
  field('agg_check_status', 'MGPV', 'u32', 'Aggregated result of the checks', { B: zero }),
  field('srid', 'MCPV', 'u32', 'Revision of the server', { S: zero }),
  field('sess_other', 'MCPP', 'u64', 'Sessions other than HTTP', {
    F: (s) => (s.isHttp ? 0 : s.sum(Counter.Sessions)),
  }),
  field('h1sess', 'MCPP', 'u64', 'HTTP/1 sessions', {
    F: (s) => (s.isHttp ? s.sum(Counter.Sessions) : 0),
  }),
  field('h2sess', 'MCPP', 'u64', 'HTTP/2 sessions', { F: zero }),
  field('h3sess', 'MCPP', 'u64', 'HTTP/3 sessions', { F: zero }),
  field('req_other', 'MCPP', 'u64', 'Requests other than HTTP', { F: zero }),
  field('h1req', 'MCPP', 'u64', 'HTTP/1 requests', { F: (s) => s.sum(Counter.Requests) }),
  field('h2req', 'MCPP', 'u64', 'HTTP/2 requests', { F: zero }),
  field('h3req', 'MCPP', 'u64', 'HTTP/3 requests', { F: zero }),
  field('proto', 'SGPV', 'str', 'Protocol of the listener', { L: listenerProtocol }),
  field('priv_idle_cur', 'MGPV', 'u32', 'Private idle connections', { S: zero }),
  field('reqbin', 'MCPP', 'u64', 'Bytes of requests received', {
    LFBS: (s) => s.sum(Counter.BytesIn),
  }),
  field('reqbout', 'MCPP', 'u64', 'Bytes of requests sent', {
    LFBS: (s) => s.sum(Counter.BytesIn),
  }),
  field('resbin', 'MCPP', 'u64', 'Bytes of responses received', {
    LFBS: (s) => s.sum(Counter.BytesOut),
  }),
  field('resbout', 'MCPP', 'u64', 'Bytes of responses sent', {
    LFBS: (s) => s.sum(Counter.BytesOut),
  }),
  field('cache_hint_hits', 'MCPP', 'u64', 'Cache hits that served early hints', { FB: zeroInHttp }),
];
