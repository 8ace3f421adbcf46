/**
 * All fields of `show stat` in the order of management.txt 9.1: one row is one column. Names up to
 * `proto` are those that HAProxy 3.2 prints, later ones those of the manual.
 */
import type { StatField } from './field.ts';
import { detailFields } from './fields-detail.ts';
import { sessionFields } from './fields-session.ts';

export const fields: readonly StatField[] = [...sessionFields, ...detailFields];
