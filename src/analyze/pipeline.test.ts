import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { type Analysed, type AnalyseOptions, analyseExports, type Progress } from './pipeline.ts';
import { readWritten } from './written.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-pipeline-'));
after(() => rmSync(folder, { recursive: true }));

/** A judge that waits as long as the title says, dies where it says so, and hangs where it says so. */
const judge = join(folder, 'judge.mjs');
writeFileSync(
  judge,
  `import { brokenConversation } from ${JSON.stringify(new URL('./broken-conversation.ts', import.meta.url).href)};
export async function analyseConversation({ id, title, source, format }, { lang }, number) {
  if (title === 'throws') throw new TypeError('a secret of the conversation');
  if (title === 'dies') process.exit(3);
  if (title === 'hangs') for (;;);
  await new Promise((resolve) => setTimeout(resolve, Number(title) || 0));
  const finding = { id: \`F-\${number}-1\`, excerpt: 'F-0-1' };
  return { ...brokenConversation({ kind: 'broken', id, title, source, format, code: 'X', why: 'y' }, lang), status: 'ok', error: undefined, findings: [finding] };
}`,
);

function exported(name: string, titles: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(titles.map((title, n) => ({ uuid: `${n}`, name: title, chat_messages: [] }))));
  return path;
}

async function analyse(paths: string[], options: Partial<AnalyseOptions> = {}): Promise<Analysed[]> {
  const all: Analysed[] = [];
  const settings = { context: { lang: 'en' }, analyse: judge, workers: 2, ...options } as const;
  for await (const one of analyseExports(paths, settings)) all.push(one);
  return all;
}

/** What was judged, under the place in which it came. */
const conversations = (all: readonly Analysed[]) =>
  all.filter((one) => one.kind === 'conversation').map((one, i) => readWritten(one, i + 1));
const titles = (all: readonly Analysed[]) => conversations(all).map(({ title }) => title);
const codes = (all: readonly Analysed[]) => conversations(all).map(({ error }) => error?.code ?? 'ok');

test('analyseExports() hands conversations on in the order of the input, however long each takes', async () => {
  const order = ['90', '0', '60', '1', '30', '2'];
  const all = await analyse([exported('order.json', order)]);
  assert.deepEqual(titles(all), order);
  assert.deepEqual(
    conversations(all).map(({ findings }) => findings.map(({ id, excerpt }) => [id, excerpt])),
    order.map((_, i) => [[`F-${i + 1}-1`, 'F-0-1']]),
  );
});

test('analyseExports() loses one conversation where the judge throws, dies or hangs, and no other', async () => {
  const path = exported('hostile.json', ['1', 'throws', '2', 'dies', '3', 'hangs', '4']);
  const all = await analyse([path], { conversationMs: 4_000 });
  assert.deepEqual(codes(all), [
    'ok',
    'ERR_ANALYSIS_FAILED',
    'ok',
    'ERR_ANALYSIS_FAILED',
    'ok',
    'ERR_ANALYSIS_TIMEOUT',
    'ok',
  ]);
  assert.ok(
    !JSON.stringify(conversations(all)).includes('a secret of'),
    'what the judge throws may quote the conversation',
  );
});

test('analyseExports() counts what it read, in bytes and conversations', async () => {
  const path = exported('progress.json', ['1', '2', 'throws']);
  let last: Progress | undefined;
  await analyse([path], {
    onProgress: (progress) => {
      last = { ...progress };
    },
  });
  const size = statSync(path).size;
  assert.deepEqual(last, { bytesRead: size, bytesInAll: size, conversations: 3, known: 0, errors: 1 });
});

test('analyseExports() takes what it knows from its journal: new conversations only are judged', async () => {
  const resume = { file: join(folder, 'done', 'journal.jsonl'), engine: 'rules-1' };
  const known = async (paths: string[], options: Partial<AnalyseOptions> = {}) => {
    let last = 0;
    const all = await analyse(paths, { resume, ...options, onProgress: ({ known: n }) => (last = n) });
    return { all, known: last };
  };
  const path = exported('incremental.json', ['1', '2']);
  const first = await known([path]);
  assert.equal(first.known, 0);
  const again = await known([path]);
  assert.equal(again.known, 2);
  assert.deepEqual(conversations(again.all), conversations(first.all));
  exported('incremental.json', ['1', '2', '3']);
  assert.equal((await known([path])).known, 2);
  assert.equal(
    (await known([path], { resume: { ...resume, engine: 'rules-2' } })).known,
    0,
    'other rules, other results',
  );
  assert.equal((await known([path], { context: { lang: 'fr' } })).known, 0, 'another language, other results');
  assert.equal(statSync(resume.file).mode & 0o777, 0o600);
});

test('analyseExports() writes no secret into its journal, wherever in an export it stands', async () => {
  const secret = ['ghp', '_', 'a8Kd03LmQz7RtYw52XcVbN19HjFgS6PeUi4o'].join('');
  const at = `${secret}-export.json`;
  const path = join(folder, at);
  writeFileSync(path, JSON.stringify([{ uuid: secret, name: `1 ${secret}`, chat_messages: [] }]));
  const other = join(folder, `${secret}-list.json`);
  writeFileSync(other, JSON.stringify({ [secret]: secret }));
  const resume = { file: join(folder, 'masked', 'journal.jsonl'), engine: 'e' };
  const all = await analyse([path, other], { resume, workers: 1 });
  assert.equal(all.length, 2);
  assert.ok(!readFileSync(resume.file, 'utf8').includes(secret));
  assert.ok(!JSON.stringify([all, conversations(all)]).includes(secret));
});

test('analyseExports() reads on behind a file of lists a hundred thousand deep', async () => {
  const deep = join(folder, 'deep.json');
  writeFileSync(deep, `${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  const all = await analyse([deep, exported('behind.json', ['1'])]);
  assert.equal(titles(all).at(-1), '1');
});

test('analyseExports() goes on from a journal that was cut in the middle of a line', async () => {
  const resume = { file: join(folder, 'cut', 'journal.jsonl'), engine: 'e' };
  const path = exported('cut.json', ['1', '2', '3']);
  await analyse([path], { resume, workers: 1 });
  truncateSync(resume.file, statSync(resume.file).size - 20);
  let known = 0;
  const onProgress = (progress: Progress) => {
    known = progress.known;
  };
  assert.deepEqual(titles(await analyse([path], { resume, onProgress })), ['1', '2', '3']);
  assert.equal(known, 2);
  appendFileSync(resume.file, 'no journal at all\n');
  assert.deepEqual(titles(await analyse([path], { resume, onProgress })), ['1', '2', '3']);
  assert.equal(known, 3);
});

test('analyseExports() can be left in the middle: what was done is in the journal, no thread stays', async () => {
  const resume = { file: join(folder, 'left', 'journal.jsonl'), engine: 'e' };
  const path = exported('left.json', ['1', '1', '1', '400', '1']);
  for await (const _ of analyseExports([path], { context: { lang: 'en' }, analyse: judge, workers: 1, resume })) break;
  assert.ok(readFileSync(resume.file, 'utf8').split('\n').length >= 2);
});

test('analyseExports() reads standard input and keeps the place of what it cannot read', async () => {
  const text =
    '[{"uuid":"a","name":"1","chat_messages":[]},{"uuid":"b","name:"2"},{"uuid":"c","name":"3","chat_messages":[]}]';
  const all = await analyse(['-'], { stdin: Readable.from([Buffer.from(text)]) });
  assert.deepEqual(codes(all), ['ok', 'ERR_EXPORT_CORRUPT', 'ok']);
});

test('analyseExports() judges every shape of export with the judge of the house', async () => {
  const fixtures = join(import.meta.dirname, '../../test/fixtures/exports');
  const all: Analysed[] = [];
  for await (const one of analyseExports([fixtures], { context: { lang: 'en' }, workers: 1 })) all.push(one);
  const errors = conversations(all).flatMap(({ error }) => (error === undefined ? [] : [error.code]));
  assert.deepEqual(
    errors.filter((code) => !code.startsWith('ERR_EXPORT_')),
    [],
  );
  assert.ok(all.length > 50);
});
