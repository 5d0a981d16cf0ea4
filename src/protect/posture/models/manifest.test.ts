import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maxManifestBytes, readManifest } from './manifest.ts';
import { isCloudName, nameKey, parseModelName, shownName } from './name.ts';
import { readWeaknesses, versionFinding } from './weaknesses.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const entry = { mediaType: 'application/vnd.ollama.image.model', digest, size: 1 };

const hostile: [string, string | Buffer, string][] = [
  ['a file that is too large', Buffer.alloc(maxManifestBytes + 1, 32), 'too-large'],
  ['no JSON', '{', 'not-json'],
  ['a list', '[]', 'not-a-manifest'],
  ['no config', '{"layers":[]}', 'not-a-manifest'],
  ['layers that are no list', JSON.stringify({ config: entry, layers: {} }), 'not-a-manifest'],
  ['a size below zero', JSON.stringify({ config: entry, layers: [{ ...entry, size: -1 }] }), 'not-a-manifest'],
  [
    'a path for a digest',
    JSON.stringify({ config: entry, layers: [{ ...entry, digest: `sha256:../../${'a'.repeat(58)}` }] }),
    'bad-digest',
  ],
  [
    'a digest that is too short',
    JSON.stringify({ config: { ...entry, digest: 'sha256:ab' }, layers: [] }),
    'bad-digest',
  ],
  ['the same key in another case', JSON.stringify({ config: entry, layers: [], Layers: [entry] }), 'duplicate-key'],
  ['a known key in another case', JSON.stringify({ config: entry, LAYERS: [entry] }), 'duplicate-key'],
];
for (const [title, bytes, why] of hostile)
  test(`readManifest() reports ${title} as ${why}`, () => {
    assert.deepEqual(readManifest(Buffer.from(bytes)), { kind: 'bad', why });
  });

test('readManifest() never throws, whatever the bytes', () => {
  fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => void readManifest(Buffer.from(text))));
});

const same: [string, string][] = [
  ['llama3', 'registry.ollama.ai/library/llama3:latest'],
  [' LLama3 ', 'library/llama3:LATEST'],
  ['https://registry.ollama.ai/library/llama3', 'llama3:latest'],
  ['127.0.0.1:5000/ns/m', '127.0.0.1:5000/NS/M:latest'],
];
for (const [one, other] of same)
  test(`nameKey() is the same for "${one}" and "${other}"`, () => {
    assert.equal(nameKey(parseModelName(one)!), nameKey(parseModelName(other)!));
  });

for (const bad of ['', '../x', 'a/b/c/d', 'x:', 'a b', '.hidden', 'ns/../x', 'x:../y', 'x\u0000'])
  test(`parseModelName() takes ${JSON.stringify(bad)} for no name`, () => {
    assert.equal(parseModelName(bad), undefined);
  });

test('isCloudName() knows a tag that is sent elsewhere', () => {
  const cloud = ['gpt-oss:120b-cloud', 'x:cloud', 'x:CLOUD', 'cloud:latest', 'x:cloudy', 'x:7b'].map((name) =>
    isCloudName(parseModelName(name)!),
  );
  assert.deepEqual(cloud, [true, true, true, false, false, false]);
  assert.equal(shownName(parseModelName('hf.co/ns/Model:Q4_K_M')!), 'hf.co/ns/Model:Q4_K_M');
});

const versions: [string, boolean, string?][] = [
  ['0.1.33', true, 'CVE-2024-37032'],
  ['0.17.0', true, 'CVE-2026-7482'],
  ['0.17.1-rc0', true, 'CVE-2026-7482'],
  ['0.20.2', true, 'CVE-2026-7020'],
  ['0.20.3', false],
  ['1.0.0', false],
];
for (const [version, weak, id = ''] of versions)
  test(`versionFinding() ${weak ? `names ${id} for` : 'has nothing against'} ${version}`, () => {
    const finding = versionFinding(version, readWeaknesses());
    assert.equal(finding !== undefined, weak);
    if (weak) assert.ok(finding?.detail?.includes(id), finding?.detail);
  });
