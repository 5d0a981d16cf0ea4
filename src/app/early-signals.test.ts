// Signals of a start are heard once, by the first who listens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSignals, type Signal } from '../platform/signals.ts';
import { keepEarly } from './early-signals.ts';

const signal = (kind: Signal['kind']): Signal => ({ kind, time: 1, severity: 'high', facts: {} });

test('keepEarly() tells the first listener what was signalled before it, then what comes', () => {
  const signals = createSignals();
  const kept = keepEarly(signals);
  signals.emit(signal('database-down'));
  const [first, second]: [string[], string[]] = [[], []];
  const end = kept.subscribe(({ kind }) => first.push(kind));
  signals.emit(signal('host-overload'));
  end();
  kept.subscribe(({ kind }) => second.push(kind));
  signals.emit(signal('host-recovered'));
  assert.deepEqual(first, ['database-down', 'host-overload']);
  assert.deepEqual(second, ['host-recovered']);
});
