import type { ConverterRow } from '../row.ts';

export const integerConverters = [] as const satisfies readonly ConverterRow[];
