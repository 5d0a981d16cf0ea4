// Trains the weights of the prompt screen: `npm run train:screening [-- --data FILE] [--out DIR]`; the same input gives the same bytes.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readLexicon } from '../src/protect/screening/lexicon.ts';
import { heads, writeModel } from '../src/protect/screening/model.ts';
import { isHeldOut, readCorpus, readForeign } from '../src/protect/screening/training/examples.ts';
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
const examples = [...corpus, ...foreign];
/** Share of benign texts that a model which never saw their source may take for attacks; the threshold follows from it. */
const allowed = { user: 0.025, system: 0.02, tool: 0.01 } as const;
const folds = 5;

const thresholds = chooseThresholds();
const trained = heads.map((head) => trainHead(head, examples));
const model = { ...quantise(trained), thresholds };
const bytes = writeModel(model, words);
const sha256 = createHash('sha256').update(bytes).digest('hex');
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, 'prompts.bin'), bytes);
writeFileSync(join(values.out, 'prompts.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
console.log(`${join(values.out, 'prompts.bin')}: ${bytes.length} bytes, SHA-256 ${sha256}`);

/** Benign texts are scored by a model that saw neither them nor anything of their source (a file of the corpus counts as a fold's part by its hash). */
function chooseThresholds(): number[] {
  const scored: Record<'user' | 'tool' | 'system', number[]> = { user: [], tool: [], system: [] };
  for (let fold = 0; fold < folds; fold++) {
    const rest = examples.filter((one) => one.fold % folds !== fold);
    const models = { user: trainHead('user', rest), tool: trainHead('tool', rest) };
    for (const one of examples) {
      if (one.fold % folds !== fold || one.attack) continue;
      const head = one.role === 'tool' ? 'tool' : 'user';
      scored[one.role === 'assistant' ? 'user' : one.role].push(scoreExample(models[head], one));
    }
  }
  const at = (list: number[], share: number): number =>
    list.sort((a, b) => b - a)[Math.floor(list.length * share)] ?? 0;
  const user = at(scored.user, allowed.user);
  // An operator's prompt speaks of rules as an attack does: few are known, so the highest seen counts.
  const system = Math.max(user, at(scored.system, allowed.system)) + 0.5;
  return roles.map((role) => ({ user, system, assistant: user + 0.5, tool: at(scored.tool, allowed.tool) })[role]);
}

function manifest(): object {
  const counts = new Map<string, { attacks: number; benign: number }>();
  for (const { source, attack } of examples) {
    const one = counts.get(source) ?? { attacks: 0, benign: 0 };
    one[attack ? 'attacks' : 'benign']++;
    counts.set(source, one);
  }
  return {
    file: 'prompts.bin',
    sha256,
    lexicon: createHash('sha256').update(words).digest('hex'),
    thresholds: Object.fromEntries(roles.map((role, at) => [role, Number(thresholds[at]!.toFixed(4))])),
    heldOut: 'texts of rempart-prompts whose id (the lower one of twins) has a SHA-256 beginning with 0 or 1',
    sources: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
