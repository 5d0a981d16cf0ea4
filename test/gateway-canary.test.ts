// Nothing leaks: canaries in every input of the gateway are searched for in every one of its outputs.
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Registry } from 'prom-client';
import { createLog } from '../src/platform/base/log.ts';
import { createGatewayMetrics } from '../src/protect/gateway/metrics.ts';
import { type Behaviour, beginSse, chunk, json, startRig, startUpstream } from './gateway-rig.ts';

const canary = (place: string) => `cnry-${place}-5e1f`;
const places = [
  'body',
  'header',
  'path',
  'key',
  'spare',
  'prompt',
  'client-key',
  'client-header',
  'client-path',
  'field',
  'status',
];

const errorBody = {
  error: { message: canary('body'), type: canary('body'), code: canary('body') },
  detail: canary('body'),
};
const headers = { 'x-request-id': canary('header'), 'x-trace': canary('header'), 'retry-after': '1' };
const withStatus =
  (status: number): Behaviour =>
  (_req, res) => {
    res.statusMessage = canary('status');
    json(res, status, errorBody, headers);
  };

const behaviours: readonly [string, Behaviour][] = [
  ...[400, 401, 403, 404, 408, 422, 429, 500, 502, 503].map((status): [string, Behaviour] => [
    String(status),
    withStatus(status),
  ]),
  ['a page', (_req, res) => res.writeHead(200, headers).end(`<h1>${canary('body')}</h1>`)],
  ['broken JSON', (_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(`{"${canary('body')}`)],
  ['a cut', (req) => req.socket.destroy()],
  [
    'an error frame',
    (_req, res) => {
      beginSse(res);
      res.write(chunk('x'));
      res.end(`data: ${JSON.stringify(errorBody)}\n\n`);
    },
  ],
];

const directory = mkdtempSync(join(tmpdir(), 'rempart-canary-'));
after(() => rmSync(directory, { recursive: true }));

for (const [what, behaviour] of behaviours)
  test(`createGateway() leaks no canary into replies, journal, signals, logs, metrics or health before ${what}`, async () => {
    const upstream = await startUpstream(behaviour, withStatus(500));
    const file = join(directory, `${what}.log`);
    const registry = new Registry();
    const rig = await startRig(
      [
        {
          name: 'up',
          dialect: 'openai',
          url: `${upstream.url}/${canary('path')}`,
          key: canary('key'),
          spareKeys: [canary('spare')],
        },
      ],
      {
        metrics: createGatewayMetrics(registry),
        log: createLog('debug', openSync(file, 'w')),
        settings: { retries: { max: 1, baseMs: 1, maxWaitMs: 10 } },
      },
    );
    const outputs: string[] = [];
    const answers = [
      await rig.chat(canary('prompt')),
      await rig.chat(canary('prompt'), { stream: true }),
      await rig.ask(
        '/api/chat',
        { model: 'm', messages: [{ role: 'user', content: canary('prompt') }] },
        { 'x-c': canary('client-header') },
      ),
      await rig.ask('/v1/chat/completions', `{"${canary('prompt')}`),
      await rig.ask('/v1/chat/completions', { model: canary('field'), messages: [{ role: canary('field') }] }),
      await rig.get('/v1/models'),
      await rig.get(`/v1/${canary('client-path')}?${canary('client-path')}`),
      await rig.get('/api/tags', { authorization: `Bearer ${canary('client-key')}` }),
    ];
    for (const { text, headers: sent } of answers) outputs.push(text, JSON.stringify(sent));
    await new Promise((resolve) => setTimeout(resolve, 20));
    // The journal names the model that was asked for: the caller's word, kept on purpose.
    const journal = JSON.stringify(rig.journalled).replaceAll(`"model":"${canary('field')}"`, '');
    outputs.push(journal.replaceAll(`"modelAsked":"${canary('field')}"`, ''));
    outputs.push(
      JSON.stringify(rig.signals),
      JSON.stringify(rig.gateway.state()),
      await registry.metrics(),
      readFileSync(file, 'utf8'),
    );
    await rig.close();
    await upstream.close();
    const port = new URL(upstream.url).port;
    const everything = outputs.join('\n');
    for (const place of places)
      assert.ok(!everything.includes(canary(place)), `${place}: ${excerpt(everything, canary(place))}`);
    assert.ok(!everything.includes(`127.0.0.1:${port}`), 'the upstream stays unnamed');
    assert.ok(outputs.length > 15 && everything.includes('ERR_'), 'the search had something to search');
  });

function excerpt(text: string, found: string): string {
  const at = text.indexOf(found);
  return text.slice(Math.max(0, at - 80), at + 80);
}
