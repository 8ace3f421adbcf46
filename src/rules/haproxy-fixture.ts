/**
 * Asks a real haproxy what expressions and conditions yield for a request: it adds a header per
 * question, and a back end in this process reads them.
 */
import { AnsweringServer, exchange, Haproxy } from '../log/test-haproxy.ts';
import { testContext, testScope, valueOf } from './rule-fixture.ts';

/** One word of the configuration, quoted so that it arrives as it is. */
export function quoteWord(word: string): string {
  return `"${word.replace(/[\\"$]/g, '\\$&')}"`;
}

function fieldsOf(head: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

export interface HaproxyAnswer {
  /** Fields of the request as it reached the back end. */
  request: Map<string, string>;
  /** Fields of the response as it reached the client. */
  response: Map<string, string>;
}

const emptyResponse = 'HTTP/1.1 204 No Content\r\n\r\n';

/**
 * Runs haproxy with `rules` (lines of a frontend, after which a back end is chosen) and sends it
 * one request.
 * @param response what the back end answers.
 */
export async function askHaproxy(
  rules: readonly string[],
  request: string,
  response = emptyResponse,
): Promise<HaproxyAnswer> {
  const backend = await AnsweringServer.open(response, true);
  const config = (bind: string) => [
    'global',
    '  tune.http.maxhdr 4000',
    '  tune.bufsize 131072',
    'defaults',
    '  mode http',
    '  option httpclose',
    '  timeout client 5s',
    '  timeout connect 5s',
    '  timeout server 5s',
    'frontend main',
    `  bind ${bind}`,
    ...rules.map((rule) => `  ${rule}`),
    '  default_backend app',
    'backend app',
    `  server s 127.0.0.1:${backend.port}`,
    '',
  ];
  const haproxy = new Haproxy(1, ([bind]) => config(bind!).join('\n'));
  try {
    const { answer } = await haproxy.during(exchange(haproxy.ports[0]!, request));
    return { request: fieldsOf(backend.lastRequest), response: fieldsOf(answer) };
  } finally {
    await haproxy.stop();
    backend.close();
  }
}

/**
 * Asks both programs for the values of expressions, as bytes, and whether there are any.
 * @param head the request that both see
 * @returns where they differ, as lines
 */
export async function expressionDifferences(
  expressions: readonly string[],
  head: string,
  scope = testScope(),
): Promise<string[]> {
  const rules = expressions.flatMap((one, i) => [
    `http-request set-header r${i} ${quoteWord(`<%[${one},hex]>`)}`,
    `http-request set-header f${i} yes if { ${quoteWord(one)} -m found }`,
  ]);
  const { request: theirs } = await askHaproxy(rules, head);
  const ctx = testContext(head);
  return expressions.flatMap((one, i) => {
    const value = valueOf(ctx, `${one},hex`, scope);
    const isFound = valueOf(ctx, one, scope) !== null ? 'yes' : undefined;
    const answer = `${theirs.get(`r${i}`)} ${theirs.get(`f${i}`)}`;
    const ours = `<${value ?? ''}> ${isFound}`;
    return answer === ours ? [] : [`${one}: haproxy ${answer}, sluice ${ours}`];
  });
}
