// Every way of tampering with a model store: found and named by `rempart models verify`, put away by `quarantine`.
import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Bench, bench, briefly, evil, flip, place } from './models-command-rig.ts';
import { blobOf, layer, library, listing, type MadeModel, manifestOf, ordinaryLayers, putModel } from './models-rig.ts';

interface Tampering {
  title: string;
  /** Returns the files that are no longer as they were, beside what is put away. */
  tamper(b: Bench): void;
  found: [string, string, string | null][];
  /** Which name is given to `quarantine`, and what it moves. */
  quarantine: string;
  moves(b: Bench): string[];
  affected?: string[];
}

const ownBlobs = ({ config, layers }: MadeModel) =>
  [config, ...layers].filter(({ type }) => type !== 'license').map(({ digest }) => blobOf(digest));

const tamperings: Tampering[] = [
  {
    title: 'a flipped bit in the weights',
    tamper: ({ store, llama }) => flip(join(store, blobOf(llama.layers[0]!.digest)), 1_000, 4),
    found: [['blob-altered', 'llama3:latest', 'weights']],
    quarantine: 'llama3',
    moves: ({ llama }) => [llama.path, ...ownBlobs(llama)],
  },
  {
    title: 'a swapped template',
    tamper: ({ store, llama }) => {
      writeFileSync(join(store, blobOf(evil.digest)), evil.bytes);
      const layers = llama.layers.map((one) => (one.type === 'template' ? evil : one));
      writeFileSync(join(store, llama.path), manifestOf(llama.config, layers));
    },
    found: [['layer-changed', 'llama3:latest', 'template']],
    quarantine: 'llama3',
    moves: ({ llama }) => {
      const old = blobOf(llama.layers.find(({ type }) => type === 'template')!.digest);
      return [llama.path, ...ownBlobs(llama).filter((path) => path !== old), blobOf(evil.digest)];
    },
  },
  {
    title: 'an added alias',
    tamper: ({ store, llama }) => {
      mkdirSync(join(store, `manifests/${library}/gpt-safe`));
      copyFileSync(join(store, llama.path), join(store, `manifests/${library}/gpt-safe/latest`));
    },
    found: [['model-alias', 'gpt-safe:latest', null]],
    quarantine: 'GPT-Safe',
    moves: () => [`manifests/${library}/gpt-safe/latest`],
  },
  {
    title: 'a name that differs from a trusted one by its case',
    tamper: ({ store, mistral }) => {
      mkdirSync(join(store, `manifests/${library}/Mistral`));
      const other = putModel(store, `${library}/Mistral/7b`, ordinaryLayers('other'));
      assert.notEqual(other.manifest, mistral.manifest);
    },
    found: [['model-alias', 'Mistral:7b', null]],
    quarantine: 'Mistral:7b',
    moves: () => {
      const layers = ordinaryLayers('other');
      const config = putModel(join(place.dir, 'other'), `${library}/x/y`, layers).config;
      return [`manifests/${library}/Mistral/7b`, ...[config, ...layers].map(({ digest }) => blobOf(digest))];
    },
  },
  {
    title: 'a layer removed from the manifest',
    tamper: ({ store, llama }) => {
      const layers = llama.layers.filter(({ type }) => type !== 'system');
      writeFileSync(join(store, llama.path), manifestOf(llama.config, layers));
    },
    found: [['layer-removed', 'llama3:latest', 'system']],
    quarantine: 'llama3:latest',
    moves: ({ llama }) => {
      const old = blobOf(llama.layers.find(({ type }) => type === 'system')!.digest);
      return [llama.path, ...ownBlobs(llama).filter((path) => path !== old)];
    },
  },
  {
    title: 'the file of a layer removed',
    tamper: ({ store, llama }) => unlinkSync(join(store, blobOf(llama.layers[2]!.digest))),
    found: [['blob-missing', 'llama3:latest', 'adapter']],
    quarantine: 'library/llama3',
    moves: ({ llama }) => [llama.path, ...ownBlobs(llama).filter((path) => path !== blobOf(llama.layers[2]!.digest))],
  },
  {
    title: 'a layer that is a link out of the store',
    tamper: ({ store, llama }) => {
      const blob = join(store, blobOf(llama.layers[0]!.digest));
      renameSync(blob, join(place.dir, 'elsewhere'));
      symlinkSync(join(place.dir, 'elsewhere'), blob);
    },
    found: [['symlink-outside', 'llama3:latest', 'weights']],
    quarantine: 'llama3',
    moves: ({ llama }) => [llama.path, ...ownBlobs(llama)],
  },
  {
    title: 'a manifest that is a link out of the store',
    tamper: ({ store }) => {
      writeFileSync(join(place.dir, 'manifest'), '{}');
      symlinkSync(join(place.dir, 'manifest'), join(store, `manifests/${library}/mistral/latest`));
    },
    found: [['symlink-outside', 'mistral:latest', null]],
    quarantine: 'mistral',
    moves: () => [`manifests/${library}/mistral/latest`],
  },
  {
    title: 'an altered layer that two models share',
    tamper: ({ store, llama }) => flip(join(store, blobOf(llama.layers.at(-1)!.digest)), 3, 1),
    found: [
      ['blob-altered', 'llama3:latest', 'license'],
      ['blob-altered', 'mistral:7b', 'license'],
    ],
    quarantine: 'llama3',
    moves: ({ llama }) => [llama.path, ...ownBlobs(llama), blobOf(llama.layers.at(-1)!.digest)],
    affected: ['mistral:7b'],
  },
  {
    title: 'an extra layer',
    tamper: ({ store, llama }) => {
      const extra = layer('adapter', 'GGUF another adapter');
      writeFileSync(join(store, blobOf(extra.digest)), extra.bytes);
      writeFileSync(join(store, llama.path), manifestOf(llama.config, [...llama.layers, extra]));
    },
    found: [['layer-added', 'llama3:latest', 'adapter']],
    quarantine: 'llama3',
    moves: ({ llama }) => [llama.path, ...ownBlobs(llama), blobOf(layer('adapter', 'GGUF another adapter').digest)],
  },
  {
    title: 'a digest that is a path',
    tamper: ({ store }) => {
      mkdirSync(join(store, `manifests/${library}/bad`));
      const digest = 'sha256:../../../../../../etc/passwd';
      const config = { mediaType: 'x', digest, size: 1 };
      writeFileSync(
        join(store, `manifests/${library}/bad/latest`),
        JSON.stringify({ schemaVersion: 2, config, layers: [] }),
      );
    },
    found: [['manifest-unreadable', 'bad:latest', null]],
    quarantine: 'bad',
    moves: () => [`manifests/${library}/bad/latest`],
  },
];

for (const { title, tamper, found, quarantine, moves, affected = [] } of tamperings)
  test(`models verify finds and names ${title}, models quarantine moves it and touches nothing else`, async () => {
    const b = await bench();
    tamper(b);
    const before = listing(b.store);
    const verified = await b.document('verify');
    assert.deepEqual(briefly(verified), found);
    assert.deepEqual(listing(b.store), before);
    const end = await b.document('quarantine', quarantine);
    const expected = moves(b).sort();
    assert.deepEqual(end.quarantine?.moved.map(({ from }) => from).sort(), expected);
    assert.deepEqual(end.quarantine?.affected, affected);
    const now = listing(b.store);
    // Everything that was there is there still, byte for byte: in its place, or in quarantine.
    for (const [path, hash] of Object.entries(before)) {
      const moved: { to: string } | undefined = end.quarantine?.moved.find(({ from }) => from === path);
      assert.equal(now[moved?.to ?? path], hash, path);
      if (moved !== undefined) assert.equal(now[path], undefined, path);
    }
    const added = Object.keys(now).filter((path) => !path.startsWith('rempart-quarantine/') && !(path in before));
    assert.deepEqual(added, []);
    const evidence = Object.keys(now).filter((path) => path.endsWith('/evidence.json'));
    assert.equal(evidence.length, 1);
    const written = JSON.parse(readFileSync(join(b.store, evidence[0]!), 'utf8')) as { findings: { what: string }[] };
    assert.equal(written.findings[0]?.what, found[0]?.[0]);
  });

test('models verify names a model nobody vouched for, a cloud model and a model that is gone', async () => {
  const b = await bench();
  putModel(b.store, `${library}/stray/latest`, ordinaryLayers('stray'));
  putModel(b.store, `${library}/big/120b-cloud`, []);
  putModel(b.store, `${library}/far/latest`, [], { remote_host: 'https://ollama.com', remote_model: 'far' });
  rmSync(join(b.store, b.mistral.path));
  assert.deepEqual(briefly(await b.document('verify')), [
    ['model-missing', 'mistral:7b', null],
    ['model-unknown', 'big:120b-cloud', null],
    ['model-remote', 'big:120b-cloud', null],
    ['model-unknown', 'far:latest', null],
    ['model-unknown', 'stray:latest', null],
    ['model-remote', 'far:latest', null],
  ]);
});
