import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import type { Action, ActionClass, ActionContext } from '../engine/action.ts';
import { backUpFirst } from './back-up-first.ts';
import { stateRig } from './state-rig.ts';

const context: ActionContext = {
  incident: null,
  run: 'run_1',
  idempotencyKey: 'key',
  now: Date.now,
  signal: new AbortController().signal,
  outArgs: [],
};

for (const [kind, backups] of [
  ['destroy', 1],
  ['contain', 0],
] as const)
  test(`backUpFirst() leaves ${backups} backup before an action that would ${kind}`, async (t) => {
    const rig = stateRig([
      { name: 'good', path: 'good.json', format: 'json' },
      { name: 'bad', path: 'bad.json', format: 'json' },
    ]);
    t.after(rig.close);
    writeFileSync(rig.path('good.json'), '{"n":1}');
    writeFileSync(rig.path('bad.json'), '{');
    let found = -1;
    const action: Action = {
      name: 'example.wipe',
      class: kind satisfies ActionClass,
      args: z.unknown(),
      plan: async () => ({ effects: [], reversible: false, before: {} }),
      probe: async () => ({ state: 'not-done' }),
      async act() {
        found = (await rig.backups.list(rig.state('good'))).length;
        return { evidence: { wiped: true } };
      },
    };
    const done = await backUpFirst(rig.backups, action).act({}, context, {});
    assert.equal(found, backups);
    const [listed] = await rig.backups.list(rig.state('good'));
    const expected = backups === 0 ? {} : { backedUp: { good: listed?.id, bad: 'syntax' } };
    assert.deepEqual(done.evidence, { wiped: true, ...expected });
  });
