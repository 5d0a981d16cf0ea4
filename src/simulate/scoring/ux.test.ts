// UX: whether anybody noticed, and what those who did were told, in which words and which language.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { one, reply, secondAttempt } from './assess.fixture.ts';
import { broken, limited, silence } from './fixture.ts';

test('UX: the questions on what was told replace undisturbed as soon as somebody saw the failure', () => {
  const calmly = one({ scenario: 'network-cut', method: 'mid-request', fault: secondAttempt() });
  assert.equal(calmly.share('undisturbed'), 1);
  assert.equal(calmly.share('says-what'), null);
  const seen = one({ fault: broken(11_000, limited) });
  assert.equal(seen.share('undisturbed'), null);
  assert.deepEqual(
    ['says-what', 'says-do', 'says-when', 'language', 'plain', 'retry-after'].map(seen.share),
    [1, 1, 1, 1, 1, 0],
  );
  const withHeader = one({ fault: broken(11_000, { ...limited, headers: { 'retry-after': '300' } }) });
  assert.equal(withHeader.share('retry-after'), 1);
});

test('UX: a limited answer that is streamed is judged by its words, not by its frames', () => {
  const text = "L'assistant est indisponible pour le moment. Réessayez dans 5 minutes.";
  const body = [...text.matchAll(/.{1,5}/g)]
    .map(([content]) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
    .join('');
  const { share } = one({ fault: broken(11_000, { body: `${body}data: [DONE]\n\n`, answer: text }) });
  assert.deepEqual(['says-what', 'says-do', 'says-when', 'language', 'plain'].map(share), [1, 1, 1, 1, 1]);
});

test('UX: of a stream that broke off, what is said beside its own words counts, and no header is asked of it', () => {
  const text = 'La pile est une API de type HTTP';
  const piece = `data: ${JSON.stringify({ choices: [{ delta: { content: 'La pile est une ' } }] })}`;
  const rest = `data: ${JSON.stringify({ choices: [{ delta: { content: 'API de type HTTP' } }] })}`;
  const end =
    'data: {"error":{"message":"La réponse a été interrompue. Réessayez dans 10 secondes.","code":"cut"}}\n\ndata: [DONE]';
  const [first, asked] = broken(11_000, { answer: text, body: `${piece}\n\n${rest}\n\n${end}\n\n` }, { status: 200 });
  const cut = { ...first, stream: true } as Fact;
  const { share } = one({ scenario: 'network-cut', method: 'mid-stream', fault: [cut, asked!] });
  assert.deepEqual(['honest', 'says-what', 'says-when', 'plain', 'retry-after'].map(share), [1, 1, 1, 1, null]);
});

test('UX: a notice that repeats the answer word for word is still the answer', () => {
  const body = { reply: limited.answer, degraded: { mode: 'local', notice: limited.answer } };
  const fault = broken(11_000, { ...limited, body: JSON.stringify(body) }, { status: 200 });
  const { share } = one({ scenario: 'network-cut', method: 'mid-stream', fault });
  assert.deepEqual(['says-what', 'says-do', 'says-when'].map(share), [1, 1, 1]);
});

test('UX: all strings of the body count, also those beside the answer', () => {
  const body = { reply: limited.answer, detail: 'connect ECONNREFUSED' };
  assert.equal(one({ fault: broken(11_000, { ...limited, body: JSON.stringify(body) }) }).share('plain'), 0);
});

test('UX: a silence tells nothing, which is charged once; told in another language counts half', () => {
  const quiet = one({ fault: broken(11_000, silence) });
  assert.deepEqual(['says-what', 'says-do', 'says-when', 'language', 'plain'].map(quiet.share), [0, 0, 0, 1, 1]);
  assert.equal(quiet.share('told-soon'), null);
  const english = reply('The assistant is not available. Please try again in a minute.');
  const foreign = one({ fault: broken(11_000, english) });
  assert.deepEqual(['says-what', 'language', 'plain'].map(foreign.share), [0.5, 0, 1]);
});

test('UX: an ordinary answer whose message is lost without a word is worth nothing', () => {
  const fault = secondAttempt();
  const empty: Fact = { kind: 'history', t: 25_000, conversation: 'c1', status: 200, body: '[]' };
  const { share } = one(
    { scenario: 'database-down', method: 'stopped', fault, beside: [empty] },
    { history: true, database: true },
  );
  assert.equal(share('undisturbed'), 0);
});
