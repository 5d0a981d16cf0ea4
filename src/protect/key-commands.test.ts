import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RempartError } from '../platform/base/errors.ts';
import type { JsonObject } from '../platform/base/json.ts';
import { createKeys, type KeyRecord } from './gateway/keys.ts';
import { keyCommands } from './key-commands.ts';
import { createRecordActivity } from './record-activity.ts';

function makeRig() {
  const records: KeyRecord[] = [];
  const journalled: JsonObject[] = [];
  const state = { journalAway: false };
  const keys = createKeys({
    now: Date.now,
    repository: {
      load: async () => records,
      insert: async (record) => {
        records.push(record);
      },
      revoke: async () => {},
      expire: async () => {},
    },
  });
  const record = createRecordActivity({
    now: Date.now,
    journal: {
      async append(event) {
        if (state.journalAway) throw new RempartError('ERR_JOURNAL_UNWRITABLE');
        journalled.push(event);
        return { stream: 's', seq: 1, hash: '' };
      },
    },
  });
  const commands = keyCommands({ keys, record, now: Date.now });
  const call = async (name: string, args: JsonObject) => commands[name]?.(args);
  return { keys, records, journalled, state, call };
}

test('keyCommands() journals the making and the revocation of a key, never its secret', async () => {
  const { call, journalled } = makeRig();
  const made = (await call('keys.create', { subject: 'bob', role: 'user' })) as { id: string; key: string };
  await call('keys.revoke', { id: made.id });
  assert.deepEqual(
    journalled.map((event) => [event['type_uid'], event['unmapped']]),
    [600_301, 600_304].map((type) => [type, { key: { id: made.id, subject: 'bob', role: 'user' } }]),
  );
  assert.ok(!JSON.stringify(journalled).includes(made.key));
});

test('keyCommands() leaves no good key whose making could not be journalled', async () => {
  const { call, keys, state } = makeRig();
  state.journalAway = true;
  await assert.rejects(call('keys.create', { subject: 'bob', role: 'user' }), { code: 'ERR_JOURNAL_UNWRITABLE' });
  assert.deepEqual(
    keys.list().map(({ revokedAt }) => revokedAt === undefined),
    [false],
  );
});

test('keyCommands() refuses a subject that forges a row, and shows an old one in plain', async () => {
  const { call, keys } = makeRig();
  const forging = 'ev\u001b[31mil\nrmp_x  admin';
  await assert.rejects(call('keys.create', { subject: forging, role: 'user' }), { code: 'ERR_BODY_INVALID' });
  await keys.create({ subject: forging, role: 'user' });
  const [row] = (await call('keys.list', {})) as { subject: string }[];
  assert.equal(row?.subject, 'ev\ufffd[31mil\ufffdrmp_x  admin');
});
