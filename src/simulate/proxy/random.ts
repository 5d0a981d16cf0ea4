// Numbers in [0, 1) that follow from a seed and a name alone, so that a run is replayed whatever else happens around it.
import { createHash } from 'node:crypto';

/** The n-th number of a name: draws that need no memory. */
export function draw(seed: number, ...name: (string | number)[]): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...name]))
    .digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** A source for one name (xorshift32, its state from the hash). */
export function randomOf(seed: number, ...name: (string | number)[]): () => number {
  let state = Math.floor(draw(seed, ...name) * 0xffff_fffe) + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return (state - 1) / 0xffff_ffff;
  };
}
