// A fault proxy of the test's own, an admin client, and upstreams that echo, count or stream.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type ProxyServer, startProxyServer } from '../src/simulate/proxy/server.ts';

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Rig {
  server: ProxyServer;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A proxy in front of a port; its own port. */
  proxy(name: string, upstream: number, more?: object): Promise<number>;
  close(): Promise<void>;
}

export async function startRig(options: { seed?: number; metrics?: boolean } = {}): Promise<Rig> {
  const { seed = 7, metrics = false } = options;
  const server = await startProxyServer({
    host: '127.0.0.1',
    port: 0,
    version: '2.12.0+test',
    seed,
    metrics,
    lang: 'en',
  });
  const ask: Rig['ask'] = (method, path, body, headers = {}) => askHttp(server.port, method, path, body, headers);
  return {
    server,
    ask,
    async proxy(name, upstream, more = {}) {
      const body = { name, listen: '127.0.0.1:0', upstream: `127.0.0.1:${upstream}`, ...more };
      const answer = await ask('POST', '/proxies', body);
      if (answer.status !== 201) throw new Error(answer.body);
      return Number((JSON.parse(answer.body) as { listen: string }).listen.split(':').at(-1));
    },
    close: server.close,
  };
}

/** A string is sent as it is, anything else as JSON. Rejects when the connection breaks. */
export async function askHttp(
  port: number,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
  request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') };
}

export async function listen(onSocket: (socket: Socket) => void): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

export interface Wire {
  socket: Socket;
  /** All bytes so far. */
  got(): Buffer;
  /** Milliseconds from now until so many bytes are there. */
  bytes(count: number): Promise<number>;
  /** How it ended, and after how long. */
  ended(): Promise<{ how: 'fin' | 'rst'; ms: number }>;
}

export async function wire(port: number): Promise<Wire> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  let how: 'fin' | 'rst' | null = null;
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
  });
  socket.on('end', () => {
    how ??= 'fin';
  });
  socket.on('error', () => {
    how ??= 'rst';
  });
  await once(socket, 'connect');
  const until = async (done: () => boolean): Promise<number> => {
    const began = performance.now();
    while (!done()) {
      if (performance.now() - began > 60_000) throw new Error(`nothing more after ${size} bytes`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return performance.now() - began;
  };
  return {
    socket,
    got: () => Buffer.concat(chunks),
    bytes: (count) => until(() => size >= count),
    ended: async () => {
      const ms = await until(() => how !== null);
      return { how: how ?? 'fin', ms };
    },
  };
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
