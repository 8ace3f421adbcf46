/** Reading the fenced blocks of a document: the manual's examples are tests. */

export interface Fence {
  /** The first word after the fence's mark, such as `haproxy`. */
  language: string;
  /** The words after it. */
  info: string;
  /** Title of the section that it stands in. */
  heading: string;
  /** Line of its mark in the document, from 1. */
  line: number;
  text: string;
}

/** The fenced blocks of a document, in order. */
export function fencesOf(markdown: string): Fence[] {
  const fences: Fence[] = [];
  let heading = '';
  let open: Fence | null = null;
  for (const [index, line] of markdown.split('\n').entries()) {
    const mark = /^```(\S*)\s*(.*)$/.exec(line);
    if (mark !== null && open === null) {
      open = { language: mark[1]!, info: mark[2]!, heading, line: index + 1, text: '' };
    } else if (mark !== null && open !== null) {
      fences.push(open);
      open = null;
    } else if (open !== null) {
      open.text += `${line}\n`;
    } else if (/^#+ /.test(line)) {
      heading = line.replace(/^#+ /, '');
    }
  }
  if (open !== null) throw new Error(`the fence at line ${open.line} is not closed`);
  return fences;
}

/** The anchor that a heading gets: lower case, spaces as hyphens, punctuation gone. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
