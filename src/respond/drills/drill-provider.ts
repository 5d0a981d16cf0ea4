// The model provider of a sandbox: answers, refuses, slows down or is gone, as a drill tells it, and counts what reaches it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ProviderMood =
  | { kind: 'well'; delayMs?: number; answer?: string }
  /** 401 to these keys; the others are served. */
  | { kind: 'refuses-keys'; keys: readonly string[] }
  /** The account behind these keys has none left. */
  | { kind: 'out-of-quota'; keys: readonly string[] }
  | { kind: 'broken' };

export interface DrillProvider {
  url: string;
  set(mood: ProviderMood): void;
  /** Calls of a model since the start, by the key that they bore. */
  calls(): number;
  callsWith(key: string): number;
  /** Closes its port; connections are refused until `plug`. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
  close(): Promise<void>;
}

export async function startDrillProvider(): Promise<DrillProvider> {
  let mood: ProviderMood = { kind: 'well' };
  const byKey = new Map<string, number>();
  let server: Server = createServer(serve);
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const body = await textOf(request);
    const isChat = request.method === 'POST' && (request.url ?? '').endsWith('/chat/completions');
    if (isChat) byKey.set(key, (byKey.get(key) ?? 0) + 1);
    const refuse = (status: number, code: string, type: string) =>
      json(response, status, { error: { message: 'refused by the drill', type, code, param: null } });
    if (mood.kind === 'refuses-keys' && mood.keys.includes(key))
      return refuse(401, 'invalid_api_key', 'invalid_request_error');
    if (mood.kind === 'broken') return refuse(503, 'server_error', 'server_error');
    if (mood.kind === 'out-of-quota' && isChat && mood.keys.includes(key))
      return refuse(429, 'insufficient_quota', 'insufficient_quota');
    if (!isChat) return json(response, 200, { object: 'list', data: [{ id: 'drill-model', object: 'model' }] });
    const { delayMs = 0, answer = 'All is well.' } = mood.kind === 'well' ? mood : {};
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const streamed = (JSON.parse(body) as { stream?: boolean }).stream === true;
    if (streamed) stream(response, answer);
    else json(response, 200, completion(answer));
  }

  return {
    url: `http://127.0.0.1:${port}`,
    set(next) {
      mood = next;
    },
    calls: () => [...byKey.values()].reduce((sum, count) => sum + count, 0),
    callsWith: (key) => byKey.get(key) ?? 0,
    unplug: () => shut(server),
    async plug() {
      if (server.listening) return;
      server = createServer(serve);
      await listen(server, port);
    },
    close: () => shut(server),
  };
}

function completion(answer: string) {
  return {
    id: 'drill',
    object: 'chat.completion',
    created: 0,
    model: 'drill-model',
    choices: [{ index: 0, message: { role: 'assistant', content: answer }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 },
  };
}

function stream(response: ServerResponse, answer: string): void {
  const chunk = (delta: object, finish: string | null) =>
    `data: ${JSON.stringify({
      id: 'drill',
      object: 'chat.completion.chunk',
      created: 0,
      model: 'drill-model',
      choices: [{ index: 0, delta, finish_reason: finish }],
    })}\n\n`;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(chunk({ role: 'assistant', content: answer }, null));
  response.end(`${chunk({}, 'stop')}data: [DONE]\n\n`);
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
