import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { Action, ActionContext } from '../../engine/action.ts';
import { hour, stateRig } from '../../rollback/state-rig.ts';
import { stateActions } from './state-actions.ts';

const profile = [
  { name: 'one', path: 'one.toml', format: 'toml' },
  { name: 'two', path: 'two.json', format: 'json' },
];

function actionRig(t: { after(work: () => void): void }, firstEvidence: number | null = null) {
  const rig = stateRig(profile);
  t.after(rig.close);
  writeFileSync(rig.path('one.toml'), 'n = 1\n');
  writeFileSync(rig.path('two.json'), '{"n":1}');
  const actions = stateActions({ ...rig.parts, firstEvidence: async () => firstEvidence });
  const context: ActionContext = {
    incident: 'INC-20260310-120000',
    run: 'run_1',
    idempotencyKey: 'key-1',
    now: rig.now,
    signal: new AbortController().signal,
    outArgs: ['__out__'],
  };
  const find = (name: string): Action => {
    const action = actions.find((one) => one.name === name);
    assert(action !== undefined);
    return action;
  };
  const plan = async (name: string, args: JsonObject) => {
    const action = find(name);
    const read = action.args.parse(args);
    const planned = await action.plan(read, context);
    return {
      planned,
      probe: async () => (await action.probe(read, context, planned.before)).state,
      act: () => action.act(read, context, planned.before),
      undo: () => action.undo?.(read, context, planned.before),
    };
  };
  const text = (name: string) => readFileSync(rig.path(name), 'utf8');
  return { rig, find, plan, text };
}

test('states.restore puts the damaged states back and leaves the good ones alone', async (t) => {
  const { rig, plan, text } = actionRig(t);
  await (await plan('states.backup', {})).act();
  rig.clock.time += hour;
  writeFileSync(rig.path('one.toml'), 'n = [');
  writeFileSync(rig.path('two.json'), '{"n":2}');
  const step = await plan('states.restore', { damaged: true });
  assert.deepEqual(step.planned.effects, [
    { target: 'one', change: 'overwrite', from: 'syntax', to: 'backup 2026-03-10T12:00:00.000Z' },
  ]);
  assert.equal(await step.probe(), 'not-done');
  assert.deepEqual((await step.act()).out, { __out__: 'backup' });
  assert.equal(await step.probe(), 'done');
  assert.deepEqual([text('one.toml'), text('two.json')], ['n = 1\n', '{"n":2}']);
  await step.undo();
  await step.undo();
  assert.deepEqual([text('one.toml'), text('two.json')], ['n = [', '{"n":2}']);
});

test('states.restore puts all states back when none is named, and says when one came back as its minimum', async (t) => {
  const { rig, plan, text } = actionRig(t);
  await (await plan('states.backup', { states: ['two'] })).act();
  writeFileSync(rig.path('two.json'), '{"n":2}');
  const step = await plan('states.restore', {});
  assert.deepEqual((await step.act()).out, { __out__: 'minimal' });
  assert.equal(text('two.json'), '{"n":1}');
  assert.match(text('one.toml'), /emergency_fallback/);
});

test('states.restore trusts no backup from after the first evidence of the incident', async (t) => {
  const { plan } = actionRig(t, Date.parse('2026-03-10T12:00:00.000Z'));
  await (await plan('states.backup', {})).act();
  const { planned } = await plan('states.restore', { state: 'two' });
  assert.equal(planned.effects[0]?.to, 'minimal');
});

test('states.restore refuses a state that the profile does not name, and one named twice', async (t) => {
  const { find, plan } = actionRig(t);
  await assert.rejects(plan('states.restore', { state: 'three' }), { code: 'ERR_STATE_UNKNOWN' });
  assert.equal(find('states.restore').args.safeParse({ state: 'one', states: ['two'] }).success, false);
});

test('states.keep-evidence copies what is there once for a step, and moves nothing', async (t) => {
  const { rig, plan, text } = actionRig(t);
  writeFileSync(rig.path('one.toml'), 'n = [');
  const step = await plan('states.keep-evidence', { states: ['one'] });
  await step.act();
  assert.equal(await step.probe(), 'done');
  writeFileSync(rig.path('one.toml'), 'later = 1\n');
  await step.act();
  assert.equal(readFileSync(join(rig.data, 'evidence/states/key-1/one/content'), 'utf8'), 'n = [');
  assert.equal(text('one.toml'), 'later = 1\n');
});

test('states.validate says whether every state is as it must be', async (t) => {
  const { rig, plan } = actionRig(t);
  assert.deepEqual((await (await plan('states.validate', {})).act()).out, { __out__: 'true' });
  writeFileSync(rig.path('two.json'), '');
  const done = await (await plan('states.validate', {})).act();
  assert.deepEqual(done, { out: { __out__: 'false' }, evidence: { states: { one: 'valid', two: 'empty' } } });
  assert.equal(existsSync(rig.path('two.json')), true);
});
