// Texts with drawn keys in them, from a pattern such as `ghp_{A:36}`: so that no file of ours has anything that looks like a key.

const alphabets: Readonly<Record<string, string>> = {
  A: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  a: 'abcdefghijklmnopqrstuvwxyz0123456789',
  U: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
  h: '0123456789abcdef',
  d: '1234567890',
  l: 'abcdefghijklmnopqrstuvwxyz',
  w: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  b: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  x: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
};

/** The same text for the same seed. `{u}` is a UUID. */
export function drawExample(pattern: string, seed: number): string {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  // Marsaglia's xorshift, 32 bits.
  function next(below: number): number {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  }
  function draw(alphabet: string, count: number): string {
    const from = alphabets[alphabet]!;
    // A sign at the end is no letter: a mark that ends there would be cut.
    return Array.from(
      { length: count },
      (_, at) => from[next(at === count - 1 ? Math.min(from.length, 62) : from.length)],
    ).join('');
  }
  const withIds = pattern.replaceAll('{u}', '{h:8}-{h:4}-{h:4}-{h:4}-{h:12}');
  return withIds.replace(/\{([AaUhdlwbx]):(\d+)\}/g, (_, alphabet: string, count: string) =>
    draw(alphabet, Number(count)),
  );
}
