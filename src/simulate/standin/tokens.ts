// How the stand-in counts tokens: a word with the white space before it is one. Counts are exact for what it sends.

/** The pieces a text is streamed in; joined they are the text. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

/** Linear in any text: it also counts what strangers send. */
export function countTokens(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}
