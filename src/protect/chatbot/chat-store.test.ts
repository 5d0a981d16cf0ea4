// Book and chat store on a real PostgreSQL, which refuses what SQLite takes.
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createLog } from '../../platform/base/log.ts';
import { openStore, type Store } from '../../platform/store/store.ts';
import { startPostgres, type TestPostgres } from '../../platform/store/test-postgres.ts';
import { createBook, type Op } from './book.ts';
import { createChatStore } from './chat-store.ts';
import type { Message } from './message.ts';
import { openSpool } from './spool.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-chat-'));
let server: TestPostgres;
let store: Store;
before(async () => {
  server = await startPostgres('store');
  store = await openStore({ url: server.url });
});
after(async () => {
  await store?.close();
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const message = (id: string, text: string, limited = false): Message => ({
  id,
  subject: 'alice',
  conversation: 'c',
  role: limited ? 'assistant' : 'user',
  text,
  at: 1,
  complete: true,
  limited,
});

test('createBook() on PostgreSQL sets aside a message that it refuses, found in the spool of an earlier start', async () => {
  const path = join(dir, 'chat.jsonl');
  const earlier = await openSpool<Op>(path);
  await earlier.append([
    { kind: 'message', message: message('m1', 'before') },
    { kind: 'message', message: message('m2', 'x\0y') },
    { kind: 'message', message: message('m3', 'behind') },
  ]);
  await earlier.close();
  const setAside = await openSpool<Op>(join(dir, 'set-aside.jsonl'));
  const spool = await openSpool<Op>(path);
  const log = createLog('warn', openSync(join(dir, 'log'), 'w'));
  const chat = createChatStore(store);
  const book = createBook({ store: chat, spool, setAside, onStoreChange: () => () => {}, log, now: Date.now });
  const end = Date.now() + 120_000;
  while (book.away() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(
    (await chat.read('alice', 'c'))?.map(({ text }) => text),
    ['before', 'behind'],
  );
  assert.equal(readFileSync(path, 'utf8'), '');
  assert.match(readFileSync(join(dir, 'set-aside.jsonl'), 'utf8'), /^[^\n]*x\\u0000y[^\n]*\n$/);
  const logged = readFileSync(join(dir, 'log'), 'utf8');
  assert.match(logged, /"code":"22021"/);
  assert.doesNotMatch(logged, /u0000|0x00/);
  await book.close();
  await setAside.close();
});

test('createChatStore() on PostgreSQL puts an answer in the place of a limited one, and never the other way round', async () => {
  const chat = createChatStore(store);
  const last = async () => (await chat.read('alice', 'c'))?.slice(2).map(({ text, limited }) => [text, limited]);
  await chat.add(message('a1', 'limited', true));
  await chat.add({ ...message('a1', 'real'), role: 'assistant' });
  assert.deepEqual(await last(), [['real', false]]);
  await chat.add(message('a1', 'limited again', true));
  assert.deepEqual(await last(), [['real', false]]);
});
