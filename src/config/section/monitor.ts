/** `monitor-uri` and `monitor fail` (4.2): answers for probes of the service. */
import { ConfigError } from '../../base/config-error.ts';
import { RuleStage } from '../../model/config.ts';
import { parseCondition } from '../../rules/condition.ts';
import { Place } from '../../rules/scope.ts';
import type { ProxyDraft } from './draft.ts';
import type { KeywordLine } from './keyword.ts';
import { scopeOf, warnRuleOrder } from './rule.ts';
import { explained, refuseExtra } from './words.ts';

export function parseMonitorUri(draft: ProxyDraft, line: KeywordLine): void {
  const [, uri] = line.words;
  if (uri === undefined) throw new ConfigError("'monitor-uri' expects an URI.");
  refuseExtra(line.words, 1);
  draft.monitorUri = uri;
  draft.seen['monitor-uri'] = line.origin;
}

export function parseMonitor(draft: ProxyDraft, line: KeywordLine): void {
  if (line.words[1] !== 'fail') throw new ConfigError("'monitor' only supports 'fail'.");
  const condition = line.words.slice(2);
  if (condition[0] !== 'if' && condition[0] !== 'unless') {
    throw new ConfigError(
      "'monitor fail' requires either 'if' or 'unless' followed by a condition.",
    );
  }
  const scope = scopeOf(draft, line, Place.FrontendRequestHeader);
  draft.monitorFails.push(
    explained("error detected while parsing a 'monitor fail' condition : ", () =>
      parseCondition(condition, scope),
    ),
  );
  warnRuleOrder(draft, line, 'monitor fail', ['http-request', 'redirect', 'use_backend']);
}

/** The rule in front of all others of a frontend. */
export function addMonitorRule(draft: ProxyDraft): void {
  const { monitorUri: uri, monitorFails: fails, config } = draft;
  if (uri === null || config.mode !== 'http' || config.kind === 'backend') return;
  const { file, line } = draft.origin;
  config.rules.unshift({
    ruleset: 'http-request',
    stage: RuleStage.Monitor,
    action: 'monitor',
    args: { uri, fails },
    condition: null,
    file,
    line,
  });
}
