/** `show stat` in its three formats: CSV (management.txt 9.1), typed lines (9.2) and JSON. */
import { fields } from './fields.ts';
import type { Subject, SubjectKind } from './subject.ts';
import { csvText, tagObject } from './value.ts';

/** The column that ends the fields whose order is fixed (9.1). */
const END_OF_STATIC = '-';

const letters: Record<SubjectKind, string> = {
  frontend: 'F',
  backend: 'B',
  server: 'S',
  listener: 'L',
};

const objectTypes: Record<SubjectKind, string> = {
  frontend: 'Frontend',
  backend: 'Backend',
  server: 'Server',
  listener: 'Listener',
};

/** The first line: `# pxname,svname,...,-,`. */
export function csvHeader(): string {
  return `# ${fields.map((field) => field.name).join(',')},${END_OF_STATIC},\n`;
}

export function csvLine(subject: Subject): string {
  let line = '';
  for (const field of fields) {
    const value = field.of[subject.kind]?.(subject) ?? null;
    if (value !== null) line += typeof value === 'string' ? csvText(value) : value;
    line += ',';
  }
  return `${line}${END_OF_STATIC},\n`;
}

function objectId(subject: Subject): number {
  return subject.server?.id ?? subject.bind?.id ?? 0;
}

/** One line per value: `F.2.0.4.scur.1:MGPV:u32:0`. */
export function typedLines(subject: Subject, describe: boolean): string {
  const object = `${letters[subject.kind]}.${subject.proxy.id}.${objectId(subject)}`;
  let text = '';
  fields.forEach((field, position) => {
    const value = field.of[subject.kind]?.(subject) ?? null;
    if (value === null || value === '') return;
    const meaning = describe ? `:"${field.meaning}"` : '';
    text += `${object}.${position}.${field.name}.1:${field.tags}:${field.type}:${value}${meaning}\n`;
  });
  return text;
}

/** An array of arrays, one inner array per object, without any blank. */
export function statJson(subjects: readonly Subject[]): string {
  return `[${subjects.map(subjectJson).join(',')}]\n`;
}

/** The inner array of one object. */
export function subjectJson(subject: Subject): string {
  const values = fields.flatMap((field, pos) => {
    const value = field.of[subject.kind]?.(subject) ?? null;
    if (value === null || value === '') return [];
    return [
      {
        objType: objectTypes[subject.kind],
        proxyId: subject.proxy.id,
        id: objectId(subject),
        field: { pos, name: field.name },
        processNum: 1,
        tags: tagObject(field.tags),
        value: { type: field.type, value },
      },
    ];
  });
  return JSON.stringify(values);
}
