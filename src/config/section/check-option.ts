/** Options that say how servers are checked (4.2), in the manual's order. The last one counts. */
import { ConfigError } from '../../base/config-error.ts';
import { ldapSteps } from '../../checks/protocol/ldap.ts';
import { mysqlSteps } from '../../checks/protocol/mysql.ts';
import { pgsqlSteps } from '../../checks/protocol/pgsql.ts';
import { redisSteps } from '../../checks/protocol/redis.ts';
import { smtpSteps } from '../../checks/protocol/smtp.ts';
import { spopSteps } from '../../checks/protocol/spop.ts';
import { sslHelloSteps } from '../../checks/protocol/ssl-hello.ts';
import type { CheckRequestConfig, CheckStepConfig } from '../../model/config.ts';
import { parseLogFormat } from '../../rules/log-format.ts';
import { Place } from '../../rules/scope.ts';
import { emptyRequest } from './check-draft.ts';
import type { ProxyDraft } from './draft.ts';
import { type ArgumentOptionRow, type KeywordLine, Where } from './keyword.ts';
import { scopeOf } from './rule.ts';
import { explained, refuseExtra } from './words.ts';

function row(
  name: string,
  args: string,
  doc: string,
  parse: (draft: ProxyDraft, line: KeywordLine) => CheckStepConfig[],
): ArgumentOptionRow {
  return {
    name,
    args,
    where: Where.Backend,
    doc,
    parse: (draft, line) => {
      const fixed = parse(draft, line);
      draft.checks.option = name;
      draft.checks.fixed = fixed;
    },
  };
}

/** An option without arguments. */
function plain(steps: () => CheckStepConfig[]) {
  return (_: ProxyDraft, line: KeywordLine): CheckStepConfig[] => {
    refuseExtra(line.words, 0, 2);
    return steps();
  };
}

function parseHttpchk(draft: ProxyDraft, line: KeywordLine): CheckStepConfig[] {
  const { checks } = draft;
  checks.request = requestOf(draft, line);
  const isLast = checks.http.steps.some((step) => step.type === 'request');
  checks.requestRank = isLast && checks.http.origin !== null ? 'last' : 'first';
  return [];
}

/** `[<method>] <uri> [<version> [<host>]]` */
function requestOf(draft: ProxyDraft, line: KeywordLine): CheckRequestConfig {
  const request = emptyRequest();
  const [first, second, version, host] = line.words.slice(2);
  refuseExtra(line.words, 4, 2);
  if (second === undefined) return { ...request, uri: first ?? '' };
  Object.assign(request, { method: first, uri: second });
  if (version === undefined) return request;
  if (/[\r\n]/.test(version)) {
    throw new ConfigError(
      "'option httpchk' : hiding headers or body at the end of the version string is " +
        "unsupported.Use 'http-check send' directive instead..",
    );
  }
  request.version = version;
  if (host === undefined) return request;
  const scope = scopeOf(draft, line, Place.TcpCheck);
  const value = explained("'option httpchk' : ", () => parseLogFormat(host, scope));
  return { ...request, fields: [{ name: 'host', value }] };
}

function parseSmtpchk(_: ProxyDraft, line: KeywordLine): CheckStepConfig[] {
  const [hello, domain] = line.words.slice(2);
  refuseExtra(line.words, 2, 2);
  if (hello === undefined || domain === undefined) return smtpSteps('HELO localhost');
  return smtpSteps(hello === 'HELO' || hello === 'EHLO' ? `${hello} ${domain}` : 'HELO localhost');
}

function parseMysql(_: ProxyDraft, line: KeywordLine): CheckStepConfig[] {
  const [keyword, user, version = 'post-41'] = line.words.slice(2);
  if (keyword === undefined) return mysqlSteps(null, false);
  if (keyword !== 'user') {
    throw new ConfigError(
      `'option mysql-check' only supports optional values: 'user' (got '${keyword}').`,
    );
  }
  if (user === undefined) {
    throw new ConfigError("'option mysql-check user' expects <username> as argument.");
  }
  if (version !== 'post-41' && version !== 'pre-41') {
    throw new ConfigError(
      `keyword 'user' only supports 'post-41' and 'pre-41' (got '${version}').`,
    );
  }
  refuseExtra(line.words, 3, 2);
  return mysqlSteps(user, version === 'pre-41');
}

function parsePgsql(_: ProxyDraft, line: KeywordLine): CheckStepConfig[] {
  const [keyword, user] = line.words.slice(2);
  if (keyword !== 'user' || user === undefined) {
    throw new ConfigError("'option pgsql-check' expects 'user <username>' as argument.");
  }
  refuseExtra(line.words, 2, 2);
  return pgsqlSteps(user);
}

export const checkOptions: readonly ArgumentOptionRow[] = [
  row(
    'external-check',
    '',
    'Check servers by a program.',
    plain(() => []),
  ),
  row(
    'httpchk',
    '[ [<method>] <uri> [ <version> [ <host> ] ] ]',
    'Check servers with an HTTP request.',
    parseHttpchk,
  ),
  row('ldap-check', '', 'Check servers with an anonymous LDAPv3 bind.', plain(ldapSteps)),
  row(
    'mysql-check',
    '[ user <username> [ { post-41 | pre-41 } ] ]',
    'Check servers by their MySQL greeting, or by a login without a password.',
    parseMysql,
  ),
  row(
    'pgsql-check',
    'user <username>',
    'Check servers with a PostgreSQL startup message.',
    parsePgsql,
  ),
  row('redis-check', '', 'Check servers with a Redis PING.', plain(redisSteps)),
  row('smtpchk', '[ <hello> <domain> ]', 'Check servers with HELO or EHLO of SMTP.', parseSmtpchk),
  row('spop-check', '', 'Check agents with a HELLO of SPOP.', plain(spopSteps)),
  row('ssl-hello-chk', '', 'Check servers with a ClientHello of SSL 3.0.', plain(sslHelloSteps)),
  row(
    'tcp-check',
    '',
    'Check servers with the dialogue of tcp-check lines.',
    plain(() => []),
  ),
];
