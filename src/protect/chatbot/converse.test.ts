import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RempartError } from '../../platform/base/errors.ts';
import { createLog } from '../../platform/base/log.ts';
import { openStore } from '../../platform/store/store.ts';
import type { Ask, AskOutcome, AskRequest } from '../gateway/ask.ts';
import { type Book, createBook, type Op } from './book.ts';
import { type ChatStore, createChatStore } from './chat-store.ts';
import { createConverse, type Turn } from './converse.ts';
import type { Message } from './message.ts';
import { openSpool } from './spool.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-chat-'));
const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.reverse()) await close();
  rmSync(dir, { recursive: true });
});
const store = await openStore({ path: join(dir, 'store.sqlite') });
closers.push(() => store.close());
const log = createLog('silent');
let rigs = 0;

/** A chatbot on the real store, which can be taken away, and a model that answers as told. */
async function makeRig(
  answer: (request: AskRequest, onDelta?: (text: string) => void) => AskOutcome | Promise<AskOutcome>,
) {
  const name = `rig-${rigs++}`;
  const spoolFile = join(dir, `${name}.jsonl`);
  const asideFile = join(dir, `${name}-aside.jsonl`);
  const setAside = await openSpool<Op>(asideFile);
  closers.push(() => setAside.close());
  const asked: AskRequest[] = [];
  let away = false;
  let refuses: (text: string) => boolean = () => false;
  let tell: (there: boolean) => void = () => {};
  const real = createChatStore(store);
  // The same port; it refuses while away, as the store itself does.
  const gated = Object.fromEntries(
    Object.entries(real).map(([method, call]) => [
      method,
      (...args: unknown[]) =>
        away
          ? Promise.reject(new RempartError('ERR_STORE_AWAY', { seconds: 1 }))
          : method === 'add' && refuses((args[0] as Message).text)
            ? // As PostgreSQL refuses U+0000: it is there, and it quotes the row.
              Promise.reject(Object.assign(new Error(`row: ${(args[0] as Message).text}`), { code: '22021' }))
            : (call as (...args: unknown[]) => unknown)(...args),
    ]),
  ) as unknown as ChatStore;
  const book = createBook({
    store: gated,
    spool: await openSpool<Op>(spoolFile),
    setAside,
    onStoreChange: (listener) => {
      tell = listener;
      return () => {};
    },
    log,
    now: Date.now,
  });
  closers.push(() => book.close());
  const ask: Ask = async (request, onDelta) => {
    asked.push(request);
    return answer(request, onDelta);
  };
  const converse = createConverse(
    { ask, book, admit: (_role, work) => work(), now: Date.now, log },
    { model: 'm', system: 'Be kind.', contact: '', historyMessages: 4 },
  );
  const turn = (message: string, more: Partial<Turn> = {}): Turn => ({
    caller: { subject: name, role: 'user', credential: 'c', sourceIp: '' },
    message,
    conversation: undefined,
    requestId: undefined,
    traceId: 't',
    lang: 'en',
    signal: new AbortController().signal,
    ...more,
  });
  return {
    name,
    book,
    real,
    spoolFile,
    asideFile,
    asked,
    converse,
    turn,
    setAway(value: boolean) {
      away = value;
      tell(!value);
    },
    setRefuses(value: typeof refuses) {
      refuses = value;
    },
  };
}

const answered = (text: string): AskOutcome => ({
  kind: 'answer',
  text,
  model: 'm',
  degraded: [],
  usage: { promptTokens: 1, completionTokens: 1 },
});
const unavailable = (partial = ''): AskOutcome => ({
  kind: 'unavailable',
  error: new RempartError('ERR_PROVIDER_UNAVAILABLE', { seconds: 9 }),
  retryAfterSeconds: 9,
  partial,
});

async function words(book: Pick<Book, 'read'> | ChatStore, subject: string, conversation: string) {
  return (await book.read(subject, conversation))?.map(({ role, text, complete }) => [role, text, complete]);
}

test('createConverse() gives the model the last messages and never its own limited answers', async () => {
  let down = false;
  const { converse, turn, asked } = await makeRig(() => (down ? unavailable() : answered('fine')));
  const first = await converse(turn('one'));
  const conversation = first.kind === 'reply' ? first.conversation : '';
  down = true;
  await converse(turn('two', { conversation }));
  down = false;
  await converse(turn('three', { conversation }));
  assert.deepEqual(
    asked.at(-1)?.messages.map(({ role, content }) => [role, content]),
    [
      ['system', 'Be kind.\nAnswer in English.'],
      ['user', 'one'],
      ['assistant', 'fine'],
      ['user', 'two'],
      ['user', 'three'],
    ],
  );
});

test('createConverse() keeps the question before the model is asked', async () => {
  const seen: unknown[] = [];
  const rig = await makeRig(async (request) => {
    const [{ id } = { id: '' }] = await rig.real.list(request.caller.subject);
    seen.push(await words(rig.real, request.caller.subject, id));
    return answered('ok');
  });
  await rig.converse(rig.turn('safe?'));
  assert.deepEqual(seen, [[['user', 'safe?', true]]]);
});

test('createConverse() shows the earlier answer to the same question while the model is away, and says that it is one', async () => {
  let down = false;
  const { converse, turn } = await makeRig(() => (down ? unavailable() : answered('Forty-two.')));
  await converse(turn('What is  the answer?'));
  down = true;
  const result = await converse(turn('what is the ANSWER?'));
  assert.ok(result.kind === 'reply');
  assert.match(result.reply, /temporarily unavailable.*earlier \(\d\d:\d\d\).*\n\nForty-two\.$/s);
  assert.deepEqual(result.modes, ['cache']);
  const other = await converse(turn('Another question?'));
  assert.ok(other.kind === 'reply');
  assert.deepEqual(other.modes, ['local']);
  assert.equal(other.retryAfterSeconds, 9);
});

test('createConverse() keeps a cut stream as incomplete and answers its retry anew', async () => {
  let cut = true;
  const rig = await makeRig((_request, onDelta) => {
    onDelta?.('half an');
    return cut ? unavailable('half an') : answered('half an answer, whole');
  });
  const turn = rig.turn('long?', { requestId: 'r' });
  const first = await rig.converse(turn, () => {});
  assert.ok(first.kind === 'cut');
  assert.equal(first.error.code, 'ERR_STREAM_CUT');
  assert.match(first.notice, /stopped before its end\. Please ask again in 9 seconds/);
  cut = false;
  const second = await rig.converse({ ...turn, conversation: first.conversation }, () => {});
  assert.ok(second.kind === 'reply');
  assert.deepEqual(await words(rig.real, rig.name, first.conversation), [
    ['user', 'long?', true],
    ['assistant', 'half an', false],
    ['assistant', 'half an answer, whole', true],
  ]);
  assert.deepEqual(await rig.converse({ ...turn, conversation: first.conversation }), {
    kind: 'reply',
    reply: 'half an answer, whole',
    conversation: first.conversation,
    modes: [],
    replayed: true,
  });
  assert.equal(rig.asked.length, 2);
});

test('createBook() keeps order and number when the store goes away in the middle of a turn, and loses nothing it had acknowledged', async () => {
  const rig = await makeRig((request) => {
    if (request.messages.at(-1)?.content === 'two') rig.setAway(true);
    return answered(`re ${request.messages.at(-1)?.content}`);
  });
  const first = await rig.converse(rig.turn('one'));
  assert.ok(first.kind === 'reply' && first.degraded === undefined);
  const { conversation } = first;
  const second = await rig.converse(rig.turn('two', { conversation }));
  assert.ok(second.kind === 'reply');
  assert.deepEqual([second.modes, second.degraded?.saved], [['memory'], false]);
  await rig.converse(rig.turn('three', { conversation }));
  const all = ['one', 'two', 'three'].flatMap((text) => [
    ['user', text, true],
    ['assistant', `re ${text}`, true],
  ]);
  assert.deepEqual(await words(rig.book, rig.name, conversation), all);
  // The damaged database came back without what it had acknowledged last.
  await store.db.deleteFrom('messages').where('conversation', '=', conversation).where('text', '=', 'two').execute();
  rig.setAway(false);
  while (rig.book.away()) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(await words(rig.real, rig.name, conversation), all);
  await rig.book.close();
  closers.splice(closers.length - 1, 1);
  assert.equal(readFileSync(rig.spoolFile, 'utf8'), '');
});

test('createBook() writes nobody’s words into another one’s conversation, even when it could not look', async () => {
  const alice = await makeRig(() => answered('for alice'));
  const first = await alice.converse(alice.turn('mine'));
  const conversation = first.kind === 'reply' ? first.conversation : '';
  const mallory = await makeRig(() => answered('for mallory'));
  mallory.setAway(true);
  const intruding = await mallory.converse(mallory.turn('let me in', { conversation }));
  assert.ok(intruding.kind === 'reply');
  assert.deepEqual(mallory.asked[0]?.messages.length, 2, 'no word of the conversation reached the model');
  mallory.setAway(false);
  while (mallory.book.away()) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(await words(alice.real, alice.name, conversation), [
    ['user', 'mine', true],
    ['assistant', 'for alice', true],
  ]);
  const [own] = await mallory.real.list(mallory.name);
  assert.equal(own?.messages, 2);
});

test('createBook() sets aside what the store refuses, and everybody else’s messages are saved', async () => {
  const rig = await makeRig(() => answered('ok'));
  rig.setRefuses((text) => text === 'poison');
  const first = await rig.converse(rig.turn('poison'));
  assert.ok(first.kind === 'reply' && first.degraded?.saved === false);
  const second = await rig.converse(rig.turn('harmless'));
  assert.ok(second.kind === 'reply');
  const end = Date.now() + 120_000;
  while (rig.book.away() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(rig.book.away(), false);
  assert.deepEqual(await words(rig.real, rig.name, second.conversation), [
    ['user', 'harmless', true],
    ['assistant', 'ok', true],
  ]);
  const [line = '', ...others] = readFileSync(rig.asideFile, 'utf8').trimEnd().split('\n');
  assert.equal((JSON.parse(line) as { message: Message }).message.text, 'poison');
  assert.deepEqual(others, []);
  // The store is used again, as soon as it answers in time.
  for (let isSaved = false; !isSaved; ) {
    assert.ok(Date.now() < end, 'the store is not used again');
    // What is said meanwhile waits too: asked without a pause, it would never come to an end of what waits.
    while (rig.book.away() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    const later = await rig.converse(rig.turn('later'));
    isSaved = later.kind === 'reply' && later.degraded === undefined;
  }
});

for (const whileAway of [false, true])
  test(`createConverse() asks again for the same id after a limited answer, and the answer takes its place ${whileAway ? 'while the store is away' : 'in the store'}`, async () => {
    let down = true;
    const rig = await makeRig(() => (down ? unavailable() : answered('Forty-two.')));
    if (whileAway) rig.setAway(true);
    const turn = rig.turn('What is it?', { requestId: 'again' });
    const first = await rig.converse(turn);
    assert.ok(first.kind === 'reply');
    const again = await rig.converse(turn);
    assert.ok(again.kind === 'reply' && again.degraded?.mode === 'local', 'still limited, and said so');
    down = false;
    const second = await rig.converse(turn);
    assert.ok(second.kind === 'reply');
    assert.equal(second.reply, 'Forty-two.');
    const whole = [
      ['user', 'What is it?', true],
      ['assistant', 'Forty-two.', true],
    ];
    assert.deepEqual(await words(rig.book, rig.name, first.conversation), whole);
    if (whileAway) rig.setAway(false);
    while (rig.book.away()) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(await words(rig.real, rig.name, first.conversation), whole);
    down = true;
    const third = await rig.converse(turn);
    assert.ok(third.kind === 'reply' && third.reply === 'Forty-two.', 'a real answer stays');
  });

test('createConverse() refuses another message under an id that was used, one under way included', async () => {
  const rig = await makeRig(() => answered('ok'));
  const first = rig.converse(rig.turn('one', { requestId: 'same' }));
  const isReused = { code: 'ERR_REQUEST_ID_REUSED' };
  await assert.rejects(rig.converse(rig.turn('two', { requestId: 'same' })), isReused);
  await first;
  await assert.rejects(rig.converse(rig.turn('two', { requestId: 'same' })), isReused);
  assert.equal(rig.asked.length, 1);
});

test('createConverse() keeps no U+0000 and no half of a surrogate pair of what a model says', async () => {
  const rig = await makeRig((_request, onDelta) => {
    onDelta?.('a\0b');
    return answered('a\0b\ud800');
  });
  const deltas: string[] = [];
  const result = await rig.converse(rig.turn('odd?'), (text) => deltas.push(text));
  assert.ok(result.kind === 'reply');
  assert.deepEqual([result.reply, deltas], ['ab\ufffd', ['ab']]);
});

test('createConverse() refuses a viewer before anything is kept', async () => {
  const rig = await makeRig(() => answered('ok'));
  const caller = { ...rig.turn('').caller, role: 'viewer' as const };
  await assert.rejects(rig.converse(rig.turn('may I?', { caller })), { code: 'ERR_FORBIDDEN' });
  assert.deepEqual([rig.asked.length, await rig.real.list(rig.name)], [0, []]);
});
