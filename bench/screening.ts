// Measures the shipped prompt screen: `npm run bench:screening [-- --data FILE…]`; without a file, on the texts of rempart-prompts that were held out.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadPromptScreen } from '../src/protect/screening/shipped.ts';
import {
  digest,
  isHeldOut,
  type Labelled,
  labelledCorpus,
  labelledForeign,
} from '../src/protect/screening/training/examples.ts';
import type { Verdict } from '../src/protect/screening/verdict.ts';

const root = join(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  options: { data: { type: 'string', multiple: true }, misses: { type: 'boolean' } },
  allowPositionals: true,
});
const files = [...(values.data ?? []), ...positionals];
const manifest = JSON.parse(readFileSync(join(root, 'models/screening/prompts.json'), 'utf8')) as {
  sha256: string;
  sources: Record<string, unknown>;
};
const screen = loadPromptScreen();
/** Time is told by the length of texts, up to each of these. */
const lengths = [200, 1000, 4000, 16000, Number.POSITIVE_INFINITY];

interface Measured extends Labelled {
  verdict: Verdict;
  micros: number;
}

const texts = files.length > 0 ? files.flatMap(labelledForeign) : heldOut();
if (texts.length === 0) {
  console.error('Nothing to measure: the file has no line');
  process.exitCode = 3;
} else report(texts.map(measure));

function heldOut(): Labelled[] {
  const corpus = labelledCorpus(join(root, 'corpus/rempart-prompts'));
  return corpus.filter(({ source, pair }) => isHeldOut({ source, fold: digest(pair) }));
}

function measure(one: Labelled): Measured {
  const begin = performance.now();
  const verdict = screen(one.text, one.role);
  return { ...one, verdict, micros: (performance.now() - begin) * 1000 };
}

function report(measured: readonly Measured[]): void {
  console.log(
    `model ${manifest.sha256.slice(0, 16)}, ${measured.length} texts${files.length > 0 ? '' : ' held out of rempart-prompts'}`,
  );
  times(measured);
  const unscreened = measured.filter(({ verdict }) => verdict.kind === 'unscreened').length;
  if (unscreened > 0) console.log(`unscreened: ${unscreened}`);
  table('all', measured, () => 'all');
  table('role', measured, ({ role }) => role);
  table('language', measured, ({ lang }) => lang);
  table('category, language', measured, ({ category, lang }) => `${category ?? 'benign'}, ${lang}`);
  table('explicit, language, role', measured, ({ attack, explicit, lang, role }) =>
    attack && explicit !== null ? `${explicit ? 'explicit' : 'hidden'}, ${lang}, ${role}` : null,
  );
  if (files.length === 0) crowded(measured);
  table('family', measured, ({ attack, family, role }) => `${attack ? 'attack' : 'benign'} ${family} (${role})`);
  if (files.length > 0)
    table('source (* = trained on)', measured, ({ source }) => `${source in manifest.sources ? '* ' : ''}${source}`);
  if (values.misses === true)
    for (const one of measured) if (wrong(one)) console.log(`${one.attack ? 'missed' : 'false'} ${one.id}`);
}

/** Wall time of one screening each, all lengths together and by length: on a busy machine others' work is in it. */
function times(measured: readonly Measured[]): void {
  // The first texts warm the compiler up; they count for the verdicts and not for the time.
  const warm = measured.slice(Math.min(2000, measured.length >> 1));
  const line = (name: string, some: readonly Measured[]): void => {
    if (some.length === 0) return;
    const sorted = some.map(({ micros }) => micros).sort((a, b) => a - b);
    const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
    console.log(`${name}: p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)} (${some.length} texts)`);
  };
  line('µs per prompt', warm);
  lengths.forEach((most, at) => {
    const least = at === 0 ? 0 : lengths[at - 1]!;
    const some = warm.filter(({ text }) => text.length >= least && text.length < most);
    line(`  ${least} characters and more${most === Number.POSITIVE_INFINITY ? '' : `, under ${most}`}`, some);
  });
}

/** Short attacks of users among innocent texts, beside as many rows without one: drawn from what was held out, always the same. */
function crowded(measured: readonly Measured[]): void {
  const users = measured.filter(({ role, lang }) => role === 'user' && (lang === 'en' || lang === 'fr'));
  let state = 5;
  const draw = <One>(from: readonly One[]): One => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return from[(state >>> 8) % from.length]!;
  };
  for (const others of [3, 20]) {
    let [found, falsely] = [0, 0];
    const attacks = users.filter(({ attack, explicit, text }) => attack && explicit === true && text.length < 300);
    for (const { text, lang } of attacks) {
      const innocent = users.filter((one) => !one.attack && one.lang === lang && one.text.length < 600);
      const row = Array.from({ length: others }, () => draw(innocent).text);
      const clean = [...row, draw(innocent).text];
      row.splice(state % (others + 1), 0, text);
      if (screen(row.join('\n'), 'user').kind !== 'clean') found++;
      if (screen(clean.join('\n'), 'user').kind !== 'clean') falsely++;
    }
    console.log(
      `\none short attack among ${others} innocent texts: found ${interval(found, attacks.length)}; ${others + 1} innocent ones: flagged ${interval(falsely, attacks.length)}`,
    );
  }
}

function wrong({ attack, verdict }: Measured): boolean {
  return (verdict.kind !== 'clean') !== attack;
}

/** One row a group: attacks with recall and how many got the right category, benign with false positives, precision of both. */
function table(title: string, measured: readonly Measured[], key: (one: Measured) => string | null): void {
  const groups = Map.groupBy(measured, key);
  console.log(
    `\n${title.padEnd(58)} attacks  recall % [95 %]        category %   benign  false + % [95 %]      precision %`,
  );
  for (const name of [...groups.keys()].filter((one) => one !== null).sort()) {
    const group = groups.get(name)!;
    const attacks = group.filter(({ attack }) => attack);
    const benign = group.filter(({ attack }) => !attack);
    const found = attacks.filter((one) => !wrong(one));
    const named = found.filter(
      ({ verdict, category }) => verdict.kind === 'suspicious' && verdict.category === category,
    );
    const falsely = benign.filter(wrong).length;
    const flagged = found.length + falsely;
    console.log(
      [
        name.slice(0, 58).padEnd(58),
        String(attacks.length).padStart(7),
        `  ${interval(found.length, attacks.length)}`,
        (found.length === 0 ? '–' : percent(named.length / found.length)).padStart(10),
        String(benign.length).padStart(9),
        `  ${interval(falsely, benign.length)}`,
        (attacks.length === 0 || benign.length === 0 || flagged === 0 ? '–' : percent(found.length / flagged)).padStart(
          10,
        ),
      ].join(''),
    );
  }
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}

/** Wilson's score interval at 95 %. */
function interval(hits: number, of: number): string {
  if (of === 0) return '–'.padEnd(20);
  const z = 1.959964;
  const share = hits / of;
  const middle = share + (z * z) / (2 * of);
  const half = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  const by = 1 + (z * z) / of;
  return `${percent(share).padStart(5)} [${percent(Math.max(0, (middle - half) / by))}–${percent((middle + half) / by)}]`.padEnd(
    20,
  );
}
