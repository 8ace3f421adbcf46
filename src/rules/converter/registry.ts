/** The converters (configuration.txt 7.3.1), one file per family. */
import type { ConverterRow } from '../row.ts';
import { addressConverters } from './address.ts';
import { dateConverters } from './date.ts';
import { digestConverters } from './digest.ts';
import { encodingConverters } from './encoding.ts';
import { hashConverters } from './hash.ts';
import { integerConverters } from './integer.ts';
import { joinConverters } from './join.ts';
import { jsonConverters } from './json.ts';
import { jsonQueryConverters } from './json-query.ts';
import { jwtConverters } from './jwt.ts';
import { languageConverters } from './language.ts';
import { mapConverters } from './map.ts';
import { mqttConverters } from './mqtt.ts';
import { regexConverters } from './regex.ts';
import { stickConverters } from './stick.ts';
import { stringConverters } from './string.ts';
import { substringConverters } from './substring.ts';
import { variableConverters } from './variable.ts';

export const converterRows: readonly ConverterRow[] = [
  ...integerConverters,
  ...stringConverters,
  ...substringConverters,
  ...encodingConverters,
  ...jsonConverters,
  ...jsonQueryConverters,
  ...jwtConverters,
  ...mapConverters,
  ...mqttConverters,
  ...regexConverters,
  ...addressConverters,
  ...dateConverters,
  ...hashConverters,
  ...digestConverters,
  ...joinConverters,
  ...languageConverters,
  ...variableConverters,
  ...stickConverters,
];

const byName = new Map(converterRows.map((row) => [row.name, row]));

export function converterRow(name: string): ConverterRow | undefined {
  return byName.get(name);
}

export function converterNames(): readonly string[] {
  return converterRows.map((row) => row.name);
}
