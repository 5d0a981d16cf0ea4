// What runs inside a container of the process engine: a small service on a socket of its own, which ends when the engine does.
import { createServer } from 'node:http';

const [, , name = '', socket = ''] = process.argv;
/** Kept, so that what was asked to grow stays grown. */
const ballast: Buffer[] = [];
let delayMs = 0;

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://container');
  const number = (key: string) => Number(url.searchParams.get(key) ?? 0);
  if (request.method === 'POST' && url.pathname === '/log') {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      process.stdout.write(`${Buffer.concat(chunks).toString()}\n`);
      response.end('written');
    });
    return;
  }
  if (url.pathname === '/grow') ballast.push(Buffer.alloc(number('mb') * 1_048_576, 1));
  if (url.pathname === '/slow') delayMs = number('ms');
  const answer = () => response.end(`${name} ok\n`);
  if (url.pathname === '/work') setTimeout(answer, delayMs);
  else answer();
});

server.listen(socket, () => process.stdout.write(`${name}: serving\n`));
// The engine holds the other end: once it is gone, nobody is left to stop this process.
process.stdin.on('end', () => {
  server.close();
  server.closeAllConnections();
});
process.stdin.on('error', () => undefined);
process.stdin.resume();
process.stdout.on('error', () => undefined);
