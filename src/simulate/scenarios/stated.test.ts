// What an operator states is read strictly, kept apart from what was measured, and never scored.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RempartError } from '../../platform/base/errors.ts';
import { assess } from '../scoring/assess.ts';
import { broken, evidenceOf, limited, methodFacts } from '../scoring/fixture.ts';
import { parseRubric } from '../scoring/rubric.ts';
import { loadStated } from './stated.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-stated-'));
after(() => rmSync(dir, { recursive: true }));
function fileWith(text: string): string {
  const file = join(dir, 'observations.yaml');
  writeFileSync(file, text);
  return file;
}

test('loadStated() reads YAML and JSON alike', () => {
  const expected = [
    { scenario: 'overload', observation: 'team-informed', value: 'after 4 minutes', scale: null },
    { scenario: 'overload', observation: 'calls', value: 12, scale: 'count' },
  ];
  const yaml =
    'overload:\n  - { id: team-informed, value: after 4 minutes }\n  - { id: calls, value: 12, scale: count }\n';
  assert.deepEqual(loadStated(fileWith(yaml)), expected);
  const json = JSON.stringify({
    overload: [
      { id: 'team-informed', value: 'after 4 minutes' },
      { id: 'calls', value: 12, scale: 'count' },
    ],
  });
  assert.deepEqual(loadStated(fileWith(json)), expected);
});

const wrong: [what: string, text: string, says: RegExp][] = [
  ['a scenario that is none', 'overlaod: [{ id: a, value: 1 }]', /overlaod \(overload\?\)/],
  ['a key that it does not know', 'overload: [{ id: a, value: 1, note: x }]', /note/],
  ['an observation without a value', 'overload: [{ id: a }]', /overload\.0\.value/],
  ['an id that is no name', 'overload: [{ id: "a b", value: 1 }]', /overload\.0\.id/],
  ['what is not YAML', 'overload: [', /./],
];
for (const [what, text, says] of wrong) {
  test(`loadStated() refuses ${what}`, () => {
    assert.throws(
      () => loadStated(fileWith(text)),
      (error) => error instanceof RempartError && error.code === 'ERR_OBSERVATIONS_INVALID' && says.test(error.message),
    );
  });
}

test('loadStated() refuses a file that is not there', () => {
  assert.throws(() => loadStated(join(dir, 'none.yaml')), /ENOENT/);
});

test('assess() shows what was stated, marked, and scores as without it', () => {
  const rubric = parseRubric(
    readFileSync(join(import.meta.dirname, '..', '..', '..', 'scenarios', 'rubric.yaml'), 'utf8'),
  );
  const facts = methodFacts({ fault: broken(11_000, limited) });
  const stated = {
    kind: 'stated',
    t: 1,
    scenario: 'api-maintenance',
    observation: 'logged',
    value: 'nobody looked',
    scale: null,
  } as const;
  const judge = (lines: Parameters<typeof evidenceOf>[0]) =>
    assess({
      evidence: evidenceOf(lines),
      rubric,
      lang: 'en',
      evidenceFile: { file: 'evidence.jsonl', sha256: '0'.repeat(64) },
    });
  const [without, withIt] = [judge(facts), judge([stated, ...facts])];
  assert.equal(withIt.score, without.score);
  assert.deepEqual(withIt.scenarios[0]?.scores, without.scenarios[0]?.scores);
  const shown = withIt.scenarios[0]?.observations.filter((one) => one.stated === true);
  assert.deepEqual(shown, [
    { id: 'logged', value: 'nobody looked', scale: 'free', evidence: ['e00002'], stated: true },
  ]);
});
