import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openJournals } from '../../platform/journal/journals.ts';
import { applicationLifecycle } from '../../platform/journal/ocsf.ts';
import { journalDetectors } from './journal-detectors.ts';
import { testContext, until } from './test-context.ts';

test('journalDetectors() tell from their thread of a record that was changed, and begin anew after they were closed', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'rempart-journal-thread-'));
  const journals = await openJournals({ dir: join(data, 'journal'), keyFile: join(data, 'key.pem') });
  t.after(async () => {
    await journals.close();
    rmSync(data, { recursive: true, force: true });
  });
  const journal = await journals.stream('requests');
  for (let index = 0; index < 3; index++)
    await journal.append(applicationLifecycle({ activity: 'update', time: 1, unmapped: { index } }));
  const detectors = journalDetectors({ data, chain: true, sigma: [] });
  assert.deepEqual(
    detectors.map(({ name }) => name),
    ['journal-chain', 'journal-patterns'],
  );
  const contexts = detectors.map(() => testContext());
  const begin = () => detectors.map((detector, index) => detector.start(contexts[index]!));
  let handles = begin();
  t.after(() => Promise.all(handles.map((handle) => handle.close())));
  const [chain, patterns] = contexts;
  await until(() => chain!.lives > 0 && patterns!.lives > 0, 'both to look');
  assert.equal(chain!.told.length, 0);
  await Promise.all(handles.map((handle) => handle.close()));
  const file = join(data, 'journal', 'requests', '000000000001.jsonl');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"index":1', '"index":7'));
  handles = begin();
  await until(() => chain!.told.length > 0, 'the change to be told of');
  assert.deepEqual(chain!.told[0]!.facts, { stream: 'requests', why: 'hash', seq: 2 });
  assert.deepEqual(
    contexts.flatMap(({ failures }) => failures),
    [],
  );
});
