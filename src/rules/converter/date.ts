import type { ConverterRow } from '../row.ts';

export const dateConverters = [] as const satisfies readonly ConverterRow[];
