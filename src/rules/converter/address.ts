import type { ConverterRow } from '../row.ts';

export const addressConverters = [] as const satisfies readonly ConverterRow[];
