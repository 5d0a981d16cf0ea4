// An answer whose check breaks is withheld, says so, and is counted, journalled, logged and told like a prompt is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../platform/base/log.ts';
import { createSignals, type Signal } from '../../platform/signals.ts';
import { createAnswerFilter } from './filter.ts';
import { noMetrics } from './metrics.ts';
import { createQuarantine } from './quarantine.ts';
import type { FindingFacts, Recorder } from './record.ts';
import { createScreening, withoutRules } from './screen.ts';
import { defaultScreening } from './settings.ts';

const caller = { subject: 's', role: 'user', credential: 'c', sourceIp: '127.0.0.1' } as const;
const exchange = {
  requestId: 'r',
  caller,
  operation: 'POST /v1/chat/completions',
  startedAt: 0,
  lang: 'en',
  signal: new AbortController().signal,
} as const;

for (const whole of [true, false])
  test(`createAnswerFilter() withholds ${whole ? 'a whole' : 'a streamed'} answer whose check breaks, and says why`, () => {
    const cause = new Error('a rule broke');
    const filter = createAnswerFilter(
      {
        policy: defaultScreening.policy.answers,
        isKnown() {
          throw cause;
        },
      },
      whole,
    );
    const events = [
      ...filter.take({ kind: 'delta', index: 0, text: 'Write to claire.martin@durand-sa.fr or call.' }),
      ...filter.take({ kind: 'finish', index: 0, reason: 'stop' }),
      ...filter.end(),
    ];
    assert.deepEqual(events, []);
    assert.equal(filter.refusal()?.code, 'ERR_ANSWER_UNSCREENED');
    assert.equal(filter.failed()?.cause, cause);
  });

test('createScreening() counts, journals and tells an answer that could not be checked', () => {
  const counted: string[] = [];
  const journalled: FindingFacts[] = [];
  const told: Signal[] = [];
  const signals = createSignals();
  signals.subscribe((signal) => told.push(signal));
  const recorder: Recorder = {
    received: async () => undefined,
    outcome() {},
    failedAuth() {},
    suppressedAuth() {},
    finding: (_request, facts) => void journalled.push(facts),
  };
  const screening = createScreening(
    {
      now: Date.now,
      log: createLog('silent'),
      signals,
      metrics: { ...noMetrics, unscreened: (guard, action) => void counted.push(`${guard} ${action}`) },
      recorder,
      screen: withoutRules,
      quarantine: createQuarantine(Date.now, defaultScreening.quarantine),
      promptKey: Buffer.alloc(32, 7),
    },
    defaultScreening,
  );
  screening.answered(exchange, [], { cause: new Error('a rule broke') });
  assert.deepEqual(counted, ['answer refuse']);
  assert.deepEqual(
    journalled.map(({ category, role, action, severity }) => [category, role, action, severity]),
    [['unscreened', 'assistant', 'refuse', 'high']],
  );
  assert.deepEqual(
    told.map(({ kind, facts }) => [kind, facts['guard']]),
    [['screening-failed', 'answer']],
  );
});
