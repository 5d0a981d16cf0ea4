// The tables of a provider in maintenance and of a cut network: good targets and bad ones apart.
import { test } from 'node:test';
import { bareError, broken, honestError, limited, silence, testKey } from './fixture.ts';
import { alert, alerts, expect, log, rows } from './observe.fixture.ts';

test('observe() of a provider in maintenance: a good target', () => {
  const found = rows(
    'api-maintenance',
    'unavailable',
    {
      fault: broken(11_000, limited, { gaps: [500] }),
      beside: [alert(11_500), log('{"level":40,"msg":"provider failed"}')],
    },
    [],
    alerts,
  );
  expect(found, {
    'message-reveals': 'no',
    'exposed-key': 'no',
    fallback: 'yes',
    'fallback-share': 100,
    understandable: 'clear',
    'log-record': 'compliant',
    recovery: 'automatic',
    alerted: 'yes',
    'detection-time': 'under-5',
    state: 'not-assessed',
  });
});

test('observe() of a provider in maintenance: a bad target', () => {
  const body = JSON.stringify({ error: `APIError: 401 key ${testKey.value} at /srv/app/bot.js` });
  const found = rows(
    'api-maintenance',
    'invalid-key',
    { fault: broken(11_000, { ...bareError, body }, { status: 401 }), recovery: [], beside: [log('Hello\n', 6)] },
    [],
    alerts,
  );
  expect(found, {
    'message-reveals': 'yes',
    'exposed-key': 'yes',
    'exposed-structure': 'yes',
    'exposed-address': 'no',
    fallback: 'no',
    understandable: 'confusing',
    'log-record': 'log-none',
    recovery: 'none',
    alerted: 'no',
  });
});

const detections: [ms: number, value: string][] = [
  [3000, 'under-5'],
  [8000, 'to-15'],
];
for (const [ms, value] of detections)
  test(`observe() of a cut network calls a failure seen after ${ms} ms ${value}`, () => {
    const late = { endT: 11_000 + ms, ...honestError };
    expect(rows('network-cut', 'refused', { fault: broken(11_000, late) }), { 'detection-time': value });
  });

test('observe() of a cut network: retried, kept, told, back', () => {
  const found = rows('network-cut', 'mid-request', { fault: broken(11_000, limited, { gaps: [500] }) });
  expect(found, { retry: 'yes', information: 'clear', recovery: 'automatic' });
  const naive = rows('network-cut', 'mid-request', { fault: broken(11_000, bareError) });
  expect(naive, { retry: 'no', information: 'confusing' });
});

test('observe() of a silent target: never detected, nothing recovered', () => {
  const found = rows('network-cut', 'blackhole-silent', { fault: broken(11_000, silence), recovery: [] });
  expect(found, { 'detection-time': 'never', recovery: 'none', fallback: 'no' });
});
