/** All cases; their names are the keys of docs/differences.md. */
import type { Case } from '../case.ts';
import { codingCases } from './coding.ts';
import { connectionCases } from './connection.ts';
import { fieldCases } from './fields.ts';
import { lengthCases } from './length.ts';
import { pieceCases } from './pieces.ts';
import { responseCases } from './responses.ts';
import { ruleCases } from './rules.ts';
import { startLineCases } from './start-line.ts';
import { targetCases } from './target.ts';
import { upgradeCases } from './upgrade.ts';

export const allCases: readonly Case[] = [
  ...lengthCases,
  ...codingCases,
  ...startLineCases,
  ...targetCases,
  ...fieldCases,
  ...connectionCases,
  ...upgradeCases,
  ...pieceCases,
  ...responseCases,
  ...ruleCases,
];
