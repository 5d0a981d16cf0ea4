// An Ollama for tests that answers every chat, whatever the model: only Rempart stands between it and the caller.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export async function createStandin(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((req, res) => {
    req.resume().on('end', () => {
      res.setHeader('content-type', 'application/json');
      const message = { role: 'assistant', content: 'hello' };
      const end = { done: true, done_reason: 'stop', prompt_eval_count: 1, eval_count: 1 };
      res.end(JSON.stringify({ model: 'any', created_at: new Date().toISOString(), message, ...end }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
