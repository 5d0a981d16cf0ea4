// How long detection and containment take, by type of incident, over several rounds of all drills: node bench/drills.ts [ROUNDS]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DrillDocument, drillSchema } from '../src/platform/documents/drill.ts';
import { loadTaxonomy } from '../src/respond/taxonomy/load-taxonomy.ts';

const rounds = Math.max(1, Number(process.argv[2] ?? 3));
const goals = { detectedMs: 1_000, containedMs: 10_000 };
const program = join(import.meta.dirname, '..', 'bin', 'rempart.js');

function drillAll(data: string): Promise<DrillDocument> {
  const child = spawn(process.execPath, [program, 'drill', '--all', '--json', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', LANG: 'C' },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      try {
        resolve(drillSchema.parse(JSON.parse(text)));
      } catch (error) {
        reject(error);
      }
    });
  });
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const shown = (ms: number | undefined) => (ms === undefined ? '–' : `${(ms / 1_000).toFixed(2)} s`).padStart(9);

const data = mkdtempSync(join(tmpdir(), 'rempart-bench-drills-'));
const documents: DrillDocument[] = [];
const took: number[] = [];
try {
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    documents.push(await drillAll(data));
    took.push(performance.now() - begun);
  }
} finally {
  rmSync(data, { recursive: true, force: true });
}

const scenarios = documents.flatMap((document) => document.scenarios);
const width = Math.max(...scenarios.map(({ scenario }) => scenario.length));
console.log(`${'scenario'.padEnd(width)}  passed     detected  (worst)     contained (worst)`);
let covered = 0;
const { all } = loadTaxonomy();
for (const { drill } of all) {
  const mine = scenarios.filter(({ scenario }) => scenario === drill);
  const times = (of: 'detectedMs' | 'containedMs') => mine.flatMap((one) => one[of] ?? []);
  const passed = mine.filter(({ result }) => result === 'passed').length;
  if (passed === rounds) covered++;
  const cells = (['detectedMs', 'containedMs'] as const).map((of) => {
    const worst = times(of).length === 0 ? undefined : Math.max(...times(of));
    return `${shown(median(times(of)))} ${shown(worst)}${worst !== undefined && worst > goals[of] ? ' !' : '  '}`;
  });
  console.log(`${drill.padEnd(width)}  ${String(passed).padStart(2)} of ${rounds}  ${cells.join('  ')}`);
}
console.log(`\n! above the goal: detected within ${goals.detectedMs} ms, contained within ${goals.containedMs} ms`);
console.log(`coverage: ${covered} of ${all.length} types passed in every round`);
console.log(
  `one round of all: ${took.map((ms) => `${(ms / 1_000).toFixed(0)} s`).join(', ')}; load of this machine ${loadavg()[0]?.toFixed(1)}`,
);
