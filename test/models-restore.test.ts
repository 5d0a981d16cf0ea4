// `rempart models restore`: a model back as it was trusted, or the store as it was; and the records that are kept of it.
import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from './instance.ts';
import { bench, flip, made, place } from './models-command-rig.ts';
import { blobOf, library, listing, manifestOf, ordinaryLayers, putModel } from './models-rig.ts';

test('models restore puts a trusted model back from a clean copy, and changes nothing when the copy is not clean', async () => {
  const b = await bench();
  const backup = join(place.dir, `backup-${made}`);
  cpSync(b.store, backup, { recursive: true });
  const good = listing(b.store);
  flip(join(b.store, blobOf(b.llama.layers[0]!.digest)), 100, 7);
  writeFileSync(join(b.store, b.llama.path), manifestOf(b.llama.config, b.llama.layers.slice(1)));
  const tampered = listing(b.store);
  flip(join(backup, blobOf(b.llama.layers[3]!.digest)), 0, 0);
  const unclean = await b.models('restore', 'llama3', '--from', backup);
  assert.equal(unclean.code, 1);
  assert.match(
    unclean.stderr,
    /The backup does not hold the model as it was trusted: .*template.*\(ERR_MODELS_BACKUP\)/,
  );
  assert.deepEqual(listing(b.store), tampered);
  flip(join(backup, blobOf(b.llama.layers[3]!.digest)), 0, 0);
  const restored = await b.document('restore', 'llama3', '--from', backup);
  assert.deepEqual(restored.restored?.files, [blobOf(b.llama.layers[0]!.digest), b.llama.path]);
  assert.equal((await b.models('verify', '--full')).code, 0);
  const now = listing(b.store);
  for (const [path, hash] of Object.entries(good)) assert.equal(now[path], hash, path);
  // What was in the places is kept.
  const kept = Object.entries(now).filter(([path]) => path.startsWith('rempart-quarantine/'));
  assert.deepEqual(kept.map(([, hash]) => hash).sort(), restored.restored!.files.map((path) => tampered[path]).sort());
  const again = await b.models('restore', 'llama3', '--from', backup);
  assert.equal(again.stdout, '"llama3:latest" was already as trusted: nothing was changed.\n');
});

test('models restore leaves the store as it was when the model cannot be verified afterwards', async () => {
  const b = await bench();
  const backup = join(place.dir, `backup-${made}`);
  cpSync(b.store, backup, { recursive: true });
  flip(join(b.store, blobOf(b.llama.layers[0]!.digest)), 9, 1);
  // A second model under the same name but for its case: whichever Ollama finds first answers.
  putModel(b.store, `${library}/LLAMA3/latest`, ordinaryLayers('shadow'));
  const before = listing(b.store);
  const failed = await b.models('restore', 'llama3', '--from', backup);
  assert.equal(failed.code, 3);
  assert.match(
    failed.stderr,
    /could not be restored \(ERR_MODEL_UNVERIFIED\); the store is as it was \(ERR_MODELS_RESTORE\)/,
  );
  assert.deepEqual(listing(b.store), before);
});

test('models quarantine and restore leave their records in the journal, and the journal verifies', async () => {
  const b = await bench();
  const backup = join(place.dir, `backup-${made}`);
  cpSync(b.store, backup, { recursive: true });
  await b.models('quarantine', 'mistral:7b');
  assert.equal((await b.models('restore', 'mistral:7b', '--from', backup)).code, 0);
  assert.equal((await b.models('verify', '--full')).code, 0);
  const { stdout } = await run(['journal', 'tail', '--data', b.data, '--json'], { cwd: place.dir });
  const { records } = JSON.parse(stdout) as { records: { event: { api?: { operation: string } } }[] };
  assert.deepEqual(
    records.map(({ event }) => event.api?.operation),
    ['models trust', 'models quarantine', 'models restore', 'models verify'],
  );
  assert.equal((await run(['journal', 'verify', '--data', b.data], { cwd: place.dir })).code, 0);
});
