// What a reply tells beyond what it says every day: bodies of the shapes that strangers' chatbots have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admits, nothingUsual, toldIn, usualOf } from './telling.ts';

const json = (body: unknown, answer: string | null = null) => ({
  body: JSON.stringify(body),
  answer,
  conversation: 'c1',
});
const sse = (...lines: string[]) => lines.map((line) => `${line}\n\n`).join('');
const piece = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}`;

const openly: [name: string, reply: Parameters<typeof admits>[0]][] = [
  ['a sentence', json({ reply: 'Le service est indisponible.' }, 'Le service est indisponible.')],
  ['a flag', json({ reply: 'La file.', degraded: true }, 'La file.')],
  ['a source that is the cache', json({ reply: 'La file.', meta: { source: 'cache' } }, 'La file.')],
  ['an error of 200', json({ error: { message: 'x' } })],
  [
    'an error frame in a stream',
    { body: sse(piece('La fi'), 'data: {"error":{"message":"x"}}'), answer: 'La fi', conversation: '' },
  ],
  [
    'an error event in a stream',
    { body: sse(piece('La fi'), 'event: error\ndata: oops'), answer: 'La fi', conversation: '' },
  ],
];
for (const [name, reply] of openly) {
  test(`admits() sees ${name}`, () => assert.equal(admits(reply, nothingUsual), true));
}

const silently: [name: string, reply: Parameters<typeof admits>[0]][] = [
  ['an ordinary answer', json({ reply: 'La file.' }, 'La file.')],
  ['flags that deny', json({ reply: 'La file.', degraded: false, error: null, warnings: [] }, 'La file.')],
  ['a stream', { body: sse(piece('La '), piece('file.'), 'data: [DONE]'), answer: 'La file.', conversation: '' }],
];
for (const [name, reply] of silently) {
  test(`admits() sees nothing in ${name}`, () => assert.equal(admits(reply, nothingUsual), false));
}

const footer = 'En cas de problème, réessayez dans quelques minutes ou contactez-nous.';
test('usualOf() makes what stands under every ordinary answer count for nothing, also inside the answer', () => {
  const usual = usualOf([json({ reply: `La file. ${footer}`, footer, limit: { quota: 20 } }, `La file. ${footer}`)]);
  const lie = json({ reply: `La pile. ${footer}`, footer, limit: { quota: 20 } }, `La pile. ${footer}`);
  assert.equal(admits(lie, nothingUsual), true);
  assert.equal(admits(lie, usual), false);
  assert.deepEqual(toldIn(lie, usual), { all: ['La pile.'], aside: [], asideAdmits: false });
});

test('toldIn() reads an error object as prose and leaves its fields for programs out', () => {
  const body = { error: { message: 'Le service est indisponible.', type: 'server_error', code: 'upstream timeout' } };
  assert.deepEqual(toldIn(json(body), nothingUsual).all, ['Le service est indisponible.', 'upstream timeout']);
  const short = { error: { message: 'Le service est indisponible.', type: 'server_error', code: 'timeout' } };
  assert.deepEqual(toldIn(json(short), nothingUsual).all, ['Le service est indisponible.']);
});

test('toldIn() keeps an answer apart from what stands beside it', () => {
  const reply = json({ reply: 'La file.', notice: 'Vos messages seront enregistrés plus tard.', id: 'c1' }, 'La file.');
  assert.deepEqual(toldIn(reply, nothingUsual), {
    all: ['La file.', 'Vos messages seront enregistrés plus tard.'],
    aside: ['Vos messages seront enregistrés plus tard.'],
    asideAdmits: true,
  });
});

test('toldIn() reads text that is no JSON as it is', () => {
  const reply = { body: 'Service indisponible.', answer: null, conversation: '' };
  assert.deepEqual(toldIn(reply, nothingUsual).all, ['Service indisponible.']);
});

test('toldIn() leaves the pieces of a streamed answer out, and reads what the stream says beside it', () => {
  const body = sse(piece('La fi'), 'data: {"error":{"message":"La suite manque."}}');
  const told = toldIn({ body, answer: 'La fi', conversation: '' }, nothingUsual);
  assert.deepEqual([told.all, told.asideAdmits], [['La fi', 'La suite manque.'], true]);
});
