import type { ConverterRow } from '../row.ts';

export const regexConverters = [] as const satisfies readonly ConverterRow[];
