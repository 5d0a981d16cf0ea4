// Training: the same texts give the same weights, and eight bits say what the exact ones say.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readLexicon } from '../lexicon.ts';
import { heads, readModel, writeModel } from '../model.ts';
import { readVectors } from '../vectors.ts';
import { isHeldOut, readCorpus } from './examples.ts';
import { quantise, scoreExample, trainHead } from './learn.ts';
import { rounded, trainSecond } from './learn-second.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');
const words = readFileSync(join(root, 'rules/screening/lexicon.yaml'), 'utf8');
const lexicon = readLexicon(words);
const examples = readCorpus(join(root, 'corpus/rempart-prompts'), lexicon);
const few = examples.filter((_, at) => at % 8 === 0);

for (const name of ['user', 'user-run'] as const)
  test(`trainHead() gives the same weights for the same examples to ${name}`, () => {
    const first = trainHead(name, few);
    assert.deepEqual(trainHead(name, few), first);
    assert.notDeepEqual(trainHead(name, few.slice(1)), first);
  });

test('trainHead() tells attacks from benign texts it has learned from', () => {
  const head = trainHead('user', few);
  const known = few.filter(({ role }) => role === 'user');
  const right = known.filter((one) => scoreExample(head, one) > 0 === one.attack).length;
  assert.ok(right / known.length > 0.95, `${right} of ${known.length}`);
});

test('isHeldOut() keeps about one text in eight apart, twins together', () => {
  const apart = examples.filter(isHeldOut);
  assert.ok(Math.abs(apart.length / examples.length - 1 / 8) < 0.03);
});

test('readModel() reads what writeModel() wrote', () => {
  const trained = heads.map((head) => trainHead(head, few.slice(0, 100)));
  const vectorFile = Uint8Array.from(readFileSync(join(root, 'corpus/word-vectors/vectors.bin')));
  const lessons = few.slice(0, 100).map(({ text, attack }) => ({ text, attack, tool: false }));
  const second = rounded(trainSecond(lessons, readVectors(vectorFile)));
  const model = {
    ...quantise(trained),
    thresholds: [1, 2, 3, 4],
    runThresholds: [5, 6, 7, 8],
    doubt: 0.5,
    share: 2,
    second,
    vectorFile,
  };
  const bytes = writeModel(model, words);
  const read = readModel(bytes, createHash('sha256').update(bytes).digest('hex'), words);
  assert.deepEqual(read.weights, model.weights);
  assert.deepEqual(read.thresholds, model.thresholds);
  assert.deepEqual(read.runThresholds, model.runThresholds);
  assert.deepEqual([read.doubt, read.share], [model.doubt, model.share]);
  assert.deepEqual(read.second, model.second);
  assert.deepEqual(read.vectorFile, model.vectorFile);
  model.scales.forEach((scale, at) => {
    assert.ok(Math.abs(read.scales[at]! - scale) < 1e-6);
  });
});
