// Erasure and periods of keeping on a real store and spool: nothing of it is left in any file, and nothing else is touched.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { JsonObject } from '../../platform/base/json.ts';
import { createLog } from '../../platform/base/log.ts';
import { openStore } from '../../platform/store/store.ts';
import { createBook, type Op } from '../chatbot/book.ts';
import { createChatStore } from '../chatbot/chat-store.ts';
import type { Message } from '../chatbot/message.ts';
import { openSpool } from '../chatbot/spool.ts';
import { periodMs, retentionSchema } from './erasure-config.ts';
import { createPrivacy } from './privacy.ts';
import { createPseudonyms } from './pseudonym.ts';
import { createRetention, scheduleRetention } from './retention.ts';

const dirs: string[] = [];
after(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
});

const dayMs = 86_400_000;
const by = { subject: 'boss', credential: 'rmp_boss', sourceIp: '127.0.0.1' };

async function makeRig() {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-privacy-'));
  dirs.push(dir);
  let away: (() => void) | undefined;
  let at = 1_000 * dayMs;
  const store = await openStore({ path: join(dir, 'store.sqlite') });
  const setAside = await openSpool<Op>(join(dir, 'set-aside.jsonl'));
  const book = createBook({
    store: createChatStore(store),
    spool: await openSpool<Op>(join(dir, 'chat.jsonl')),
    setAside,
    onStoreChange: (listener) => {
      away = () => listener(false);
      return () => {};
    },
    log: createLog('silent'),
    now: () => at,
  });
  const journalled: JsonObject[] = [];
  const held: string[] = [];
  const journal = {
    async append(event: JsonObject) {
      journalled.push(event['unmapped'] as JsonObject);
      return { stream: 's', seq: 1, hash: '' };
    },
  };
  const parts = { now: () => at, store, book, journal, log: createLog('silent') };
  const privacy = createPrivacy({
    ...parts,
    keys: { list: () => [], revoke: async () => true, refresh: async () => true },
    endSessions: () => 0,
    holdings: [
      {
        name: 'extra',
        count: async () => 1,
        erase: async (subject, conversation) => held.push(`${subject} ${conversation}`),
      },
    ],
    pseudonymOf: createPseudonyms(new Uint8Array(32)),
    elsewhere: () => ({ sinks: ['siem'], providers: ['acme'], configured: ['alice'], journal: 'pseudonyms' }),
  });
  const searchIndex = { count: async () => 3, erase: async () => 3 };
  return {
    ...{ dir, store, book, setAside, privacy, journalled, held },
    retention: createRetention({ ...parts, searchIndex }),
    pass: (ms: number) => (at += ms),
    breakStore: () => away?.(),
    say: (subject: string, conversation: string, text: string) => book.add(message(subject, conversation, text, at)),
    /** Every file that holds the text. */
    holding: (text: string) =>
      readdirSync(dir).filter((file) => readFileSync(join(dir, file), 'latin1').includes(text)),
    async close() {
      await book.close();
      await setAside.close();
      await store.close();
    },
  };
}

let count = 0;
function message(subject: string, conversation: string, text: string, at: number): Message {
  return { id: `m${count++}`, subject, conversation, role: 'user', text, at, complete: true, limited: false };
}

test('privacy.erase() leaves nothing of a subject in any file or in memory, and all of the others', async () => {
  const rig = await makeRig();
  const long = `zanzibar${'x'.repeat(9_000)}`;
  for (const n of [1, 2, 3]) await rig.say('alice', `a${n}`, long);
  await rig.say('bob', 'b', 'quokka');
  await rig.book.putSettings('alice', { lang: 'fr', answers: 'short' });
  await rig.setAside.append([
    { kind: 'message', message: message('alice', 'a9', 'zanzibar aside', 1) },
    { kind: 'message', message: message('bob', 'b9', 'quokka aside', 1) },
  ]);
  assert.deepEqual(rig.holding('zanzibar').length > 1, true);
  const planned = await rig.privacy.erase({ subject: 'alice', dryRun: true }, by);
  assert.deepEqual(planned.counts, { conversations: 3, messages: 3, settings: 2, extra: 1 });
  assert.equal((await rig.book.list('alice')).length, 3);
  assert.deepEqual(rig.journalled, [], 'what was only counted is no record');

  const done = await rig.privacy.erase({ subject: 'alice' }, by);
  assert.deepEqual(done.counts, { conversations: 3, messages: 3, settings: 2, setAside: 1, extra: 1 });
  assert.deepEqual(rig.holding('zanzibar'), []);
  assert.deepEqual(rig.holding('alice'), []);
  assert.deepEqual(await rig.book.list('alice'), []);
  assert.equal(await rig.book.read('alice', 'a1'), undefined);
  assert.equal((await rig.book.settings('alice')).lang, null);
  assert.equal((await rig.book.read('bob', 'b'))?.length, 1);
  assert.deepEqual(rig.holding('quokka aside'), ['set-aside.jsonl']);
  assert.deepEqual(
    done.remains.map(({ what }) => what),
    ['journal', 'sinks', 'providers', 'configured-key', 'backups'],
  );
  // A store that breaks is given again what it had acknowledged: not what was erased.
  rig.breakStore();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(rig.holding('zanzibar'), []);
  await rig.setAside.append([{ kind: 'settings', subject: 'bob', settings: { lang: 'en', answers: 'normal' } }]);
  assert.equal(rig.holding('"bob"').includes('set-aside.jsonl'), true, 'the file still takes entries');
  await rig.close();
});

test('privacy.erase() journals before and after, without a name or an id of the client', async () => {
  const rig = await makeRig();
  await rig.say('alice', 'about-alice', 'hello');
  await rig.privacy.erase({ conversation: 'about-alice' }, by);
  assert.deepEqual(
    rig.journalled.map(({ phase }) => phase),
    ['erasing', 'erased'],
  );
  assert.doesNotMatch(JSON.stringify(rig.journalled), /alice/);
  assert.match(JSON.stringify(rig.journalled[1]), /"messages":1/);
  assert.deepEqual(rig.held, ['alice about-alice']);
  await rig.close();
});

test('privacy.erase() refuses a conversation that is not there, or not of that subject', async () => {
  const rig = await makeRig();
  await rig.say('alice', 'c', 'hello');
  const unknown = { code: 'ERR_CONVERSATION_UNKNOWN' };
  await assert.rejects(rig.privacy.erase({ conversation: 'other' }, by), unknown);
  await assert.rejects(rig.privacy.erase({ conversation: 'c', subject: 'bob' }, by), unknown);
  assert.equal((await rig.book.read('alice', 'c'))?.length, 1);
  await rig.close();
});

test('privacy.export() tells all that was said, in order, and is journalled', async () => {
  const rig = await makeRig();
  await rig.say('alice', 'c', 'one');
  await rig.say('alice', 'c', 'two');
  await rig.say('bob', 'b', 'not this');
  const { conversations } = await rig.privacy.export({ subject: 'alice' }, by);
  assert.deepEqual(
    conversations.map(({ id, messages }) => [id, messages.map(({ text }) => text)]),
    [['c', ['one', 'two']]],
  );
  assert.equal(rig.journalled[0]?.['phase'], 'exported');
  await rig.say('alice', 'd', 'three');
  const one = await rig.privacy.export({ conversation: 'd' }, by);
  assert.deepEqual([one.subject, one.conversations.map(({ id }) => id)], ['alice', ['d']]);
  await assert.rejects(rig.privacy.export({ conversation: 'nowhere' }, by), { code: 'ERR_CONVERSATION_UNKNOWN' });
  await rig.close();
});

for (const [given, expected] of [
  ['90 days', 90 * dayMs],
  ['90d', 90 * dayMs],
  ['30 jours', 30 * dayMs],
  ['36h', 1.5 * dayMs],
  ['0d', undefined],
  ['90', undefined],
  ['5 weeks', undefined],
  ['99999d', undefined],
] as const)
  test(`periodMs() reads "${given}" as ${expected}`, () => assert.equal(periodMs(given), expected));

test('retentionSchema keeps everything where nothing is said, and refuses what is no period', () => {
  assert.deepEqual(retentionSchema.parse({}), { conversations: 'forever', searchIndex: 'forever' });
  assert.equal(retentionSchema.safeParse({ conversations: 'a while' }).success, false);
});

test('retention.sweep() erases conversations by their last message, once, and counts without applying', async () => {
  const rig = await makeRig();
  const settings = retentionSchema.parse({ conversations: '90 days' });
  for (let n = 0; n < 230; n++) await rig.say('alice', `old${n}`, 'zanzibar');
  await rig.say('bob', 'kept', 'first');
  rig.pass(89 * dayMs);
  await rig.say('bob', 'kept', 'gone on with');
  rig.pass(2 * dayMs);
  assert.deepEqual((await rig.retention.sweep(settings, false)).periods[0]?.count, 230);
  assert.equal(rig.holding('zanzibar').length > 0, true);
  const { periods } = await rig.retention.sweep(settings, true);
  assert.deepEqual(
    periods.map(({ of, count: gone }) => [of, gone]),
    [
      ['conversations', 230],
      ['searchIndex', 0],
    ],
  );
  assert.deepEqual(rig.holding('zanzibar'), []);
  assert.equal((await rig.book.read('bob', 'kept'))?.length, 2);
  assert.equal(await rig.book.read('alice', 'old1'), undefined);
  assert.equal(rig.journalled.length, 1);
  assert.equal((await rig.retention.sweep(settings, true)).periods[0]?.count, 0);
  assert.equal(rig.journalled.length, 1, 'nothing erased, nothing to tell');
  await rig.close();
});

test('scheduleRetention() sweeps at the start and again, and not where nothing has a period', async () => {
  const rig = await makeRig();
  await rig.say('alice', 'c', 'zanzibar');
  rig.pass(2 * dayMs);
  let settings = retentionSchema.parse({});
  const schedule = scheduleRetention(rig.retention, () => settings, createLog('silent'), 20);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.notDeepEqual(rig.holding('zanzibar'), []);
  settings = retentionSchema.parse({ conversations: '1d' });
  for (let n = 0; n < 3_000 && rig.journalled.length === 0; n++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  await schedule.close();
  assert.deepEqual(rig.holding('zanzibar'), []);
  await rig.close();
});
