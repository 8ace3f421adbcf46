import type { ConverterRow } from '../row.ts';

export const stringConverters = [] as const satisfies readonly ConverterRow[];
