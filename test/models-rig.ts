// A model store laid out as Ollama lays out its own, for tests: the same folders, file names, key order and media types.
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface MadeLayer {
  type: string;
  bytes: Buffer;
  digest: string;
}

export interface MadeModel {
  /** Below the store's folder. */
  path: string;
  manifest: string;
  config: MadeLayer;
  layers: MadeLayer[];
}

const imageLayer = 'application/vnd.ollama.image.';
const configType = 'application/vnd.docker.container.image.v1+json';

export function layer(type: string, bytes: Buffer | string): MadeLayer {
  const content = Buffer.from(bytes);
  return { type, bytes: content, digest: createHash('sha256').update(content).digest('hex') };
}

/** Every kind of layer that changes what a model says. */
export function ordinaryLayers(seed: string): MadeLayer[] {
  return [
    layer('model', Buffer.concat([Buffer.from('GGUF'), Buffer.from(`weights of ${seed} `.repeat(200))])),
    layer('projector', `GGUF projector of ${seed}`),
    layer('adapter', `GGUF adapter of ${seed}`),
    layer('template', `{{ if .System }}<|system|>{{ .System }}{{ end }}<|user|>{{ .Prompt }}<|${seed}|>`),
    layer('system', `You are ${seed}.`),
    layer('params', `{"stop":["<|user|>"],"temperature":0.7,"seed":"${seed}"}`),
    layer('messages', `[{"role":"user","content":"hello ${seed}"}]`),
    layer('license', `The licence of ${seed}`),
  ];
}

/** Writes the blobs and the manifest, as `ollama pull` leaves them; `more` goes into the configuration. */
export function putModel(store: string, place: string, layers: readonly MadeLayer[], more: object = {}): MadeModel {
  const digests = layers.map(({ digest }) => `sha256:${digest}`);
  const config = layer(
    'config',
    JSON.stringify({
      model_format: 'gguf',
      model_family: 'llama',
      model_families: ['llama'],
      model_type: '1B',
      file_type: 'Q4_0',
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: digests },
      ...more,
    }),
  );
  const path = `manifests/${place}`;
  const manifest = manifestOf(config, layers);
  mkdirSync(join(store, 'blobs'), { recursive: true });
  for (const { digest, bytes } of [config, ...layers]) writeFileSync(join(store, blobOf(digest)), bytes);
  mkdirSync(dirname(join(store, path)), { recursive: true });
  writeFileSync(join(store, path), manifest);
  return { path, manifest, config, layers: [...layers] };
}

export function manifestOf(config: MadeLayer, layers: readonly MadeLayer[]): string {
  const entry = (mediaType: string, { digest, bytes }: MadeLayer) => ({
    mediaType,
    digest: `sha256:${digest}`,
    size: bytes.length,
  });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: entry(configType, config),
    layers: layers.map((one) => entry(`${imageLayer}${one.type}`, one)),
  });
}

export function blobOf(digest: string): string {
  return `blobs/sha256-${digest}`;
}

export const library = 'registry.ollama.ai/library';

/** Every file below a folder with what is in it; a link with where it leads. */
export function listing(root: string, below = ''): Record<string, string> {
  const all: Record<string, string> = {};
  for (const name of readdirSync(join(root, below)).sort()) {
    const path = below === '' ? name : `${below}/${name}`;
    const file = join(root, path);
    const stat = lstatSync(file);
    if (stat.isDirectory()) Object.assign(all, listing(root, path));
    else if (stat.isSymbolicLink()) all[path] = `-> ${readlinkSync(file)}`;
    else all[path] = createHash('sha256').update(readFileSync(file)).digest('hex');
  }
  return all;
}
