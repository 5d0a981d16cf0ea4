// The calibration table and the bot that it speaks of agree: each stated defect exists, each existing one is stated.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { methodPlans } from '../src/simulate/scenarios/methods.ts';
import { loadProfile } from '../src/simulate/targets/profile.ts';

const folder = join(import.meta.dirname, '..', 'targets', 'calibration');
const { mutants, bots } = parse(readFileSync(join(folder, 'defects.yaml'), 'utf8')) as {
  mutants: { defect: string; in: string; cell: string }[];
  bots: { name: string; profile?: string; defects?: string[] }[];
};
const source = globSync('*.mjs', { cwd: folder })
  .map((file) => readFileSync(join(folder, file), 'utf8'))
  .join('\n');
const built = new Set([...source.matchAll(/defect\('([a-z0-9-]+)'\)/g)].map((match) => match[1] ?? ''));

test('defects.yaml states every defect that the bot has, each once, and no other', () => {
  assert.deepEqual(mutants.map(({ defect }) => defect).sort(), [...built].sort());
  assert.ok(mutants.length >= 34);
});

test('defects.yaml tries each defect in a method that is run', () => {
  const known = new Set(methodPlans.map(({ scenario, method }) => `${scenario}/${method}`));
  for (const { defect, in: place } of mutants) assert.ok(known.has(place), `${defect} in ${place}`);
});

test('defects.yaml builds whole bots from defects that exist and profiles that can be read', () => {
  for (const { name, profile = 'careful.yaml', defects = [] } of bots) {
    assert.deepEqual(
      defects.filter((defect) => !built.has(defect)),
      [],
      name,
    );
    assert.ok(loadProfile(join(folder, profile)).start !== undefined, name);
  }
});
