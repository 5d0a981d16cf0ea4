// Nothing leaks: canaries in every input of the gateway are searched for in every one of its outputs, at every address, before providers of every dialect.
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Registry } from 'prom-client';
import { createLog } from '../src/platform/base/log.ts';
import { createGatewayMetrics } from '../src/protect/gateway/metrics.ts';
import {
  type Answer,
  type Behaviour,
  beginSse,
  json,
  type Rig,
  roomyTimeouts,
  startRig,
  startUpstream,
} from './gateway-rig.ts';
import { answeringIn, type DialectName, dialects } from './upstream-dialects.ts';

const canary = (place: string) => `cnry-${place}-5e1f`;
const places = [
  'body',
  'header',
  'path',
  'key',
  'weighted',
  'spare',
  'behind',
  'prompt',
  'client-key',
  'client-header',
  'client-path',
  'field',
  'status',
];

const body = canary('body');
const errorBody = { error: { message: body, type: body, code: body }, detail: body };
const headers = {
  'x-request-id': canary('header'),
  'x-trace': canary('header'),
  server: canary('header'),
  'openai-organization': canary('header'),
  'set-cookie': `a=${canary('header')}`,
  // Who is asked to wait asks nothing more.
  'retry-after': '0',
};
const withStatus =
  (status: number): Behaviour =>
  (_req, res) => {
    res.statusMessage = canary('status');
    json(res, status, errorBody, headers);
  };

/** What a model server that tells everything says of itself. */
const everything = {
  models: [
    {
      name: 'm',
      model: 'm',
      digest: body,
      expires_at: body,
      remote_host: `https://${body}`,
      details: { parent_model: body, format: body, family: body, families: [body], quantization_level: body },
    },
    { name: canary('behind'), model: canary('behind') },
  ],
  modelfile: `FROM /${body}`,
  template: body,
  system: body,
  license: body,
  parameters: `stop "${body}"\nnum_ctx 4096`,
  messages: [{ role: 'user', content: body }],
  details: { parent_model: body, family: body, format: `/${body}` },
  model_info: { 'general.name': body, 'general.basename': body, [`general.${body}`]: 'x', 'general.size': 7 },
  projector_info: { 'general.name': body },
  tensors: [{ name: body }],
  capabilities: ['completion', body],
  modified_at: body,
};
/** An answer whose every field but the text says something of who gives it. */
const talkative =
  (dialect: DialectName): Behaviour =>
  (req, res, given, nth) => {
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    if (req.url?.endsWith('/show') || req.url?.endsWith('/ps')) json(res, 200, everything);
    else answeringIn(dialect, { model: canary('behind'), text: 'well' })(req, res, given, nth);
  };

const behaviours: readonly (readonly [string, (dialect: DialectName) => Behaviour])[] = [
  ...[400, 401, 403, 404, 408, 422, 429, 500, 502, 503].map(
    (status) => [String(status), () => withStatus(status)] as const,
  ),
  ['a page', () => (_req, res) => res.writeHead(200, headers).end(`<h1>${body}</h1>`)],
  ['broken JSON', () => (_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(`{"${body}`)],
  ['a cut', () => (req) => req.socket.destroy()],
  [
    'an error frame',
    (dialect) => (_req, res) => {
      if (dialect === 'ollama') {
        res.writeHead(200, { 'content-type': 'application/x-ndjson' });
        res.write(`${JSON.stringify({ message: { content: 'x' }, response: 'x', done: false })}\n`);
        res.end(`${JSON.stringify({ error: body })}\n`);
        return;
      }
      beginSse(res);
      res.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x' }, text: 'x' }] })}\n\n`);
      res.end(`data: ${JSON.stringify(errorBody)}\n\n`);
    },
  ],
  ['answers that tell everything', talkative],
];

const prompt = canary('prompt');
const messages = [{ role: 'user', content: prompt }];
const model = 'assistant';
const admin = { authorization: 'Bearer key-of-an-administrator' };
type Ask = (rig: Rig) => Promise<Answer>;
const asks: readonly Ask[] = [
  ...[false, true].flatMap((stream): Ask[] => [
    (rig) => rig.ask('/v1/chat/completions', { model, stream, messages }),
    (rig) => rig.ask('/v1/chat/completions', { model, stream, messages }, { 'user-agent': 'mistral-client' }),
    (rig) => rig.ask('/v1/completions', { model, stream, prompt }),
    (rig) => rig.ask('/v1/fim/completions', { model, stream, prompt, suffix: prompt }),
    (rig) => rig.ask('/api/chat', { model, stream, messages }, { 'x-c': canary('client-header') }),
    (rig) => rig.ask('/api/generate', { model, stream, prompt, system: prompt }),
  ]),
  (rig) => rig.ask('/v1/embeddings', { model, input: prompt }),
  (rig) => rig.ask('/v1/embeddings', { model, input: [prompt] }, { 'user-agent': 'mistral-client' }),
  (rig) => rig.ask('/api/embed', { model, input: [prompt] }),
  (rig) => rig.ask('/api/embeddings', { model, prompt }),
  (rig) => rig.ask('/api/show', { model }, admin),
  (rig) => rig.ask('/api/show', { model: 'another' }, admin),
  (rig) => rig.get('/api/ps', admin),
  (rig) => rig.get('/v1/models'),
  (rig) => rig.get('/v1/models', { 'user-agent': 'mistral-client' }),
  (rig) => rig.get(`/v1/models/${model}`),
  (rig) => rig.get(`/v1/models/${canary('client-path')}`),
  (rig) => rig.get('/api/tags'),
  (rig) => rig.get('/api/version'),
  (rig) => rig.ask('/api/pull', { model: canary('field') }),
  (rig) => rig.ask('/v1/chat/completions', `{"${prompt}`),
  (rig) => rig.ask('/v1/chat/completions', { model: canary('field'), messages: [{ role: canary('field') }] }),
  (rig) => rig.get(`/v1/${canary('client-path')}?${canary('client-path')}`),
  (rig) => rig.get('/api/tags', { authorization: `Bearer ${canary('client-key')}` }),
];
/** A key that is refused is asked nothing more, so there each question meets a gateway of its own. */
const apart = new Set(['401', '403']);

const directory = mkdtempSync(join(tmpdir(), 'rempart-canary-'));
after(() => rmSync(directory, { recursive: true }));
let files = 0;

/** All that a gateway before such a provider lets out while it is asked so. */
async function outputsOf(dialect: DialectName, behaviour: Behaviour, models: Behaviour, asked: readonly Ask[]) {
  const upstream = await startUpstream(behaviour, (req, res, given, nth) =>
    (req.url?.endsWith('/api/ps') ? behaviour : models)(req, res, given, nth),
  );
  const file = join(directory, `${files++}.log`);
  const registry = new Registry();
  const rig = await startRig(
    [
      {
        name: 'up',
        dialect,
        url: `${upstream.url}/${canary('path')}`,
        key: canary('key'),
        keys: [{ key: canary('weighted') }],
        spareKeys: [canary('spare')],
      },
    ],
    {
      metrics: createGatewayMetrics(registry),
      log: createLog('debug', openSync(file, 'w')),
      keys: [{ key: 'key-of-an-administrator', subject: 'admin', role: 'admin' }],
      settings: {
        timeouts: roomyTimeouts,
        retries: { max: 1, baseMs: 1, maxWaitMs: 10 },
        breaker: { failures: 1_000, halfOpenMs: 50 },
        routes: [
          { model: 'assistant', targets: [{ provider: 'up', model: canary('behind') }] },
          { model: 'another', aliasOf: 'assistant' },
        ],
      },
    },
  );
  const outputs: string[] = [];
  for (const ask of asked) {
    const { text, headers: sent } = await ask(rig);
    outputs.push(text, JSON.stringify(sent));
  }
  await new Promise((resolve) => setTimeout(resolve, asked.length > 1 ? 20 : 3));
  // The journal names the model that was asked for and the one that was used: the caller's word and the operator's, on purpose.
  let journal = JSON.stringify(rig.journalled);
  for (const field of ['model', 'modelAsked', 'modelUsed', 'name'])
    for (const named of ['field', 'behind', 'client-path'])
      journal = journal.replaceAll(`"${field}":"${canary(named)}"`, '');
  outputs.push(journal, JSON.stringify(rig.signals), JSON.stringify(rig.gateway.state()));
  outputs.push(await registry.metrics(), readFileSync(file, 'utf8'));
  await rig.close();
  await upstream.close();
  return {
    all: outputs.join('\n'),
    address: `127.0.0.1:${new URL(upstream.url).port}`,
    reached: upstream.ledger.length,
  };
}

for (const dialect of dialects)
  for (const [what, behave] of behaviours)
    test(`createGateway() leaks no canary into replies, journal, signals, logs, metrics or health before ${dialect} and ${what}`, async () => {
      const behaviour = behave(dialect);
      const telling: Behaviour = (_req, res) =>
        json(
          res,
          200,
          { ...everything, object: 'list', data: everything.models.map(({ name: id }) => ({ id })) },
          headers,
        );
      const models = what === 'answers that tell everything' ? telling : withStatus(500);
      for (const group of apart.has(what) ? asks.map((ask) => [ask]) : [asks]) {
        const { all, address, reached } = await outputsOf(dialect, behaviour, models, group);
        for (const place of places) assert.ok(!all.includes(canary(place)), `${place}: ${excerpt(all, canary(place))}`);
        assert.ok(!all.includes(address), `the upstream stays unnamed: ${excerpt(all, address)}`);
        if (group.length > 1) assert.ok(reached > 12 && all.includes('ERR_'), 'the search had something to search');
      }
    });

function excerpt(text: string, found: string): string {
  const at = text.indexOf(found);
  return text.slice(Math.max(0, at - 120), at + 80);
}
