// Which of our addresses a request means, and in which dialect it wants to be answered.
import type { IncomingMessage } from 'node:http';
import type { Dialect, WireName } from './dialects/dialect.ts';
import { dialectByName } from './dialects/index.ts';

export type Endpoint =
  | { kind: 'call'; wire: WireName }
  | { kind: 'models' }
  | { kind: 'model'; id: string }
  | { kind: 'version' }
  /** What Ollama has loaded, and what it knows of one model: for administrators. */
  | { kind: 'loaded' }
  | { kind: 'show' }
  /** A request that waits for its answer. */
  | { kind: 'deferred'; id: string }
  /** Known to be dangerous behind a gateway. */
  | { kind: 'dangerous' }
  | { kind: 'root' }
  | { kind: 'wrong-method'; allow: string }
  | { kind: 'unknown' };

export interface Received {
  dialect: Dialect;
  endpoint: Endpoint;
  /** Our own words for it, fit for the journal: no query, no id. */
  operation: string;
}

interface Row {
  methods: readonly string[];
  endpoint: Endpoint;
}

const reading = ['GET', 'HEAD'];
const call = (wire: WireName): Row => ({ methods: ['POST'], endpoint: { kind: 'call', wire } });
const rows: Readonly<Record<string, Row>> = {
  '/v1/chat/completions': call('chat'),
  '/v1/completions': call('completion'),
  '/v1/fim/completions': call('fill'),
  '/v1/embeddings': call('embed'),
  '/v1/models': { methods: reading, endpoint: { kind: 'models' } },
  '/api/chat': call('chat'),
  '/api/generate': call('generate'),
  '/api/embed': call('embed'),
  '/api/embeddings': call('embedding'),
  '/api/tags': { methods: reading, endpoint: { kind: 'models' } },
  '/api/ps': { methods: reading, endpoint: { kind: 'loaded' } },
  '/api/show': { methods: ['POST'], endpoint: { kind: 'show' } },
  '/api/version': { methods: reading, endpoint: { kind: 'version' } },
  '/': { methods: reading, endpoint: { kind: 'root' } },
};

/**
 * Ollama's addresses that fetch, make, give away, rename or delete models, sign in or out, or reach the web, and
 * dialects that no guard reads. A table of its own, so that a try is counted as one and not taken for a mistyped address.
 */
const dangerous =
  /^\/+(?:api\/+(?:pull|push|create|copy|delete|blobs|me|signin|signout|user|experimental|status|web_search|web_fetch)|v1\/+(?:messages|responses|audio|files|images|fine_tuning|batches|assistants|agents|moderations))(?:\/|$)/i;

export function receive(req: IncomingMessage): Received {
  const url = req.url ?? '/';
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  const method = req.method ?? 'GET';
  const dialect = dialectOf(path, req.headers['user-agent']);
  const row = Object.hasOwn(rows, path) ? rows[path] : (modelRow(path) ?? deferredRow(path));
  if (row === undefined) {
    if (dangerous.test(path)) return { dialect, endpoint: { kind: 'dangerous' }, operation: `${method} dangerous` };
    return { dialect, endpoint: { kind: 'unknown' }, operation: `${method} other` };
  }
  const operation = `${method} ${nameOf(row.endpoint, path)}`;
  if (!row.methods.includes(method))
    return { dialect, endpoint: { kind: 'wrong-method', allow: row.methods.join(', ') }, operation };
  return { dialect, endpoint: row.endpoint, operation };
}

/** OpenAI and Mistral share their paths: Mistral's own client, which reads its own error bodies, says who it is. */
export function dialectOf(path: string, agent = ''): Dialect {
  if (path === '/' || path.startsWith('/api/')) return dialectByName.ollama;
  if (path === '/v1/fim/completions') return dialectByName.mistral;
  return /mistral/i.test(agent) ? dialectByName.mistral : dialectByName.openai;
}

function nameOf({ kind }: Endpoint, path: string): string {
  if (kind === 'model') return '/v1/models/ID';
  return kind === 'deferred' ? '/v1/deferred/ID' : path;
}

function deferredRow(path: string): Row | undefined {
  const id = /^\/v1\/deferred\/([\w-]{1,100})$/.exec(path)?.[1];
  return id === undefined ? undefined : { methods: ['GET', 'DELETE'], endpoint: { kind: 'deferred', id } };
}

function modelRow(path: string): Row | undefined {
  if (!path.startsWith('/v1/models/') || path.length > 300) return undefined;
  try {
    return { methods: reading, endpoint: { kind: 'model', id: decodeURIComponent(path.slice(11)) } };
  } catch {
    return undefined;
  }
}
