// What brief cuts, reconnection, a quota running out, a streak and a restart by the simulator are judged by.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { assess } from './assess.ts';
import {
  ask,
  broken,
  type Case,
  call,
  clearedT,
  evidenceOf,
  health,
  honestError,
  injectedT,
  limited,
  methodFacts,
  served,
} from './fixture.ts';
import { parseRubric } from './rubric.ts';

const rubric = parseRubric(readFileSync(join(import.meta.dirname, '../../../scenarios/rubric.yaml'), 'utf8'));
const shares = (facts: Case, promises: Record<string, boolean> = {}) => {
  const evidence = evidenceOf(methodFacts(facts), { promises });
  const { scenarios } = assess({ evidence, rubric, lang: 'en', evidenceFile: { file: 'e', sha256: 'b'.repeat(64) } });
  const method = scenarios[0]?.methods[0];
  return {
    outcome: method?.outcome,
    why: method?.why,
    timings: method?.timings,
    share: (id: string) => {
      const found = method?.checks.find((check) => check.id === id);
      return found === undefined ? null : Math.round((100 * found.points) / found.of) / 100;
    },
  };
};

test('overload/cpu is inconclusive where the machine was busy before the fault, and says how busy', () => {
  const at = (busy: number) =>
    shares({
      scenario: 'overload',
      method: 'cpu',
      fault: [{ kind: 'machine', t: injectedT - 10, busy }, ...served('fault', 11_000)],
    });
  assert.equal(at(0.2).outcome, 'scored');
  assert.equal(at(0.9).outcome, 'inconclusive');
  assert.match(at(0.9).why ?? '', /90 %.*50 %/);
  const after = shares({
    scenario: 'overload',
    method: 'cpu',
    fault: [{ kind: 'machine', t: injectedT - 10, busy: 0.1 }, ...served('fault', 11_000)],
    beside: [{ kind: 'machine', t: clearedT + 10, busy: 0.7 }],
  });
  assert.equal(after.outcome, 'inconclusive', 'a page that does not return then tells of something else');
});

const briefCut = (fault: Fact[]): Case => ({ scenario: 'network-cut', method: 'brief-cut', fault });

test('rode-out: the share of the requests of a brief cut that ended ordinary; nobody is asked to report such a cut', () => {
  const both = shares(briefCut([...served('fault', 10_100), ...served('fault', 10_200)]), {
    alerts: true,
    health: true,
  });
  assert.equal(both.share('rode-out'), 1);
  assert.equal(both.share('alert'), null);
  const half = shares(briefCut([...served('fault', 10_100), ask('fault', 10_200, limited)]), { alerts: true });
  assert.equal(half.share('rode-out'), 0.5);
  assert.equal(half.share('alert'), null);
});

test('notice: an answer served though the listener was closed shows that the cut was noticed', () => {
  const answered = served('fault', 10_100);
  assert.equal(shares(briefCut(answered)).share('notice'), null, 'how long a brief cut was waited out is for UX');
  const { share } = shares({ scenario: 'network-cut', method: 'refused', fault: answered });
  assert.ok((share('notice') ?? 0) > 0.9);
});

const reconnected = (fresh: Fact[]): Case => ({
  scenario: 'network-cut',
  method: 'reconnect',
  fault: [ask('fault', 11_000, limited)],
  beside: fresh,
});

test('reconnect: by the seconds until somebody new is served, and by nobody else', () => {
  const fresh = { user: 'fresh', conversation: 'c9' };
  assert.equal(shares(reconnected(served('recovery', clearedT, fresh))).share('reconnect'), 0.98);
  const late = [ask('recovery', clearedT, { ...fresh, ...limited }), ...served('recovery', clearedT + 4000, fresh)];
  assert.equal(shares(reconnected(late)).share('reconnect'), 0.92);
  assert.equal(shares(reconnected([ask('recovery', clearedT, { ...fresh, ...honestError })])).share('reconnect'), 0);
  assert.equal(shares(reconnected([])).share('reconnect'), null);
});

const marked = call(null, 12_000, { quotaUsed: 0.8 });
const runningOut = (beside: Fact[]): Case => ({
  scenario: 'quota-exhausted',
  method: 'progressive',
  fault: [marked, ...broken(15_000, limited, { status: 429 })],
  beside: [health('baseline', 1000, { status: 'ok' }), ...beside],
});
const both = { alerts: true, health: true };

test('foresight: an alert between the mark and the end of the quota; a page is worth less where alerts are promised', () => {
  const alert = (t: number): Fact => ({ kind: 'alert', t, body: 'quota' });
  assert.equal(shares(runningOut([alert(13_000)]), both).share('foresight'), 1);
  assert.equal(shares(runningOut([alert(11_000)]), both).share('foresight'), 0, 'before the mark');
  assert.equal(shares(runningOut([alert(16_000)]), both).share('foresight'), 0, 'after the end');
  const page = health('fault', 13_000, { status: 'low' });
  assert.equal(shares(runningOut([page]), both).share('foresight'), 0.75);
  assert.equal(shares(runningOut([page]), { health: true }).share('foresight'), 1);
  assert.equal(shares(runningOut([]), {}).share('foresight'), null);
});

test('notice of a quota running out: counted from the first refusal, not from the first question', () => {
  const { timings } = shares(runningOut([]), both);
  assert.ok((timings?.noticeMs?.median ?? 9999) <= 1000);
});

test('refused-key: under a streak every use from the first refusal on counts, the accepted ones too', () => {
  const passing = (t: number): Fact => call(null, t, { key: 'primary' });
  const first = broken(11_000, limited, { status: 401 });
  const streak = (more: Fact[]): Case => ({
    scenario: 'key-compromised',
    method: 'streak',
    fault: [...first, ...more],
  });
  assert.equal(shares(streak([passing(12_000), passing(13_000)])).share('refused-key'), 1);
  assert.equal(shares(streak([12, 13, 14, 15, 16, 17].map((s) => passing(s * 1000)))).share('refused-key'), 0.33);
});

const restarted = (t: number): Fact => ({ kind: 'process', t, state: 'reconfigured', detail: 'by the simulator' });
const wrongUrl: Case = {
  scenario: 'api-maintenance',
  method: 'wrong-url',
  fault: [ask('fault', 14_000, limited)],
  beside: [restarted(injectedT), restarted(clearedT - 100), { kind: 'alert', t: 14_500, body: 'away' }],
};

test('a restart by the simulator: alive all the same, not by hand, and alerts are timed from the first question after it', () => {
  const { share, outcome } = shares(wrongUrl, { alerts: true });
  assert.equal(outcome, 'scored');
  assert.equal(share('alive'), 1);
  assert.ok((share('back') ?? 0) > 0.9);
  assert.ok((share('alert') ?? 0) > 0.98, 'half a second, not four and a half');
});

test('history: what a target without a database forgot in the simulator’s own restart is not held against it', () => {
  assert.equal(shares(wrongUrl, { history: true }).share('history'), null);
  assert.equal(shares(wrongUrl, { history: true, database: true }).share('history'), 0);
});
