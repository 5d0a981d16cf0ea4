// Trains the weights of the prompt screen: `npm run train:screening [-- --data FILE] [--out DIR]`; the same input gives the same bytes.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { heads, writeModel } from '../src/protect/screening/model.ts';
import { type Example, foldOf, folds, readAll } from '../src/protect/screening/training/examples.ts';
import { scoreApart } from '../src/protect/screening/training/fold-worker.ts';
import { quantise, trainHead } from '../src/protect/screening/training/learn.ts';
import { lessonOf, trainApart } from '../src/protect/screening/training/second-worker.ts';
import { thresholdsOf } from '../src/protect/screening/training/thresholds.ts';
import { roles } from '../src/protect/screening/verdict.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { data: { type: 'string' }, out: { type: 'string', default: join(root, 'models', 'screening') } },
});
const sources = {
  lexicon: join(root, 'rules', 'screening', 'lexicon.yaml'),
  corpus: join(root, 'corpus', 'rempart-prompts'),
  foreign: values.data ?? null,
};
const words = readFileSync(sources.lexicon, 'utf8');
const vectorFile = Uint8Array.from(readFileSync(join(root, 'corpus', 'word-vectors', 'vectors.bin')));
/** The second reader is trained once more without this fold, to see what it says of what it does not know. */
const apart = 0;

// What is learned for the thresholds alone, and the second reader, are learned in threads of their own; each does the same whatever the others do.
const scoring = Array.from({ length: folds }, (_, fold) => scoreApart(sources, fold));
const { single, examples } = readAll(sources);
const complete = trainApart({ lessons: single, unseen: [], vectorFile });
const trained = heads.map((head) => trainHead(head, examples));
const scored = (await Promise.all(scoring)).flat();
const unseen = single.filter((one) => foldOf(one) === apart && isBenignUser(one));
const runs = new Map(scored.map(({ id, loudest }) => [id, loudest]));
const withoutFold = await trainApart({
  lessons: single.filter((one) => foldOf(one) !== apart),
  unseen: [...unseen.map(lessonOf), ...unseen.map(({ id }) => ({ text: runs.get(id)!, tool: false, attack: false }))],
  vectorFile,
});
const said = new Map(
  unseen.map(({ id }, at) => [id, { whole: withoutFold.logits[at]!, run: withoutFold.logits[unseen.length + at]! }]),
);
const chosen = thresholdsOf(scored, said);
const { second } = await complete;
const model = { ...quantise(trained), ...chosen, second, vectorFile };
const bytes = writeModel(model, words);
const sha256 = createHash('sha256').update(bytes).digest('hex');
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, 'prompts.bin'), bytes);
writeFileSync(join(values.out, 'prompts.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
console.log(`${join(values.out, 'prompts.bin')}: ${bytes.length} bytes, SHA-256 ${sha256}`);

function isBenignUser({ role, attack }: Example): boolean {
  return role === 'user' && !attack;
}

function manifest(): object {
  const counts = new Map<string, { attacks: number; benign: number }>();
  for (const { source, attack } of single) {
    const one = counts.get(source) ?? { attacks: 0, benign: 0 };
    one[attack ? 'attacks' : 'benign']++;
    counts.set(source, one);
  }
  return {
    file: 'prompts.bin',
    sha256,
    lexicon: createHash('sha256').update(words).digest('hex'),
    vectors: createHash('sha256').update(vectorFile).digest('hex'),
    thresholds: named(chosen.thresholds),
    runThresholds: named(chosen.runThresholds),
    doubt: Number(chosen.doubt.toFixed(4)),
    heldOut: 'texts of rempart-prompts whose id (the lower one of twins) has a SHA-256 beginning with 0 or 1',
    sources: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function named(numbers: readonly number[]): Record<string, number> {
  return Object.fromEntries(roles.map((role, at) => [role, Number(numbers[at]!.toFixed(4))]));
}
