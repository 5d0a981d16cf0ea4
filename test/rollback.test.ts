// `rempart rollback` from the command line, with and without a running instance.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { BackupsDocument, RollbackDocument } from '../src/platform/documents/rollback.ts';
import { makePlace, run, startInstance, until } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;
const state = join(cwd, 'zeroia.toml');
const profile = `name: test
services: [{ name: other, role: core, order: 1 }]
states: [{ name: zeroia, path: zeroia.toml, format: toml }]
`;
writeFileSync(join(cwd, 'deployment.yaml'), profile);
writeFileSync(join(cwd, 'rempart.yaml'), 'deployment: deployment.yaml\nposture: { engine: /nowhere.sock }\n');
const good = '[decision]\nlast_decision = "go"\n';

const rollback = (data: string, ...args: string[]) => run(['rollback', ...args, '--data', data], { cwd });

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
const schemaOf = (name: string) =>
  ajv.compile(JSON.parse(readFileSync(join(import.meta.dirname, '..', 'docs', 'schemas', `${name}.json`), 'utf8')));
const isRollback = schemaOf('rollback@1');
const isBackups = schemaOf('backups@1');

function read<T>(stdout: string, fits: typeof isRollback): T {
  const document = JSON.parse(stdout) as T;
  assert(fits(document), JSON.stringify(fits.errors));
  return document;
}

/** What an operator does on the day: the same with an instance and without. */
async function theDay(data: string): Promise<void> {
  writeFileSync(state, good);
  const taken = await rollback(data, 'backup', '--json');
  assert.equal(taken.code, 0, taken.stderr);
  assert.equal(read<BackupsDocument>(taken.stdout, isBackups).states[0]?.backups[0]?.valid, true);
  writeFileSync(state, '[decision\nlast');
  const foretold = await rollback(data, 'state', 'zeroia', '--dry-run', '--json');
  assert.equal(foretold.code, 0, foretold.stderr);
  const plan = read<RollbackDocument>(foretold.stdout, isRollback);
  assert.deepEqual(plan.states[0]?.changes, [{ change: 'add', path: 'decision.last_decision' }]);
  assert.equal(readFileSync(state, 'utf8'), '[decision\nlast');
  const done = await rollback(data, 'state', 'zeroia', '--json');
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, /✓ put back zeroia: it cannot be parsed → /);
  const { run: id } = read<RollbackDocument>(done.stdout, isRollback);
  assert.equal(readFileSync(state, 'utf8'), good);
  const undone = await rollback(data, 'undo', id ?? '');
  assert.equal(undone.code, 0, undone.stderr);
  assert.equal(readFileSync(state, 'utf8'), '[decision\nlast');
  const listed = read<BackupsDocument>((await rollback(data, 'list', '--json')).stdout, isBackups);
  assert.deepEqual(
    listed.runs.map(({ run: name, state: end }) => [name, end]),
    [[id, 'undone']],
  );
  assert.equal(listed.states[0]?.problem, 'syntax');
}

test('rollback puts a state back and undoes it without an instance, and the journal has each step', async () => {
  await theDay('alone');
  const { stdout } = await run(['journal', 'export', '--data', 'alone'], { cwd });
  assert.match(stdout, /rollback restore zeroia/);
  assert.equal((await run(['journal', 'verify', '--data', 'alone'], { cwd })).code, 0);
});

test('rollback puts a state back and undoes it through a running instance, which backs up by itself', async () => {
  writeFileSync(state, good);
  const instance = await startInstance(['--data', 'running'], { cwd });
  try {
    const manifests = join(cwd, 'running/backups/zeroia/manifests');
    await until(() => existsSync(manifests) && readdirSync(manifests).length > 0);
    await theDay('running');
  } finally {
    await instance.stop();
  }
});

test('rollback passes over a backup whose bytes were changed, says why, and writes the minimal state', async () => {
  writeFileSync(state, good);
  await rollback('changed', 'backup');
  const objects = join(cwd, 'changed/backups/zeroia/objects');
  const [object] = readdirSync(objects, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /[0-9a-f]{64}$/.test(name),
  );
  writeFileSync(join(objects, object ?? ''), 'planted = 1\n');
  writeFileSync(state, '');
  const done = await run(['rollback', 'state', 'zeroia', '--data', 'changed', '--lang', 'fr'], { cwd });
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /ses octets ne sont plus ceux qui ont été sauvegardés/);
  assert.match(done.stdout, /contient le minimum par défaut/);
  assert.match(readFileSync(state, 'utf8'), /last_decision = "normal"[\s\S]*emergency_fallback/);
});

test('rollback exits with 3 when a service cannot be reached, with everything else done', async () => {
  writeFileSync(join(cwd, 'deployment.yaml'), profile.replace('format: toml', 'format: toml, owner: other'));
  writeFileSync(state, good);
  await rollback('owner', 'backup');
  const done = await rollback('owner', 'state', 'zeroia');
  writeFileSync(join(cwd, 'deployment.yaml'), profile);
  assert.equal(done.code, 3);
  assert.match(done.stderr, /no container engine knows this service/);
  assert.match(done.stdout, /could not be reached/);
});

test('rollback exits with 2 and one sentence at what it cannot mean', async () => {
  // Where there is no data directory, there is nothing to undo in it.
  mkdirSync(join(cwd, 'wrong-5'));
  const wrong: [string[], RegExp][] = [
    [[], /ERR_USAGE/],
    [['state'], /NAME/],
    [['state', 'nobody'], /ERR_STATE_UNKNOWN/],
    [['system', 'more'], /more/],
    [['list', '--dry-run'], /--dry-run/],
    [['undo', '../../etc/passwd'], /ERR_ROLLBACK_UNKNOWN/],
    [['state', 'zeroia', '--before', 'yesterday'], /2026-03-10T12:00:00Z/],
  ];
  const ends = wrong.map(async ([args, says], n) => {
    const ended = await rollback(`wrong-${n}`, ...args);
    assert.equal(ended.code, 2, args.join(' '));
    assert.match(ended.stderr, says);
  });
  await Promise.all(ends);
});

test('rollback --dry-run and list make no data directory', async () => {
  assert.equal((await rollback('nothing', 'list')).code, 0);
  assert.equal((await rollback('nothing', 'system', '--dry-run')).code, 0);
  assert.equal(existsSync(join(cwd, 'nothing')), false);
});
