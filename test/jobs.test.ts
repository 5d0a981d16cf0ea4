// `rempart jobs` as a team meets it: a queue in the data directory, and nodes that die while they share a PostgreSQL.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { documentOf } from '../src/commands/jobs-output.ts';
import { analysisSchema } from '../src/platform/documents/analysis.ts';
import { jobSchema, jobsAddedSchema, jobsSchema, jobsWorkSchema } from '../src/platform/documents/jobs.ts';
import { startPostgres } from '../src/platform/store/test-postgres.ts';
import { makePlace, type Running, run, start, startInstance, until } from './instance.ts';

type JobDocument = ReturnType<typeof documentOf>;

const place = makePlace();
after(place.remove);
const cwd = place.dir;

const code = [
  '```python',
  'import sqlite3, sys',
  'db = sqlite3.connect("app.db")',
  'print(db.execute("SELECT * FROM users WHERE name = \'" + sys.argv[1] + "\'").fetchall())',
  '```',
].join('\n');

/** Conversations in the form of ShareGPT. */
function writeExport(file: string, conversations: number): void {
  const all = Array.from({ length: conversations }, (_, at) => ({
    id: `${file}-${at}`,
    conversations: Array.from({ length: 6 }, (_, turn) =>
      turn % 2 === 0 ? { from: 'human', value: `Question ${at}.${turn}` } : { from: 'gpt', value: `${turn}\n${code}` },
    ),
  }));
  writeFileSync(join(cwd, file), JSON.stringify(all));
}

const json = <T>({ stdout }: { stdout: string }): T => JSON.parse(stdout) as T;

function assertWhole(folder: string, conversations: number): void {
  const report = analysisSchema.parse(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')));
  assert.equal(report.conversations.length, conversations);
  assert.deepEqual(readdirSync(folder), ['report.json'], 'nothing is left beside the report');
}

test('rempart jobs queues, does, shows and cancels on the data directory alone', async () => {
  writeExport('one.json', 2);
  writeExport('two.json', 1);
  writeExport('gone.json', 1);
  const missing = await run(['jobs', 'add', 'one.json', 'nowhere.json'], { cwd });
  assert.match(missing.stderr, /ERR_EXPORT_MISSING/);
  assert.equal(missing.code, 3);
  assert.ok(!existsSync(join(cwd, '.rempart')), 'a mistyped name queues nothing');

  const line = ['jobs', 'add', 'one.json', 'two.json', 'gone.json', '--format', 'json', '--json'];
  const added = json<{ jobs: (JobDocument & { added: boolean })[] }>(await run(line, { cwd })).jobs;
  assert.deepEqual(
    added.map((job) => [job.added, job.state]),
    [1, 2, 3].map(() => [true, 'waiting']),
  );
  const again = json<{ jobs: (JobDocument & { added: boolean })[] }>(await run(line, { cwd })).jobs;
  assert.deepEqual(
    again.map((job) => [job.added, job.id]),
    added.map(({ id }) => [false, id]),
  );
  const [one, two, gone] = added.map(({ id }) => id) as [string, string, string];
  assert.equal((await run(['jobs', 'cancel', two], { cwd })).code, 0);
  // Another export under the name of the one that was added.
  writeExport('gone.json', 3);

  const worked = await run(['jobs', 'work', '--once', '--json'], { cwd });
  assert.deepEqual(
    { ...json<object>(worked), node: '' },
    { schema: 'rempart/jobs-work@1', node: '', done: [one], failed: [gone] },
  );
  assert.equal(worked.code, 1);
  const shown = json<JobDocument>(await run(['jobs', 'show', one, '--json'], { cwd }));
  assert.deepEqual([shown.state, shown.attempts, shown.statistics?.ok, shown.statistics?.known], ['done', 1, 2, 0]);
  assertWhole(shown.report ?? '', 2);
  const listed = (await run(['jobs', 'list', '--lang', 'fr'], { cwd })).stdout;
  assert.match(listed, new RegExp(`${two} {2}annulée .*two.json\n`));
  assert.match(listed, new RegExp(`${gone} {2}en échec .*ERR_JOB_CHANGED`));
  assert.match((await run(['jobs', 'cancel', one], { cwd })).stderr, /ERR_JOB_OVER/);
  assert.equal((await run(['jobs', 'show', 'job-none'], { cwd })).code, 2);
});

test('rempart jobs reaches the queue through an instance that holds the data directory', async () => {
  writeExport('held.json', 2);
  const data = ['--data', 'held'];
  const instance = await startInstance(data, { cwd });
  try {
    const line = ['jobs', 'add', 'held.json', '--format', 'json', '--json', ...data];
    const added = await run(line, { cwd });
    assert.equal(added.code, 0, added.stderr);
    const id = jobsAddedSchema.parse(json(added)).jobs[0]?.id ?? '';
    const worked = await run(['jobs', 'work', '--once', '--json', ...data], { cwd });
    assert.deepEqual(
      { ...json<object>(worked), node: '' },
      { schema: 'rempart/jobs-work@1', node: '', done: [id], failed: [] },
    );
    const shown = json<JobDocument>(await run(['jobs', 'show', id, '--json', ...data], { cwd }));
    assert.deepEqual([shown.state, shown.statistics?.ok], ['done', 2]);
    jobSchema.parse(shown);
    jobsWorkSchema.parse(json(worked));
    jobsSchema.parse(json(await run(['jobs', 'list', '--json', ...data], { cwd })));
    assertWhole(shown.report ?? '', 2);
    assert.match((await run(['jobs', 'cancel', id, ...data], { cwd })).stderr, /ERR_JOB_OVER/);
  } finally {
    await instance.stop();
  }
  // The same queue, by the lock alone.
  assert.match((await run(['jobs', 'list', ...data], { cwd })).stdout, /held\.json/);
});

const linesOf = (running: Running, what: RegExp) => [...running.stderr().matchAll(what)].map((match) => match[1] ?? '');

test('rempart jobs work on two nodes does 8 jobs once each, though one node is killed in the middle', async (t) => {
  const postgres = await startPostgres('jobs');
  t.after(postgres.stop);
  const env = { DATABASE_URL: postgres.url };
  mkdirSync(join(cwd, 'exports'));
  const big = 400;
  writeExport('exports/00.json', big);
  for (let i = 1; i < 8; i++) writeExport(`exports/${String(i).padStart(2, '0')}.json`, 1);
  const files = readdirSync(join(cwd, 'exports')).map((name) => join('exports', name));
  const add = await run(['jobs', 'add', ...files, '--format', 'json', '--json'], { cwd, env });
  const { jobs } = json<{ jobs: JobDocument[] }>(add);
  const bigId = jobs[0]!.id;
  const list = async () => json<{ jobs: JobDocument[] }>(await run(['jobs', 'list', '--json'], { cwd, env })).jobs;

  const node = (name: string) =>
    start(['jobs', 'work', '--out', 'shared', '--lease', '3', '--json', '--data', name], { cwd, env });
  const dying = node('node-a');
  const kept = () => {
    const folder = join(cwd, 'shared', bigId);
    const name = existsSync(folder) ? readdirSync(folder).find((file) => file.startsWith('resume-')) : undefined;
    return name === undefined ? 0 : readFileSync(join(folder, name), 'utf8').split('\n').length - 1;
  };
  await until(() => linesOf(dying, /(job-\w+): taken/g).includes(bigId));
  const living = node('node-b');
  await until(() => kept() >= 20);
  dying.child.kill('SIGKILL');
  await dying.ended;
  const before = kept();
  const told = () => [dying, living].flatMap((one) => linesOf(one, /(job-\w+): done/g));
  await until(() => told().length >= 8 || living.child.exitCode !== null, 300_000);
  living.child.kill('SIGTERM');
  const { stdout } = await living.ended;

  const done = [...linesOf(dying, /(job-\w+): done/g), ...json<{ done: string[] }>({ stdout }).done];
  assert.deepEqual(done.toSorted(), jobs.map(({ id }) => id).sort());
  const ended = await list();
  for (const job of ended) {
    assert.equal(job.attempts, job.id === bigId ? 2 : 1, job.path);
    assertWhole(job.report ?? '', job.id === bigId ? big : 1);
  }
  const known = ended.find(({ id }) => id === bigId)?.statistics?.known ?? 0;
  assert.ok(before < big && known >= before, `${known} of the ${before} that were judged were taken again`);
});
