/** `get map` (management.txt 9.3): what a map gives for a text, per converter that uses it. */
import { mem, reserve } from '../../sys/arena.ts';
import { cast } from '../cast.ts';
import { Sample } from '../sample.ts';
import { scratchMax } from '../scratch.ts';
import { pairsOf } from './entries.ts';
import { createLineFinder } from './find.ts';
import { keyTarget, type MapList, type MapUse } from './store.ts';

const sample = new Sample();
let room = 0;

/** Where the text of a question lies. */
function setText(text: string): boolean {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length > scratchMax()) return false;
  if (room === 0) room = reserve(scratchMax());
  mem.set(bytes, room);
  sample.reset();
  sample.setStr(room, bytes.length);
  return true;
}

/** How HAProxy keeps keys of these kinds. */
const TREES = ['str', 'beg', 'ip'];

function typeOf({ output }: MapUse, value: string): string {
  if (output === 'int') return 'sint';
  if (output === 'ip') return value.includes(':') ? 'ipv6' : 'ipv4';
  return 'str';
}

/** One line per use: the method, and which key and value were found. */
export function questionOf(list: MapList, text: string): string {
  const { entries, indexes } = list.compile();
  const uses = new Map(list.config.uses.map((use) => [`${use.kind} ${use.output}`, use]));
  const answers = [...uses.values()].map((use) => {
    const index = indexes.find(({ kind }) => kind === use.kind)!;
    const isKey = setText(text) && cast(sample, keyTarget(use.kind));
    const line = isKey ? createLineFinder(index).find(sample) : -1;
    const method = `type=${use.kind}, case=sensitive`;
    if (line < 0) return `${method}, found=no\n`;
    const [key, value] = pairsOf(entries, line, line + 1)[0]!;
    const kept = TREES.includes(use.kind) ? 'tree' : 'list';
    return (
      `${method}, found=yes, idx=${kept}, key="${key}", value="${value}", ` +
      `type="${typeOf(use, value)}"\n`
    );
  });
  return answers.join('');
}
