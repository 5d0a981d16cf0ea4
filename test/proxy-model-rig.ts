// What the tests of faults on model calls share: a provider that streams in both shapes, and a proxy with a fault before it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { pause, startRig } from './proxy-rig.ts';

export const words = ['Un ', 'été ', 'à ', 'la ', 'mer'];

export const openAiFrames: string[] = [
  ...words.map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`),
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`,
  'data: [DONE]\n\n',
];
export const ollamaFrames: string[] = [
  ...words.map((content) => `${JSON.stringify({ message: { role: 'assistant', content }, done: false })}\n`),
  `${JSON.stringify({ message: { role: 'assistant', content: '' }, done: true })}\n`,
];
export const whole = JSON.stringify({ choices: [{ message: { role: 'assistant', content: words.join('') } }] });

/** Streams in both shapes, a frame every few milliseconds; one body when it is not asked to stream. */
function provider(): Server {
  return createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { stream } = JSON.parse(Buffer.concat(chunks).toString() || '{}') as { stream?: boolean };
    if (stream !== true) return void res.writeHead(200, { 'content-type': 'application/json' }).end(whole);
    const ollama = req.url?.startsWith('/api/') === true;
    res.writeHead(200, { 'content-type': ollama ? 'application/x-ndjson' : 'text/event-stream; charset=utf-8' });
    for (const frame of ollama ? ollamaFrames : openAiFrames) {
      res.write(frame);
      await pause(4);
    }
    res.end();
  });
}

export const rig = await startRig();
const upstream = provider().listen(0, '127.0.0.1');
await once(upstream, 'listening');
let count = 0;
after(async () => {
  await rig.close();
  upstream.close();
  upstream.closeAllConnections();
});

export interface Heard {
  status: number;
  type: string;
  /** Chunks with the milliseconds since it was asked for. */
  bytes: Buffer;
  times: number[];
  complete: boolean;
}

export async function talk(
  port: number,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Heard> {
  const request = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', headers, agent: false });
  const began = performance.now();
  request.end(JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  const times: number[] = [];
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    times.push(performance.now() - began);
  });
  response.on('error', () => {});
  request.on('error', () => {});
  await new Promise((resolve) => response.once('close', resolve));
  return {
    status: response.statusCode ?? 0,
    type: String(response.headers['content-type']),
    bytes: Buffer.concat(chunks),
    times,
    complete: response.complete,
  };
}

/** A proxy before the provider with one fault on it. */
export async function faulty(fault: object, ours = rig, name = `m${++count}`): Promise<{ name: string; port: number }> {
  const port = await ours.proxy(name, (upstream.address() as AddressInfo).port);
  const made = await ours.ask('POST', `/rempart/proxies/${name}/faults`, fault);
  assert.equal(made.status, 201, made.body);
  return { name, port };
}
