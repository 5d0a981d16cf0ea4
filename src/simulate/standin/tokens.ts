// How the stand-in counts tokens: a word with the white space before it is one. Counts are exact for what it sends.

/** The pieces a text is streamed in; joined they are the text. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

export function countTokens(text: string): number {
  return tokensOf(text).length;
}
