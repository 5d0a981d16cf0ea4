// Where the target's alerts arrive: any POST here is an alert, whatever it says.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export async function startAlertSink(
  onAlert: (body: string) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => {
      if (chunks.length < 64) chunks.push(chunk);
    });
    req.on('end', () => {
      if (req.method === 'POST') onAlert(Buffer.concat(chunks).toString('utf8').slice(0, 65_536));
      res.writeHead(req.method === 'POST' ? 204 : 405).end();
    });
    req.on('error', () => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/alerts`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
