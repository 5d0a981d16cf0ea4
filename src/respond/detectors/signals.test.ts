import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../platform/base/log.ts';
import { createSignals, type Signal } from '../../platform/signals.ts';
import type { Detection } from './detector.ts';
import { signalsDetector } from './signals.ts';
import { simulatedTimers } from './simulated-timers.ts';

const start = Date.UTC(2026, 10, 22, 8);
type Told = Omit<Detection, 'detector' | 'detectedAt'>;

function listening(tightness = 1) {
  const timers = simulatedTimers(start);
  const signals = createSignals();
  const told: Told[] = [];
  const handle = signalsDetector({ signals, timers }).start({
    report: (detection) => told.push(detection),
    alive() {},
    failed: (error) => assert.fail(String(error)),
    now: timers.now,
    log: createLog('silent'),
    tightness: () => tightness,
  });
  const emit = (kind: Signal['kind'], severity: Signal['severity'], facts: Signal['facts'] = {}) =>
    signals.emit({ kind, severity, time: timers.now(), facts });
  return { timers, told, emit, close: () => handle.close() };
}

const atOnce: readonly [Signal['kind'], Signal['severity'], Signal['facts'], string, string][] = [
  ['provider-key-compromised', 'critical', { provider: 'mistral', key: 0 }, 'provider-key-compromised', 'mistral'],
  ['provider-unavailable', 'high', { provider: 'mistral' }, 'provider-unavailable', 'mistral'],
  ['network-cut', 'high', { provider: 'mistral' }, 'network-cut', 'mistral'],
  ['database-down', 'high', { cause: 'unreachable' }, 'database-down', 'store'],
  ['quota-exhausted', 'high', { provider: 'mistral' }, 'quota-exhausted', 'mistral'],
  ['host-overload', 'high', { cpuPressure: 0.9, memoryPressure: 0.7, eventLoopDelayMs: 9 }, 'host-overload', 'host'],
  ['brute-force', 'high', { scope: 'source', failures: 60, seconds: 900 }, 'unauthorised-access', 'gateway'],
  ['failed-auth', 'high', { reason: 'unknown', count: 25 }, 'unauthorised-access', 'gateway'],
  [
    'code-execution-attempt',
    'high',
    { action: 'block', role: 'user', score: 0.95, credential: 'k1' },
    'prompt-injection',
    'k1',
  ],
  ['model-integrity', 'critical', { what: 'layer-changed', model: 'mistral:7b' }, 'llm-poisoning', 'mistral:7b'],
  ['model-integrity', 'medium', { what: 'unlisted', model: 'new:1b' }, 'configuration-drift', 'new:1b'],
  ['configuration-drift', 'medium', { changes: 1, area: 'config' }, 'configuration-drift', 'config'],
  [
    'network-crossing',
    'high',
    { kind: 'host-access', from: 'private', to: 'host', port: 22 },
    'unauthorised-access',
    'private-to-host:22',
  ],
];

for (const [kind, severity, facts, type, subject] of atOnce)
  test(`signalsDetector() takes ${kind} of ${severity} severity for ${type} at once`, () => {
    const { emit, told } = listening();
    emit(kind, severity, facts);
    assert.deepEqual(
      told.map((one) => [one.type, one.subject, one.occurredAt]),
      [[type, subject, start]],
    );
  });

const weak: readonly [Signal['kind'], Signal['severity'], Signal['facts']][] = [
  ['network-cut', 'low', { provider: 'mistral', healedByRetry: true }],
  ['provider-unavailable', 'low', { provider: 'mistral', healedByRetry: true }],
  ['provider-recovered', 'info', { provider: 'mistral' }],
  ['quota-warning', 'medium', { provider: 'mistral', usedPercent: 80 }],
  ['rate-limited', 'medium', { provider: 'mistral' }],
  ['failed-auth', 'high', { reason: 'expired', count: 125 }],
  ['failed-auth', 'medium', { reason: 'unknown', count: 5 }],
  ['prompt-attack', 'medium', { category: 'injection', role: 'user', action: 'block', score: 0.7 }],
  ['code-execution-attempt', 'high', { category: 'code-execution', role: 'user', action: 'block', score: 0.6 }],
  ['code-execution-attempt', 'high', { category: 'code-execution', role: 'assistant', action: 'flag', score: 1 }],
  ['hostile-request', 'medium', { rule: 'traversal', category: 'traversal', action: 'block' }],
  ['behaviour-anomaly', 'medium', { score: 0.8, action: 'flag' }],
  ['answer-blocked', 'medium', { category: 'system-prompt' }],
  ['dangerous-route', 'medium', { dialect: 'ollama', role: 'user' }],
  ['screening-failed', 'high', { guard: 'prompt', action: 'refuse' }],
  ['network-crossing', 'medium', { kind: 'cross-network', from: 'dmz', to: 'private', port: 80 }],
  ['alert-threshold', 'medium', { rule: 'suspicious-prompts' }],
  ['host-overload', 'high', { cpuPressure: 0.9, memoryPressure: 0, eventLoopDelayMs: 20 }],
];

for (const [kind, severity, facts] of weak)
  test(`signalsDetector() takes a single ${kind} (${JSON.stringify(facts)}) for no incident`, () => {
    const { emit, told } = listening();
    emit(kind, severity, facts);
    assert.deepEqual(told, []);
  });

test('signalsDetector() takes many prompt attacks within minutes for a suspicious pattern, and the same number over a day for none', () => {
  const fast = listening();
  for (let count = 0; count < 10; count++) {
    fast.emit('prompt-attack', 'medium', { category: 'jailbreak', action: 'block', score: 0.9 });
    fast.timers.advance(10_000);
  }
  assert.deepEqual(
    fast.told.map(({ type, facts }) => [type, facts['count']]),
    [['suspicious-patterns', 10]],
  );
  const slow = listening();
  for (let count = 0; count < 48; count++) {
    slow.emit('prompt-attack', 'medium', { category: 'jailbreak', action: 'block', score: 0.9 });
    slow.timers.advance(1_800_000);
  }
  assert.deepEqual(slow.told, []);
});

test('signalsDetector() learns how many prompt attacks are usual, and tells of more than those', () => {
  const { emit, told, timers } = listening();
  for (let minute = 0; minute < 600; minute++) {
    emit('prompt-attack', 'medium', {});
    if (minute % 2 === 0) emit('prompt-attack', 'medium', {});
    timers.advance(60_000);
  }
  assert.equal(told.length, 0);
  for (let count = 0; count < 70; count++) {
    emit('prompt-attack', 'medium', {});
    timers.advance(4_000);
  }
  assert.ok(told.length >= 1);
});

test('signalsDetector() counts half as many while monitoring is heightened', () => {
  const { emit, told } = listening(0.5);
  for (let count = 0; count < 5; count++) emit('prompt-attack', 'medium', {});
  assert.equal(told.length, 1);
});

test('signalsDetector() waits a minute with an overload of the CPU alone, and forgets one that ended', () => {
  const { emit, told, timers } = listening();
  const facts = { cpuPressure: 0.9, memoryPressure: 0, eventLoopDelayMs: 20 };
  emit('host-overload', 'high', facts);
  timers.advance(30_000);
  emit('host-recovered', 'info');
  timers.advance(300_000);
  assert.deepEqual(told, []);
  const since = timers.now();
  emit('host-overload', 'high', facts);
  timers.advance(61_000);
  assert.deepEqual(
    told.map(({ type, occurredAt }) => [type, occurredAt]),
    [['host-overload', since]],
  );
});

test('signalsDetector() counts attempts that are not beyond doubt by who made them', () => {
  const { emit, told } = listening();
  const attempt = (credential: string) =>
    emit('code-execution-attempt', 'high', { role: 'user', action: 'block', score: 0.6, credential });
  for (const credential of ['k1', 'k2', 'k1', 'k3', 'k2']) attempt(credential);
  assert.deepEqual(told, []);
  attempt('k1');
  assert.deepEqual(
    told.map(({ subject }) => subject),
    ['k1'],
  );
});

test('signalsDetector() hears nothing once it is closed', () => {
  const { emit, told, close } = listening();
  void close();
  emit('database-down', 'high');
  assert.deepEqual(told, []);
});
