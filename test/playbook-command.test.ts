// `rempart playbook validate` as a user runs it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { actionStep, examplePlaybook, stepId } from '../src/respond/engine/example.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-playbook-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const launcher = join(import.meta.dirname, '..', 'bin', 'rempart.js');

function rempart(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [launcher, ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return name;
};
const step = actionStep('example.note', { line: 'x' }, { on_completion: stepId('end', 1) });
const sound = write(
  'sound.json',
  examplePlaybook({ [stepId('action', 1)]: step, [stepId('end', 1)]: { type: 'end' } }).text,
);
const astray = write('astray.json', examplePlaybook({ [stepId('action', 1)]: step }).text);

test('rempart playbook validate exits 0 for a playbook that could be run and 1 when one could not', async () => {
  const good = await rempart('playbook', 'validate', sound, '--lang', 'fr');
  assert.deepEqual([good.code, good.stdout], [0, 'sound.json : pourrait être exécuté.\n']);
  const both = await rempart('playbook', 'validate', sound, astray, '--json');
  assert.equal(both.code, 1);
  const { playbooks } = JSON.parse(both.stdout) as {
    playbooks: { runnable: boolean; problems: { rule: string; at: string }[] }[];
  };
  assert.deepEqual(
    playbooks.map(({ runnable }) => runnable),
    [true, false],
  );
  assert.deepEqual(
    playbooks[1]!.problems.map(({ rule, at }) => [rule, at]),
    [['missing-step', `/workflow/${stepId('action', 1)}/on_completion`]],
  );
});

test('rempart playbook validate shows hostile names as data, and says in a sentence what it cannot read', async () => {
  const hostile = examplePlaybook({ '\u001b[2Jaction--x\u202e': step, [stepId('action', 1)]: step }).text;
  const { stdout } = await rempart('playbook', 'validate', write('hostile.json', hostile));
  assert.doesNotMatch(stdout, /[\u001b\u202e]/u);
  const broken = await rempart('playbook', 'validate', write('broken.json', '{'));
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /ERR_PLAYBOOK_UNREADABLE/);
  assert.doesNotMatch(broken.stderr, /\n\s+at /);
});
