// The writer: group commit, rotation, recovery of a torn end, and kill -9 in the middle of it all.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Receipt } from './journal.ts';
import { openJournals } from './journals.ts';
import { readRecord } from './record.ts';
import { verifyJournal } from './verify.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-journal-'));
after(() => rmSync(root, { recursive: true }));
let directories = 0;
const fresh = () => {
  directories += 1;
  const base = join(root, String(directories));
  return { dir: join(base, 'journal'), keyFile: join(base, 'journal.key') };
};

test('openJournals() writes records that verify, in several streams under one line of checkpoints', async () => {
  const { dir, keyFile } = fresh();
  const journals = await openJournals({ dir, keyFile });
  const [a, b] = await Promise.all([journals.stream('gateway'), journals.stream('chatbot')]);
  const receipts = await Promise.all([
    ...Array.from({ length: 50 }, (_, i) => a.append({ number: i })),
    ...Array.from({ length: 20 }, (_, i) => b.append({ number: i })),
  ]);
  await journals.close();
  assert.deepEqual(
    receipts.slice(0, 50).map((receipt) => receipt.seq),
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
  const report = await verifyJournal({ dir });
  assert.equal(report.ok, true);
  assert.deepEqual(
    report.streams.map(({ stream, records, signedUpTo }) => [stream, records, signedUpTo]),
    [
      ['chatbot', 20, 20],
      ['gateway', 50, 50],
    ],
  );
  assert.equal(report.streams[1]!.head.hash, receipts[49]!.hash);
  if (process.platform !== 'win32') assert.equal(statSync(keyFile).mode & 0o777, 0o600);
});

test('append() writes what comes while two batches are under way, with nothing after it to push it on', {
  timeout: 120_000,
}, async () => {
  const { dir, keyFile } = fresh();
  const journals = await openJournals({ dir, keyFile });
  const journal = await journals.stream('gateway');
  for (let round = 0; round < 10; round++) {
    const appended: Promise<Receipt>[] = [];
    // One for a writer that is idle, one that lies ready for it, one that must wait for both.
    for (let turn = 0; turn < 3; turn++) {
      appended.push(journal.append({ round, turn }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const receipts = await Promise.all(appended);
    assert.deepEqual(
      receipts.map(({ seq }) => seq - round * 3),
      [1, 2, 3],
    );
  }
  await journals.close();
  assert.equal((await verifyJournal({ dir })).ok, true);
});

test('joinJournal() appends to the same chain from another thread, and fails once the journal is closed', async () => {
  const { dir, keyFile } = fresh();
  const journals = await openJournals({ dir, keyFile });
  const own = await journals.stream('gateway');
  const threads = ['a', 'b'].map((name) => {
    const worker = new Worker(new URL('./joining-thread.ts', import.meta.url));
    const door = journals.door();
    worker.postMessage({ door, name, count: 200 }, [door]);
    return worker;
  });
  const mine = Array.from({ length: 200 }, (_, i) => own.append({ from: 'main', i }));
  const theirs = await Promise.all(threads.map(async (worker) => ((await once(worker, 'message')) as [number[]])[0]));
  const seqs = [...(await Promise.all(mine)).map(({ seq }) => seq), ...theirs.flat()].sort((x, y) => x - y);
  assert.deepEqual(
    seqs,
    Array.from({ length: 600 }, (_, i) => i + 1),
  );
  // Listened for first: it may be told before the journal's own end is.
  const told = once(threads[0]!, 'message') as Promise<[string]>;
  await journals.close();
  const [late] = await told;
  assert.equal(late, 'ERR_JOURNAL_UNWRITABLE');
  await Promise.all(threads.map((worker) => worker.terminate()));
  const report = await verifyJournal({ dir });
  assert.equal(report.ok, true);
  assert.deepEqual(
    report.streams.map(({ records, signedUpTo }) => [records, signedUpTo]),
    [[600, 600]],
  );
});

test('openJournals() goes on with the chain after a restart and rotates its segments', async () => {
  const { dir, keyFile } = fresh();
  for (let start = 0; start < 3; start++) {
    const journals = await openJournals({ dir, keyFile, segmentBytes: 1_500 });
    const journal = await journals.stream('s');
    for (let i = 0; i < 10; i++) await journal.append({ start, i });
    await journals.close();
  }
  assert.ok(readdirSync(join(dir, 's')).length > 2);
  const report = await verifyJournal({ dir });
  assert.equal(report.ok, true);
  assert.equal(report.streams[0]!.records, 30);
});

test('append() fixes the event at the call and refuses what would not be a line', async () => {
  const { dir, keyFile } = fresh();
  const journals = await openJournals({ dir, keyFile });
  const journal = await journals.stream('s');
  const event = { list: [1], gone: undefined as unknown as null, text: 'é\ud800\n' };
  const appended = journal.append(event);
  event.list.push(2);
  await appended;
  await assert.rejects(journal.append({ text: 'x'.repeat(1_100_000) }), TypeError);
  await journals.close();
  const [line = ''] = readFileSync(join(dir, 's', '000000000001.jsonl'), 'utf8').split('\n');
  assert.match(line, /^\{"event":\{"list":\[1\],"text":"é\\ud800\\n"\}/);
  assert.equal((await verifyJournal({ dir })).ok, true);
});

test('append() writes what can wait before what comes after it, and by itself when nothing comes', async () => {
  const { dir, keyFile } = fresh();
  // A checkpoint would take it along.
  const journals = await openJournals({ dir, keyFile, checkpointEveryMs: 600_000 });
  const journal = await journals.stream('s');
  const waits = journal.append({ n: 1 }, 'soon');
  const [second, first] = await Promise.all([journal.append({ n: 2 }), waits]);
  assert.deepEqual([first.seq, second.seq], [1, 2]);
  assert.equal((await journal.append({ n: 3 }, 'soon')).seq, 3);
  void journal.append({ n: 4 }, 'soon');
  await journals.close();
  const report = await verifyJournal({ dir });
  assert.equal(report.ok, true);
  assert.equal(report.streams[0]!.records, 4, 'the end of the journal waits for nothing');
});

test('append() rejects with ERR_JOURNAL_UNWRITABLE once the journal is closed', async () => {
  const { dir, keyFile } = fresh();
  const journals = await openJournals({ dir, keyFile });
  const journal = await journals.stream('s');
  await journals.close();
  await assert.rejects(journal.append({}), { code: 'ERR_JOURNAL_UNWRITABLE' });
});

test('openJournals() rejects when the directory cannot be made', async () => {
  const { dir, keyFile } = fresh();
  const journals = await openJournals({ dir, keyFile });
  await journals.close();
  await assert.rejects(openJournals({ dir: join(keyFile, 'below-a-file'), keyFile }), {
    code: 'ERR_JOURNAL_UNWRITABLE',
  });
});

test('openJournals() cuts a torn last line, keeps it aside and says so in the chain', async () => {
  const { dir, keyFile } = fresh();
  const first = await openJournals({ dir, keyFile });
  const written = await (await first.stream('s')).append({ n: 1 });
  await first.close();
  appendFileSync(join(dir, 's', '000000000001.jsonl'), '{"event":{"n":2},"ha');
  const before = await verifyJournal({ dir });
  assert.deepEqual(before.streams[0]!.torn, { file: 's/000000000001.jsonl', line: 2 });
  assert.equal(before.ok, true, 'a torn line that no checkpoint covers is a crash, not tampering');

  const second = await openJournals({ dir, keyFile });
  const next = await (await second.stream('s')).append({ n: 2 });
  await second.close();
  assert.equal(next.seq, 3);
  const aside = readdirSync(join(dir, 's')).find((name) => name.startsWith('torn-'));
  assert.equal(readFileSync(join(dir, 's', aside!), 'utf8'), '{"event":{"n":2},"ha');
  const lines = readFileSync(join(dir, 's', '000000000001.jsonl'))
    .toString()
    .trimEnd()
    .split('\n');
  const recovery = readRecord(Buffer.from(lines[1]!));
  assert.equal(recovery.kind, 'record');
  if (recovery.kind === 'record') {
    assert.equal(recovery.record.prev, written.hash);
    assert.deepEqual(recovery.record.event['unmapped'], { keptAs: aside!, tornBytes: 20 });
  }
  assert.equal((await verifyJournal({ dir })).ok, true);
});

test('openJournals() notes in the chain that records which were signed are gone', async () => {
  const { dir, keyFile } = fresh();
  const first = await openJournals({ dir, keyFile });
  const journal = await first.stream('s');
  for (let i = 0; i < 3; i++) await journal.append({ i });
  await first.close();
  rmSync(join(dir, 's'), { recursive: true });
  const second = await openJournals({ dir, keyFile });
  const receipt = await (await second.stream('s')).append({ i: 3 });
  await second.close();
  assert.equal(receipt.seq, 2, 'the note comes first');
  assert.equal((await verifyJournal({ dir })).ok, false);
});

test('append() has every acknowledged record on disk after kill -9, five times over', async () => {
  const { dir, keyFile } = fresh();
  const acknowledged = new Map<number, string>();
  for (let kill = 0; kill < 5; kill++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'writing-child.ts'), dir, keyFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const enough = acknowledged.size + 150 + kill * 70;
    await readUntil(child, () => acknowledged.size >= enough, acknowledged);
  }
  // The last start recovers and closes well; then the chain must hold each receipt that was ever handed out.
  const journals = await openJournals({ dir, keyFile });
  await (await journals.stream('s')).append({ last: true });
  await journals.close();
  const report = await verifyJournal({ dir });
  assert.deepEqual([report.ok, report.streams[0]!.problem], [true, null]);
  const hashes = new Map<number, string>();
  for (const segment of readdirSync(join(dir, 's')).filter((name) => !name.startsWith('torn'))) {
    for (const line of readFileSync(join(dir, 's', segment))
      .toString()
      .trimEnd()
      .split('\n')) {
      const { seq, hash } = JSON.parse(line) as Receipt;
      hashes.set(seq, hash);
    }
  }
  for (const [seq, hash] of acknowledged) assert.equal(hashes.get(seq), hash);
  assert.ok(acknowledged.size > 1_000);
  assert.ok(existsSync(keyFile));
});

async function readUntil(child: ChildProcess, done: () => boolean, into: Map<number, string>): Promise<void> {
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout! })) {
    const receipt = /^(\d+) ([0-9a-f]{64})$/.exec(line);
    if (receipt !== null) into.set(Number(receipt[1]), receipt[2]!);
    if (done() && !child.killed) child.kill('SIGKILL');
  }
  await exited;
}
