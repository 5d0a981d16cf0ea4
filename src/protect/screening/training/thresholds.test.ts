// Thresholds: what benign texts score decides, and both readers flag as many of them as the first alone would.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Head } from '../model.ts';
import { roles } from '../verdict.ts';
import { type Scored, thresholdsOf } from './thresholds.ts';

const [user, tool] = [roles.indexOf('user'), roles.indexOf('tool')];
/** A thousand texts of users and of tools that score 0.000 to 0.999. */
const scored: Scored[] = (['user', 'tool'] as const).flatMap((role) =>
  Array.from({ length: 1000 }, (_, at) => ({
    id: `${role} ${at}`,
    role,
    logits: new Map<Head, number>((['user', 'tool', 'user-run', 'tool-run'] as const).map((head) => [head, at / 1000])),
    loudest: '',
  })),
);
const silent = new Map(scored.map(({ id }) => [id, { whole: 0, run: 0 }]));

test('thresholdsOf() lets no more benign texts through than it says, with a second reader that says nothing as without', () => {
  const { thresholds, runThresholds, doubt, runShare, documentRunShare } = thresholdsOf(scored, silent);
  // All heads say the same here; the run is added to the whole as often as it counts.
  const above = (threshold: number, counts = 0): number =>
    scored.filter(({ role, logits }) => {
      const said = logits.get('user')!;
      return role === 'user' && said + counts * said > threshold;
    }).length;
  assert.equal(above(thresholds[user]!, runShare), 38);
  assert.equal(above(thresholds[tool]!, documentRunShare), 20);
  assert.equal(above(runThresholds[user]!), 9);
  assert.equal(above(runThresholds[tool]!), 11);
  assert.equal(above(doubt), 120);
});

test('thresholdsOf() asks less of the first reader where the second says innocent of what it flags', () => {
  const sure = thresholdsOf(scored, silent);
  const said = new Map(
    scored.map(({ id, logits }) => [
      id,
      {
        whole: logits.get('user')! * (1 + sure.runShare) > sure.thresholds[user]! ? -5 : 0,
        run: logits.get('user-run')! > sure.runThresholds[user]! ? -5 : 0,
      },
    ]),
  );
  const both = thresholdsOf(scored, said);
  assert.ok(both.thresholds[user]! < sure.thresholds[user]!);
  assert.ok(both.runThresholds[user]! < sure.runThresholds[user]!);
});

test('thresholdsOf() asks more where the second says of innocent texts what it says of attacks', () => {
  const sure = thresholdsOf(scored, silent);
  const loud = thresholdsOf(scored, new Map(scored.map(({ id }) => [id, { whole: 4, run: 2 }])));
  assert.ok(Math.abs(loud.thresholds[user]! - sure.thresholds[user]! - 4 * loud.share) < 1e-9);
  assert.ok(Math.abs(loud.runThresholds[user]! - sure.runThresholds[user]! - 2 * loud.share) < 1e-9);
});

test('thresholdsOf() gives an operator a threshold above that of users', () => {
  const { thresholds, runThresholds } = thresholdsOf(scored, silent);
  const system = roles.indexOf('system');
  assert.ok(thresholds[system]! > thresholds[user]!);
  // The first reader alone reads an operator's runs, as it does those of tools, which score the same here.
  assert.ok(runThresholds[system]! > runThresholds[tool]!);
});
