/** `show stat`, columns 0 to 50: identity, load, errors, state, rates, status classes (9.1). */
import { Counter, State } from '../model/shared.ts';
import {
  backendWeight,
  checked,
  checkedNow,
  downtime,
  http,
  listenerName,
  positive,
} from './compute.ts';
import { field, type StatField, zero } from './field.ts';
import { statusText } from './status.ts';

export const sessionFields: readonly StatField[] = [
  field('pxname', 'KNSV', 'str', 'Name of the proxy', { LFBS: (s) => s.proxy.name }),
  field('svname', 'KNSV', 'str', 'FRONTEND, BACKEND, or the name of the server or listener', {
    L: listenerName,
    F: () => 'FRONTEND',
    B: () => 'BACKEND',
    S: (s) => s.server!.name,
  }),
  field('qcur', 'MGPV', 'u32', 'Requests queued now', { BS: (s) => s.state(State.Queued) }),
  field('qmax', 'MMPV', 'u32', 'Most requests ever queued', { BS: (s) => s.max(Counter.QueueMax) }),
  field('scur', 'MGPV', 'u32', 'Sessions now', { LFBS: (s) => s.state(State.Current) }),
  field('smax', 'MMPV', 'u32', 'Most sessions ever at a time', {
    LFBS: (s) => s.max(Counter.SessionsMax),
  }),
  field('slim', 'CLPV', 'u32', 'Limit of sessions: maxconn, or fullconn of a backend', {
    LF: (s) => s.state(State.Maxconn),
    // A backend that no frontend names still has a limit of 1.
    B: (s) => Math.max(1, s.state(State.Maxconn)),
    S: (s) => s.state(State.Maxconn) || null,
  }),
  field('stot', 'MCPP', 'u64', 'Sessions so far', { LFBS: (s) => s.sum(Counter.Sessions) }),
  field('bin', 'MCPP', 'u64', 'Bytes of requests', { LFBS: (s) => s.sum(Counter.BytesIn) }),
  field('bout', 'MCPP', 'u64', 'Bytes of responses', { LFBS: (s) => s.sum(Counter.BytesOut) }),
  field('dreq', 'MCPP', 'u64', 'Requests denied by rules', {
    LFB: (s) => s.sum(Counter.DeniedRequests),
  }),
  field('dresp', 'MCPP', 'u64', 'Responses denied by rules', {
    LFBS: (s) => s.sum(Counter.DeniedResponses),
  }),
  field('ereq', 'MCPP', 'u64', 'Invalid or incomplete requests', {
    LF: (s) => s.sum(Counter.RequestErrors),
  }),
  field('econ', 'MCPP', 'u64', 'Failed connections to servers', {
    BS: (s) => s.sum(Counter.ConnectErrors),
  }),
  field('eresp', 'MCPP', 'u64', 'Invalid or incomplete responses', {
    BS: (s) => s.sum(Counter.ResponseErrors),
  }),
  field('wretr', 'MCPP', 'u64', 'Connections tried again', { BS: (s) => s.sum(Counter.Retries) }),
  field('wredis', 'MCPP', 'u64', 'Requests sent to another server after a failure', {
    BS: (s) => s.sum(Counter.Redispatches),
  }),
  field('status', 'SGPV', 'str', 'OPEN, PAUSED or STOP; UP or DOWN; state of the server', {
    LFBS: statusText,
  }),
  field('weight', 'MaPV', 'u32', 'Effective weight; of a backend, the sum of servers in use', {
    B: backendWeight,
    S: (s) => s.state(State.Weight),
  }),
  field('act', 'MGPV', 'u32', 'Usable active servers; 1 for an active server', {
    B: (s) => s.state(State.ActiveServers),
    S: (s) => (s.server!.backup ? 0 : 1),
  }),
  field('bck', 'MGPV', 'u32', 'Usable backup servers; 1 for a backup server', {
    B: (s) => s.state(State.BackupServers),
    S: (s) => (s.server!.backup ? 1 : 0),
  }),
  field('chkfail', 'MCPP', 'u64', 'Failed checks while the server was up', {
    S: (s) => checked(s, () => s.state(State.CheckFailed)),
  }),
  field('chkdown', 'MCPP', 'u64', 'Times that it went from up to down', {
    B: (s) => s.state(State.Downs),
    S: (s) => checked(s, () => s.state(State.Downs)),
  }),
  field('lastchg', 'MAPV', 'u32', 'Seconds since the last change between up and down', {
    BS: (s) => s.age(s.state(State.LastChange)),
  }),
  field('downtime', 'MCPV', 'u32', 'Seconds spent down', {
    B: (s) => (s.proxy.servers.length > 0 ? downtime(s) : null),
    S: (s) => checked(s, () => downtime(s)),
  }),
  field('qlimit', 'CLSV', 'u32', 'Limit of the queue: maxqueue', {
    S: (s) => s.server!.maxqueue || null,
  }),
  field('pid', 'KGPV', 'u32', 'Number of the process, always 1', { LFBS: () => 1 }),
  field('iid', 'KGSV', 'u32', 'Number of the proxy: id', { LFBS: (s) => s.proxy.id }),
  field('sid', 'KGSV', 'u32', 'Number of the server or listener: id; 0 for a proxy', {
    L: (s) => s.bind!.id,
    FB: zero,
    S: (s) => s.server!.id,
  }),
  field('throttle', 'MGPV', 'u32', 'Percentage of the weight during slowstart'),
  field('lbtot', 'MCPP', 'u64', 'Times chosen by load balancing', {
    BS: (s) => s.sum(Counter.Selected),
  }),
  field('tracked', 'CNSV', 'str', 'Server whose state is tracked', {
    S: (s) => (s.server!.track === null ? null : `${s.leader.backend}/${s.leader.config.name}`),
  }),
  field('type', 'CGSV', 'u32', '0 frontend, 1 backend, 2 server, 3 listener', {
    F: zero,
    B: () => 1,
    S: () => 2,
    L: () => 3,
  }),
  field('rate', 'MRPP', 'u32', 'Sessions within the last second', {
    FBS: (s) => s.rate(Counter.SessionSecond),
  }),
  field('rate_lim', 'CLPV', 'u32', 'Limit of new sessions per second', {
    F: (s) => s.state(State.SessionRateMax),
  }),
  field('rate_max', 'MMPV', 'u32', 'Most sessions in a second', {
    FBS: (s) => s.ratePeak(Counter.SessionSecond),
  }),
  field('check_status', 'MOPV', 'str', 'Result of the last check; "* " while one runs', {
    S: (s) => checkedNow(s, () => s.checkName),
  }),
  field('check_code', 'MOPV', 'u32', 'Code of layers 5 to 7 of the last check', {
    S: (s) => checkedNow(s, () => s.checkCode),
  }),
  field('check_duration', 'MDPV', 'u64', 'Milliseconds that the last check took', {
    S: (s) => checkedNow(s, () => positive(s.state(State.CheckDuration))),
  }),
  field('hrsp_1xx', 'MCPP', 'u64', 'Responses with a status from 100 to 199', {
    FBS: (s) => http(s, Counter.Responses1xx),
  }),
  field('hrsp_2xx', 'MCPP', 'u64', 'Responses with a status from 200 to 299', {
    FBS: (s) => http(s, Counter.Responses2xx),
  }),
  field('hrsp_3xx', 'MCPP', 'u64', 'Responses with a status from 300 to 399', {
    FBS: (s) => http(s, Counter.Responses3xx),
  }),
  field('hrsp_4xx', 'MCPP', 'u64', 'Responses with a status from 400 to 499', {
    FBS: (s) => http(s, Counter.Responses4xx),
  }),
  field('hrsp_5xx', 'MCPP', 'u64', 'Responses with a status from 500 to 599', {
    FBS: (s) => http(s, Counter.Responses5xx),
  }),
  field('hrsp_other', 'MCPP', 'u64', 'Responses with another status', {
    FBS: (s) => http(s, Counter.ResponsesOther),
  }),
  field('hanafail', 'MCPP', 'str', 'Failures found by observing traffic'),
  field('req_rate', 'MRPP', 'u32', 'Requests within the last second', {
    F: (s) => s.rate(Counter.RequestSecond),
  }),
  field('req_rate_max', 'MMPV', 'u32', 'Most requests in a second', {
    F: (s) => s.ratePeak(Counter.RequestSecond),
  }),
  field('req_tot', 'MCPP', 'u64', 'Requests so far', {
    F: (s) => s.sum(Counter.Requests),
    BS: (s) => http(s, Counter.Requests),
  }),
  field('cli_abrt', 'MCPP', 'u64', 'Transfers aborted by the client', {
    BS: (s) => s.sum(Counter.ClientAborts),
  }),
  field('srv_abrt', 'MCPP', 'u64', 'Transfers aborted by the server', {
    BS: (s) => s.sum(Counter.ServerAborts),
  }),
];
