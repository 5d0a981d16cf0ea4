// The floor of any gateway in this language: node:http in front, undici's dispatch behind, nothing read, nothing checked.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

const pool = new Pool(process.argv[2] ?? '', { connections: null, pipelining: 1 });

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    const headers = { 'content-type': 'application/json', authorization: req.headers.authorization ?? '' };
    pool.dispatch(
      { path: req.url ?? '/', method: 'POST', headers, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, head) {
          const length = head['content-length'];
          res.writeHead(status, {
            'content-type': String(head['content-type']),
            ...(length === undefined ? {} : { 'content-length': String(length) }),
          });
        },
        onResponseData: (_controller, chunk) => void res.write(chunk),
        onResponseEnd: () => void res.end(),
        onResponseError: () => void res.destroy(),
      },
    );
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
