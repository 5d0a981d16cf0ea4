// The weights: read from their file, refused when the hash is wrong.
import { createHash } from 'node:crypto';
import { RempartError } from '../../platform/base/errors.ts';
import { tableSize } from './features.ts';
import { roles } from './verdict.ts';

/** The first two judge a text as a whole, the next three name the kind of attack, the last two judge runs of segments. */
export const heads = ['user', 'tool', 'injection', 'jailbreak', 'code-execution', 'user-run', 'tool-run'] as const;
export type Head = (typeof heads)[number];
/** Segments that are judged together. */
export const runLengths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64] as const;
/** Keeps two words from being judged on little. */
export const smoothing = 10;

export interface Model {
  /** Of each head, in the order of `heads`. */
  weights: readonly Int8Array[];
  /** Logit from which a text of that role is suspicious as a whole, in the order of `roles`. */
  thresholds: readonly number[];
  /** The same for the most hostile run of a text. */
  runThresholds: readonly number[];
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

export const magic = 'rempart-screening-3\n';

const counts = [heads.length, heads.length, roles.length, roles.length];
/** The words' SHA-256 stands in the weights' file: other words would mean something else to them. */
const hashBytes = 32;
const numberBytes = 4 * counts.reduce((sum, count) => sum + count, 0);

export function writeModel({ weights, scales, biases, thresholds, runThresholds }: Model, lexicon: string): Uint8Array {
  const numbers = Buffer.alloc(numberBytes);
  [...scales, ...biases, ...thresholds, ...runThresholds].forEach((number, at) => {
    numbers.writeFloatLE(number, at * 4);
  });
  return Buffer.concat([
    Buffer.from(magic),
    createHash('sha256').update(lexicon).digest(),
    numbers,
    ...weights.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  ]);
}

/** Throws ERR_SCREENING_MODEL when the bytes are not the ones that were promised, or the words not those they were trained with. */
export function readModel(bytes: Uint8Array, hash: string, lexicon: string): Model {
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== hash) throw new RempartError('ERR_SCREENING_MODEL', { expected: hash, found });
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = magic.length + hashBytes + numberBytes;
  if (buffer.toString('latin1', 0, magic.length) !== magic || buffer.length !== begin + tableSize * heads.length)
    throw new RempartError('ERR_SCREENING_MODEL', { expected: hash, found });
  const words = createHash('sha256').update(lexicon).digest('hex');
  const trainedWith = buffer.toString('hex', magic.length, magic.length + hashBytes);
  if (words !== trainedWith) throw new RempartError('ERR_SCREENING_MODEL', { expected: trainedWith, found: words });
  let at = magic.length + hashBytes;
  const [scales = [], biases = [], thresholds = [], runThresholds = []] = counts.map((count) =>
    Array.from({ length: count }, () => {
      at += 4;
      return buffer.readFloatLE(at - 4);
    }),
  );
  // A copy: whoever gave the bytes may use their buffer again.
  const weights = heads.map((_, head) =>
    Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset + begin + head * tableSize, tableSize)),
  );
  return { weights, scales, biases, thresholds, runThresholds };
}
