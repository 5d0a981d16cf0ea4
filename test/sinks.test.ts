// What every sink rests on: the journal followed over its segments and over torn writes, and places that can be lost.
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Places, readOn } from '../src/platform/journal/sinks/follow.ts';
import type { Sink } from '../src/platform/journal/sinks/sink.ts';
import { until } from './instance.ts';
import { openJournal, place, startDelivery } from './sinks-rig.ts';

test('readOn() follows the journal over segments, and reads anew where a failed write was cut off again', async (t) => {
  const { data, journals, write } = await place(t, 2_000);
  for (let at = 0; at < 10; at++) await write(3);
  const dir = join(data, 'journal');
  assert.ok(readdirSync(join(dir, 'gateway')).length > 3);
  let places: Places = {};
  const seen: number[] = [];
  for (;;) {
    const read = readOn(dir, places, { records: 7, bytes: 1_000 });
    if (read.records.length === 0) break;
    seen.push(...read.records.map(({ seq }) => seq));
    places = read.places;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 30 }, (_, at) => at + 1),
  );
  await journals.close();

  // What a write leaves that is cut off by its writer after we have read it.
  const folder = join(dir, 'gateway');
  const last = join(folder, readdirSync(folder).sort().at(-1)!);
  const { size } = statSync(last);
  appendFileSync(
    last,
    `${JSON.stringify({ event: {}, hash: 'a'.repeat(64), prev: places['gateway']?.hash ?? '', seq: 31, stream: 'gateway', time: 1 })}\n`,
  );
  const early = readOn(dir, places, { records: 9, bytes: 1_000 });
  assert.equal(early.records.length, 1);
  truncateSync(last, size);
  const anew = await openJournal(data, 1_000_000);
  await anew.write(3, { padding: 'x'.repeat(300) });
  await anew.journals.close();
  const after = readOn(dir, early.places, { records: 9, bytes: 100_000 });
  assert.deepEqual(
    after.records.map(({ seq }) => seq),
    [31, 32, 33],
  );
});

test('readOn() counts a line that is no record and goes on after it', async (t) => {
  const { data, journals, write } = await place(t);
  await write(2);
  await journals.close();
  const folder = join(data, 'journal', 'gateway');
  appendFileSync(join(folder, readdirSync(folder)[0]!), 'garbage\n');
  const read = readOn(join(data, 'journal'), {}, { records: 9, bytes: 100_000 });
  assert.equal(read.records.length, 2);
  assert.equal(read.unreadable, 1);
});

test('deliver() tells a place that cannot be written as an absence, and begins again when the file is garbage', async (t) => {
  const { data, journals, write } = await place(t);
  await write(4);
  const seqs: number[] = [];
  const sink: Sink = {
    async send(records) {
      seqs.push(...records.map(({ seq }) => seq));
      return { kind: 'taken' };
    },
    close: async () => undefined,
  };
  const first = startDelivery(data, 'x', sink);
  await until(() => first.last()?.delivered === 4);
  await first.stop();
  writeFileSync(join(data, 'sinks', 'x.json'), '{"places": 3');
  const second = startDelivery(data, 'x', sink);
  await until(() => second.last()?.delivered === 4);
  await second.stop();
  assert.deepEqual(seqs, [1, 2, 3, 4, 1, 2, 3, 4]);
  await journals.close();
});
