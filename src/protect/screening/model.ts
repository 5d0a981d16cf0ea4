// The weights: read from their file, refused when the hash is wrong.
import { createHash } from 'node:crypto';
import { RempartError } from '../../platform/base/errors.ts';
import { tableSize } from './features.ts';
import { type Dense, denseLengths, type SecondWeights, tableLength } from './second.ts';
import { readVectors, type Vectors } from './vectors.ts';
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
  /** The second reader is asked of a user's text from this logit on; what it says counts so much beside that. */
  doubt: number;
  share: number;
  /** What the loudest run of a text counts beside the text as a whole: of what people write, and of documents. */
  runShare: number;
  documentRunShare: number;
  second: SecondWeights;
  /** The file of word vectors, as the second reader was trained with it. */
  vectorFile: Uint8Array;
}
export interface Best {
  logit: number;
  /** The run: its first segment and how many. */
  first: number;
  length: number;
}

export const magic = 'rempart-screening-5\n';

const counts = [heads.length, heads.length, roles.length, roles.length];
/** The words' SHA-256 stands in the weights' file: other words would mean something else to them. */
const hashBytes = 32;
const single = ['doubt', 'share', 'runShare', 'documentRunShare', 'scale'] as const;
const numberBytes = 4 * counts.reduce((sum, count) => sum + count, 0 + single.length);

export function writeModel(model: Model, lexicon: string): Uint8Array {
  const { weights, scales, biases, thresholds, runThresholds, second, vectorFile } = model;
  const numbers = single.map((name) => (name === 'scale' ? second.scale : model[name]));
  const floats = [...scales, ...biases, ...thresholds, ...runThresholds, ...numbers];
  const size = Buffer.alloc(4);
  size.writeUInt32LE(vectorFile.length);
  return Buffer.concat([
    Buffer.from(magic),
    createHash('sha256').update(lexicon).digest(),
    floatBytes(floats),
    ...weights.map((one) => bytesOf(one)),
    bytesOf(new Int8Array(second.table)),
    ...Object.values<Float32Array>({ ...second.dense }).map(floatBytes),
    size,
    vectorFile,
  ]);
}

function bytesOf({ buffer, byteOffset, byteLength }: Int8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function floatBytes(numbers: ArrayLike<number>): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (let at = 0; at < numbers.length; at++) bytes.writeFloatLE(numbers[at]!, at * 4);
  return bytes;
}

/** Throws ERR_SCREENING_MODEL when the bytes are not the ones that were promised, or the words not those they were trained with. */
export function readModel(bytes: Uint8Array, hash: string, lexicon: string): Model & { vectors: Vectors } {
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== hash) throw new RempartError('ERR_SCREENING_MODEL', { expected: hash, found });
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = magic.length + hashBytes + numberBytes;
  const tables = begin + tableSize * heads.length + tableLength;
  if (buffer.toString('latin1', 0, magic.length) !== magic || buffer.length < tables)
    throw new RempartError('ERR_SCREENING_MODEL', { expected: hash, found });
  const words = createHash('sha256').update(lexicon).digest('hex');
  const trainedWith = buffer.toString('hex', magic.length, magic.length + hashBytes);
  if (words !== trainedWith) throw new RempartError('ERR_SCREENING_MODEL', { expected: trainedWith, found: words });
  let at = magic.length + hashBytes;
  const take = (count: number): number[] =>
    Array.from({ length: count }, () => {
      at += 4;
      return buffer.readFloatLE(at - 4);
    });
  const [scales = [], biases = [], thresholds = [], runThresholds = []] = counts.map(take);
  const [doubt = 0, share = 0, runShare = 0, documentRunShare = 0, scale = 0] = take(single.length);
  // A copy: whoever gave the bytes may use their buffer again.
  const cut = (length: number): Int8Array => {
    at += length;
    return Int8Array.from(new Int8Array(bytes.buffer, bytes.byteOffset + at - length, length));
  };
  const weights = heads.map(() => cut(tableSize));
  const table = cut(tableLength);
  const dense = Object.fromEntries(
    Object.entries(denseLengths).map(([name, length]) => [name, Float32Array.from(take(length))]),
  ) as unknown as Dense;
  const vectorFile = Uint8Array.from(buffer.subarray(at + 4, at + 4 + buffer.readUInt32LE(at)));
  const second = { table, scale, dense };
  const vectors = readVectors(vectorFile);
  const shares = { share, runShare, documentRunShare };
  return { weights, scales, biases, thresholds, runThresholds, doubt, ...shares, second, vectorFile, vectors };
}
