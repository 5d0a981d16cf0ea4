// The weights: read from their file, refused when the hash is wrong, and applied to every run of neighbouring segments.
import { createHash } from 'node:crypto';
import { RempartError } from '../../platform/base/errors.ts';
import { regions, tableSize } from './features.ts';
import { roles } from './verdict.ts';

export const heads = ['user', 'tool', 'injection', 'jailbreak', 'code-execution'] as const;
export type Head = (typeof heads)[number];
/** Weights per feature in the file; a power of two, so that those of one feature share a cache line. */
export const stride = 8;
/** Segments that are judged together. A text is as hostile as its most hostile run. */
export const runLengths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64] as const;
/** Keeps a run of two words from being judged on little. */
export const smoothing = 10;

export interface Model {
  weights: Int8Array;
  /** Logit from which a text of that role is suspicious, in the order of `roles`. */
  thresholds: readonly number[];
  /** What a step of a weight is worth, per head. */
  scales: readonly number[];
  biases: readonly number[];
}
export interface Best {
  logit: number;
  /** The run: its first segment and how many. */
  first: number;
  length: number;
}

export const magic = 'rempart-screening-1\n';

const counts = [heads.length, heads.length, roles.length];
const numberBytes = 4 * counts.reduce((sum, count) => sum + count, 0);

export function writeModel({ weights, scales, biases, thresholds }: Model): Uint8Array {
  const numbers = Buffer.alloc(numberBytes);
  [...scales, ...biases, ...thresholds].forEach((number, at) => {
    numbers.writeFloatLE(number, at * 4);
  });
  return Buffer.concat([
    Buffer.from(magic),
    numbers,
    Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength),
  ]);
}

/** Throws ERR_SCREENING_MODEL when the bytes are not the ones that were promised. */
export function readModel(bytes: Uint8Array, hash: string): Model {
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== hash) throw new RempartError('ERR_SCREENING_MODEL', { expected: hash, found });
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = magic.length + numberBytes;
  if (buffer.toString('latin1', 0, magic.length) !== magic || buffer.length !== begin + tableSize * stride)
    throw new RempartError('ERR_SCREENING_MODEL', { expected: hash, found });
  let at = magic.length;
  const [scales = [], biases = [], thresholds = []] = counts.map((count) =>
    Array.from({ length: count }, () => {
      at += 4;
      return buffer.readFloatLE(at - 4);
    }),
  );
  // A copy: whoever gave the bytes may use their buffer again.
  const weights = Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset + begin, tableSize * stride));
  return { weights, scales, biases, thresholds };
}

export function featureValue(feature: number): number {
  if (feature < regions.words.base) return regions.chars.value;
  if (feature < regions.concepts.base) return regions.words.value;
  return feature < regions.form.base ? regions.concepts.value : regions.form.value;
}
