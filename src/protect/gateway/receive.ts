// Which of our addresses a request means, and in which dialect it wants to be answered.
import type { IncomingMessage } from 'node:http';
import type { Dialect } from './dialects/dialect.ts';
import { dialectByName } from './dialects/index.ts';

export type Endpoint =
  | { kind: 'chat' }
  | { kind: 'models' }
  | { kind: 'model'; id: string }
  | { kind: 'version' }
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
const rows: Readonly<Record<string, Row>> = {
  '/v1/chat/completions': { methods: ['POST'], endpoint: { kind: 'chat' } },
  '/v1/models': { methods: reading, endpoint: { kind: 'models' } },
  '/api/chat': { methods: ['POST'], endpoint: { kind: 'chat' } },
  '/api/tags': { methods: reading, endpoint: { kind: 'models' } },
  '/api/version': { methods: reading, endpoint: { kind: 'version' } },
  '/': { methods: reading, endpoint: { kind: 'root' } },
};

export function receive(req: IncomingMessage): Received {
  const url = req.url ?? '/';
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  const method = req.method ?? 'GET';
  const dialect = dialectOf(path, req.headers['user-agent']);
  const row = rows[path] ?? modelRow(path);
  if (row === undefined) return { dialect, endpoint: { kind: 'unknown' }, operation: `${method} other` };
  const operation = `${method} ${row.endpoint.kind === 'model' ? '/v1/models/ID' : path}`;
  if (!row.methods.includes(method))
    return { dialect, endpoint: { kind: 'wrong-method', allow: row.methods.join(', ') }, operation };
  return { dialect, endpoint: row.endpoint, operation };
}

/** OpenAI and Mistral share their paths: Mistral's own client, which reads its own error bodies, says who it is. */
export function dialectOf(path: string, agent = ''): Dialect {
  if (path === '/' || path.startsWith('/api/')) return dialectByName.ollama;
  return /mistral/i.test(agent) ? dialectByName.mistral : dialectByName.openai;
}

function modelRow(path: string): Row | undefined {
  if (!path.startsWith('/v1/models/') || path.length > 300) return undefined;
  try {
    return { methods: reading, endpoint: { kind: 'model', id: decodeURIComponent(path.slice(11)) } };
  } catch {
    return undefined;
  }
}
