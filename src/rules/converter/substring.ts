import type { ConverterRow } from '../row.ts';

export const substringConverters = [] as const satisfies readonly ConverterRow[];
