// Tampering, kind by kind: what the verifier must find, and what it can only find with a head exported earlier.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { checkpointsFile } from './checkpoint.ts';
import { openJournals } from './journals.ts';
import { apiActivity } from './ocsf.ts';
import { sealRecord } from './record.ts';
import { verifyJournal } from './verify.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-verify-'));
after(() => rmSync(root, { recursive: true }));
const intact = join(root, 'intact');
const keyFile = join(root, 'journal.key');
/** Checkpoints: the empty one, then one that signs a:4, then one that signs a:8 and b:2. */
before(async () => {
  const journals = await openJournals({ dir: intact, keyFile, now: () => 1_795_298_400_000, segmentBytes: 500 });
  const [a, b] = [await journals.stream('a'), await journals.stream('b')];
  for (let i = 0; i < 4; i++) await a.append({ n: i, text: 'é\u2028"' });
  await journals.checkpoint();
  for (let i = 4; i < 8; i++) await a.append({ n: i, text: '\ufffd' });
  for (let i = 0; i < 2; i++) await b.append({ n: i });
  await journals.close();
  assert.equal((await verifyJournal({ dir: intact })).ok, true);
});

let copies = 0;
function copy(): string {
  copies += 1;
  const dir = join(root, `copy-${copies}`);
  cpSync(intact, dir, { recursive: true });
  return dir;
}

function segments(dir: string): string[] {
  return readdirSync(join(dir, 'a')).sort();
}

function editLines(file: string, edit: (lines: string[]) => string[]): void {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  writeFileSync(
    file,
    edit(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

async function problemOf(dir: string, stream = 'a') {
  const report = await verifyJournal({ dir });
  const problem = report.streams.find((entry) => entry.stream === stream)?.problem ?? null;
  assert.equal(report.ok, false);
  return problem;
}

test('verifyJournal() finds any one flipped byte, in every file and every class of position', async () => {
  const files = ['a', 'b'].flatMap((stream) => readdirSync(join(intact, stream)).map((name) => join(stream, name)));
  files.push(checkpointsFile);
  const marks = [
    '"event"',
    '"hash"',
    '"prev"',
    '"seq"',
    '"stream"',
    '"time"',
    '"signature"',
    '"heads"',
    '"key"',
    '\n',
    '{',
    '}',
  ];
  // A position is a mark of a line and an offset after it, so that every field, value, bracket and line feed is met.
  const position = fc.record({
    file: fc.constantFrom(...files),
    mark: fc.constantFrom(...marks),
    which: fc.nat(20),
    offset: fc.nat(70),
    flip: fc.integer({ min: 1, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(position, async ({ file, mark, which, offset, flip }) => {
      const bytes = readFileSync(join(intact, file));
      const places: number[] = [];
      for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) places.push(at);
      if (places.length === 0) return;
      const at = Math.min(places[which % places.length]! + offset, bytes.length - 1);
      const original = Buffer.from(bytes);
      bytes[at] = bytes[at]! ^ flip;
      writeFileSync(join(intact, file), bytes);
      try {
        // Of the checkpoints, a cut last line is a crash; every other byte is theirs or the streams' to miss.
        const report = await verifyJournal({ dir: intact });
        const lastFeed = file === checkpointsFile && at === bytes.length - 1;
        assert.ok(lastFeed ? report.checkpoints.torn : !report.ok, `${file} at ${at}`);
      } finally {
        writeFileSync(join(intact, file), original);
      }
    }),
    { numRuns: 400 },
  );
});

test('verifyJournal() finds every byte of one record, flipped one after the other', async () => {
  const dir = copy();
  const file = join(dir, 'a', segments(dir)[0]!);
  const original = readFileSync(file);
  const end = original.indexOf(0x0a) + 1;
  for (let at = 0; at < end; at++) {
    const bytes = Buffer.from(original);
    bytes[at] = bytes[at]! ^ 1;
    writeFileSync(file, bytes);
    assert.deepEqual((await problemOf(dir))?.line, 1, `byte ${at}`);
  }
});

const edits: [title: string, edit: (lines: string[]) => string[], line: number, why: string][] = [
  ['removed', (lines) => lines.toSpliced(1, 1), 2, 'sequence'],
  ['swapped', ([a, b, ...rest]) => [b!, a!, ...rest], 1, 'sequence'],
  ['inserted', (lines) => lines.toSpliced(1, 0, lines[0]!), 2, 'sequence'],
];
for (const [title, edit, line, why] of edits) {
  test(`verifyJournal() names the first bad line after one record was ${title}`, async () => {
    const dir = copy();
    const file = segments(dir)[0]!;
    editLines(join(dir, 'a', file), edit);
    const problem = await problemOf(dir);
    assert.deepEqual([problem?.file, problem?.line, problem?.why], [`a/${file}`, line, why]);
  });
}

test('verifyJournal() finds a forged record that is sealed well but does not follow the one before', async () => {
  const dir = copy();
  const forged = sealRecord({ event: '{}', prev: 'f'.repeat(64), seq: 2, stream: 'a', time: 1 });
  editLines(join(dir, 'a', segments(dir)[0]!), (lines) => lines.toSpliced(1, 1, forged.line));
  assert.equal((await problemOf(dir))?.why, 'link');
});

test('verifyJournal() finds a chain rewritten from a record on, since a checkpoint signs another hash', async () => {
  const dir = copy();
  let prev = '0'.repeat(64);
  const lines = Array.from({ length: 8 }, (_, i) => {
    const sealed = sealRecord({ event: '{}', prev, seq: i + 1, stream: 'a', time: 1 });
    prev = sealed.hash;
    return `${sealed.line}\n`;
  });
  for (const name of segments(dir)) rmSync(join(dir, 'a', name));
  writeFileSync(join(dir, 'a', '000000000001.jsonl'), lines.join(''));
  const problem = await problemOf(dir);
  assert.deepEqual([problem?.why, problem?.seq], ['rewritten', 4]);
});

test('verifyJournal() finds a cut tail, to the record and to the byte', async () => {
  const whole = copy();
  const last = segments(whole).at(-1)!;
  editLines(join(whole, 'a', last), (lines) => lines.slice(0, -1));
  assert.deepEqual(await problemOf(whole).then((p) => [p?.why, p?.seq, p?.expected]), ['cut', 7, 8]);

  const bytes = copy();
  const file = join(bytes, 'a', segments(bytes).at(-1)!);
  truncateSync(file, readFileSync(file).length - 5);
  assert.deepEqual(await problemOf(bytes).then((p) => [p?.why, p?.seq, p?.expected]), ['cut', 7, 8]);
});

test('verifyJournal() finds a whole segment or a whole stream gone', async () => {
  for (const [index, why] of [
    [0, 'segment-missing'],
    [1, 'segment-missing'],
    [-1, 'cut'],
  ] as const) {
    const dir = copy();
    rmSync(join(dir, 'a', segments(dir).at(index)!));
    assert.equal((await problemOf(dir))?.why, why);
  }
  const dir = copy();
  rmSync(join(dir, 'b'), { recursive: true });
  assert.deepEqual(await problemOf(dir, 'b').then((p) => [p?.why, p?.expected]), ['stream-missing', 2]);
});

test('verifyJournal() finds a record moved to another stream', async () => {
  const dir = copy();
  rmSync(join(dir, 'b'), { recursive: true });
  mkdirSync(join(dir, 'b'));
  cpSync(join(dir, 'a', segments(dir)[0]!), join(dir, 'b', '000000000001.jsonl'));
  assert.equal((await problemOf(dir, 'b'))?.why, 'stream');
});

test('verifyJournal() finds checkpoints removed from the middle, from the start, or all of them', async () => {
  for (const [edit, why] of [
    [(lines: string[]) => lines.toSpliced(1, 1), 'sequence'],
    [(lines: string[]) => lines.slice(1), 'sequence'],
    [() => [], 'checkpoints-missing'],
  ] as const) {
    const dir = copy();
    editLines(join(dir, checkpointsFile), edit);
    const report = await verifyJournal({ dir });
    assert.deepEqual([report.ok, report.checkpoints.problem?.why], [false, why]);
  }
});

test('verifyJournal() finds checkpoints begun anew over a journal that had some', async () => {
  const dir = copy();
  rmSync(join(dir, checkpointsFile));
  const journals = await openJournals({ dir, keyFile });
  await (await journals.stream('a')).append({ later: true });
  await journals.close();
  const report = await verifyJournal({ dir });
  assert.deepEqual([report.ok, report.checkpoints.problem?.why], [false, 'checkpoints-cut']);
});

test('verifyJournal() finds checkpoints signed by another key than the one expected', async () => {
  const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const report = await verifyJournal({ dir: intact, publicKey });
  assert.equal(report.checkpoints.problem?.why, 'signature');
});

test('verifyJournal() sees a journal cut back with its checkpoints only against a head exported earlier', async () => {
  const { streams } = await verifyJournal({ dir: intact });
  const expect = Object.fromEntries(streams.map(({ stream, head }) => [stream, head]));
  const dir = copy();
  editLines(join(dir, checkpointsFile), (lines) => lines.slice(0, -1));
  rmSync(join(dir, 'b'), { recursive: true });
  let seen = 0;
  for (const name of segments(dir)) {
    editLines(join(dir, 'a', name), (lines) => lines.filter(() => ++seen <= 4));
    if (readFileSync(join(dir, 'a', name)).length === 0) rmSync(join(dir, 'a', name));
  }
  assert.equal((await verifyJournal({ dir })).ok, true, 'an earlier consistent state looks intact from inside');
  const report = await verifyJournal({ dir, expect });
  assert.deepEqual(
    report.streams.map(({ stream, problem }) => [stream, problem?.why, problem?.expected]),
    [
      ['a', 'cut', 8],
      ['b', 'stream-missing', 2],
    ],
  );
});

test('verifyJournal() calls a request without outcome "outcome unknown", not tampering', async () => {
  const dir = join(root, 'requests');
  const journals = await openJournals({ dir, keyFile: join(root, 'requests.key') });
  const journal = await journals.stream('gateway');
  const event = (phase: string, correlation: string) =>
    apiActivity({
      activity: 'create',
      operation: 'chat',
      actor: { subject: 'ada' },
      sourceIp: '127.0.0.1',
      time: 1,
      correlation,
      unmapped: { phase },
    });
  await journal.append(event('received', 'r1'));
  await journal.append(event('received', 'r2'));
  await journal.append(event('outcome', 'r1'));
  await journals.close();
  const report = await verifyJournal({ dir });
  assert.equal(report.ok, true);
  assert.deepEqual(report.streams[0]!.outcomeUnknown, { count: 1, first: [{ correlation: 'r2', seq: 2 }] });
});

test('verifyJournal() throws ERR_JOURNAL_MISSING where there is none', async () => {
  await assert.rejects(verifyJournal({ dir: join(root, 'nowhere') }), { code: 'ERR_JOURNAL_MISSING' });
  const dir = copy();
  renameSync(join(dir, 'journal.pub.pem'), join(dir, 'x.pem'));
  assert.equal((await verifyJournal({ dir })).checkpoints.problem?.why, 'key-missing');
});
