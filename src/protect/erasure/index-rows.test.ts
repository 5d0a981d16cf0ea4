// Copies of journal records older than their period are erased from a real index, and the others stay.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openStoreIndex } from '../../platform/journal/sinks/store-index.ts';
import { openStore } from '../../platform/store/store.ts';
import { indexRows } from './index-rows.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-index-'));
after(() => rmSync(dir, { recursive: true, force: true }));

test('indexRows() counts and erases what is older, beside the thread that fills the index', async () => {
  const path = join(dir, 'search.sqlite');
  const rows = indexRows(() => ({ path }));
  assert.deepEqual([await rows.count(1), await rows.erase(1)], [0, 0], 'there is no index yet');
  const sink = openStoreIndex({ path });
  const records = Array.from({ length: 1_300 }, (_, n) => ({
    ...{ event: { class_uid: 6003 }, hash: String(n), prev: '', seq: n, stream: 'gateway' },
    time: n,
  }));
  await sink.send(records, new AbortController().signal);
  assert.equal(await rows.count(1_200), 1_200);
  assert.equal(await rows.erase(1_200), 1_200);
  const store = await openStore({ path });
  const left = await store.db.selectFrom('journal_index').select('time').orderBy('time').execute();
  await store.close();
  await sink.close();
  assert.deepEqual([left.length, Number(left[0]?.time)], [100, 1_200]);
});
