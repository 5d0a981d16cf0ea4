// The exercise's tables on evidence made by hand: every row of every scenario, good targets and bad ones apart.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MethodId, ScenarioId } from '../../platform/documents/simulation.ts';
import { say } from '../../platform/i18n/say.ts';
import type { Evidence, EvidenceOf, Fact } from '../scenarios/evidence.ts';
import { assess } from './assess.ts';
import {
  ask,
  bareError,
  broken,
  type Case,
  call,
  evidenceOf,
  health,
  honestError,
  limited,
  methodFacts,
  served,
  silence,
  testKey,
} from './fixture.ts';
import { parseRubric } from './rubric.ts';

const rubric = parseRubric(
  readFileSync(join(import.meta.dirname, '..', '..', '..', 'scenarios', 'rubric.yaml'), 'utf8'),
);
type Begin = Partial<EvidenceOf<'run-begin'>>;

function rows(scenario: ScenarioId, method: MethodId, one: Case, beside: Fact[] = [], begin: Begin = {}) {
  const evidence: Evidence[] = evidenceOf([...beside, ...methodFacts({ scenario, method, ...one })], begin);
  const doc = assess({
    evidence,
    rubric,
    lang: 'en',
    evidenceFile: { file: 'evidence.jsonl', sha256: '0'.repeat(64) },
  });
  assert.equal(doc.scenarios[0]?.methods[0]?.outcome, 'scored', doc.scenarios[0]?.methods[0]?.why);
  const known = new Set(evidence.map(({ id }) => id));
  const found = doc.scenarios[0]?.observations ?? [];
  for (const { id, evidence: cited } of found)
    assert.ok(
      cited.every((line) => known.has(line)),
      id,
    );
  assert.equal(new Set(found.map(({ id }) => id)).size, found.length, 'each id once');
  return Object.fromEntries(found.map(({ id, value }) => [id, value]));
}
/** Asserts some rows, by the names of their values. */
function expect(found: Record<string, string | number>, expected: Record<string, string | number>): void {
  const words = Object.fromEntries(
    Object.entries(expected).map(([id, value]) => [
      id,
      typeof value === 'number' ? value : say('en', `report.value.${value}` as Parameters<typeof say>[1]),
    ]),
  );
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((id) => [id, found[id]])), words);
}

function log(text: string, baselineLength = 0): Fact {
  return { kind: 'log', t: 25_000, channel: 'stderr', baselineLength, text };
}
function alert(t: number): Fact {
  return { kind: 'alert', t, body: '{"text":"provider down"}' };
}
const alerts = { promises: { alerts: true } };

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

const written = 'Stop all calls. Notify the security team. Revoke. Create a new key. Redeploy.';
const procedure = (text: string | null): Fact => ({ kind: 'procedure', t: 1, scenario: 'key-compromised', text });

test('observe() of a compromised key: all compliant', () => {
  const refused = broken(11_000, limited, { status: 401, gaps: [300] });
  const spare = [...served('fault', 13_000)].map((fact) =>
    fact.kind === 'upstream' ? { ...fact, key: 'spare' as const } : fact,
  );
  const found = rows(
    'key-compromised',
    'revoked-401',
    { fault: [...refused, ...spare], beside: [alert(11_500), log('WARN key refused')] },
    [procedure(written)],
    { promises: { alerts: true, spareKey: true } },
  );
  expect(found, {
    'key-in-logs': 'compliant',
    'paths-in-traces': 'compliant',
    'safe-stop': 'compliant',
    notification: 'compliant',
    procedure: 'compliant',
    'procedure-steps': 5,
    'attempts-before-stop': 2,
    'spare-key': 'yes',
    'key-exposed': 'no',
  });
});

test('observe() of a compromised key: nothing compliant', () => {
  const storm = broken(11_000, bareError, { status: 401, gaps: [100, 100, 100, 100, 100, 100, 100, 100] });
  const found = rows(
    'key-compromised',
    'revoked-401',
    { fault: storm, beside: [log(`ERROR Authorization: Bearer ${testKey.value}`)] },
    [procedure('Ask somebody. Revoke.')],
    { promises: { alerts: true, spareKey: true } },
  );
  expect(found, {
    'key-in-logs': 'not-compliant',
    'safe-stop': 'not-compliant',
    notification: 'not-compliant',
    procedure: 'not-compliant',
    'procedure-steps': 1,
    'attempts-before-stop': 9,
    'spare-key': 'no',
    'key-exposed': 'yes',
    'log-record': 'log-secrets',
  });
});

const procedures: [text: string | null | undefined, value: string][] = [
  [undefined, 'not-assessed'],
  [null, 'not-compliant'],
  [written, 'compliant'],
];
for (const [text, value] of procedures)
  test(`observe() calls a procedure ${text === undefined ? 'that no profile names' : text === null ? 'whose file is missing' : 'of five steps'} ${value}`, () => {
    const fault = broken(11_000, limited, { status: 401 });
    expect(rows('key-compromised', 'revoked-401', { fault }, text === undefined ? [] : [procedure(text)]), {
      procedure: value,
    });
  });

/** Asks under load that take so many milliseconds; null is an error. */
function loaded(times: readonly (number | null)[]): Fact[] {
  return times.flatMap((ms, index) => {
    const t = 11_000 + 1000 * index;
    return ms === null ? [ask('fault', t, { ...bareError, endT: t + 100 })] : served('fault', t, { endT: t + ms });
  });
}
const shapes: [times: (number | null)[], shape: string, success: number][] = [
  [[1000, 1100, 1200], 'no-degradation', 100],
  [[1500, 2600, 3000], 'gradual', 100],
  [[1000, 3000, null], 'gradual', 66.67],
  [[1000, null, null, 3000], 'abrupt', 50],
];
for (const [times, shape, success] of shapes)
  test(`observe() under load calls ${JSON.stringify(times)} ${shape}`, () => {
    const found = rows('overload', 'cpu', { fault: loaded(times) });
    expect(found, {
      'load.shape': shape,
      'load.success.loaded': success,
      'load.success.normal': 100,
      'load.response-time.normal': 1000,
      'load.baseline-slow': 'yes',
      'load.stability.loaded': 'stable',
      'load.protection': 'yes',
    });
  });

test('observe() under load: a target that falls silent does not protect itself', () => {
  const gone: Fact = { kind: 'process', t: 12_000, state: 'exited', detail: 'signal SIGKILL' };
  const found = rows('overload', 'cpu', { fault: [...broken(11_000, silence), gone] });
  expect(found, { 'load.protection': 'no', 'load.stability.loaded': 'unstable', 'load.errors.loaded': 1 });
});

function fn(name: EvidenceOf<'function'>['name'], phase: 'baseline' | 'fault', works: boolean, body = '{}'): Fact {
  const t = phase === 'baseline' ? 5000 : 12_000;
  return { kind: 'function', t, phase, name, status: works ? 200 : 503, body, works };
}
const newcomer = { user: 'newcomer', conversation: 'c2' };

test('observe() of a lost database: the grid tells with, without and degraded apart', () => {
  const told = JSON.stringify({ error: 'Les réglages sont momentanément indisponibles.' });
  const found = rows('database-down', 'stopped', {
    fault: served('fault', 11_000, newcomer),
    beside: [
      fn('history', 'baseline', true),
      fn('history', 'fault', false),
      fn('settings', 'baseline', true),
      fn('settings', 'fault', false, told),
      fn('login', 'baseline', true),
      fn('login', 'fault', true),
      log('ERROR database unavailable'),
    ],
  });
  expect(found, {
    'continuity.conversations.with': 'yes',
    'continuity.conversations.without': 'yes',
    'continuity.history.with': 'yes',
    'continuity.history.without': 'no',
    'continuity.history.degraded': 'no',
    'continuity.settings.degraded': 'announced',
    'continuity.login.without': 'yes',
    'continuity.login.degraded': 'as-usual',
    'continuity.incidents.without': 'yes',
  });
});

const verdicts: [what: string, one: Case, verdict: string][] = [
  ['goes on and says so', { fault: broken(11_000, { ...limited, ...newcomer }) }, 'ideal'],
  ['stops cleanly', { fault: broken(11_000, { ...honestError, ...newcomer }) }, 'acceptable'],
  ['stops with a bare error', { fault: broken(11_000, { ...bareError, ...newcomer }) }, 'unacceptable'],
  ['answers nothing', { fault: broken(11_000, { ...silence, ...newcomer }) }, 'unacceptable'],
  ['does not come back', { fault: broken(11_000, { ...honestError, ...newcomer }), recovery: [] }, 'unacceptable'],
];
for (const [what, one, verdict] of verdicts)
  test(`observe() of a lost database calls ${verdict} a target that ${what}`, () => {
    expect(rows('database-down', 'stopped', one), { verdict });
  });

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

const climbs: [why: string, steps: [answered: number, medianMs: number][], shape: string][] = [
  [
    'as fast as ever',
    [
      [1, 200],
      [1, 210],
      [1, 390],
    ],
    'no-degradation',
  ],
  [
    'slower with each step',
    [
      [1, 200],
      [1, 390],
      [1, 800],
      [1, 1500],
    ],
    'gradual',
  ],
  [
    'a few lost with each step',
    [
      [1, 200],
      [0.9, 200],
      [0.7, 210],
      [0.5, 200],
    ],
    'gradual',
  ],
  [
    'well, and then gone',
    [
      [1, 200],
      [1, 220],
      [0.2, 230],
    ],
    'abrupt',
  ],
  [
    'well, and then stuck',
    [
      [1, 200],
      [1, 220],
      [1, 4000],
    ],
    'abrupt',
  ],
];
for (const [why, steps, shape] of climbs)
  test(`observe() under load steps: ${why} is ${shape}`, () => {
    const climb = steps.map(
      ([answered, medianMs], index): Fact => ({
        kind: 'load-step',
        t: 30_000 + 1000 * index,
        endT: 31_000 + 1000 * index,
        users: 2 ** index,
        asked: 10,
        answered: 10 * answered,
        medianMs,
      }),
    );
    const found = rows('overload', 'cpu', { fault: loaded([1000, 1100]), beside: climb });
    expect(found, { 'load.shape': shape });
    assert.match(String(found['load.steps']), /1 at once: 200 ms, 100 % answered · 2 at once/);
  });
