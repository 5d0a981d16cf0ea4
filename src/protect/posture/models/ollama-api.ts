// What a running Ollama says of its models: digests, what is loaded, its version. Answers are checked; their size is limited.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import { nameKey, parseModelName } from './name.ts';

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export interface Served {
  key: string;
  shown: string;
  /** SHA-256 of the manifest, in hex. */
  digest: string;
}

export interface OllamaApi {
  url: string;
  tags(): Promise<Served[]>;
  loaded(): Promise<Served[]>;
  version(): Promise<string>;
  /** Template and system prompt as they are in effect. */
  show(model: string): Promise<{ template?: string | undefined; system?: string | undefined }>;
}

const maxBytes = 16_777_216;
const withinMs = 5_000;

const models = z.object({
  models: z
    .array(z.object({ name: z.string().optional(), model: z.string().optional(), digest: z.string() }))
    .nullish(),
});
const versionAnswer = z.object({ version: z.string().max(100) });
const showAnswer = z.object({ template: z.string().optional(), system: z.string().optional() });

/** Each call throws ERR_MODELS_API when there is no answer that can be read. */
export function createOllamaApi(url: string, fetch: Fetch): OllamaApi {
  const base = url.replace(/\/+$/, '');

  async function ask<T>(path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    try {
      const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const signal = AbortSignal.timeout(withinMs);
      const answer = await fetch(`${base}${path}`, { ...init, signal, redirect: 'error' });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      return schema.parse(JSON.parse((await limitedBody(answer, maxBytes)).toString('utf8')));
    } catch (error) {
      throw new RempartError('ERR_MODELS_API', { url: base }, error);
    }
  }

  const list = async (path: string): Promise<Served[]> => {
    const answer = await ask(path, models);
    return (answer.models ?? []).flatMap(({ name, model, digest }) => {
      const shown = name ?? model ?? '';
      const parsed = parseModelName(shown);
      return parsed === undefined ? [] : [{ key: nameKey(parsed), shown, digest: digest.replace(/^sha256:/, '') }];
    });
  };

  return {
    url: base,
    tags: () => list('/api/tags'),
    loaded: () => list('/api/ps'),
    version: async () => (await ask('/api/version', versionAnswer)).version,
    show: (model) => ask('/api/show', showAnswer, { model }),
  };
}

/** Throws once there are more bytes than `most`. */
export async function limitedBody(answer: Response, most: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > most) throw new Error(`more than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
