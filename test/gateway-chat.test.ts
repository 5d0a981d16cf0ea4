// The gateway's ordinary work: chat in two dialects before providers of three, lists, errors in the caller's shape and language.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Dialect } from '../src/platform/wire/dialect.ts';
import { answering, json, type Rig, startRig, startUpstream, userKey, viewerKey } from './gateway-rig.ts';

const cleanUps: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of cleanUps) await close();
});

async function rigBefore(dialect: Dialect, behaviour = answering(), options = {}) {
  const upstream = await startUpstream(behaviour);
  const rig = await startRig([{ name: 'up', dialect, url: upstream.url, key: 'provider-key' }], options);
  cleanUps.push(rig.close, upstream.close);
  return { rig, upstream };
}

const callers: readonly [
  string,
  (rig: Rig, stream: boolean) => ReturnType<Rig['ask']>,
  (text: string, stream: boolean) => string,
][] = [
  ['openai', (rig, stream) => rig.chat('hi', { stream }), readOpenai],
  [
    'ollama',
    (rig, stream) => rig.ask('/api/chat', { model: 'm', messages: [{ role: 'user', content: 'hi' }], stream }),
    readOllama,
  ],
];

function readOpenai(text: string, stream: boolean): string {
  if (!stream) return (JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0]!.message.content;
  const frames = text.split('\n\n').filter((frame) => frame !== '');
  assert.equal(frames.at(-1), 'data: [DONE]');
  return frames
    .slice(0, -1)
    .map(
      (frame) =>
        (JSON.parse(frame.slice(6)) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '',
    )
    .join('');
}

function readOllama(text: string, stream: boolean): string {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { message: { content: string }; done: boolean });
  assert.equal(lines.at(-1)!.done, true);
  if (!stream) assert.equal(lines.length, 1);
  return lines.map((line) => line.message.content).join('');
}

for (const provider of ['openai', 'mistral', 'ollama'] as const)
  for (const [caller, send, read] of callers)
    for (const stream of [false, true])
      test(`createGateway() answers a caller of ${caller} from a provider of ${provider}, ${stream ? 'streamed' : 'whole'}`, async () => {
        const { rig, upstream } = await rigBefore(provider);
        const answer = await send(rig, stream);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(read(answer.text, stream), 'hello');
        assert.match(String(answer.headers['x-request-id']), /^req_[0-9a-f]{32}$/);
        assert.deepEqual(upstream.ledger, ['Bearer provider-key']);
        assert.equal(upstream.heads[0]!.url, provider === 'ollama' ? '/api/chat' : '/v1/chat/completions');
        assert.equal(upstream.heads[0]!.headers.host, new URL(upstream.url).host);
      });
