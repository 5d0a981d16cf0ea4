// What a text looks like from afar: its language by its small words and script, its words as numbers, how alike two are.

const marks: readonly (readonly [string, ReadonlySet<string>])[] = [
  ['fr', new Set('le la les des une est et que pour dans pas vous je qui sur avec au ce il sont mon ma'.split(' '))],
  ['en', new Set('the of and to is in that for you it with are this on be what how my can do'.split(' '))],
  ['de', new Set('der die das und ist nicht ein eine zu mit ich sie auf für wie den'.split(' '))],
  ['es', new Set('el los las una es y que por con no para como mi del se'.split(' '))],
];
const longestRead = 2_000;

export function languageOf(text: string): string {
  const begin = text.slice(0, longestRead);
  const letters = begin.match(/\p{L}/gu)?.length ?? 0;
  if (letters < begin.length / 3) return 'signs';
  const latin = begin.match(/\p{Script=Latin}/gu)?.length ?? 0;
  if (latin < letters / 2) return 'other-script';
  const words = begin.toLowerCase().split(/[^\p{L}]+/u);
  let best = 'other';
  let most = 0;
  for (const [language, small] of marks) {
    const count = words.filter((word) => small.has(word)).length;
    if (count > most) [best, most] = [language, count];
  }
  return best;
}

/** The words of a text's beginning, hashed (FNV-1a), each once, in order. */
export function wordHashes(text: string): Uint32Array {
  const hashes = new Set<number>();
  for (const word of text
    .slice(0, longestRead)
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)) {
    if (word === '') continue;
    let hash = 0x811c9dc5;
    for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
    hashes.add(hash >>> 0);
  }
  return Uint32Array.from(hashes).sort();
}

/** Jaccard: 1 for the same words, 0 for none in common. */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  let common = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      common++;
      i++;
      j++;
    } else if (a[i]! < b[j]!) i++;
    else j++;
  }
  const all = a.length + b.length - common;
  return all === 0 ? 0 : common / all;
}
