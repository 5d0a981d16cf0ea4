// A stand-in for the providers: it speaks the OpenAI, Mistral and Ollama APIs on one port, offline, and says what it is.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dialect } from '../../platform/wire/dialect.ts';
import { createAccounts, type Limits, type StandinKey } from './accounts.ts';
import { createServe, type SeenRequest } from './serve.ts';
import { createTally, type StandinStats } from './tally.ts';

export interface StandinOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  /** Default `all`; `findRoute` says which path then speaks which dialect. */
  dialect?: Dialect | 'all';
  /** None, or an empty list: any key is accepted, and also none. */
  keys?: readonly StandinKey[];
  /** Another seed gives other answers. */
  seed?: number;
  /** Default 0: as fast as possible. */
  tokensPerSecond?: number;
  firstTokenMs?: number;
  /** The models of the lists; any other name is served too, unless it is missing. */
  models?: readonly string[];
  missingModels?: readonly string[];
  /** Default true: the model names `standin-error-STATUS` answer with that error. Off where strangers choose the model. */
  errorsOnDemand?: boolean;
  /** How a per-minute limit is refused: in the provider's words, or in those of no provider in particular. */
  rateLimitStyle?: 'provider' | 'plain';
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Called with each request once its body is read, before it is answered. */
  onRequest?: (request: SeenRequest) => void;
}

export interface Standin {
  /** Origin without path. */
  url: string;
  port: number;
  /** From now on the key gets 401, or 403. Streams that run go on. */
  revoke(key: string, status?: 401 | 403): void;
  restore(key: string): void;
  /** Replaces the limits of the key's workspace; what was used stays used. */
  setLimits(key: string, limits: Limits): void;
  stats(): StandinStats;
  /** Ends open answers too. */
  close(): Promise<void>;
}

const usualModels = ['rempart-standin', 'gpt-4o-mini', 'mistral-small-latest', 'mistral-embed', 'llama3.2:latest'];

/** Listens, then resolves. Rejects with node's own error (EADDRINUSE) when the port is taken. */
export async function startStandin(options: StandinOptions = {}): Promise<Standin> {
  const now = options.now ?? Date.now;
  const accounts = createAccounts(options.keys, now);
  const tally = createTally();
  const missing = new Set((options.missingModels ?? []).map(canonical));
  const setup = {
    seed: options.seed ?? 1,
    now,
    models: options.models ?? usualModels,
    isMissing: (model: string) => missing.has(canonical(model)),
    loaded: new Set<string>(),
  };
  const host = options.host ?? '127.0.0.1';
  const serve = createServe({
    accounts,
    loopback: /^(127\.|localhost$|::1$)/.test(host),
    tally,
    setup,
    dialect: options.dialect ?? 'all',
    pace: { tokensPerSecond: options.tokensPerSecond ?? 0, firstTokenMs: options.firstTokenMs ?? 0 },
    errorsOnDemand: options.errorsOnDemand ?? true,
    rateLimitStyle: options.rateLimitStyle ?? 'provider',
    onRequest: options.onRequest ?? (() => {}),
  });
  const server = createServer({ keepAliveTimeout: 60_000 }, serve);
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    revoke: accounts.revoke,
    restore: accounts.restore,
    setLimits: accounts.setLimits,
    stats: tally.stats,
    async close() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Ollama's names: `llama3` is `llama3:latest`, in any case. */
function canonical(model: string): string {
  return model.toLowerCase().replace(/:latest$/, '');
}
