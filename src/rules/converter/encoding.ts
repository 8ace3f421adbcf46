import type { ConverterRow } from '../row.ts';

export const encodingConverters = [] as const satisfies readonly ConverterRow[];
