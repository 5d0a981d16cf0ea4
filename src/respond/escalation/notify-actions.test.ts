import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ActionContext } from '../engine/action.ts';
import { begin, exampleIncident, openRig } from './escalation.fixture.ts';
import { notifyActions } from './notify-actions.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-notify-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const context: ActionContext = {
  incident: exampleIncident().id,
  run: 'run_1',
  idempotencyKey: 'a1'.repeat(16),
  now: () => begin,
  signal: new AbortController().signal,
  outArgs: [],
};

test('notify.send says it once for one step, before and after a crash, whether it was sent or not', async () => {
  const rig = await openRig(dir);
  const node = rig.node();
  await rig.memory.open(exampleIncident());
  const [send] = notifyActions({ incidents: rig.memory.incidents, escalation: node });
  const args = send!.args.parse({ what: 'contained', level: 'critical' });
  const plan = await send!.plan(args, context);
  assert.deepEqual(
    plan.effects.map(({ target, change, to }) => `${change} ${target} ${to}`),
    ['contained Ada mail', 'contained Sec mail', 'contained Ciso mail'],
  );
  assert.equal((await send!.probe(args, context, {})).state, 'not-done');
  await send!.act(args, context, {});
  assert.equal((await send!.probe(args, context, {})).state, 'done');
  await send!.act(args, context, {});
  await node.look();
  assert.equal(rig.sent.filter(({ notice }) => notice.what === 'contained').length, 3);
  assert.equal(send!.args.safeParse({ what: 'anything' }).success, false);
  await node.close();
  await rig.end();
});

test('notify.send with nobody to tell does not fail its step, and says that nobody was told', async () => {
  const rig = await openRig(dir);
  const node = rig.node({ deployment: { language: 'en', contacts: [] } });
  await rig.memory.open(exampleIncident());
  const [send] = notifyActions({ incidents: rig.memory.incidents, escalation: node });
  const done = await send!.act({ what: 'alert' }, context, {});
  assert.deepEqual(done.evidence, { messages: 0, nobody: true });
  await node.close();
  await rig.end();
});

test('notify.send does not alert those again who were alerted just now, unless something has been done since', async () => {
  const rig = await openRig(dir);
  const deeds = { services: false, states: false, logs: false, monitoring: false };
  const node = rig.node({ deeds: async () => ({ ...deeds }) });
  await rig.memory.open(exampleIncident());
  await node.look();
  const [send] = notifyActions({ incidents: rig.memory.incidents, escalation: node });
  assert.deepEqual((await send!.act({ what: 'alert' }, context, {})).evidence, { messages: 0, alerted: true });
  deeds.services = true;
  await send!.act({ what: 'alert' }, context, {});
  await node.look();
  const alerts = rig.sent.map(({ address, notice }) => `${address} ${notice.deeds.services}`);
  assert.deepEqual(alerts.sort(), [
    'ada@example.org false',
    'ada@example.org true',
    'sec@example.org false',
    'sec@example.org true',
  ]);
  // One more level is told what it does not know.
  const above = { ...context, idempotencyKey: 'b2'.repeat(16) };
  assert.equal((await send!.act({ what: 'alert', level: 'critical' }, above, {})).evidence?.['messages'], 3);
  await node.close();
  await rig.end();
});
