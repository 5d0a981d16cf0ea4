// Game days: a plan read strictly, steps at their time and never two at once, a sheet that keeps what was not played.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gameDaySchema } from '../../platform/documents/game-day.ts';
import type { Simulation } from '../../platform/documents/simulation.ts';
import { fixture } from '../report/fixture.ts';
import { renderPage } from '../report/html.ts';
import { renderText } from '../report/markdown.ts';
import { debrief } from './debrief.ts';
import { gameDayDocument } from './document.ts';
import { type GameDayPlan, loadGameDay } from './plan.ts';
import { runGameDay } from './run-game-day.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-gameday-'));
after(() => rmSync(dir, { recursive: true }));
function plan(schedule: string, head = 'title: Day'): GameDayPlan {
  const file = join(dir, 'day.yaml');
  writeFileSync(file, `${head}\nschedule:\n${schedule}`);
  return loadGameDay(file);
}
const two = `  - { at: 0s, scenario: network-cut, methods: [refused], brief: <b>cut</b> }
  - { at: 1s, scenario: quota-exhausted }`;
/** A report in which everything was put back. */
const doc: Simulation = { ...fixture().doc, restored: true };

test('loadGameDay() reads the example that is shipped', () => {
  const shipped = loadGameDay(join(import.meta.dirname, '..', '..', '..', 'scenarios', 'gameday.example.yaml'));
  assert.deepEqual(
    shipped.steps.map(({ atMs, scenario }) => [atMs, scenario]),
    [
      [0, 'network-cut'],
      [600_000, 'key-compromised'],
      [1_200_000, 'database-down'],
    ],
  );
  assert.match(shipped.target ?? '', /targets\/builtin\.yaml$/);
});

const wrong: [what: string, schedule: string, says: RegExp][] = [
  [
    'an unknown scenario',
    '  - { at: 0s, scenario: netwrk-cut }',
    /schedule\.0\.scenario: netwrk-cut \(network-cut\?\)/,
  ],
  ['an unknown method', '  - { at: 0s, scenario: network-cut, methods: [refuse] }', /refuse \(refused\?\)/],
  ['a time that is none', '  - { at: soon, scenario: network-cut }', /schedule\.0\.at/],
  [
    'steps out of order',
    '  - { at: 2m, scenario: network-cut }\n  - { at: 1m, scenario: overload }',
    /schedule\.1\.at/,
  ],
  ['an unknown key', '  - { at: 0s, scenario: network-cut, note: x }', /note/],
];
for (const [what, schedule, says] of wrong)
  test(`loadGameDay() refuses ${what}`, () => {
    assert.throws(() => plan(schedule), says);
  });

test('runGameDay() begins each step at its time, one after the other', async () => {
  const began = Date.now();
  const times: number[] = [];
  let under = 0;
  const played = await runGameDay(plan(two), {
    signal: new AbortController().signal,
    onStep: () => {},
    simulate: async () => {
      assert.equal(++under, 1, 'never two at once');
      times.push(Date.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 30));
      under--;
      return { doc, stopped: false };
    },
  });
  assert.deepEqual(
    played.map((one) => one.dir),
    ['01-network-cut', '02-quota-exhausted'],
  );
  assert.ok(times[1]! >= 990, String(times));
});

const ends: [what: string, reply: { doc: Simulation; stopped: boolean }][] = [
  ['something was not restored', { doc: { ...doc, restored: false }, stopped: false }],
  ['a stop condition spoke', { doc, stopped: true }],
];
for (const [what, reply] of ends)
  test(`runGameDay() breaks nothing more once ${what}`, async () => {
    const parts = { signal: new AbortController().signal, onStep: () => {}, simulate: async () => reply };
    assert.equal((await runGameDay(plan(two), parts)).length, 1);
  });

test('runGameDay() interrupted while it waits begins nothing more', async () => {
  const stop = new AbortController();
  let asked = 0;
  const simulate = async () => {
    asked++;
    setTimeout(() => stop.abort(), 20);
    return { doc, stopped: false };
  };
  await runGameDay(plan(two), { signal: stop.signal, onStep: () => {}, simulate });
  assert.equal(asked, 1);
});

test('debrief() shows what was measured, what was not played, and no markup of a plan', () => {
  const day = plan(two, 'title: <script>x</script>\nroles: { lead: Ada <i>L</i> }');
  const step = day.steps[0]!;
  const at = '2026-03-14T09:26:53.000Z';
  for (const lang of ['fr', 'en'] as const) {
    const sheet = debrief(day, [{ step, dir: '01-network-cut', startedAt: at, finishedAt: at, doc }], lang);
    const html = renderPage(sheet);
    assert.doesNotMatch(html, /<script>x|<b>cut|<i>L|\{\w+\}|undefined/);
    assert.match(html, lang === 'fr' ? /non jouée/ : /not played/);
    assert.match(renderText(sheet), /58\\?[.,]9/);
  }
});

test('gameDayDocument() follows its schema, with steps that were played and steps that were not', () => {
  const day = plan(two);
  const at = '2026-03-14T09:26:53.000Z';
  const played = [{ step: day.steps[0]!, dir: '01-network-cut', startedAt: at, finishedAt: at, doc }];
  const { steps } = gameDaySchema.parse(gameDayDocument(day, played));
  assert.deepEqual(
    steps.map((step) => (step.played ? step.total : null)),
    [58.9, null],
  );
});
