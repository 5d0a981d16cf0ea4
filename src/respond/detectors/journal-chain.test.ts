import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext as Test, test } from 'node:test';
import { openJournals } from '../../platform/journal/journals.ts';
import { applicationLifecycle } from '../../platform/journal/ocsf.ts';
import { journalChainDetector } from './journal-chain.ts';
import { simulatedTimers } from './simulated-timers.ts';
import { testContext } from './test-context.ts';

async function rig(t: Test, segmentBytes = 67_108_864) {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-chain-'));
  const dir = join(folder, 'journal');
  const journals = await openJournals({ dir, keyFile: join(folder, 'key.pem'), segmentBytes });
  const journal = await journals.stream('respond');
  const timers = simulatedTimers(Date.UTC(2026, 10, 22));
  const context = testContext(timers.now);
  const handle = journalChainDetector({ dir, timers, everyMs: 1_000 }).start(context);
  t.after(async () => {
    await handle.close();
    await journals.close().catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });
  const write = async (count: number) => {
    for (let index = 0; index < count; index++)
      await journal.append(applicationLifecycle({ activity: 'update', time: 1, unmapped: { index } }));
  };
  /** Real reading takes real time: each simulated second waits for the look to end. */
  const look = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      const { lives } = context;
      timers.advance(1_000);
      for (let tries = 0; context.lives === lives && tries < 2_000; tries++)
        await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const file = join(dir, 'respond', '000000000001.jsonl');
  return { context, write, look, file, dir, folder };
}

test('journalChainDetector() says nothing of a journal that grows, over several segments, with a torn end', async (t) => {
  const { context, write, look, dir } = await rig(t, 2_000);
  for (let round = 0; round < 5; round++) {
    await write(20);
    await look(8);
  }
  appendFileSync(join(dir, 'respond', '000000000001.jsonl'), '');
  assert.deepEqual(context.told, []);
  assert.deepEqual(context.failures, []);
});

test('journalChainDetector() takes a last line without its end for a crash', async (t) => {
  const { context, write, look, file } = await rig(t);
  await write(5);
  await look(3);
  appendFileSync(file, '{"event":{"half":');
  await look(40);
  assert.deepEqual(context.told, []);
});

test('journalChainDetector() takes what the writer takes back at once for no tampering', async (t) => {
  const { context, write, look, file } = await rig(t);
  await write(5);
  await look(20);
  const size = readFileSync(file).length;
  const before = readFileSync(file);
  await write(1);
  await look(2);
  const last = readFileSync(file).subarray(size);
  truncateSync(file, size);
  await look(2);
  appendFileSync(file, last);
  await look(20);
  assert.deepEqual(readFileSync(file).subarray(0, size), before);
  assert.deepEqual(context.told, []);
});

const tamperings: readonly [string, string, (file: string) => void][] = [
  [
    'a record that was changed',
    'hash',
    (file) => edit(file, (lines) => lines.with(2, lines[2]!.replace('"index":2', '"index":9'))),
  ],
  ['a record that was taken out', 'cut', (file) => edit(file, (lines) => lines.toSpliced(2, 1))],
  ['a record that was put in', 'unreadable', (file) => edit(file, (lines) => lines.toSpliced(2, 0, '{"forged":true}'))],
  ['a journal that was cut', 'cut', (file) => edit(file, (lines) => lines.slice(0, 3))],
  ['a segment that is gone', 'cut', (file) => rmSync(file)],
];
for (const [what, why, tamper] of tamperings)
  test(`journalChainDetector() tells of ${what}, once`, async (t) => {
    const { context, write, look, file } = await rig(t);
    await write(10);
    await look(20);
    tamper(file);
    await look(10);
    assert.deepEqual(
      context.told.map(({ type, subject, severity, facts }) => [type, subject, severity, facts['why']]),
      [['log-injection', 'journal:respond', 'critical', why]],
    );
  });

test('journalChainDetector() tells of a chain that was written anew from the begin, as only the one who remembers can', async (t) => {
  const { context, write, look, file, folder } = await rig(t);
  await write(10);
  await look(20);
  const other = join(folder, 'other');
  const journals = await openJournals({ dir: other, keyFile: join(folder, 'other.pem') });
  const journal = await journals.stream('respond');
  for (let index = 0; index < 10; index++)
    await journal.append(applicationLifecycle({ activity: 'update', time: 2, unmapped: { index } }));
  await journals.close();
  writeFileSync(file, readFileSync(join(other, 'respond', '000000000001.jsonl')));
  await look(10);
  assert.deepEqual(
    context.told.map(({ facts }) => facts['why']),
    ['rewritten'],
  );
});

function edit(file: string, change: (lines: string[]) => string[]): void {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  writeFileSync(file, `${change(lines).join('\n')}\n`);
}
