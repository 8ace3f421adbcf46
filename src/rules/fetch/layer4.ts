/**
 * The client's connection as samples (configuration.txt 7.3.3).
 *
 * @dataplane
 */
import type { RuleContext } from '../context.ts';
import { valid } from '../place.ts';
import type { FetchRow } from '../row.ts';
import type { Sample } from '../sample.ts';
import { destinationAddress, destinationPort, sourceAddress, sourcePort } from './source.ts';

export { setDestinationHook } from './source.ts';

function acceptingBind(ctx: RuleContext) {
  return ctx.session.frontend?.config.binds[ctx.session.bindIndex];
}

function listenerId(ctx: RuleContext, sample: Sample): boolean {
  const bind = acceptingBind(ctx);
  if (!bind) return false;
  sample.setInt(bind.id);
  return true;
}

const common = { args: '', valid: valid.client } as const;
const session = { args: '', valid: valid.session } as const;

export const layer4Fetches = [
  {
    ...common,
    name: 'dst',
    out: 'addr',
    doc: 'address the client connected to',
    compile: () => destinationAddress,
  },
  {
    ...common,
    name: 'dst_port',
    out: 'sint',
    doc: 'port the client connected to',
    compile: () => destinationPort,
  },
  {
    ...common,
    name: 'fc_dst',
    out: 'addr',
    doc: 'original destination address of the client connection',
    compile: () => destinationAddress,
  },
  {
    ...common,
    name: 'fc_dst_port',
    out: 'sint',
    doc: 'original destination port of the client connection',
    compile: () => destinationPort,
  },
  {
    ...common,
    name: 'fc_src',
    out: 'addr',
    doc: 'original source address of the client connection',
    compile: () => sourceAddress,
  },
  {
    ...common,
    name: 'fc_src_port',
    out: 'sint',
    doc: 'original source port of the client connection',
    compile: () => sourcePort,
  },
  {
    ...session,
    name: 'so_id',
    out: 'sint',
    doc: 'identifier of the listener that accepted',
    compile: () => listenerId,
  },
  {
    ...common,
    name: 'src',
    out: 'addr',
    doc: 'address of the client',
    compile: () => sourceAddress,
  },
  {
    ...common,
    name: 'src_port',
    out: 'sint',
    doc: 'port of the client',
    compile: () => sourcePort,
  },
] as const satisfies readonly FetchRow[];
