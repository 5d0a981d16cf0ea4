import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, type Json, type JsonObject } from '../../platform/base/json.ts';
import { createLog } from '../../platform/base/log.ts';
import { createRecorder } from './record.ts';

test('createRecorder() builds what every request writes in the canonical order of keys', () => {
  const events: JsonObject[] = [];
  const journal = {
    append: async (event: JsonObject) => {
      events.push(event);
      return { stream: 'gateway', seq: 1, hash: '' };
    },
    checkpoint: async () => {},
    close: async () => {},
  };
  const recorder = createRecorder({ now: () => 1_000, journal, log: createLog('silent'), promptKey: Buffer.alloc(32) });
  const caller = { subject: 's', credential: 'c/1', role: 'user' as const, sourceIp: '127.0.0.1' };
  const request = { requestId: 'req_1', caller, operation: 'POST /v1/chat/completions', startedAt: 900 };
  recorder.received(request, { dialect: 'openai', model: 'm', stream: true, turns: [{ role: 'user', text: 'hé' }] });
  const finding = {
    category: 'injection',
    role: 'user',
    action: 'flag',
    score: 0.9,
    rules: ['r'],
    severity: 'low',
  } as const;
  recorder.finding(request, finding);
  recorder.outcome(request, {
    ...{ kind: 'answered', status: 200, code: 'X', provider: 'p', modelAsked: 'm', modelUsed: 'n', attempts: 2 },
    ...{ promptTokens: 3, completionTokens: 4, tokensEstimated: false, firstByteMs: 5, responseSize: 6 },
    ...{ degraded: 'fallback', deferred: 'd', limit: 'l', route: 'r' },
  });
  recorder.received({ ...request, operation: 'GET /v1/models' }, { dialect: 'openai' });
  const [received, , outcome, reading] = events;
  for (const event of [received, outcome, reading]) {
    const text = JSON.stringify(event);
    assert.equal(text, canonicalJson(JSON.parse(text) as Json));
  }
  const { unmapped, duration, message_context: context } = outcome as Record<string, JsonObject>;
  assert.equal(duration, 100);
  assert.equal(context?.['total_tokens'], 7);
  assert.deepEqual(unmapped?.['verdicts'], [{ action: 'flag', category: 'injection', role: 'user' }]);
  // Nothing that a caller of outcome() says is left out.
  for (const fact of ['status', 'code', 'route', 'limit', 'deferred', 'degraded', 'attempts', 'tokensEstimated'])
    assert.notEqual(unmapped?.[fact], undefined, fact);
  assert.equal((reading as Record<string, unknown>)['activity_id'], 2);
});
