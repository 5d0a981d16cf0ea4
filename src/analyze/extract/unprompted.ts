// A session of an interpreter as the code that was typed in it.

const prompt = /^(?:>>>|\.\.\.)(?: |$)/;

/** Without the prompts of Python, and without what it answered; the lines keep their places. */
export function unprompted(text: string): string {
  if (!/^>>> /m.test(text)) return text;
  return text
    .split('\n')
    .map((line) => (prompt.test(line) ? line.replace(prompt, '') : ''))
    .join('\n');
}
