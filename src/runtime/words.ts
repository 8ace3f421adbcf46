/**
 * Lines of the stats socket to commands and words (management.txt 9.3): `;` separates commands,
 * blanks separate words, a backslash takes the next character as it is.
 */

/** @returns the commands of a line, each as its words. */
export function splitCommands(line: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | null = null;
  const endWord = () => {
    if (word !== null) words.push(word);
    word = null;
  };
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (char === '\\' && i + 1 < line.length) word = (word ?? '') + line[++i]!;
    else if (char === ' ' || char === '\t' || char === '\r') endWord();
    else if (char === ';') {
      endWord();
      commands.push(words);
      words = [];
    } else word = (word ?? '') + char;
  }
  endWord();
  commands.push(words);
  // A `;` at the end does not begin another command.
  if (commands.length > 1 && commands.at(-1)!.length === 0) commands.pop();
  return commands;
}
