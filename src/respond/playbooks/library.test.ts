// The library: what Rempart brings is sound, a user's own stands beside it, and a bad file refuses itself only.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RempartError } from '../../platform/base/errors.ts';
import { actionStep, examplePlaybook, stepId } from '../engine/example.ts';
import { loadPlaybooks } from './library.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-playbooks-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const step = actionStep('example.note', { line: 'x' }, { on_completion: stepId('end', 1) });
const steps = { [stepId('action', 1)]: step, [stepId('end', 1)]: { type: 'end' } };

test('loadPlaybooks() finds no problem in any playbook that Rempart brings', async () => {
  const { all, refused } = await loadPlaybooks();
  assert.deepEqual(refused, []);
  assert.ok(all.length > 0);
  for (const { name, read } of all) assert.deepEqual([name, read.problems], [name, []]);
});

test('loadPlaybooks() takes a user’s own by file name, id and version, and tells of those that cannot be run', async () => {
  writeFileSync(join(folder, 'mine.json'), examplePlaybook(steps).text);
  writeFileSync(join(folder, 'newer.json'), examplePlaybook(steps, { modified: '2026-02-01T00:00:00.000Z' }).text);
  writeFileSync(join(folder, 'container-escape.json'), examplePlaybook(steps, { id: stepId('playbook', 7) }).text);
  writeFileSync(join(folder, 'broken.json'), '{');
  writeFileSync(join(folder, 'astray.json'), examplePlaybook({ [stepId('action', 1)]: step }).text);
  const library = await loadPlaybooks(folder);
  assert.equal(library.find('mine').isShipped, false);
  assert.equal(library.find(stepId('playbook', 1)).name, 'newer', 'without a version, the newest');
  assert.equal(library.find(stepId('playbook', 1), '2026-01-01T00:00:00.000Z').name, 'mine');
  assert.equal(library.find('container-escape').isShipped, false, 'the user’s own stands for the shipped one');
  assert.equal((await library.findPlaybook(stepId('playbook', 7), undefined)).id, stepId('playbook', 7));
  assert.throws(
    () => library.find('nowhere'),
    (error) => error instanceof RempartError && error.code === 'ERR_PLAYBOOK_UNKNOWN',
  );
  assert.deepEqual(
    library.refused.map(({ file, code, problems }) => [file.slice(folder.length + 1), code, problems[0]?.rule]),
    [
      ['astray.json', null, 'playbook.lint.missing-step'],
      ['broken.json', 'ERR_PLAYBOOK_UNREADABLE', undefined],
    ],
  );
});

test('loadPlaybooks() asks a user’s own for actions that there are, and says when their folder is not there', async () => {
  const none = { check: () => ({ known: false as const }) };
  const { refused, all } = await loadPlaybooks(folder, none);
  assert.ok(refused.some(({ problems }) => problems.some(({ rule }) => rule === 'playbook.lint.action')));
  assert.ok(
    all.some(({ isShipped }) => isShipped),
    'shipped ones guide people all the same',
  );
  const missing = await loadPlaybooks(join(folder, 'nowhere'));
  assert.deepEqual(missing.refused, [{ file: join(folder, 'nowhere'), code: 'ERR_PLAYBOOK_UNREADABLE', problems: [] }]);
});
