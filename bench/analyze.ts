// Measures the code rules: pairs before and after a fix, snippets known to be weak, and ordinary code that should raise nothing.
// Usage: npm run bench:analyze -- [--pairs FILE] [--vulnerable FILE] [--blocks FILE…]; files are JSON Lines with language, code, cwe;
// blocks may also be plain text like bench/ordinary-code.txt, which is read where no file is named.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { languageOfLabel } from '../src/platform/inspection/ast/languages.ts';
import { inspectCode } from '../src/platform/inspection/code-rules/inspect-code.ts';
import { loadRules, ruleSet } from '../src/platform/inspection/code-rules/rule-set.ts';
import { createSecretScanner } from '../src/platform/inspection/secrets.ts';

interface Found {
  id: string;
  cwe: readonly string[];
  line: number;
}

interface Row {
  language: string;
  code: string;
  cwe?: string[];
  label?: string;
  pair?: number | string;
}

/** CWEs that name the same weakness at different depths; a finding counts for its whole family. */
const families: readonly (readonly number[])[] = [
  [89, 564, 943],
  [78, 77, 88],
  [79, 80, 116],
  [94, 95, 96, 1336],
  [22, 23, 29, 36, 73],
  [326, 327, 328, 916, 759, 760, 329, 1204, 1240, 323, 310, 325],
  [330, 338, 335, 331],
  [798, 259, 321],
  [256, 522, 312, 319, 257],
  [200, 201, 209, 532, 1022, 215, 489],
  [295, 297],
  [347, 345, 346],
  [306, 862, 863, 639, 287, 290],
  [307, 770, 400, 789],
  [377, 379],
  [732, 276],
  [1333, 185],
  [1321, 915],
  [502],
  [611, 776],
  [120, 121, 787, 119, 242, 676, 805, 122, 806],
  [125],
  [190, 680, 681, 191],
  [476, 690],
  [416, 415, 590],
];
const memory = new Set([
  119, 120, 121, 122, 125, 787, 190, 191, 680, 476, 690, 416, 415, 590, 242, 676, 665, 908, 805, 806,
]);

const scanner = createSecretScanner();
const { values } = parseArgs({
  options: {
    pairs: { type: 'string' },
    vulnerable: { type: 'string' },
    blocks: { type: 'string', multiple: true },
    failures: { type: 'string' },
  },
  strict: true,
});
const { count, hash } = ruleSet();
console.log(`rules: ${count}, hash ${hash.slice(0, 16)}`);
if (values.pairs !== undefined) measurePairs(read(values.pairs));
if (values.vulnerable !== undefined) measureRecall(read(values.vulnerable));
for (const file of values.blocks ?? []) measureFalseAlarms(read(file), file);
if (values.pairs === undefined && values.vulnerable === undefined && values.blocks === undefined) {
  measureExamples();
  const ordinary = join(import.meta.dirname, 'ordinary-code.txt');
  measureFalseAlarms(read(ordinary), 'bench/ordinary-code.txt');
}

/** JSON Lines, or plain text whose blocks begin with `=== language`. */
function read(file: string): Row[] {
  const text = readFileSync(file, 'utf8');
  if (text.startsWith('=== '))
    return text
      .split(/^=== /m)
      .slice(1)
      .map((block) => {
        const end = block.indexOf('\n');
        return { language: block.slice(0, end).trim(), code: block.slice(end + 1) };
      });
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Row);
}

/** What a report would show for the block: the code rules, and the secrets that the scanner knows by their shape. */
function find(row: Row): Found[] | null {
  const language = languageOfLabel(row.language);
  if (language === null) return null;
  const byRules = inspectCode(language, row.code).map(({ rule, line }) => ({ id: rule.id, cwe: rule.cwe, line }));
  const secrets = scanner
    .find(row.code)
    .filter(({ placeholder, confidence }) => !placeholder && confidence !== 'doubtful')
    .map(({ rule, start }) => ({
      id: `secrets.${rule}`,
      cwe: ['CWE-798'],
      line: row.code.slice(0, start).split('\n').length,
    }))
    .filter(({ line }) => !byRules.some((found) => found.line === line && found.cwe.includes('CWE-798')));
  return [...byRules, ...secrets];
}

function familyOf(cwe: string): number {
  const number = Number(cwe.slice(4));
  return families.find((family) => family.includes(number))?.[0] ?? number;
}

function concerns(match: Found, cwes: readonly string[]): boolean {
  const wanted = new Set(cwes.map(familyOf));
  return match.cwe.some((cwe) => wanted.has(familyOf(cwe)));
}

function isMemory(cwes: readonly string[]): boolean {
  return cwes.some((cwe) => memory.has(Number(cwe.slice(4))));
}

/** Tallies by group: how many of how many, with the interval that Wilson gives at 95 %. */
function table(title: string, tally: ReadonlyMap<string, [number, number]>): void {
  console.log(`\n${title}`);
  for (const [name, [hits, all]] of [...tally].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [low, high] = wilson(hits, all);
    const share = `${percent(hits / all)}  [${percent(low)}, ${percent(high)}]`;
    console.log(`${name.padEnd(34)} ${`${hits}/${all}`.padStart(9)}  ${share}`);
  }
}

function wilson(hits: number, all: number): [number, number] {
  const z = 1.96;
  const share = hits / all;
  const middle = share + (z * z) / (2 * all);
  const reach = z * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all));
  return [Math.max(0, (middle - reach) / (1 + (z * z) / all)), Math.min(1, (middle + reach) / (1 + (z * z) / all))];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`.padStart(7);
}

function add(tally: Map<string, [number, number]>, hit: boolean, ...names: string[]): void {
  for (const name of names) {
    const [hits, all] = tally.get(name) ?? [0, 0];
    tally.set(name, [hits + (hit ? 1 : 0), all + 1]);
  }
}

function measurePairs(rows: readonly Row[]): void {
  const pairs = [...Map.groupBy(rows, (row) => row.pair).values()];
  const right = new Map<string, [number, number]>();
  const before = new Map<string, [number, number]>();
  const ceiling = new Map<string, [number, number]>();
  for (const pair of pairs) {
    const weak = pair.find(({ label }) => label === 'vulnerable');
    const safe = pair.find(({ label }) => label === 'safe');
    if (weak === undefined || safe === undefined) continue;
    const cwes = weak.cwe ?? [];
    const kind = isMemory(cwes) ? 'memory safety' : 'outside memory safety';
    const names = [
      `* ${kind}`,
      kind === 'memory safety' ? `${weak.language} memory` : `${weak.language}`,
      `${weak.language} ${cwes[0]}`,
    ];
    const flagged = find(weak)?.some((match) => concerns(match, cwes)) ?? false;
    const still = find(safe)?.some((match) => concerns(match, cwes)) ?? false;
    add(before, flagged, ...names);
    add(right, flagged && !still, ...names);
    add(ceiling, visible(weak.code, safe.code), `* ${kind}`);
    if (
      values.failures !== undefined &&
      kind !== 'memory safety' &&
      names[2]?.startsWith(values.failures) &&
      (!flagged || still)
    ) {
      console.log(`--- pair ${weak.pair} ${names[2]} ${flagged ? 'still flagged after' : 'not flagged'}`);
      if (!flagged)
        console.log(
          changed(safe.code, weak.code)
            .slice(0, 8)
            .map((line) => `- ${line.trim().slice(0, 170)}`)
            .join('\n'),
        );
      else
        for (const match of find(safe) ?? [])
          if (concerns(match, cwes))
            console.log(`+ ${match.id}: ${safe.code.split('\n')[match.line - 1]?.trim().slice(0, 170)}`);
    }
  }
  table('Pair accuracy: flagged before the fix, not after, right family of CWE', right);
  table('Flagged before the fix', before);
  table(
    'Rough estimate of the ceiling, from above: pairs whose fix changes a call, a string, an operator or a check in the fragment',
    ceiling,
  );
}

/** Whether the fix touches more than names, checks in other functions or white space. */
function visible(before: string, after: string): boolean {
  const removed = changed(after, before).join('\n');
  const added = changed(before, after).join('\n');
  return /[("'`%+=]/.test(removed) || /\b(?:if|escape|quote|check|valid|safe|secure)\w*/i.test(added);
}

function changed(from: string, to: string): string[] {
  const old = new Set(from.split('\n').map((line) => line.trim()));
  return to.split('\n').filter((line) => line.trim() !== '' && !old.has(line.trim()));
}

function measureRecall(rows: readonly Row[]): void {
  const rules = loadRules();
  const covered = new Set<string>();
  for (const rule of rules.rules)
    for (const language of rule.languages) for (const cwe of rule.cwe) covered.add(`${language} ${familyOf(cwe)}`);
  const recall = new Map<string, [number, number]>();
  for (const row of rows) {
    const language = languageOfLabel(row.language);
    const cwes = row.cwe ?? [];
    if (language === null) continue;
    const isCovered = cwes.some((cwe) => covered.has(`${language} ${familyOf(cwe)}`));
    const hit = find(row)?.some((match) => concerns(match, cwes)) ?? false;
    add(
      recall,
      hit,
      isCovered ? '* covered CWEs' : '* CWEs without a rule',
      isCovered ? row.language : `${row.language} (no rule)`,
      `${row.language} ${cwes[0]}`,
    );
    if (values.failures !== undefined && !hit && `${row.language} ${cwes[0]}`.startsWith(values.failures)) {
      const { line_text: line } = row as Row & { line_text?: string };
      console.log(`--- ${row.language} ${cwes[0]} ${line?.trim().slice(0, 170)}`);
    }
  }
  table('Recall on snippets known to be weak', recall);
}

function measureFalseAlarms(rows: readonly Row[], file: string): void {
  const alarms = new Map<string, [number, number]>();
  let chars = 0;
  const from = performance.now();
  for (const row of rows) {
    const found = find(row) ?? [];
    chars += row.code.length;
    add(alarms, found.length > 0, '* all', row.language);
    for (const match of found)
      console.log(`${match.id}: ${row.code.split('\n')[match.line - 1]?.trim().slice(0, 140)}`);
  }
  table(`False alarms in ordinary code (${file})`, alarms);
  console.log(`${(chars / 1e3 / (performance.now() - from)).toFixed(1)} MB/s on one core`);
}

function measureExamples(): void {
  const examples = new Map<string, [number, number]>();
  for (const rule of loadRules().rules) {
    const [language] = rule.languages;
    if (language === undefined) continue;
    for (const bad of rule.examples.bad)
      add(
        examples,
        inspectCode(language, bad).some((match) => match.rule.weakness === rule.weakness),
        `${language} flagged`,
      );
    for (const good of rule.examples.good)
      add(
        examples,
        !inspectCode(language, good).some((match) => match.rule.weakness === rule.weakness),
        `${language} left alone`,
      );
  }
  table("The rules' own examples", examples);
}
