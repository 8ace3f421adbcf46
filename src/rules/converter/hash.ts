import type { ConverterRow } from '../row.ts';

export const hashConverters = [] as const satisfies readonly ConverterRow[];
