// The continuity grid of a lost database, and its verdict.
import { test } from 'node:test';
import type { EvidenceOf, Fact } from '../scenarios/evidence.ts';
import { bareError, broken, type Case, honestError, limited, served, silence } from './fixture.ts';
import { expect, log, rows } from './observe.fixture.ts';

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
