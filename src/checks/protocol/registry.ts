/** The answers of protocols that have a check of their own. A new protocol is a file and its rows. */
import { assert } from '../../base/assert.ts';
import { agentAnswer } from '../agent.ts';
import { ldap } from './ldap.ts';
import { mysqlAnswers } from './mysql.ts';
import { pgsql } from './pgsql.ts';
import { redis } from './redis.ts';
import type { ProtocolRow } from './row.ts';
import { smtpAnswers } from './smtp.ts';
import { spop } from './spop.ts';
import { sslHello } from './ssl-hello.ts';

const rows: readonly ProtocolRow[] = [
  agentAnswer,
  ldap,
  ...mysqlAnswers,
  pgsql,
  redis,
  ...smtpAnswers,
  spop,
  sslHello,
];

const byName = new Map(rows.map((row) => [row.name, row]));

export function protocolNamed(name: string): ProtocolRow {
  const row = byName.get(name);
  assert(row !== undefined, `no protocol of checks is named ${name}`);
  return row;
}
