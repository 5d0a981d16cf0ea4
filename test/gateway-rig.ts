// A gateway on a real socket before upstreams that misbehave on purpose: what the gateway's tests have in common.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { JsonObject } from '../src/platform/base/json.ts';
import { createLog, type Log } from '../src/platform/base/log.ts';
import type { Journal } from '../src/platform/journal/journal.ts';
import { createSignals, type Signal } from '../src/platform/signals.ts';
import { createGateway, type Gateway, type GatewayParts } from '../src/protect/gateway/gateway.ts';
import { createKeys, type GivenKey, type KeyRecord, type KeyRepository } from '../src/protect/gateway/keys.ts';
import type { GatewayMetrics } from '../src/protect/gateway/metrics.ts';
import type { Tracing } from '../src/protect/gateway/request-trace.ts';
import type { Screen } from '../src/protect/gateway/screen.ts';
import type { GatewaySettings, ProviderSettings } from '../src/protect/gateway/settings.ts';
import type { ModelGuard } from '../src/protect/gateway/verified-models.ts';
import type { Limiter } from '../src/protect/limits/limiter.ts';
import type { Places } from '../src/protect/limits/places.ts';
import type { AnswerCache } from '../src/protect/resilience/answer-cache.ts';
import { createForesights } from '../src/protect/resilience/foresight.ts';

export const userKey = 'a-key-given-in-the-configuration';
export const viewerKey = 'another-key-for-a-viewer';

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

export interface Rig {
  url: string;
  gateway: Gateway;
  journalled: JsonObject[];
  signals: Signal[];
  ask(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, headers?: Record<string, string>, method?: string): Promise<Answer>;
  chat(text: string, more?: Record<string, unknown>): Promise<Answer>;
  close(): Promise<void>;
}

export interface RigOptions {
  settings?: Partial<GatewaySettings>;
  journal?: Journal;
  screen?: Screen;
  metrics?: GatewayMetrics;
  log?: Log;
  /** Keys beside those of the rig's own user and viewer. */
  keys?: readonly GivenKey[];
  limiter?: Limiter;
  places?: Places;
  /** What providers tell of their limits is heeded. */
  foresees?: boolean;
  tracing?: Tracing;
  /** Earlier answers are given when nobody can give new ones. */
  cache?: AnswerCache;
  modelGuard?: ModelGuard;
  /** In place of what the rig has, or beside it. */
  parts?: Partial<GatewayParts>;
}

/** In which nobody is silent: a busy machine is not to look like a provider that is. */
export const roomyTimeouts: GatewaySettings['timeouts'] = {
  connectMs: 20_000,
  firstByteMs: 60_000,
  idleMs: 60_000,
  totalMs: 120_000,
};

export const quickSettings: Omit<GatewaySettings, 'providers'> = {
  lang: 'en',
  maxBodyBytes: 100_000,
  maxBodyDepth: 16,
  unknownFields: 'drop',
  timeouts: roomyTimeouts,
  retries: { max: 2, baseMs: 20, maxWaitMs: 400 },
  breaker: { failures: 5, halfOpenMs: 300 },
};

/** For tests in which somebody is silent, or nobody there. */
export const quickTimeouts: GatewaySettings['timeouts'] = {
  connectMs: 300,
  firstByteMs: 300,
  idleMs: 300,
  totalMs: 5_000,
};

export function memoryJournal(events: JsonObject[]): Journal {
  return {
    append(event) {
      events.push(event);
      return Promise.resolve({ stream: 'test', seq: events.length, hash: '' });
    },
    checkpoint: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

export function memoryRepository(): KeyRepository & { records: KeyRecord[]; away: boolean } {
  const repository = {
    records: [] as KeyRecord[],
    away: false,
    async load() {
      if (repository.away) throw new Error('away');
      return repository.records;
    },
    async insert(record: KeyRecord) {
      if (repository.away) throw new Error('away');
      repository.records.push(record);
    },
    async revoke(id: string, at: number) {
      if (repository.away) throw new Error('away');
      repository.records = repository.records.map((r) => (r.id === id ? { ...r, revokedAt: at } : r));
    },
    async expire(id: string, at: number) {
      if (repository.away) throw new Error('away');
      repository.records = repository.records.map((r) => (r.id === id ? { ...r, expiresAt: at } : r));
    },
  };
  return repository;
}

export async function startRig(providers: readonly ProviderSettings[], options: RigOptions = {}): Promise<Rig> {
  const journalled: JsonObject[] = [];
  const emitted: Signal[] = [];
  const signals = createSignals();
  signals.subscribe((signal) => emitted.push(signal));
  const gateway = createGateway(
    {
      now: Date.now,
      random: Math.random,
      log: options.log ?? createLog('silent'),
      journal: options.journal ?? memoryJournal(journalled),
      signals,
      keys: createKeys({
        now: Date.now,
        repository: memoryRepository(),
        given: [
          { key: userKey, subject: 'tester', role: 'user' },
          { key: viewerKey, subject: 'watcher', role: 'viewer' },
          ...(options.keys ?? []),
        ],
      }),
      promptKey: Buffer.alloc(32, 7),
      ...(options.screen === undefined ? {} : { screen: options.screen }),
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      ...(options.limiter === undefined ? {} : { limiter: options.limiter }),
      ...(options.foresees ? { foresights: createForesights({ now: Date.now, signals }) } : {}),
      ...(options.cache === undefined ? {} : { cache: options.cache }),
      ...(options.modelGuard === undefined ? {} : { modelGuard: options.modelGuard }),
      ...(options.places === undefined ? {} : { places: options.places }),
      ...(options.tracing === undefined ? {} : { tracing: options.tracing }),
      ...options.parts,
    },
    { ...quickSettings, ...options.settings, providers },
  );
  const server = await listen(gateway.handle);
  const send = (method: string, path: string, body: string | Buffer | undefined, headers: Record<string, string>) =>
    roundTrip(server.url + path, method, body, { authorization: `Bearer ${userKey}`, ...headers });
  const ask: Rig['ask'] = (path, body, headers = {}) =>
    send('POST', path, typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body), {
      'content-type': 'application/json',
      ...headers,
    });
  return {
    url: server.url,
    gateway,
    journalled,
    signals: emitted,
    ask,
    get: (path, headers = {}, method = 'GET') => send(method, path, undefined, headers),
    chat: (text, more = {}) =>
      ask('/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: text }], ...more }),
    async close() {
      await gateway.close();
      await server.close();
    },
  };
}

export interface Upstream {
  url: string;
  /** The Authorization of each request, in order. */
  ledger: string[];
  bodies: string[];
  heads: IncomingMessage[];
  close(): Promise<void>;
}

export type Behaviour = (req: IncomingMessage, res: ServerResponse, body: string, nth: number) => void;

/** A provider that does what the test says; lists of models are answered unless `models` says otherwise. */
export async function startUpstream(behaviour: Behaviour, models: Behaviour = listModels): Promise<Upstream> {
  const ledger: string[] = [];
  const bodies: string[] = [];
  const heads: IncomingMessage[] = [];
  const server = await listen((req, res) => {
    let body = '';
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', () => {
      ledger.push(req.headers.authorization ?? '');
      if (req.method === 'GET') {
        models(req, res, body, 0);
        return;
      }
      heads.push(req);
      bodies.push(body);
      behaviour(req, res, body, bodies.length);
    });
  });
  return { url: server.url, ledger, bodies, heads, close: server.close };
}

function listModels(req: IncomingMessage, res: ServerResponse): void {
  const ollama = req.url === '/api/tags';
  json(res, 200, ollama ? { models: [{ name: 'm' }] } : { object: 'list', data: [{ id: 'm', created: 1 }] });
}

export function json(res: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(JSON.stringify(body));
}

/** An ordinary whole answer in OpenAI's shape. */
export const completion = (text: string) => ({
  id: 'up-1',
  object: 'chat.completion',
  created: 1,
  model: 'm-upstream',
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
});

export const chunk = (text: string) =>
  `data: ${JSON.stringify({ model: 'm-upstream', choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })}\n\n`;
export const lastChunk = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`;

export function beginSse(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
}

export const answering =
  (text = 'hello'): Behaviour =>
  (req, res, body) => {
    const asked = JSON.parse(body) as { stream?: boolean };
    if (req.url === '/api/chat') {
      const base = { model: 'm-upstream', created_at: '2026-01-01T00:00:00Z' };
      const end = { ...base, done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 2 };
      if (asked.stream !== true) {
        json(res, 200, { ...end, message: { role: 'assistant', content: text } });
        return;
      }
      res.writeHead(200, { 'content-type': 'application/x-ndjson' });
      for (const letter of text)
        res.write(`${JSON.stringify({ ...base, message: { role: 'assistant', content: letter }, done: false })}\n`);
      res.end(`${JSON.stringify({ ...end, message: { role: 'assistant', content: '' } })}\n`);
    } else if (asked.stream === true) {
      beginSse(res);
      for (const letter of text) res.write(chunk(letter));
      res.end(lastChunk);
    } else json(res, 200, completion(text));
  };

async function listen(
  listener: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer(listener);
  // A test that fails before its clean-up must end all the same.
  server.unref();
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export function roundTrip(
  url: string,
  method: string,
  body: string | Buffer | undefined,
  headers: Record<string, string>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(url, { method, headers, agent: false }, (res) => {
      let text = '';
      res.on('data', (piece) => {
        text += piece;
      });
      const done = () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text });
      res.on('end', done);
      res.on('error', done);
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** Waits for what is to come, however busy the machine is; the limit is there for what never comes. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const end = Date.now() + withinMs; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms in vain`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
