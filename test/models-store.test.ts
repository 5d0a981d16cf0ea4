// What happens to a model store while it is looked at, and how it may lie on disk: links, mounts, downloads, lost bits.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openHashCache } from '../src/protect/posture/models/hash-cache.ts';
import type { Depth } from '../src/protect/posture/models/layers.ts';
import { quarantineFolder, quarantineModel } from '../src/protect/posture/models/quarantine.ts';
import { restoreModel } from '../src/protect/posture/models/restore.ts';
import { defaultSources } from '../src/protect/posture/models/sources.ts';
import { identityOf } from '../src/protect/posture/models/store.ts';
import { trustModels } from '../src/protect/posture/models/trust.ts';
import { listFiles, readList } from '../src/protect/posture/models/trusted-list.ts';
import { verifyStore } from '../src/protect/posture/models/verify-store.ts';
import { watchModels } from '../src/protect/posture/models/watch-models.ts';
import { blobOf, layer, library, listing, manifestOf, ordinaryLayers, putModel } from './models-rig.ts';

const place = mkdtempSync(join(tmpdir(), 'rempart-store-'));
after(() => rmSync(place, { recursive: true, force: true }));
let made = 0;
const isRoot = process.getuid?.() === 0;

async function bench(bigBytes = 0) {
  const root = join(place, String(++made));
  const store = join(root, 'models');
  const files = listFiles(join(root, 'data'));
  const big = bigBytes === 0 ? [] : [layer('model', Buffer.alloc(bigBytes, 'weights'))];
  const llama = putModel(store, `${library}/llama3/latest`, [...big, ...ordinaryLayers('llama3')]);
  const mistral = putModel(store, `${library}/mistral/7b`, ordinaryLayers('mistral'));
  const { findings } = await trustModels(store, files, { sources: defaultSources(), now: Date.now });
  assert.deepEqual(findings, []);
  const found = async (depth: Depth = 'changed', folder = store) => {
    const verification = await verifyStore(folder, files, { depth, threads: 1 });
    return verification.findings.map(({ what, model, layer: kind }) => [what, model, kind ?? null]);
  };
  const weights = join(store, blobOf(llama.layers[0]!.digest));
  return { root, store, files, llama, mistral, found, weights };
}

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[9]! ^= 1;
  writeFileSync(file, bytes);
}

const altered = ['blob-altered', 'llama3:latest', 'weights'];

test('verifyStore() finds a file that was changed through its other name, and quarantine leaves that name alone', async () => {
  const b = await bench();
  const other = join(b.root, 'elsewhere');
  linkSync(b.weights, other);
  assert.deepEqual(await b.found(), []);
  flip(other);
  for (const depth of ['manifests', 'changed', 'full'] as const) assert.deepEqual(await b.found(depth), [altered]);
  const bad = readFileSync(other);
  await quarantineModel(await verifyStore(b.store, b.files, { depth: 'changed' }), 'llama3', { now: 1, by: 'test' });
  assert.deepEqual(readFileSync(other), bad);
  assert.throws(() => statSync(b.weights), { code: 'ENOENT' });
});

test('verifyStore() follows a link to the store itself, and says where the store lies', async () => {
  const b = await bench();
  const link = join(b.root, 'link');
  symlinkSync(b.store, link);
  const { store, findings } = await verifyStore(link, b.files, { depth: 'full' });
  assert.deepEqual([store.root, findings], [b.store, []]);
  flip(b.weights);
  assert.deepEqual(await b.found('changed', link), [altered]);
});

test('watchModels() admits nothing on what it knew of a store once the link to it leads elsewhere', async () => {
  const b = await bench();
  const other = await bench();
  flip(other.weights);
  const link = join(b.root, 'link');
  symlinkSync(b.store, link);
  const parts = { folder: link, files: b.files, now: Date.now, onLook: () => undefined, onError: assert.fail };
  const watch = watchModels(parts, { everyMs: 60_000, fullEveryMs: 60_000 });
  try {
    assert.equal(await watch.admit('llama3'), 'verified');
    unlinkSync(link);
    symlinkSync(other.store, link);
    assert.equal(await watch.admit('llama3'), 'refused');
    assert.equal(await watch.admit('mistral:7b'), 'verified');
  } finally {
    await watch.close();
  }
});

test('watchModels() says that a model is being verified while its bytes are read, then that it is', async () => {
  const b = await bench(48 * 1_048_576);
  rmSync(b.files.cache);
  const parts = { folder: b.store, files: b.files, now: Date.now, onLook: () => undefined, onError: assert.fail };
  const watch = watchModels(parts, { everyMs: 60_000, fullEveryMs: 60_000, patienceMs: 0 });
  try {
    assert.equal(await watch.admit('llama3'), 'verifying');
    assert.equal(watch.isVerified('llama3'), false);
    await watch.look();
    assert.equal(await watch.admit('llama3'), 'verified');
  } finally {
    await watch.close();
  }
});

test('verifyStore() tells of a store that goes away meanwhile, and not of a missing model for each', async () => {
  const b = await bench();
  const away = () => renameSync(b.store, `${b.store}-away`);
  const options = { depth: 'full', threads: 1, onPlan: away } as const;
  await assert.rejects(verifyStore(b.store, b.files, options), { code: 'ERR_MODELS_STORE' });
  renameSync(`${b.store}-away`, b.store);
  // One file that goes away is missing, whenever it went.
  const gone = { depth: 'full', threads: 1, onPlan: () => rmSync(b.weights, { force: true }) } as const;
  const { findings } = await verifyStore(b.store, b.files, gone);
  assert.deepEqual(
    findings.map(({ what, layer: kind }) => [what, kind]),
    [['blob-missing', 'weights']],
  );
});

test('verifyStore() names a layer whose file it may not read, and does not take its model for verified', async () => {
  const b = await bench();
  chmodSync(b.weights, 0);
  // Root may read everything: somebody else looks in its place.
  const nobody = 65_534;
  if (isRoot) {
    for (const path of readdirSync(place, { recursive: true, encoding: 'utf8' }))
      chownSync(join(place, path), nobody, nobody);
    chownSync(place, nobody, nobody);
    chownSync(b.weights, 0, 0);
    process.seteuid?.(nobody);
  }
  try {
    const { findings, models } = await verifyStore(b.store, b.files, { depth: 'full', threads: 1 });
    assert.deepEqual(
      findings.map(({ what, model, layer: kind, detail }) => [what, model, kind, detail]),
      [['blob-unreadable', 'llama3:latest', 'weights', 'EACCES']],
    );
    assert.deepEqual(
      models.map(({ shown, state }) => [shown, state]),
      [
        ['llama3:latest', 'refused'],
        ['mistral:7b', 'verified'],
      ],
    );
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(b.weights, 0o600);
  }
});

test('verifyStore() sees a change whose times were set back, and a bit that the disk lost only when every byte is read', async () => {
  const b = await bench();
  const { atime, mtime } = statSync(b.weights);
  await pause(60);
  assert.deepEqual(await b.found('full'), []);
  flip(b.weights);
  utimesSync(b.weights, atime, mtime);
  for (const depth of ['manifests', 'changed', 'full'] as const) assert.deepEqual(await b.found(depth), [altered]);
  // The file's identity is what was noted, and its bytes are others: nothing that a look at the file could show.
  const list = readList(b.files);
  assert.ok(list.kind === 'list');
  const cache = openHashCache(b.files, b.store, list.list.signature);
  const { digest } = b.llama.layers[0]!;
  await pause(60);
  cache.keep(blobOf(digest), identityOf(statSync(b.weights, { bigint: true })), digest, Date.now());
  cache.save();
  assert.deepEqual(await b.found('manifests'), []);
  assert.deepEqual(await b.found('changed'), []);
  assert.deepEqual(await b.found('full'), [altered]);
});

test('verifyStore() passes over a download that is going on, and takes its manifest up once it is whole', async () => {
  const b = await bench();
  const layers = ordinaryLayers('phi');
  const hex = layers[0]!.digest;
  for (const part of ['-partial', '-partial-0', '-partial-1'])
    writeFileSync(join(b.store, `${blobOf(hex)}${part}`), 'half of it');
  assert.deepEqual(await b.found('full'), []);
  const before = listing(b.store);
  // The manifest appears while the bytes of the others are read, after the folder was looked at.
  const pull = () => putModel(b.store, `${library}/phi/latest`, layers);
  const during = await verifyStore(b.store, b.files, { depth: 'full', threads: 1, onPlan: pull });
  assert.deepEqual(during.findings, []);
  assert.deepEqual(await b.found('changed'), [['model-unknown', 'phi:latest', null]]);
  for (const [path, hash] of Object.entries(before)) assert.equal(listing(b.store)[path], hash, path);
});

test('verifyStore() looks again where a manifest is exchanged while its layers are read', async () => {
  const b = await bench();
  let pulls = 0;
  // As a pull of the same name: other weights, a new manifest, and what nothing names any more is pruned.
  const onPlan = () => {
    if (++pulls > 1) return;
    const weights = layer('model', 'newer weights');
    putModel(b.store, `${library}/llama3/latest`, [weights, ...b.llama.layers.slice(1)]);
    rmSync(b.weights);
  };
  const { findings } = await verifyStore(b.store, b.files, { depth: 'full', threads: 1, onPlan });
  assert.deepEqual([...new Set(findings.map(({ what, layer: kind }) => `${what} ${kind}`))].sort(), [
    'layer-changed config',
    'layer-changed weights',
  ]);
});

test('verifyStore() reads a manifest that is just being written once more before it calls it broken', async () => {
  const b = await bench();
  const manifest = manifestOf(b.llama.config, b.llama.layers);
  const file = join(b.store, b.llama.path);
  writeFileSync(file, manifest.slice(0, 100));
  const rest = pause(50).then(() => appendFileSync(file, manifest.slice(100)));
  assert.deepEqual(await b.found(), []);
  await rest;
  writeFileSync(file, manifest.slice(0, 100));
  assert.deepEqual(await b.found(), [['manifest-unreadable', 'llama3:latest', null]]);
});

test('quarantineModel() moves nothing and leaves no evidence where the quarantine lies on another file system', async (t) => {
  const b = await bench();
  const mount = join(b.store, quarantineFolder);
  mkdirSync(mount);
  if (!isRoot || spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', mount]).status !== 0)
    return t.skip('a file system is mounted by root only');
  try {
    flip(b.weights);
    const before = listing(b.store);
    const verification = await verifyStore(b.store, b.files, { depth: 'changed' });
    const moving = quarantineModel(verification, 'llama3', { now: 1, by: 'test' });
    await assert.rejects(moving, { code: 'ERR_MODELS_QUARANTINE', message: /EXDEV/ });
    assert.deepEqual(listing(b.store), before);
  } finally {
    spawnSync('umount', [mount]);
  }
});

const spoilt: Readonly<Record<string, (backup: string, b: Awaited<ReturnType<typeof bench>>) => void>> = {
  'another manifest': (backup, { llama }) =>
    writeFileSync(join(backup, llama.path), manifestOf(llama.config, llama.layers.slice(1))),
  'a layer that leads out of it': (backup, { llama, weights }) => {
    const file = join(backup, blobOf(llama.layers[0]!.digest));
    rmSync(file);
    symlinkSync(weights, file);
  },
  'a layer too few': (backup, { llama }) => rmSync(join(backup, blobOf(llama.layers[3]!.digest))),
};

for (const [title, spoil] of Object.entries(spoilt))
  test(`restoreModel() takes nothing from a backup with ${title}`, async () => {
    const b = await bench();
    const backup = join(b.root, 'backup');
    putModel(backup, `${library}/llama3/latest`, b.llama.layers);
    flip(b.weights);
    spoil(backup, b);
    const before = listing(b.store);
    const restoring = restoreModel(b.store, b.files, 'llama3', { from: backup, now: 1 });
    await assert.rejects(restoring, { code: 'ERR_MODELS_BACKUP' });
    assert.deepEqual(listing(b.store), before);
  });

test('restoreModel() puts nothing in place when the backup changes after it was read', async () => {
  const b = await bench();
  const backup = join(b.root, 'backup');
  putModel(backup, `${library}/llama3/latest`, b.llama.layers);
  flip(b.weights);
  const before = listing(b.store);
  let plans = 0;
  // The first reading is that of the backup, the second that of the store.
  const onPlan = () => {
    if (++plans === 2) flip(join(backup, blobOf(b.llama.layers[0]!.digest)));
  };
  const restoring = restoreModel(b.store, b.files, 'llama3', { from: backup, now: 1, onPlan });
  await assert.rejects(restoring, { code: 'ERR_MODELS_RESTORE', message: /EIO/ });
  assert.deepEqual(listing(b.store), before);
});
