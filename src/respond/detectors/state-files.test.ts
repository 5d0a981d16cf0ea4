import assert from 'node:assert/strict';
import { chownSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext as Test, test } from 'node:test';
import { checkState } from '../rollback/check-state.ts';
import type { NamedState, StateFormat } from '../rollback/named-state.ts';
import { type StateFilesParts, stateFilesDetector } from './state-files.ts';
import { testContext, until } from './test-context.ts';
import { realTimers } from './timers.ts';

const schema = { type: 'object', required: ['decision'], properties: { decision: { type: 'object' } } };

async function rig(t: Test, format: StateFormat, content: string, more: Partial<StateFilesParts> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-watch-'));
  const path = join(folder, 'state');
  if (format === 'sqlite') {
    const database = new DatabaseSync(path);
    database.exec(content);
    database.close();
  } else writeFileSync(path, content);
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(schema));
  const withSchema = format === 'toml' || format === 'json' || format === 'yaml';
  const state: NamedState = {
    ...{ name: 'core', path, format, owner: 'core', backups: join(folder, 'backups') },
    ...(withSchema ? { schema: join(folder, 'schema.json') } : {}),
  };
  const context = testContext();
  const check = (one: NamedState) => checkState(one, { maxBytes: 1e8, maxFiles: 1_000 });
  const handle = stateFilesDetector({ states: [state], check, timers: realTimers, everyMs: 20, ...more }).start(
    context,
  );
  t.after(async () => {
    await handle.close();
    rmSync(folder, { recursive: true });
  });
  const looked = async () => {
    const { lives } = context;
    await until(() => context.lives >= lives + 4, 'some looks');
  };
  await looked();
  return { path, context, looked };
}

const good = '[decision]\nlast = "normal"\n';
const damages: readonly [string, StateFormat, string, string, (path: string) => void][] = [
  ['that is cut off within a word', 'toml', good, 'syntax', (path) => truncateSync(path, good.length - 4)],
  ['that is empty', 'toml', good, 'empty', (path) => truncateSync(path, 0)],
  ['that lacks what its schema asks for', 'toml', good, 'schema', (path) => writeFileSync(path, 'other = 1\n')],
  [
    'that is bytes',
    'json',
    '{"decision":{}}',
    'syntax',
    (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0, 1])),
  ],
  ['that holds zeros', 'yaml', 'decision: {}\n', 'syntax', (path) => writeFileSync(path, Buffer.alloc(40))],
  ['that is gone', 'toml', good, 'missing', (path) => rmSync(path)],
  [
    'whose head was written over',
    'sqlite',
    'create table a (b); insert into a values (1)',
    'damaged',
    (path) => writeFileSync(path, 'x'.repeat(9_000)),
  ],
];
for (const [what, format, content, why, damage] of damages)
  test(`stateFilesDetector() tells of a state of ${format} ${what}, once`, async (t) => {
    const { path, context, looked } = await rig(t, format, content);
    assert.equal(context.told.length, 0);
    damage(path);
    await until(() => context.told.length > 0, 'a detection');
    await looked();
    assert.deepEqual(
      context.told.map(({ type, subject, facts }) => [type, subject, facts['why']]),
      [['state-corruption', 'core', why]],
    );
    assert.ok(!JSON.stringify(context.told).includes(path));
  });

test('stateFilesDetector() says nothing of an owner that writes its state anew, by renaming and in place', async (t) => {
  const { path, context, looked } = await rig(t, 'toml', good);
  for (let count = 0; count < 20; count++) {
    writeFileSync(`${path}.new`, `${good}count = ${count}\n`);
    renameSync(`${path}.new`, path);
    await new Promise((resolve) => setTimeout(resolve, 15));
    writeFileSync(path, `${good}count = ${count}\n`);
  }
  await looked();
  assert.deepEqual(context.told, []);
});

test('stateFilesDetector() tells anew when a state that was mended is damaged again', async (t) => {
  let found = 0;
  const check: StateFilesParts['check'] = async (one) => {
    await checkState(one, { maxBytes: 1e8, maxFiles: 1_000 });
    found++;
  };
  const { path, context, looked } = await rig(t, 'toml', good, { check });
  truncateSync(path, 3);
  await until(() => context.told.length === 1, 'a detection');
  const before = found;
  writeFileSync(path, good);
  await until(() => found > before, 'a look at what was mended');
  await looked();
  truncateSync(path, 3);
  await until(() => context.told.length === 2, 'another');
});

test('stateFilesDetector() says nothing of a state that never was fit, nor of what is restored just now', async (t) => {
  const never = await rig(t, 'toml', 'not = [toml');
  await never.looked();
  assert.deepEqual(never.context.told, []);
  const ours = await rig(t, 'toml', good, { isOurs: () => true });
  truncateSync(ours.path, 3);
  await ours.looked();
  assert.deepEqual(ours.context.told, []);
});

test('stateFilesDetector() tells of a state that is changed while its owner does not run', async (t) => {
  const { path, context } = await rig(t, 'toml', good, { isOwnerRunning: async () => false });
  writeFileSync(path, `${good}more = 1\n`);
  await until(() => context.told.length > 0, 'a detection');
  assert.deepEqual(
    context.told.map(({ type, severity, facts }) => [type, severity, facts['sign']]),
    [['configuration-drift', 'medium', 'owner not running']],
  );
});

test('stateFilesDetector() tells of a state that belongs to another user all at once', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root may give a file away');
  const { path, context } = await rig(t, 'toml', good);
  chownSync(path, 12_345, 12_345);
  await until(() => context.told.length > 0, 'a detection');
  assert.deepEqual([context.told[0]!.type, context.told[0]!.facts['uid']], ['configuration-drift', 12_345]);
});
