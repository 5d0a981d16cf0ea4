// The search index: filled beside the journal, asked together with what it has not reached yet.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLog } from '../src/platform/base/log.ts';
import { readPlaces } from '../src/platform/journal/sinks/offsets.ts';
import { searchJournal } from '../src/platform/journal/sinks/search.ts';
import { searchPlace, startSinks } from '../src/platform/journal/sinks/start-sinks.ts';
import { openStoreIndex } from '../src/platform/journal/sinks/store-index.ts';
import { until } from './instance.ts';
import { place, startDelivery } from './sinks-rig.ts';

test('searchJournal() finds by text, field and time, in the index and in what the index has not reached yet', async (t) => {
  const { data, journals, write } = await place(t);
  const where = searchPlace(data, { path: join(data, 'store.sqlite') });
  await write(30);
  const without = await searchJournal(where, { texts: ['USER-1'], fields: [], limit: 100 });
  assert.deepEqual([without.index, without.records.length], ['missing', 10]);
  const delivery = startDelivery(data, 'search', openStoreIndex(where.index));
  await until(() => delivery.last()?.delivered === 30);
  await delivery.stop();
  await write(6, { colour: 'blue' });
  const found = await searchJournal(where, { texts: [], fields: [{ name: 'user_id', value: 'user-2' }], limit: 100 });
  assert.deepEqual([found.index, found.readFromFiles, found.records.length], ['used', 6, 12]);
  const blue = await searchJournal(where, {
    texts: [],
    fields: [{ name: 'unmapped.colour', value: 'blue' }],
    limit: 4,
  });
  assert.deepEqual(
    blue.records.map(({ seq }) => seq),
    [33, 34, 35, 36],
  );
  const later = await searchJournal(where, { texts: [], fields: [], since: Date.now() + 1_000, limit: 4 });
  assert.equal(later.records.length, 0);
  await journals.close();
});

test('startSinks() fills the index in a thread of its own, tells how far it is, and goes on where it was', async (t) => {
  const { data, journals, write } = await place(t);
  const store = { path: join(data, 'store.sqlite') };
  await write(3);
  for (const expected of [3, 5]) {
    const sinks = startSinks({ data, store, log: createLog('silent') }, { search: true, to: [] });
    await until(() => (readPlaces(join(data, 'sinks', 'search.json'))['gateway']?.seq ?? 0) === expected);
    await until(() => sinks.states()['search']?.bytesBehind === 0);
    await sinks.close();
    await write(2);
  }
  assert.ok(existsSync(join(data, 'search.sqlite')));
  await journals.close();
});
