// Which path speaks which dialect, and who answers it.
import type { Dialect } from '../../platform/wire/dialect.ts';
import type { Handle } from './api.ts';
import { chat, completion, fim } from './completion-api.ts';
import { embeddings, listModels, oneModel } from './models-api.ts';
import * as ollama from './ollama-api.ts';

export interface Route {
  method: 'GET' | 'POST';
  handle: Handle;
  /** Draws on the key's limits. */
  metered: boolean;
}

export type Found =
  | { kind: 'route'; route: Route; dialect: Dialect; path: string; rest: string }
  | { kind: 'none'; dialect: Dialect; path: string }
  | { kind: 'method'; dialect: Dialect; path: string };

const get = (handle: Handle): Route => ({ method: 'GET', handle, metered: false });
const post = (handle: Handle, metered = true): Route => ({ method: 'POST', handle, metered });

const v1: Readonly<Record<string, Route>> = {
  '/v1/chat/completions': post(chat),
  '/v1/embeddings': post(embeddings),
  '/v1/models': get(listModels),
};
const routes: Readonly<Record<Dialect, Readonly<Record<string, Route>>>> = {
  openai: { ...v1, '/v1/completions': post(completion) },
  mistral: { ...v1, '/v1/fim/completions': post(fim) },
  ollama: {
    '/': get(ollama.ollamaRoot),
    '/api/chat': post(ollama.ollamaChat),
    '/api/generate': post(ollama.ollamaGenerate),
    '/api/embed': post(ollama.ollamaEmbed),
    '/api/embeddings': post(ollama.ollamaEmbeddings),
    '/api/tags': get(ollama.ollamaTags),
    '/api/ps': get(ollama.ollamaPs),
    '/api/show': post(ollama.ollamaShow, false),
    '/api/version': get(ollama.ollamaVersion),
  },
};

/**
 * The dialect follows the path. `/api/…` and `/` are Ollama's. `/v1/…` is Mistral's on a Mistral stand-in, else OpenAI's
 * (Ollama has a compatible one). A stand-in for all of them also takes `/openai`, `/mistral` or `/ollama` before the path,
 * and knows `/v1/fim/completions` as Mistral's, since nobody else has it.
 */
export function findRoute(served: Dialect | 'all', method: string, url: string): Found {
  const full = url.split('?', 1)[0]!;
  const prefix = served === 'all' ? /^\/(openai|mistral|ollama)(?=\/|$)/.exec(full) : null;
  const path = (prefix === null ? full : full.slice(prefix[0].length)) || '/';
  const dialect = (prefix?.[1] as Dialect | undefined) ?? dialectOf(served, path);
  const served1 = served === 'all' || served === dialect || (served === 'ollama' && dialect === 'openai');
  if (!served1) return { kind: 'none', dialect: served, path };
  const table = routes[dialect];
  const one = /^\/v1\/models\/(.+)$/.exec(path);
  const route =
    one !== null && dialect !== 'ollama' ? get(oneModel) : Object.hasOwn(table, path) ? table[path] : undefined;
  if (route === undefined) return { kind: 'none', dialect, path };
  if (method !== route.method && !(method === 'HEAD' && route.method === 'GET'))
    return { kind: 'method', dialect, path };
  return { kind: 'route', route, dialect, path, rest: decode(one?.[1] ?? '') };
}

function dialectOf(served: Dialect | 'all', path: string): Dialect {
  if (path === '/' || path.startsWith('/api/')) return 'ollama';
  if (served === 'mistral' || (served === 'all' && path === '/v1/fim/completions')) return 'mistral';
  return 'openai';
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
