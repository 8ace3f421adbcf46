/** The kinds of health check. A new one is a file and a row here. */
import type { CheckConfig } from '../model/config.ts';
import type { CheckKind } from './kind.ts';
import { tcpCheck } from './tcp.ts';

export const checkKinds = [tcpCheck] as const satisfies readonly CheckKind[];

export function findCheckKind(name: CheckConfig['kind']): CheckKind {
  const kind = checkKinds.find((row) => row.name === name);
  if (kind === undefined)
    throw new Error(`health check of kind '${name}' is not supported yet by sluice`);
  return kind;
}
