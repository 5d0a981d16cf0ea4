// `rempart playbook` as a user runs it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { playbookPlanSchema, playbookRunSchema, playbooksSchema } from '../src/platform/documents/playbook.ts';
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

test('rempart playbook list and show say what there is, in both languages, and leave nothing behind', async () => {
  const { code, stdout } = await rempart('playbook', 'list', '--json');
  assert.equal(code, 0);
  const { playbooks } = playbooksSchema.parse(JSON.parse(stdout));
  const listed = playbooks.find(({ name }) => name === 'container-escape');
  assert.ok(listed?.actions.some(({ name }) => name === 'containers.kill'));
  const french = await rempart('playbook', 'list', '--lang', 'fr');
  assert.match(french.stdout, /^container-escape +Évasion de conteneur — \d+ étapes/m);
  const tree = await rempart('playbook', 'show', 'container-escape', '--lang', 'fr');
  assert.match(tree.stdout, /^ *- Tuer les conteneurs \[containers\.kill\] en 30 s au plus — sinon à la main$/m);
  assert.equal(existsSync(join(folder, '.rempart')), false);
  const none = await rempart('playbook', 'show', 'no-such');
  assert.match(`${none.code} ${none.stderr}`, /^2 .*ERR_PLAYBOOK_UNKNOWN/);
});

test('rempart playbook run --dry-run foretells and does nothing; a missing subject is said', async () => {
  const { stdout } = await rempart('playbook', 'run', 'network-cut', '--dry-run', '--json');
  const plan = playbookPlanSchema.parse(JSON.parse(stdout));
  assert.ok(
    plan.steps.some(({ action, refusal }) => action === 'mode.switch' && refusal !== null),
    'nothing is on',
  );
  assert.equal(existsSync(join(folder, '.rempart')), false);
  const without = await rempart('playbook', 'run', 'intrusion', '--dry-run');
  assert.equal(without.code, 2);
  assert.match(without.stderr, /__subject__.*ERR_PLAYBOOK_NEEDS/);
  const wrong = await rempart('playbook', 'run', 'network-cut', '--var', 'nonsense');
  assert.match(`${wrong.code} ${wrong.stderr}`, /^2 .*NAME=VALUE/);
});

test('rempart playbook run carries a file out, tells its steps, and resume says when a run is over', async () => {
  const note = actionStep(
    'incident.note',
    { text: 'x' },
    { on_success: stepId('end', 1), on_failure: stepId('end', 1) },
  );
  const file = write(
    'mine.json',
    examplePlaybook({ [stepId('action', 1)]: note, [stepId('end', 1)]: { type: 'end' } }).text,
  );
  const { code, stdout, stderr } = await rempart('playbook', 'run', file, '--json');
  const run = playbookRunSchema.parse(JSON.parse(stdout));
  assert.deepEqual([code, run.state, run.steps.map(({ state }) => state)], [0, 'done', ['failed']]);
  assert.match(stderr, /not done: incident\.note/);
  const again = await rempart('playbook', 'resume', run.run);
  assert.match(`${again.code} ${again.stderr}`, /^1 .*ERR_RUN_OVER/);
  assert.match((await rempart('playbook', 'runs')).stdout, new RegExp(run.run));
});

test('rempart playbook run ends with 3 when people are asked, and resume goes on once they have answered', async () => {
  const asked = await rempart('playbook', 'run', 'host-overload', '--json');
  const { run, questions } = playbookRunSchema.parse(JSON.parse(asked.stdout));
  assert.deepEqual(
    [asked.code, questions.map(({ kind, step }) => `${kind} ${step}`)],
    [3, ['manual By hand: Tighten the limits']],
  );
  assert.equal((await rempart('incident', 'approve', run)).code, 0);
  const resumed = await rempart('playbook', 'resume', run, '--lang', 'fr');
  assert.equal(resumed.code, 3);
  assert.match(
    resumed.stdout,
    /À faire par l’équipe : Trouver ce qui charge la machine\n +Trier processus et conteneurs/,
  );
});
