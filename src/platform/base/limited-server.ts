// An HTTP server that a slow or idle client cannot hold: bounds on how long a request may take to arrive, and on how many may be connected.
import { createServer, type RequestListener, type Server } from 'node:http';

export interface ServerLimits {
  /** From the first byte of a request to the end of its headers. */
  headersMs: number;
  /** … and to the end of its body. How long the answer takes is another matter. */
  requestMs: number;
  /** Those beyond are closed at once. */
  connections: number;
  /** How often the two times are looked at. */
  checkEveryMs: number;
}

export const ordinaryLimits: ServerLimits = {
  headersMs: 20_000,
  requestMs: 60_000,
  connections: 2_000,
  checkEveryMs: 5_000,
};

/** Answers 408 to a request that takes too long to arrive, and closes. */
export function createLimitedServer(listener: RequestListener, limits: Partial<ServerLimits> = {}): Server {
  const { headersMs, requestMs, connections, checkEveryMs } = { ...ordinaryLimits, ...limits };
  const options = {
    keepAliveTimeout: 60_000,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkEveryMs,
  };
  const server = createServer(options, listener);
  server.maxConnections = connections;
  return server;
}
