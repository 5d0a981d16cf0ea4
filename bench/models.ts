// How fast a model store is verified, beside what one plain SHA-256 does with the same bytes, and the cheap look beside a full one.
import { createHash, randomFillSync } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Depth } from '../src/protect/posture/models/layers.ts';
import { defaultSources } from '../src/protect/posture/models/sources.ts';
import { trustModels } from '../src/protect/posture/models/trust.ts';
import { listFiles } from '../src/protect/posture/models/trusted-list.ts';
import { verifyStore } from '../src/protect/posture/models/verify-store.ts';
import { layer, library, putModel } from '../test/models-rig.ts';

const models = 4;
const weightsBytes = 256 * 1_048_576;
const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'rempart-bench-'));
const store = join(root, 'models');
const files = listFiles(join(root, 'data'));
const blobs: string[] = [];
mkdirSync(join(store, 'blobs'), { recursive: true });
const chunk = Buffer.alloc(16 * 1_048_576);

function put(bytes: number): { digest: string; size: number } {
  const hash = createHash('sha256');
  const draft = join(root, 'draft');
  const fd = openSync(draft, 'w');
  for (let left = bytes; left > 0; left -= chunk.length) {
    randomFillSync(chunk);
    const part = chunk.subarray(0, Math.min(left, chunk.length));
    hash.update(part);
    writeSync(fd, part);
  }
  closeSync(fd);
  const hex = hash.digest('hex');
  const blob = join(store, 'blobs', `sha256-${hex}`);
  writeFileSync(blob, readFileSync(draft));
  blobs.push(blob);
  return { digest: `sha256:${hex}`, size: bytes };
}

for (let model = 0; model < models; model++) {
  const folder = join(store, 'manifests', 'registry.ollama.ai', 'library', `bench${model}`);
  mkdirSync(folder, { recursive: true });
  const config = { mediaType: 'application/vnd.docker.container.image.v1+json', ...put(500) };
  const kinds = ['model', 'template', 'system', 'params', 'license'];
  const layers = kinds.map((kind) => ({
    mediaType: `application/vnd.ollama.image.${kind}`,
    ...put(kind === 'model' ? weightsBytes : 2_000),
  }));
  writeFileSync(join(folder, 'latest'), JSON.stringify({ schemaVersion: 2, config, layers }));
}

/** One hash, one thread, no verification: the floor of this machine. */
function plain(): { seconds: number; bytes: number } {
  const buffer = Buffer.allocUnsafeSlow(1_048_576);
  const began = performance.now();
  let bytes = 0;
  for (const blob of blobs) {
    const hash = createHash('sha256');
    const fd = openSync(blob, 'r');
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, read));
      bytes += read;
    }
    hash.digest();
    closeSync(fd);
  }
  return { seconds: (performance.now() - began) / 1_000, bytes };
}

async function verify(depth: Depth, threads: number): Promise<{ seconds: number; bytes: number }> {
  const began = performance.now();
  const { findings, hashing } = await verifyStore(store, files, { depth, threads });
  if (findings.length > 0) throw new Error(`found ${findings.length}`);
  return { seconds: (performance.now() - began) / 1_000, bytes: hashing.bytes };
}

/** A store of many models that hold next to nothing: what the files cost beside their bytes. */
async function manySmall(count: number) {
  const folder = join(root, 'many');
  const own = listFiles(join(root, 'many-data'));
  for (let at = 0; at < count; at++)
    putModel(folder, `${library}/small${at}/latest`, [layer('model', `weights ${at}`), layer('template', `${at}`)]);
  await trustModels(folder, own, { sources: defaultSources(), now: Date.now });
  const timed = async (depth: Depth) => {
    const began = performance.now();
    const { findings, hashing } = await verifyStore(folder, own, { depth });
    if (findings.length > 0) throw new Error(`found ${findings.length}`);
    return { seconds: (performance.now() - began) / 1_000, bytes: hashing.bytes };
  };
  return { full: await timed('full'), changed: await timed('changed') };
}

const row = ({ seconds, bytes }: { seconds: number; bytes: number }) => ({
  ms: Math.round(seconds * 1_000),
  MB: Math.round(bytes / 1e6),
  'MB/s': bytes < 1e6 ? '' : Math.round(bytes / 1e6 / seconds),
});

try {
  await trustModels(store, files, { sources: defaultSources(), now: Date.now });
  plain();
  const most = availableParallelism();
  const many = await manySmall(10_000);
  console.table({
    'floor: plain SHA-256, one thread': row(plain()),
    'verify --full, one thread': row(await verify('full', 1)),
    [`verify --full, ${most} threads`]: row(await verify('full', most)),
    'verify, nothing changed': row(await verify('changed', most)),
    'verify --cheap': row(await verify('manifests', most)),
    '10,000 small models, verify --full': row(many.full),
    '10,000 small models, verify, nothing changed': row(many.changed),
  });
} finally {
  rmSync(root, { recursive: true });
}
