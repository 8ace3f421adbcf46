/** Checks that speak, and servers that answer them in all ways: well, badly, late, never. */
import { httpCases } from './http-cases.ts';
import type { CheckCase } from './observe.ts';
import { protocolCases } from './protocol-cases.ts';
import { tcpCases } from './tcp-cases.ts';

export const checkCases: readonly CheckCase[] = [...httpCases, ...tcpCases, ...protocolCases];
