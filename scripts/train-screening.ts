// Trains the weights of the prompt screen: `npm run train:screening [-- --data FILE] [--out DIR]`; the same input gives the same bytes.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readLexicon } from '../src/protect/screening/lexicon.ts';
import { heads, writeModel } from '../src/protect/screening/model.ts';
import {
  composites,
  foldOf,
  folds,
  isHeldOut,
  readCorpus,
  readForeign,
} from '../src/protect/screening/training/examples.ts';
import { quantise, scoreExample, trainHead } from '../src/protect/screening/training/learn.ts';
import { roles } from '../src/protect/screening/verdict.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { data: { type: 'string' }, out: { type: 'string', default: join(root, 'models', 'screening') } },
});
const words = readFileSync(join(root, 'rules/screening/lexicon.yaml'), 'utf8');
const lexicon = readLexicon(words);
const corpus = readCorpus(join(root, 'corpus/rempart-prompts'), lexicon).filter((one) => !isHeldOut(one));
const foreign = values.data === undefined ? [] : readForeign(values.data, lexicon);
const examples = [...corpus, ...foreign, ...composites(corpus, lexicon)];
/** Share of benign texts that a model which never saw their kind may take for attacks, judged whole and by their runs; the thresholds follow from it. */
const allowed = { user: 0.025, tool: 0.015, 'user-run': 0.025, 'tool-run': 0.005 } as const;
const allowedOfSystem = 0.02;

const { thresholds, runThresholds } = chooseThresholds();
const trained = heads.map((head) => trainHead(head, examples));
const model = { ...quantise(trained), thresholds, runThresholds };
const bytes = writeModel(model, words);
const sha256 = createHash('sha256').update(bytes).digest('hex');
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, 'prompts.bin'), bytes);
writeFileSync(join(values.out, 'prompts.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
console.log(`${join(values.out, 'prompts.bin')}: ${bytes.length} bytes, SHA-256 ${sha256}`);

/** Benign texts are scored by a model that saw none of their kind by the same authors, and nothing of their source. */
function chooseThresholds(): { thresholds: number[]; runThresholds: number[] } {
  const judging = ['user', 'tool', 'user-run', 'tool-run'] as const;
  const scored = new Map<string, number[]>();
  for (let fold = 0; fold < folds; fold++) {
    const rest = examples.filter((one) => foldOf(one) !== fold);
    const models = judging.map((head) => trainHead(head, rest));
    for (const one of examples) {
      if (foldOf(one) !== fold || one.attack || one.id.includes(' with ')) continue;
      for (const trained of models) {
        const key = `${trained.head} ${one.role}`;
        const list = scored.get(key) ?? [];
        list.push(scoreExample(trained, one));
        scored.set(key, list);
      }
    }
  }
  const at = (key: string, share: number): number => {
    const list = (scored.get(key) ?? []).sort((a, b) => b - a);
    return list[Math.floor(list.length * share)] ?? 0;
  };
  const byRole = (user: 'user' | 'user-run', tool: 'tool' | 'tool-run'): number[] => {
    const ofUsers = at(`${user} user`, allowed[user]);
    // An operator's prompt speaks of rules as an attack does: few are known, so the highest seen counts.
    const system = Math.max(ofUsers, at(`${user} system`, allowedOfSystem)) + 0.5;
    const ofTools = at(`${tool} tool`, allowed[tool]);
    return roles.map((role) => ({ user: ofUsers, system, assistant: ofUsers + 0.5, tool: ofTools })[role]);
  };
  return { thresholds: byRole('user', 'tool'), runThresholds: byRole('user-run', 'tool-run') };
}

function manifest(): object {
  const counts = new Map<string, { attacks: number; benign: number }>();
  for (const { source, attack } of [...corpus, ...foreign]) {
    const one = counts.get(source) ?? { attacks: 0, benign: 0 };
    one[attack ? 'attacks' : 'benign']++;
    counts.set(source, one);
  }
  return {
    file: 'prompts.bin',
    sha256,
    lexicon: createHash('sha256').update(words).digest('hex'),
    thresholds: named(thresholds),
    runThresholds: named(runThresholds),
    heldOut: 'texts of rempart-prompts whose id (the lower one of twins) has a SHA-256 beginning with 0 or 1',
    sources: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function named(numbers: readonly number[]): Record<string, number> {
  return Object.fromEntries(roles.map((role, at) => [role, Number(numbers[at]!.toFixed(4))]));
}
