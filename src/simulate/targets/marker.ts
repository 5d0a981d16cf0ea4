// The marker in every simulated message: what ties an upstream call, a reply and a line of history to one question.

const pattern = /\bmk[0-9a-z]{8}\b/g;

/** A marker from a seeded source; looks like a reference a user might quote. */
export function makeMarker(random: () => number): string {
  let text = 'mk';
  for (let i = 0; i < 8; i++) text += '0123456789abcdefghijklmnopqrstuvwxyz'[Math.floor(random() * 36)];
  return text;
}

/** The last marker of a text: a prompt repeats earlier turns, and the question asked now stands at its end. */
export function lastMarker(text: string): string | null {
  return text.match(pattern)?.at(-1) ?? null;
}

export function markersIn(text: string): string[] {
  return text.match(pattern) ?? [];
}
