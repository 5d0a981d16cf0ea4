// The rights of a person before the whole program: who may see and erase what, and that nothing is left on disk but pseudonyms.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { erasureSchema, privacyExportSchema, retentionDocumentSchema } from '../src/platform/documents/privacy.ts';
import { type Instance, makePlace, run, startInstance } from './instance.ts';

const place = makePlace();
const cwd = place.dir;
let app: Instance;
let [alice, boss]: string[] = [];
before(async () => {
  app = await startInstance([], { cwd });
  alice = await newKey('alice.martin', 'user');
  boss = await newKey('boss', 'admin');
});
after(async () => {
  await app?.stop();
  place.remove();
});

async function newKey(subject: string, role: string): Promise<string> {
  const { stdout } = await run(['keys', 'create', '--subject', subject, '--role', role, '--json'], { cwd });
  return (JSON.parse(stdout) as { key: string }).key;
}

async function ask(method: string, path: string, key = alice, body?: object) {
  const response = await fetch(`${app.gatewayUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

const say = async (message: string) => String((await ask('POST', '/chat', alice, { message })).body['conversation']);

/** The files of the data directory in which the text stands; those that are just replaced come and go. */
function filesWith(text: string): string[] {
  return readdirSync(join(cwd, '.rempart'), { recursive: true, encoding: 'utf8' })
    .filter((name) => {
      const path = join(cwd, '.rempart', name);
      try {
        return statSync(path).isFile() && readFileSync(path, 'latin1').includes(text);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
        throw error;
      }
    })
    .sort();
}

async function json(...args: string[]): Promise<unknown> {
  const { stdout, stderr } = await run([...args, '--json'], { cwd });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

test('up gives people a copy of their own data and of nobody else’s', async () => {
  await say('my holiday is in zanzibar-4711');
  const own = privacyExportSchema.parse((await ask('GET', '/chat/data')).body);
  assert.equal(own.conversations[0]?.messages[0]?.text, 'my holiday is in zanzibar-4711');
  assert.deepEqual((await ask('GET', '/chat/subjects/alice.martin')).status, 200);
  for (const method of ['GET', 'DELETE'])
    assert.equal((await ask(method, '/chat/subjects/boss')).status, 403, `${method} of another`);
  assert.equal((await ask('GET', '/chat/subjects/alice.martin', boss)).status, 200);
  assert.equal((await ask('GET', '/chat/subjects/%zz', boss)).status, 400);
});

test('up lets an administrator erase a conversation of somebody, and a user only one of their own', async () => {
  const id = await say('only for my eyes: numbat-7788');
  const other = await newKey('other', 'user');
  assert.equal((await ask('DELETE', `/chat/conversations/${id}`, other)).status, 404);
  assert.notDeepEqual(filesWith('numbat-7788'), []);
  const copy = privacyExportSchema.parse(await json('privacy', 'export', '--conversation', id));
  assert.deepEqual(
    copy.conversations.map((one) => one.id),
    [id],
  );
  assert.equal((await ask('GET', `/chat/conversations/${id}`, boss)).status, 404, 'to erase is not to read');
  assert.equal((await ask('DELETE', `/chat/conversations/${id}`, boss)).status, 204);
  assert.deepEqual(filesWith('numbat-7788'), []);
  const own = await say('and this one: bilby-3344');
  assert.equal((await ask('DELETE', `/chat/conversations/${own}`)).status, 204);
  assert.deepEqual(filesWith('bilby-3344'), []);
});

test('privacy erase leaves neither words nor the name on disk, and the journal verifies', async () => {
  await say('a last word: quokka-8822');
  assert.deepEqual(filesWith('alice.martin').includes('keys.json'), true);
  assert.deepEqual(
    filesWith('alice.martin').filter((file) => file.startsWith('journal/') || file.startsWith('search')),
    [],
    'the journal never had the name',
  );
  const planned = erasureSchema.parse(await json('privacy', 'erase', '--subject', 'alice.martin', '--dry-run'));
  assert.equal(planned.erased, false);
  assert.notDeepEqual(filesWith('quokka-8822'), []);
  const done = erasureSchema.parse(await json('privacy', 'erase', '--subject', 'alice.martin', '--with-keys'));
  assert.deepEqual([done.erased, done.counts['keys']], [true, 1]);
  for (const text of ['quokka-8822', 'zanzibar-4711', 'alice.martin']) assert.deepEqual(filesWith(text), [], text);
  assert.equal((await ask('GET', '/chat/data')).status, 401);
  assert.equal((await run(['journal', 'verify'], { cwd })).code, 0);
});

test('journal search finds a holder of a key by name, and shows the name where it is known', async () => {
  const { stdout } = await run(['journal', 'search', 'user_id=boss'], { cwd });
  assert.match(stdout, /DELETE \/chat\/conversations\/ID boss$/m);
  const { stdout: pseudonym } = await run(['privacy', 'pseudonym', '--subject', 'boss'], { cwd });
  const raw = JSON.stringify(await json('journal', 'search', 'user_id=boss'));
  assert.ok(raw.includes(pseudonym.trim()) && !raw.includes('boss'));
});

test('privacy works without a running instance, applies the configuration’s periods and says what it cannot reach', async () => {
  await app.stop();
  writeFileSync(join(cwd, 'rempart.yaml'), 'retention: {conversations: 1 days}\nprivacy: {journal: names}\n');
  const kept = privacyExportSchema.parse(await json('privacy', 'export', '--subject', 'boss', '--journal'));
  assert.ok((kept.journal ?? []).length > 0);
  const due = retentionDocumentSchema.parse(await json('privacy', 'retention'));
  assert.deepEqual([due.applied, due.periods[0]?.period, due.periods[0]?.count], [false, '1 days', 0]);
  const { stdout, code } = await run(['privacy', 'erase', '--subject', 'boss', '--lang', 'fr'], { cwd });
  assert.equal(code, 0);
  assert.match(stdout, /des clés qui portent le nom : rmp_/);
  assert.match(stdout, /privacy\.journal: names/);
  assert.equal((await run(['journal', 'verify'], { cwd })).code, 0);
});

test('keys create and token revoke without a running instance leave no name in the journal', async () => {
  const elsewhere = makePlace();
  const there = { cwd: elsewhere.dir };
  await run(['keys', 'create', '--subject', 'carol.jones'], there);
  await run(['token', 'revoke', '--subject', 'carol.jones'], there);
  const { stdout } = await run(['journal', 'export'], there);
  elsewhere.remove();
  assert.match(stdout, /"keys create"/);
  assert.match(stdout, /"token revoke"/);
  assert.doesNotMatch(stdout, /carol/);
});

for (const [args, code] of [
  [['privacy'], 2],
  [['privacy', 'erase'], 2],
  [['privacy', 'erase', '--conversation', 'x', '--with-keys'], 2],
  [['privacy', 'export', '--conversation', 'x', '--subject', 'y'], 2],
  [['privacy', 'erase', '--subject', 'a\u001bb'], 2],
  [['privacy', 'erase', '--conversation', 'nowhere'], 1],
  [['privacy', 'export', '--subject', 'x', '--data', 'nowhere'], 3],
] as const)
  test(`${JSON.stringify(args)} ends with ${code}`, async () => {
    const { code: ended, stderr } = await run([...args], { cwd });
    assert.equal(ended, code, stderr);
    assert.match(stderr, /ERR_/);
  });
