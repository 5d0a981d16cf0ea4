// What the tests of the data plane's front share: the plane with its front, bare sockets, and messages written by hand.
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before } from 'node:test';
import { z } from 'zod';
import { createDataPlane } from '../src/protect/data-plane.ts';
import { createFront, type FrontRefusal } from '../src/protect/gateway/front/front.ts';
import { frontFields } from '../src/protect/gateway/front/front-config.ts';
import type { WafMatch } from '../src/protect/gateway/waf/waf.ts';
import { loadWafRules } from '../src/protect/gateway/waf/waf-rules.ts';
import { answering, type Rig, startRig, startUpstream, type Upstream, userKey } from './gateway-rig.ts';

const rules = loadWafRules();
const fields = z.object(frontFields);

interface Plane {
  port: number;
  refused: FrontRefusal[];
  matches: WafMatch[];
  close(): void;
}

export let upstream: Upstream;
export let rig: Rig;
export let plane: Plane;
const planes: Plane[] = [];

export async function open(given: object = {}): Promise<Plane> {
  const settings = fields.parse(given);
  const refused: FrontRefusal[] = [];
  const matches: WafMatch[] = [];
  const front = createFront(
    { rules, found: (_, found) => void matches.push(...found), refused: (reason) => void refused.push(reason) },
    { ...settings, lang: 'en', host: '127.0.0.1' },
  );
  const { headers, ...limits } = settings.server;
  const server = createDataPlane({
    gateway: rig.gateway,
    chatbot: { handle: async () => false },
    health: () => ({ status: 'ok', store: 'ok', assistant: 'ok', host: 'ok' }),
    front,
    limits,
    maxHeaders: headers,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const opened = {
    port,
    refused,
    matches,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  planes.push(opened);
  return opened;
}

before(async () => {
  upstream = await startUpstream(answering());
  rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url }]);
  plane = await open();
});
after(async () => {
  for (const one of planes) one.close();
  await rig.close();
  await upstream.close();
});

export async function socketTo({ port }: Plane): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Everything that comes back until the other side closes; rejects when it leaves the connection open. */
export function allOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the connection was left open after ${JSON.stringify(text.slice(0, 200))}`));
    }, 60_000);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

export async function raw(text: string, to = plane): Promise<string> {
  const socket = await socketTo(to);
  socket.write(Buffer.from(text, 'latin1'));
  return allOf(socket);
}

export const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] });
export const auth = `authorization: Bearer ${userKey}\r\n`;
export const head = (more = '', line = 'POST /v1/chat/completions HTTP/1.1') =>
  `${line}\r\nhost: localhost\r\ncontent-type: application/json\r\n${auth}${more}\r\n`;
export const ordinary = head(`content-length: ${body.length}\r\nconnection: close\r\n`) + body;
export const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
export const smuggled = `GET /v1/models HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`;

/** What went to the provider, and what the message hidden behind another would do. */
export const actedOn = () => [
  upstream.bodies.length,
  rig.journalled.filter(({ api }) => (api as { operation?: string } | undefined)?.operation === 'GET /v1/models')
    .length,
];

export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
export const answers = (answer: string) => answer.split(/HTTP\/1\.1 \d{3}/).length - 1;
