// Where the contacts of a sandbox are told: takes in what is sent and keeps it for the drill to look at.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReceivedNotice } from './drill.ts';

export interface DrillNotices {
  url: string;
  received: readonly ReceivedNotice[];
  close(): Promise<void>;
}

export async function startDrillNotices(): Promise<DrillNotices> {
  const received: ReceivedNotice[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ at: Date.now(), body: Buffer.concat(chunks).toString() });
    response.end('ok');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/notices`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
