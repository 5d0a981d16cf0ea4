// The table of an exhausted quota: each strategy by its own proof, and the questions of economy.
import { test } from 'node:test';
import { ask, bareError, broken, call, health, limited, served } from './fixture.ts';
import { alert, alerts, expect, rows } from './observe.fixture.ts';

test('observe() of an exhausted quota: each strategy by its own proof', () => {
  const held = ask('fault', 12_000, limited);
  const waiting = ask('fault', 11_000, limited);
  const found = rows('quota-exhausted', 'hard-quota', {
    fault: [
      call(waiting.marker, 11_100, { fault: 'hard-quota', status: 429, outcome: 'faulted' }),
      waiting,
      held,
      call(waiting.marker, 15_000),
      call(held.marker, 15_500),
    ],
  });
  expect(found, {
    'strategy.rationing': 'yes',
    'strategy.rationing.grade': 3,
    'strategy.communication.grade': 5,
    'strategy.queue.grade': 5,
    'strategy.fallback.grade': 5,
    'strategy.prevention': 'not-assessed',
    'economy.priority': 'not-assessed',
    'economy.resumes': 'automatic',
    'economy.resumes-after': 1500,
  });
});

test('observe() of an exhausted quota: a naive target has none of the strategies', () => {
  const found = rows('quota-exhausted', 'hard-quota', {
    fault: [...broken(11_000, bareError, { status: 429 }), ...broken(13_000, bareError, { status: 429 })],
  });
  expect(found, {
    'strategy.rationing': 'no',
    'strategy.queue': 'no',
    'strategy.fallback': 'no',
    'economy.communication': 'confusing',
  });
});

test('observe() of an exhausted quota: its end foreseen, the rest rationed', () => {
  const spared = ask('fault', 12_000, limited);
  const found = rows(
    'quota-exhausted',
    'progressive',
    {
      fault: [
        ...served('fault', 11_000).map((fact) => (fact.kind === 'upstream' ? { ...fact, quotaUsed: 0.85 } : fact)),
        alert(11_300),
        ...served('fault', 11_500),
        spared,
        ...broken(14_000, limited, { status: 429 }),
        health('fault', 14_500, { ok: false }),
      ],
    },
    [],
    alerts,
  );
  expect(found, { 'strategy.prevention.grade': 5, 'strategy.rationing.grade': 5, 'economy.forecast': 'yes' });
});
