// The files that a sandbox protects: states with their schemas, a log, and a model store laid out as Ollama's.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SandboxFiles {
  json: string;
  toml: string;
  log: string;
  /** The model store, its clean copy, and one layer of its only model. */
  models: string;
  modelsCopy: string;
  layer: string;
}

export const drillModel = 'drill-model:latest';

export function writeSandboxFiles(dir: string): SandboxFiles {
  const at = join(dir, 'protected');
  mkdirSync(join(at, 'states'), { recursive: true, mode: 0o700 });
  const files = {
    json: join(at, 'states', 'modules.json'),
    toml: join(at, 'states', 'settings.toml'),
    log: join(at, 'core.log'),
    models: join(at, 'models'),
    modelsCopy: join(at, 'models-copy'),
  };
  writeFileSync(
    files.json,
    `${JSON.stringify({ version: 1, modules: { planner: 'ready', memory: 'ready' } }, null, 2)}\n`,
  );
  writeFileSync(
    join(at, 'states', 'modules.schema.json'),
    JSON.stringify({
      type: 'object',
      required: ['version', 'modules'],
      properties: {
        version: { type: 'integer' },
        modules: { type: 'object', additionalProperties: { type: 'string' } },
      },
    }),
  );
  writeFileSync(files.toml, 'level = "calm"\n[limits]\nturns = 20\n');
  writeFileSync(files.log, '');
  const layer = writeModels(files.models);
  cpSync(files.models, files.modelsCopy, { recursive: true });
  return { ...files, layer };
}

/** Manifest and blobs as Ollama keeps them; small, since only their hashes matter. */
function writeModels(store: string): string {
  const blobs = join(store, 'blobs');
  mkdirSync(blobs, { recursive: true });
  const keep = (mediaType: string, text: string | Buffer) => {
    const bytes = Buffer.from(text);
    const digest = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, `sha256-${digest}`), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const weights = keep('application/vnd.ollama.image.model', gguf());
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: keep(
      'application/vnd.docker.container.image.v1+json',
      JSON.stringify({ model_format: 'gguf', model_family: 'drill', architecture: 'amd64', os: 'linux' }),
    ),
    layers: [weights, keep('application/vnd.ollama.image.system', 'You answer shortly.')],
  };
  const folder = join(store, 'manifests', 'registry.ollama.ai', 'library', 'drill-model');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'latest'), JSON.stringify(manifest));
  return join(blobs, weights.digest.replace(':', '-'));
}

/** The beginning of a GGUF file, then noise: 64 KiB. */
function gguf(): Buffer {
  const bytes = Buffer.alloc(65_536);
  bytes.write('GGUF', 0, 'latin1');
  bytes.writeUInt32LE(3, 4);
  for (let at = 24; at < bytes.length; at += 32) createHash('sha256').update(`layer ${at}`).digest().copy(bytes, at);
  return bytes;
}
