import type { ConverterRow } from '../row.ts';

export const jsonConverters = [] as const satisfies readonly ConverterRow[];
