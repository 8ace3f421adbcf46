/**
 * `http-request auth` (configuration.txt 4.4): asks the client for credentials (RFC 9110 11.6.1), with
 * the error page of 401, or of 407 when it takes the proxy for its own.
 */
import { ConfigError } from '../../base/config-error.ts';
import { prepareErrorPage } from '../../http/error-page.ts';
import { Verdict } from '../context.ts';
import { FieldName, reserveText } from './edit.ts';
import { type ActionRow, REQUEST } from './row.ts';

const UNAUTHORIZED = 401;
const PROXY_UNAUTHORIZED = 407;

export interface AuthArgs {
  realm: string;
}

/** RFC 9110 11.5: the realm is a quoted string. */
function challenge(realm: string): string {
  return `Basic realm="${realm.replace(/["\\]/g, '\\$&')}"`;
}

export const authActions = [
  {
    name: 'auth',
    rulesets: REQUEST,
    args: '[ realm <realm> ]',
    doc: 'asks for a user name and a password',
    parse(words, scope) {
      // The name of the proxy stands for a realm that is not given.
      const named = /'([^']*)'/.exec(scope.proxy)?.[1] ?? '';
      if (words[0] !== 'realm') return { args: { realm: named }, rest: words.slice() };
      const realm = words[1];
      if (realm === undefined || realm === '') throw new ConfigError('missing realm value.\n');
      return { args: { realm }, rest: words.slice(2) };
    },
    compile(args) {
      const text = challenge((args as AuthArgs).realm);
      const off = reserveText(text);
      const authenticate = new FieldName('www-authenticate');
      const proxyAuthenticate = new FieldName('proxy-authenticate');
      return (ctx) => {
        const msg = ctx.response;
        const proxied = ctx.stream?.proxied === true;
        const status = proxied ? PROXY_UNAUTHORIZED : UNAUTHORIZED;
        if (msg === null || !prepareErrorPage(ctx, status)) return Verdict.Fail;
        const name = proxied ? proxyAuthenticate : authenticate;
        if (!msg.add(name.id, name.off, name.len, off, text.length)) return Verdict.Fail;
        return Verdict.Reply;
      };
    },
  },
] as const satisfies readonly ActionRow[];
