/** The checks of a proxy section while it is being read, and the ruleset that comes of them. */
import { connectStep } from '../../checks/protocol/row.ts';
import type {
  CheckExpectConfig,
  CheckRequestConfig,
  CheckRulesetConfig,
  CheckStepConfig,
  Origin,
} from '../../model/config.ts';

/** The lines of one kind, `http-check` or `tcp-check`. */
export interface CheckLines {
  steps: CheckStepConfig[];
  /** Lines so far, comments included: what messages count. */
  count: number;
  /** Of the `comment` line in front of the next rule. */
  comment: string;
  /** The first line is a comment or connects. */
  opensFirst: boolean;
  /** Where the first line of the section itself stands; null = all are of a `defaults` section. */
  origin: Origin | null;
}

export interface CheckDraft {
  /** Name of the last `option` that says how to check; null = none. */
  option: string | null;
  /** The ruleset of an option that has a fixed one. */
  fixed: CheckStepConfig[];
  /** `option httpchk`; '' for what it does not say. */
  request: CheckRequestConfig | null;
  /**
   * How the request and `http-check send` are one: the later line counts. A request that is not of
   * this section stands back altogether.
   */
  requestRank: 'inherited' | 'first' | 'last';
  http: CheckLines;
  tcp: CheckLines;
  disableOn404: boolean;
  sendState: boolean;
  /** `external-check` lines. */
  command: string | null;
  path: string;
}

export function noLines(): CheckLines {
  return { steps: [], count: 0, comment: '', opensFirst: false, origin: null };
}

export function newCheckDraft(): CheckDraft {
  return {
    option: null,
    fixed: [],
    request: null,
    requestRank: 'inherited',
    http: noLines(),
    tcp: noLines(),
    disableOn404: false,
    sendState: false,
    command: null,
    path: '',
  };
}

/** What a section starts with: the checks of its `defaults` section, none of them its own. */
export function inheritChecks(parent: CheckDraft): CheckDraft {
  const checks = structuredClone(parent);
  checks.requestRank = 'inherited';
  checks.http.origin = null;
  checks.tcp.origin = null;
  return checks;
}

/** A request of which nothing is said. */
export function emptyRequest(): CheckRequestConfig {
  return {
    type: 'request',
    number: 0,
    comment: '',
    method: '',
    uri: '',
    version: '',
    fields: [],
    body: null,
    sendState: false,
  };
}

/** What is sent when nothing else is said (4.2 option httpchk). */
const defaults = { method: 'OPTIONS', uri: '/', version: 'HTTP/1.0' };

/** A rule without options about an answer. */
export function expectStep(
  number: number,
  match: CheckExpectConfig['match'],
  comment = '',
): CheckExpectConfig {
  return {
    type: 'expect',
    number,
    comment,
    match,
    negate: false,
    minRecv: -1,
    okStatus: null,
    errorStatus: null,
    timeoutStatus: null,
    onSuccess: null,
    onError: null,
    statusCode: null,
  };
}

/** The ruleset of a section that has been read. */
export function checkRuleset(draft: CheckDraft): CheckRulesetConfig {
  const { option, command, path } = draft;
  const isHttp = option === 'httpchk';
  const isExternal = option === 'external-check' && command !== null;
  return {
    kind: option ?? 'tcp',
    steps: isHttp ? httpSteps(draft) : otherSteps(draft),
    disableOn404: isHttp && draft.disableOn404,
    external: isExternal ? { command, path } : null,
  };
}

function otherSteps({ option, tcp, fixed }: CheckDraft): CheckStepConfig[] {
  if (option !== 'tcp-check') return option === null ? [connectStep()] : fixed;
  return tcp.steps[0]?.type === 'connect' ? tcp.steps : [connectStep(), ...tcp.steps];
}

function httpSteps(draft: CheckDraft): CheckStepConfig[] {
  const { http, sendState } = draft;
  const steps = [...http.steps];
  if (steps[0]?.type !== 'connect') steps.unshift(connectStep());
  const request = draft.request ?? emptyRequest();
  const first = steps.findIndex((step) => step.type === 'request');
  if (first < 0) steps.splice(1, 0, request);
  else {
    const sent = steps[first] as CheckRequestConfig;
    if (draft.requestRank === 'first') steps[first] = { ...sent, ...merged(request, sent) };
    if (draft.requestRank === 'last') steps[first] = { ...sent, ...merged(sent, request) };
  }
  const isImplicit = steps.at(-1)!.type !== 'expect';
  if (isImplicit) {
    const ranges: [number, number][] = [[200, 399]];
    const count = first < 0 ? 1 : http.count;
    steps.push(expectStep(count + 1, { kind: 'status', ranges }, http.comment));
  }
  const shift = http.opensFirst ? 1 : 0;
  return steps.map((step) => {
    if (step.type === 'request') return { ...completed(step), sendState };
    return step.type === 'expect' ? { ...step, number: step.number - shift } : step;
  });
}

type RequestHead = Pick<CheckRequestConfig, 'method' | 'uri' | 'version' | 'fields'>;

/** What the earlier line says, unless the later one says it again. */
function merged(earlier: RequestHead, later: RequestHead): RequestHead {
  return {
    method: later.method || earlier.method,
    uri: later.uri || earlier.uri,
    version: later.version || earlier.version,
    fields: later.fields.length > 0 ? later.fields : earlier.fields,
  };
}

function completed(request: CheckRequestConfig): CheckRequestConfig {
  return { ...request, ...merged({ ...defaults, fields: [] }, request) };
}
