import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { defaultSources } from '../src/protect/posture/models/sources.ts';
import { trustModels } from '../src/protect/posture/models/trust.ts';
import { listFiles } from '../src/protect/posture/models/trusted-list.ts';
import { verifyStore } from '../src/protect/posture/models/verify-store.ts';
import { blobOf, library, ordinaryLayers, putModel } from './models-rig.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-models-'));
after(() => rmSync(root, { recursive: true, force: true }));
const store = join(root, 'models');
const files = listFiles(join(root, 'data'));
const models = ['llama3', 'mistral'].map((name) => ({
  name,
  ...putModel(store, `${library}/${name}/latest`, ordinaryLayers(name)),
}));
const trusted = await trustModels(store, files, { sources: defaultSources(), now: Date.now });
assert.deepEqual(trusted.findings, []);

const kinds: Readonly<Record<string, string>> = { model: 'weights' };
const anyBit = fc
  .record({
    model: fc.nat({ max: 1 }),
    layer: fc.nat({ max: 8 }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bit: fc.nat({ max: 7 }),
  })
  .map(({ model, layer, at, bit }) => {
    const { name, config, layers } = models[model]!;
    const one = [config, ...layers][layer]!;
    return { name, one, byte: Math.min(one.bytes.length - 1, Math.floor(at * one.bytes.length)), bit };
  });

test('verifyStore() finds any flipped bit of any layer, names model and layer, and reports nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyBit,
      fc.constantFrom('manifests', 'changed', 'full'),
      async ({ name, one, byte, bit }, depth) => {
        const file = join(store, blobOf(one.digest));
        const altered = Buffer.from(one.bytes);
        altered[byte]! ^= 1 << bit;
        const { atime, mtime } = statSync(file);
        writeFileSync(file, altered);
        // Whoever tampers sets the times back.
        utimesSync(file, atime, mtime);
        try {
          const { findings, models: seen } = await verifyStore(store, files, { depth, threads: 1 });
          assert.deepEqual(
            findings.map(({ what, model, layer, path }) => ({ what, model, layer, path })),
            [
              {
                what: 'blob-altered',
                model: `${name}:latest`,
                layer: kinds[one.type] ?? one.type,
                path: blobOf(one.digest),
              },
            ],
          );
          assert.deepEqual(
            seen.filter(({ state }) => state !== 'verified').map(({ shown }) => shown),
            [`${name}:latest`],
          );
        } finally {
          writeFileSync(file, one.bytes);
        }
      },
    ),
    { numRuns: 60 },
  );
  assert.deepEqual((await verifyStore(store, files, { depth: 'full' })).findings, []);
});

test('verifyStore() finds any flipped bit of a manifest, and names its model', async () => {
  const [{ path, manifest }] = models as [(typeof models)[number]];
  const bytes = Buffer.from(manifest);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 7 }), async (byte, bit) => {
      const altered = Buffer.from(bytes);
      altered[byte]! ^= 1 << bit;
      writeFileSync(join(store, path), altered);
      // Not a moment ago: what is just being written would be waited for.
      utimesSync(join(store, path), 1, 1);
      const { findings } = await verifyStore(store, files, { depth: 'changed', threads: 1 });
      assert.ok(findings.length > 0);
      assert.deepEqual([...new Set(findings.map(({ model }) => model))], ['llama3:latest']);
    }),
    { numRuns: 60 },
  );
  writeFileSync(join(store, path), manifest);
});

test('verifyStore() reads what has not changed only when every byte is asked for', async () => {
  await new Promise((resolve) => setTimeout(resolve, 60));
  await verifyStore(store, files, { depth: 'full' });
  const again = await verifyStore(store, files, { depth: 'changed' });
  assert.deepEqual([again.hashing.files, again.hashing.cached], [0, 18]);
  const full = await verifyStore(store, files, { depth: 'full' });
  assert.deepEqual([full.hashing.files, full.hashing.cached], [18, 0]);
  // With another list, only what was read for that list counts.
  await trustModels(store, files, { names: ['llama3'], sources: defaultSources(), now: Date.now });
  const other = await verifyStore(store, files, { depth: 'changed' });
  assert.deepEqual([other.hashing.files, other.hashing.cached], [9, 9]);
  // Notes that somebody else wrote are no notes.
  const notes = readFileSync(files.cache, 'utf8');
  writeFileSync(files.cache, notes.replace(/"sha256":"./, '"sha256":"z'));
  assert.equal((await verifyStore(store, files, { depth: 'changed' })).hashing.files, 18);
});
