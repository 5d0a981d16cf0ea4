// The taxonomy that is shipped, what a user may add, and what is refused with one sentence.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deploymentSchema } from '../../platform/documents/deployment.ts';
import { createSignals } from '../../platform/signals.ts';
import { createDetectors, type DetectorsParts } from '../detectors/detectors.ts';
import { detectorsSchema } from '../detectors/detectors-config.ts';
import { loadPlaybooks } from '../playbooks/library.ts';
import { loadTaxonomy } from './load-taxonomy.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-taxonomy-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Type, level, escalation, minutes to contain it. "At once" is five. */
const wanted: [string, 1 | 2 | 3, string, number][] = [
  ['container-escape', 1, 'emergency', 5],
  ['llm-poisoning', 1, 'critical', 15],
  ['state-corruption', 1, 'critical', 30],
  ['prompt-injection', 1, 'emergency', 5],
  ['denial-of-service', 2, 'warning', 120],
  ['memory-exhaustion', 2, 'warning', 60],
  ['log-injection', 2, 'warning', 240],
  ['unauthorised-access', 2, 'warning', 120],
  ['performance-anomaly', 3, 'info', 1_440],
  ['configuration-drift', 3, 'info', 720],
  ['suspicious-patterns', 3, 'info', 1_440],
];
const ofServices = [
  'provider-key-compromised',
  'provider-unavailable',
  'network-cut',
  'database-down',
  'quota-exhausted',
  'host-overload',
];

test('loadTaxonomy() has the seventeen types, each with its level, its deadline and who must know', () => {
  const { all, find } = loadTaxonomy();
  assert.deepEqual(all.map(({ id }) => id).sort(), [...wanted.map(([id]) => id), ...ofServices].sort());
  for (const [id, level, escalation, minutes] of wanted) {
    const type = find(id);
    assert.deepEqual([type?.level, type?.escalation, type?.respondWithinMinutes], [level, escalation, minutes], id);
  }
  const byLevel = { 1: ['critical', 'emergency'], 2: ['warning'], 3: ['info'] };
  for (const { id, level, escalation } of all) assert.ok(byLevel[level].includes(escalation), id);
  assert.deepEqual(find('container-escape')?.phases, { actions: 5, investigation: 30 });
});

test('loadTaxonomy() names for each type what it is, in both languages, its references with their year, and its drill', () => {
  for (const type of loadTaxonomy().all) {
    for (const lang of ['en', 'fr'] as const)
      for (const text of [type.title[lang], type.example[lang], type.impact[lang]]) assert.match(text, /\p{L}{2}/u);
    assert.notEqual(type.example.en, type.example.fr, type.id);
    assert.ok(type.atlas.length > 0 && type.owasp.length > 0, type.id);
    for (const id of type.atlas) assert.match(id, /^AML\.T\d{4}(\.\d{3})?$/);
    for (const id of type.owasp) assert.match(id, /^(LLM(0[1-9]|10):2025|A(0[1-9]|10):20(21|25)|API([1-9]|10):2023)$/);
    assert.equal(type.drill, type.id.replaceAll('-', '_'));
    assert.ok(type.detectors.length > 0, type.id);
  }
});

test('loadTaxonomy() finds a type by its id with hyphens or underscores, and no other', () => {
  const { find } = loadTaxonomy();
  assert.equal(find('container_escape')?.id, 'container-escape');
  assert.equal(find('container escape'), undefined);
  assert.equal(find('__proto__'), undefined);
});

test('loadTaxonomy() names for each type a playbook that there is', async () => {
  const { find } = await loadPlaybooks();
  for (const { playbook } of loadTaxonomy().all) assert.equal(find(playbook).name, playbook);
});

/** With all that they could watch; none is started. */
function everyDetector() {
  const deployment = deploymentSchema.parse({
    name: 'all',
    services: [{ name: 'api', role: 'core', order: 1 }],
    logs: ['*.log'],
    metrics: ['http://127.0.0.1:9/metrics'],
  });
  return createDetectors({
    settings: detectorsSchema.parse({}),
    signals: createSignals(),
    deployment,
    folder,
    data: folder,
    auditFile: '/dev/null',
    engine: {} as NonNullable<DetectorsParts['engine']>,
    states: { list: [{}], check() {} } as unknown as NonNullable<DetectorsParts['states']>,
  });
}

test('loadTaxonomy() names for each type detectors that there are, and that tell of it', () => {
  const all = everyDetector();
  for (const { id, detectors } of loadTaxonomy().all)
    for (const name of detectors)
      assert.ok(all.find((detector) => detector.name === name)?.types.includes(id), `${name} tells of ${id}`);
});

test('loadTaxonomy() has each type that a detector tells of', () => {
  const { find } = loadTaxonomy();
  for (const { name, types } of everyDetector())
    for (const type of types) assert.ok(find(type)?.detectors.includes(name), `${type} names ${name}`);
});

const ownType = (more = '') => `- id: gpu-theft
  level: 2
  escalation: warning
  respondWithinMinutes: 90
  atlas: [AML.T0034]
  owasp: ['LLM10:2025']
  detectors: [metrics]
  playbook: host-overload
  drill: host_overload
  title: { en: GPU theft, fr: Vol de GPU }
  example: { en: Strangers compute, fr: Des inconnus calculent }
  impact: { en: It costs, fr: Cela coûte }
${more}`;

test('loadTaxonomy() takes types of a user’s own folder, in the place of shipped ones of the same id', () => {
  const own = mkdtempSync(join(folder, 'own-'));
  writeFileSync(join(own, 'a.yaml'), ownType());
  writeFileSync(join(own, 'b.yml'), ownType().replace('gpu-theft', 'host-overload'));
  writeFileSync(join(own, 'notes.txt'), 'not read');
  const { all, find } = loadTaxonomy([own]);
  assert.equal(all.length, 18);
  assert.equal(find('gpu_theft')?.respondWithinMinutes, 90);
  assert.equal(find('host-overload')?.title.en, 'GPU theft');
  const levels = all.map(({ level }) => level);
  assert.deepEqual(levels, levels.toSorted());
});

const wrong: [what: string, text: string, code: string, path?: string][] = [
  ['no YAML', '- id: [', 'ERR_TAXONOMY_UNREADABLE'],
  ['an unknown field', ownType('  owner: me\n'), 'ERR_TAXONOMY_INVALID', '0.owner'],
  ['an OWASP id without its year', ownType().replace(':2025', ''), 'ERR_TAXONOMY_INVALID', '0.owasp.0'],
  ['a path for a playbook', ownType().replace('host-overload', '../../x'), 'ERR_TAXONOMY_INVALID', '0.playbook'],
  ['a type twice', ownType() + ownType(), 'ERR_TAXONOMY_INVALID', 'gpu-theft'],
];
for (const [what, text, code, path] of wrong)
  test(`loadTaxonomy() refuses ${what}`, () => {
    const own = mkdtempSync(join(folder, 'wrong-'));
    writeFileSync(join(own, 'types.yaml'), text);
    assert.throws(
      () => loadTaxonomy([own]),
      (error: { code?: string; facts?: { path?: string } }) => {
        assert.equal(error.code, code);
        if (path !== undefined) assert.equal(error.facts?.path, path);
        return true;
      },
    );
  });

test('loadTaxonomy() refuses a folder that is not there', () => {
  assert.throws(() => loadTaxonomy([join(folder, 'nowhere')]), { code: 'ERR_TAXONOMY_UNREADABLE' });
});
